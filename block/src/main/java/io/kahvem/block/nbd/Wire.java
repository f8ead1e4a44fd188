package io.kahvem.block.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLEngine;
import org.jspecify.annotations.Nullable;

/// A connection, read and written in whole. One thread reads at a time, and one writes.
final class Wire implements AutoCloseable {
    private final SocketChannel channel;
    private volatile @Nullable TlsChannel tls;

    Wire(SocketChannel channel) throws IOException {
        this.channel = channel;
        if (!(channel.getRemoteAddress() instanceof UnixDomainSocketAddress)) channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    }

    static Wire connect(SocketAddress address) throws IOException {
        boolean unix = address instanceof UnixDomainSocketAddress;
        SocketChannel channel = unix ? SocketChannel.open(StandardProtocolFamily.UNIX) : SocketChannel.open();
        try {
            channel.connect(address);
            return new Wire(channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    /// From here on all goes by TLS, which is agreed on now. While nobody else reads or writes.
    void startTls(SSLEngine engine) throws IOException {
        tls = TlsChannel.handshake(channel, engine);
    }

    boolean isTls() {
        return tls != null;
    }

    /// Fills `into`, and makes it ready to be read from. Throws EOFException where the other side has gone.
    ByteBuffer read(ByteBuffer into) throws IOException {
        TlsChannel secured = tls;
        ReadableByteChannel from = secured == null ? channel : secured;
        while (into.hasRemaining()) if (from.read(into) < 0) throw new EOFException("the connection was closed");
        return into.flip();
    }

    ByteBuffer read(int length) throws IOException {
        return read(ByteBuffer.allocate(length));
    }

    String readText(int length) throws IOException {
        return new String(read(length).array(), StandardCharsets.UTF_8);
    }

    void skip(long length) throws IOException {
        for (long left = length; left > 0; left -= 65_536) read((int) Math.min(left, 65_536));
    }

    void write(ByteBuffer... parts) throws IOException {
        TlsChannel secured = tls;
        if (secured != null) {
            secured.write(parts);
            return;
        }
        long left = 0;
        for (ByteBuffer part : parts) left += part.remaining();
        while (left > 0) left -= channel.write(parts);
    }

    /// Tells the other side that nothing follows, where that is usual.
    void finish() throws IOException {
        TlsChannel secured = tls;
        if (secured != null) secured.finish();
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            return; // it is closed for us all the same
        }
    }
}
