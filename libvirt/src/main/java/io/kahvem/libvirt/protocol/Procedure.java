package io.kahvem.libvirt.protocol;

import io.kahvem.libvirt.xdr.Codec;
import io.kahvem.libvirt.xdr.Codecs;

/// A row of the table: what a client may call.
///
/// @param api libvirt's name for the function, which stands in messages, logs and metrics
/// @param access who may call it
public record Procedure<A extends Record, R extends Record>(
        Program program, int number, String api, Class<A> arguments, Class<R> result, Access access) {

    /// What a connection must be for a call to be let through.
    public enum Access {
        /// Any, before it is opened: what opens and authenticates it.
        OPENING,
        READ,
        /// One that is not read-only.
        WRITE
    }

    public Codec<A> argumentsCodec() {
        return Codecs.of(arguments);
    }

    public Codec<R> resultCodec() {
        return Codecs.of(result);
    }
}
