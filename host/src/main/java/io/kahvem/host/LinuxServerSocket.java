package io.kahvem.host;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// By the C library's calls, which go on under a seccomp filter that takes every other way to a socket.
final class LinuxServerSocket implements LocalServerSocket {
    private final Path path;
    private final boolean made;
    private final UsedDescriptor socket;

    /// @param made whether the file is ours to remove
    private LinuxServerSocket(Path path, Descriptor socket, boolean made) {
        this.path = path;
        this.made = made;
        this.socket = new UsedDescriptor(socket);
    }

    static LocalServerSocket listen(Path path) {
        Descriptor socket = SocketCalls.socket(path.toString());
        try {
            int result = SocketCalls.bind(socket, path);
            if (result == -SocketCalls.EADDRINUSE && isLeftOver(path)) {
                remove(path);
                result = SocketCalls.bind(socket, path);
            }
            if (result < 0) throw refused(path, "bind", result);
            result = SocketCalls.listen(socket);
            if (result < 0) throw refused(path, "listen", result);
            return new LinuxServerSocket(path, socket, true);
        } catch (HostException e) {
            socket.close();
            throw e;
        }
    }

    static LocalServerSocket adopt(int number) {
        Descriptor socket = new Descriptor(number, "socket that was handed on");
        Path path = SocketCalls.name(socket).orElseThrow(() -> new HostException("listen on descriptor " + number, "getsockname",
                new Errno(Errno.EINVAL), "It is no socket of the UNIX family with a file."));
        return new LinuxServerSocket(path, socket, false);
    }

    /// Whether it is a socket that nobody listens on.
    private static boolean isLeftOver(Path path) {
        try (Descriptor probe = SocketCalls.socket("probe of " + path)) {
            return SocketCalls.connect(probe, path) == -SocketCalls.ECONNREFUSED && !Files.isRegularFile(path);
        }
    }

    private static HostException refused(Path path, String call, int result) {
        String remedy = switch (-result) {
            case SocketCalls.EADDRINUSE -> "Somebody listens there, or it is no socket; give another name.";
            case Errno.ENOENT -> "Its directory does not exist.";
            default -> "";
        };
        return new HostException("listen on " + path, call, new Errno(-result), remedy);
    }

    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new HostException("remove %s, which a process left that is gone".formatted(path), "unlink", e, "");
        }
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public @Nullable LocalSocket accept() {
        if (!socket.enter()) return null;
        try {
            int fd = SocketCalls.accept(socket.descriptor());
            return fd < 0 ? null : new LinuxSocket(new Descriptor(fd, "connection to " + path));
        } finally {
            socket.leave();
        }
    }

    /// In a process that may no longer change the file system the file stays; the next that listens there takes its place.
    @Override
    public void close() {
        if (!socket.close() || !made) return;
        try {
            Files.deleteIfExists(path);
        } catch (IOException confined) {
            return;
        }
    }

    @Override
    public void leave() {
        socket.close();
    }
}
