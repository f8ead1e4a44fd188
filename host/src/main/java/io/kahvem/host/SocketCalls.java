package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

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
    private static final int BACKLOG = 16;
    private static final int SUN_PATH = 2;
    private static final int SOCKADDR_UN_BYTES = 110;

    private static final MethodHandle SOCKET = Libc.function("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle BIND = Libc.function("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle CONNECT = Libc.function("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle LISTEN = Libc.function("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle ACCEPT4 =
            Libc.function("accept4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle RECVMSG = Libc.function("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle SENDMSG = Libc.function("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle SHUTDOWN = Libc.function("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

    private interface Call {
        long make(MemorySegment state) throws Throwable;
    }

    private SocketCalls() {}

    static Descriptor socket(String name) {
        int fd = (int) made(state -> (int) SOCKET.invokeExact(state, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (fd < 0) throw new HostException("make a socket", "socket", new Errno(-fd), "See `ulimit -n`.");
        return new Descriptor(fd, name);
    }

    static int bind(Descriptor socket, Path path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            return (int) made(state -> (int) BIND.invokeExact(state, socket.number(), address, SOCKADDR_UN_BYTES));
        }
    }

    static int connect(Descriptor socket, Path path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = address(arena, path);
            return (int) made(state -> (int) CONNECT.invokeExact(state, socket.number(), address, SOCKADDR_UN_BYTES));
        }
    }

    static int listen(Descriptor socket) {
        return (int) made(state -> (int) LISTEN.invokeExact(state, socket.number(), BACKLOG));
    }

    static int accept(Descriptor socket) {
        return (int) made(state -> (int) ACCEPT4.invokeExact(state, socket.number(), 0L, 0L, SOCK_CLOEXEC));
    }

    static long receive(Descriptor socket, MemorySegment message) {
        return made(state -> (long) RECVMSG.invokeExact(state, socket.number(), message, RECEIVE_FLAGS));
    }

    static long send(Descriptor socket, MemorySegment message) {
        return made(state -> (long) SENDMSG.invokeExact(state, socket.number(), message, SEND_FLAGS));
    }

    static void shutdown(Descriptor socket) {
        long ignored = made(state -> (int) SHUTDOWN.invokeExact(state, socket.number(), SHUT_RDWR));
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

    private static long made(Call call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            while (true) {
                long result = call.make(state);
                if (result >= 0) return result;
                int errno = Libc.errnoNumber(state);
                if (errno != Errno.EINTR) return -errno;
            }
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }
}
