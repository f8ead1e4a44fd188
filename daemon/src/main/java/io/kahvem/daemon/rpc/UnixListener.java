package io.kahvem.daemon.rpc;

import io.kahvem.daemon.DaemonException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;

/// A UNIX socket: who connects is who the kernel says, and the file's permissions say who may.
public final class UnixListener implements Listener {
    private static final int MAX_PATH_BYTES = 107;

    private final Path path;
    private final boolean readOnly;
    private final ServerSocketChannel channel;
    /// Which file it is, so that another daemon's in its place is left alone.
    private final @Nullable Object file;

    /// Makes the socket's file, in place of one that a dead process left. Throws [DaemonException] where somebody listens there.
    ///
    /// @param permissions of the file, as `rw-rw----`
    /// @param group the file's group, or null for the process' own
    public UnixListener(Path path, boolean readOnly, String permissions, @Nullable String group) {
        this.path = path;
        this.readOnly = readOnly;
        if (path.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8).length > MAX_PATH_BYTES) {
            throw new DaemonException("the socket's name is longer than %d bytes: %s\n  Give a shorter one with --socket"
                    .formatted(MAX_PATH_BYTES, path));
        }
        try {
            Files.createDirectories(path.toAbsolutePath().getParent());
            if (Files.exists(path)) removeStale();
            channel = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            channel.bind(UnixDomainSocketAddress.of(path), 1000);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
            if (group != null) SocketGroup.set(path, group);
            file = key(path);
        } catch (IOException e) {
            throw new DaemonException("cannot listen on %s: %s".formatted(path, e), e);
        }
    }

    private void removeStale() throws IOException {
        try (SocketChannel other = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            throw new DaemonException(("another daemon listens on %s\n"
                    + "  Stop it, or start this one beside it: kahvem daemon --socket PATH --state DIR")
                            .formatted(other.getRemoteAddress()));
        } catch (IOException nobody) {
            Files.delete(path);
        }
    }

    private static @Nullable Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    @Override
    public Link accept() throws IOException {
        SocketChannel connection = channel.accept();
        String peer = connection.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName();
        return new Link(connection, peer, readOnly, true, true, true);
    }

    @Override
    public void close() {
        try {
            channel.close();
            if (Files.exists(path) && Objects.equals(file, key(path))) Files.delete(path);
        } catch (IOException e) {
            System.getLogger("io.kahvem.daemon.rpc").log(System.Logger.Level.DEBUG, "closing " + path, e);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
