package io.kahvem.libvirt;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.SocketChannel;
import java.util.function.Supplier;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/// How a daemon is reached.
public final class Channels {
    private static final int CONNECT_MILLIS = 10_000;

    /// What a daemon says inside TLS when it has found the client's certificate good.
    public static final byte ACCEPTED = 1;

    private Channels() {}

    /// @param tls asked only where it is needed: the JDK's certificates take a while to read
    static ByteChannel connect(ConnectionUri uri, Supplier<SSLContext> tls) {
        try {
            return switch (uri.transport()) {
                case UNIX -> SocketChannel.open(UnixDomainSocketAddress.of(uri.socket()));
                case TCP -> {
                    SocketChannel channel = SocketChannel.open();
                    channel.socket().connect(new InetSocketAddress(uri.host(), uri.port()), CONNECT_MILLIS);
                    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
                    yield channel;
                }
                case TLS -> tls(uri, tls.get());
            };
        } catch (IOException e) {
            throw new ConnectionLostException(uri.transport() == ConnectionUri.Transport.UNIX
                    ? "Failed to connect socket to '%s': %s".formatted(uri.socket(), e.getMessage())
                    : "unable to connect to server at '%s:%d': %s".formatted(uri.host(), uri.port(), e.getMessage()), e);
        }
    }

    private static ByteChannel tls(ConnectionUri uri, SSLContext tls) throws IOException {
        SSLSocket socket = (SSLSocket) tls.getSocketFactory().createSocket(uri.host(), uri.port());
        SSLParameters parameters = socket.getSSLParameters();
        if (!uri.parameters().containsKey("no_verify")) parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        int verdict = socket.getInputStream().read();
        if (verdict != ACCEPTED) {
            socket.close();
            throw new IOException("the daemon does not accept this client's certificate");
        }
        return of(socket);
    }

    /// A TLS connection as a channel.
    public static ByteChannel of(SSLSocket socket) throws IOException {
        InputStream in = socket.getInputStream();
        OutputStream out = socket.getOutputStream();
        return new ByteChannel() {
            @Override
            public int read(ByteBuffer into) throws IOException {
                byte[] chunk = new byte[Math.min(into.remaining(), 16 << 10)];
                int count = in.read(chunk);
                if (count > 0) into.put(chunk, 0, count);
                return count;
            }

            @Override
            public int write(ByteBuffer from) throws IOException {
                byte[] bytes = new byte[from.remaining()];
                from.get(bytes);
                out.write(bytes);
                out.flush();
                return bytes.length;
            }

            @Override
            public boolean isOpen() {
                return !socket.isClosed();
            }

            @Override
            public void close() throws IOException {
                socket.close();
            }
        };
    }
}
