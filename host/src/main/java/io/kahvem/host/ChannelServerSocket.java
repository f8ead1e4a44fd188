package io.kahvem.host;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// By Java's channels.
final class ChannelServerSocket implements LocalServerSocket {
    private final Path path;
    private final ServerSocketChannel channel;

    private ChannelServerSocket(Path path, ServerSocketChannel channel) {
        this.path = path;
        this.channel = channel;
    }

    static LocalServerSocket listen(Path path) {
        try {
            ServerSocketChannel channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                if (Files.exists(path) && !Files.isRegularFile(path) && !answers(path)) Files.delete(path);
                channel.bind(UnixDomainSocketAddress.of(path));
                return new ChannelServerSocket(path, channel);
            } catch (IOException e) {
                channel.close();
                throw e;
            }
        } catch (IOException e) {
            throw new HostException("listen on " + path, "bind", e, "Give a name of at most %d bytes that nothing has."
                    .formatted(LocalSocket.MAX_PATH_BYTES));
        }
    }

    private static boolean answers(Path path) {
        try (SocketChannel probe = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return probe.isConnected();
        } catch (IOException nobody) {
            return false;
        }
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public @Nullable LocalSocket accept() {
        try {
            return new ChannelSocket(channel.accept());
        } catch (IOException closed) {
            return null;
        }
    }

    @Override
    public void close() {
        if (!channel.isOpen()) return;
        leave();
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new HostException("remove the socket " + path, "unlink", e, "");
        }
    }

    @Override
    public void leave() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new HostException("close the socket " + path, "close", e, "");
        }
    }
}
