package io.kahvem.libvirt.xdr;

/// One type on the wire, both ways. Safe from any thread.
public interface Codec<T> {
    void write(XdrWriter out, T value);

    /// Throws [XdrException] where the bytes are not a `T`.
    T read(XdrReader in);
}
