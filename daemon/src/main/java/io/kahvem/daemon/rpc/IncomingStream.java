package io.kahvem.daemon.rpc;

/// What takes a stream's bytes from the client. On the connection's reading thread: while it works, the client waits.
/// Its methods may throw [io.kahvem.libvirt.LibvirtException], which ends the stream with that error.
public interface IncomingStream {
    void data(byte[] octets);

    /// A hole of so many bytes, in place of zeros.
    void hole(long lengthBytes);

    /// The client has sent all, or has had all; returns when it is safe where it belongs.
    void finish();

    /// The client gave up, or is gone.
    void abort();
}
