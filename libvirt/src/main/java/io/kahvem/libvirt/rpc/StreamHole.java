package io.kahvem.libvirt.rpc;

import io.kahvem.libvirt.xdr.Codec;
import io.kahvem.libvirt.xdr.Codecs;

/// What a packet of type STREAM_HOLE carries (virNetStreamHole): so many bytes that are zeros.
public record StreamHole(long lengthBytes, int flags) {
    public static final Codec<StreamHole> CODEC = Codecs.of(StreamHole.class);
}
