package io.kahvem.daemon.rpc;

import io.kahvem.daemon.DaemonException;
import io.kahvem.host.HostException;
import io.kahvem.host.LocalServerSocket;
import io.kahvem.host.LocalSocket;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A UNIX socket: who connects is who the kernel says, and the file's permissions say who may.
public final class UnixListener implements Listener {
    private final Path path;
    private final boolean readOnly;
    private final LocalServerSocket socket;
    /// Which file it is, so that another daemon's in its place is left alone.
    private final @Nullable Object file;

    /// Makes the socket's file, in place of one that a dead process left. Throws [DaemonException] where somebody listens there.
    ///
    /// @param permissions of the file, as `rw-rw----`
    /// @param group the file's group, or null for the process' own
    public UnixListener(Path path, boolean readOnly, String permissions, @Nullable String group) {
        this.path = path;
        this.readOnly = readOnly;
        if (path.toString().getBytes(StandardCharsets.UTF_8).length > LocalSocket.MAX_PATH_BYTES) {
            throw new DaemonException("the socket's name is longer than %d bytes: %s\n  Give a shorter one with --socket"
                    .formatted(LocalSocket.MAX_PATH_BYTES, path));
        }
        try {
            Files.createDirectories(path.toAbsolutePath().getParent());
            if (Files.exists(path)) removeStale();
            socket = LocalServerSocket.listen(path);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
            if (group != null) SocketGroup.set(path, group);
            file = key(path);
        } catch (IOException | HostException e) {
            throw new DaemonException("cannot listen on %s: %s".formatted(path, e.getMessage()), e);
        }
    }

    /// Takes what listens already, and whose file is its maker's.
    public UnixListener(LocalServerSocket made, boolean readOnly) {
        this.path = made.path();
        this.readOnly = readOnly;
        this.socket = made;
        this.file = null;
    }

    private void removeStale() throws IOException {
        LocalSocket other;
        try {
            other = LocalSocket.connect(path);
        } catch (HostException nobody) {
            Files.delete(path);
            return;
        }
        other.close();
        throw new DaemonException(("another daemon listens on %s\n"
                + "  Stop it, or start this one beside it: kahvem daemon --socket PATH --state DIR").formatted(path));
    }

    private static @Nullable Object key(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    @Override
    public Link accept() throws IOException {
        LocalSocket connection = socket.accept();
        if (connection == null) throw new IOException("no connection");
        try {
            return new Link(new UnixChannel(connection), connection.peer(), readOnly, true, true, true);
        } catch (HostException e) {
            connection.close();
            throw new IOException(e.getMessage(), e);
        }
    }

    @Override
    public boolean waitsInTheKernel() {
        return true;
    }

    @Override
    public void close() {
        boolean ours;
        try {
            ours = file != null && Files.exists(path) && Objects.equals(file, key(path));
        } catch (IOException gone) {
            ours = false;
        }
        if (ours) socket.close();
        else socket.leave();
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
