package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;

/// The calls of sockets(7), each with its result or -errno; an interrupted one is made again.
final class SocketCalls {
    static final int ECONNREFUSED = 111;
    static final int EADDRINUSE = 98;
    /// With what is received close-on-exec (MSG_CMSG_CLOEXEC).
    static final int RECEIVE_FLAGS = 0x4000_0000;
    /// MSG_NOSIGNAL.
    static final int SEND_FLAGS = 0x4000;

    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x8_0000;
    private static final int SHUT_RDWR = 2;
    private static final int BACKLOG = 1000;
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERCRED = 17;
    /// `struct ucred`: process, user, group.
    private static final int UCRED_BYTES = 12;
    private static final int UCRED_UID = 4;
    private static final int SUN_PATH = 2;
    private static final int SOCKADDR_UN_BYTES = 110;

    private static final int SOCKET = SystemCall.number("socket");
    private static final int BIND = SystemCall.number("bind");
    private static final int CONNECT = SystemCall.number("connect");
    private static final int LISTEN = SystemCall.number("listen");
    private static final int ACCEPT4 = SystemCall.number("accept4");
    private static final int RECVMSG = SystemCall.number("recvmsg");
    private static final int SENDMSG = SystemCall.number("sendmsg");
    private static final int GETSOCKNAME = SystemCall.number("getsockname");
    private static final int GETSOCKOPT = SystemCall.number("getsockopt");
    private static final int SHUTDOWN = SystemCall.number("shutdown");

    private SocketCalls() {}

    static Descriptor socket(String name) {
        long fd = SystemCall.call(SOCKET, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) throw new HostException("make a socket", "socket", new Errno((int) -fd), "See `ulimit -n`.");
        return new Descriptor((int) fd, name);
    }

    static int bind(Descriptor socket, Path path) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) SystemCall.completed(BIND, socket.number(), address(arena, path).address(), SOCKADDR_UN_BYTES);
        }
    }

    static int connect(Descriptor socket, Path path) {
        try (Arena arena = Arena.ofConfined()) {
            return (int) SystemCall.completed(CONNECT, socket.number(), address(arena, path).address(), SOCKADDR_UN_BYTES);
        }
    }

    static int listen(Descriptor socket) {
        return (int) SystemCall.completed(LISTEN, socket.number(), BACKLOG, 0);
    }

    static int accept(Descriptor socket) {
        while (true) {
            int fd = (int) SystemCall.call(ACCEPT4, socket.number(), 0, 0, SOCK_CLOEXEC, 0, 0);
            if (fd != -Errno.EINTR) return fd;
        }
    }

    /// @param state memory for errno, from [Libc#callState]
    static long receive(Descriptor socket, MemorySegment message, MemorySegment state) {
        return SystemCall.completed(state, RECVMSG, socket.number(), message.address(), RECEIVE_FLAGS);
    }

    static long send(Descriptor socket, MemorySegment message, MemorySegment state) {
        return SystemCall.completed(state, SENDMSG, socket.number(), message.address(), SEND_FLAGS);
    }

    static void shutdown(Descriptor socket) {
        SystemCall.completed(SHUTDOWN, socket.number(), SHUT_RDWR, 0);
    }

    /// The file's name of a socket of the UNIX family; empty for any other.
    static Optional<Path> name(Descriptor socket) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SOCKADDR_UN_BYTES, 8);
            MemorySegment length = arena.allocateFrom(JAVA_INT, SOCKADDR_UN_BYTES);
            long result = SystemCall.completed(GETSOCKNAME, socket.number(), address.address(), length.address());
            if (result < 0 || address.get(JAVA_SHORT, 0) != AF_UNIX || address.get(JAVA_BYTE, SUN_PATH) == 0) return Optional.empty();
            return Optional.of(Path.of(address.getString(SUN_PATH)));
        }
    }

    /// The number of the user who connected, or -errno.
    static int peerUser(Descriptor socket) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment credentials = arena.allocate(UCRED_BYTES, 4);
            MemorySegment length = arena.allocateFrom(JAVA_INT, UCRED_BYTES);
            int result = (int) SystemCall.call(
                    GETSOCKOPT, socket.number(), SOL_SOCKET, SO_PEERCRED, credentials.address(), length.address(), 0);
            return result < 0 ? result : credentials.get(JAVA_INT, UCRED_UID);
        }
    }

    private static MemorySegment address(Arena arena, Path path) {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length > LocalSocket.MAX_PATH_BYTES) {
            throw new HostException("use %s as a socket".formatted(path), "bind", new Errno(Errno.ENAMETOOLONG),
                    "A socket's file name has at most %d bytes; give a shorter one.".formatted(LocalSocket.MAX_PATH_BYTES));
        }
        MemorySegment address = arena.allocate(SOCKADDR_UN_BYTES, 8);
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(name, 0, address, JAVA_BYTE, SUN_PATH, name.length);
        return address;
    }
}
