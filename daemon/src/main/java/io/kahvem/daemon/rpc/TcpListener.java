package io.kahvem.daemon.rpc;

import io.kahvem.daemon.DaemonException;
import io.kahvem.daemon.LazyLogger;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;

/// A TCP socket without encryption: whoever connects must prove by SASL who it is. For this host's own loopback, where nobody listens in.
public final class TcpListener implements Listener {
    private final InetSocketAddress address;
    private final ServerSocketChannel channel;

    /// Throws [DaemonException] for an address that is not the loopback's, and where it cannot listen.
    public TcpListener(InetSocketAddress address) {
        this.address = address;
        if (address.isUnresolved() || !address.getAddress().isLoopbackAddress()) {
            throw new DaemonException(("%s is not this host's loopback, and TCP without TLS can be listened in on\n"
                    + "  Listen there with --tls, or on 127.0.0.1").formatted(address));
        }
        try {
            channel = ServerSocketChannel.open();
            channel.bind(address, 1000);
        } catch (IOException e) {
            throw new DaemonException("cannot listen on %s: %s".formatted(address, e.getMessage()), e);
        }
    }

    /// Where it listens, with the port it got.
    public int port() {
        return channel.socket().getLocalPort();
    }

    @Override
    public Link accept() throws IOException {
        SocketChannel connection = channel.accept();
        connection.setOption(StandardSocketOptions.TCP_NODELAY, true);
        return new Link(connection, String.valueOf(connection.getRemoteAddress()), false, false, false, false);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            LazyLogger.of("io.kahvem.daemon.rpc").log(System.Logger.Level.DEBUG, "closing " + address, e);
        }
    }

    @Override
    public String toString() {
        return address.toString();
    }
}
