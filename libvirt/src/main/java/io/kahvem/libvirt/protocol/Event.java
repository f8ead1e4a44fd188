package io.kahvem.libvirt.protocol;

import io.kahvem.libvirt.xdr.Codec;
import io.kahvem.libvirt.xdr.Codecs;

/// A row of the table: what a daemon tells a client that registered for it.
public record Event<M extends Record>(Program program, int number, Class<M> message) {
    public Codec<M> codec() {
        return Codecs.of(message);
    }
}
