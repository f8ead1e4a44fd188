package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// The calls of pseudo-terminals (pty(7)), each with its result or -errno.
final class TerminalCalls {
    static final short POLLIN = 1;
    static final short POLLOUT = 4;
    static final short POLLHUP = 0x10;

    private static final int O_RDWR = 0x2;
    private static final int O_NOCTTY = 0x100;
    private static final int O_NONBLOCK = 0x800;
    private static final int O_CLOEXEC = 0x8_0000;
    private static final int NAME_BYTES = 128;
    private static final int POLLFD_BYTES = 8;
    private static final int POLLFD_EVENTS = 4;
    private static final int POLLFD_REVENTS = 6;

    private static final MethodHandle POSIX_OPENPT = Libc.function("posix_openpt", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle GRANTPT = Libc.function("grantpt", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle UNLOCKPT = Libc.function("unlockpt", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle PTSNAME_R =
            Libc.function("ptsname_r", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle OPEN =
            Libc.function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle READ = Libc.function("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle WRITE = Libc.function("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle POLL = Libc.function("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private interface Call {
        long make(Arena arena, MemorySegment state) throws Throwable;
    }

    private TerminalCalls() {}

    /// The master of a new pair, which does not wait.
    static Descriptor openMaster() {
        int fd = (int) made((arena, state) -> (int) POSIX_OPENPT.invokeExact(state, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
        if (fd < 0) throw failed("posix_openpt", -fd);
        Descriptor master = new Descriptor(fd, "pseudo-terminal");
        int granted = (int) made((arena, state) -> (int) GRANTPT.invokeExact(state, fd));
        int unlocked = granted < 0 ? granted : (int) made((arena, state) -> (int) UNLOCKPT.invokeExact(state, fd));
        if (unlocked < 0) {
            master.close();
            throw failed(granted < 0 ? "grantpt" : "unlockpt", -unlocked);
        }
        return master;
    }

    /// The name of the other end.
    static String slaveName(Descriptor master) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(NAME_BYTES);
            int error = (int) PTSNAME_R.invokeExact(Libc.callState(arena), master.number(), name, (long) NAME_BYTES);
            if (error != 0) throw failed("ptsname_r", error);
            return name.getString(0);
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// A terminal by its name, which does not wait and does not become this process' own.
    static Descriptor open(String path) {
        int flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
        long fd = made((arena, state) -> (int) OPEN.invokeExact(state, arena.allocateFrom(path), flags));
        if (fd < 0) throw new HostException("open " + path, "open", new Errno((int) -fd), "");
        return new Descriptor((int) fd, path);
    }

    static int read(Descriptor terminal, byte[] into) {
        return (int) made((arena, state) -> {
            MemorySegment bytes = arena.allocate(into.length);
            long count = (long) READ.invokeExact(state, terminal.number(), bytes, (long) into.length);
            if (count > 0) MemorySegment.copy(bytes, JAVA_BYTE, 0, into, 0, (int) count);
            return count;
        });
    }

    static int write(Descriptor terminal, byte[] from, int offset, int length) {
        return (int) made((arena, state) -> {
            MemorySegment bytes = arena.allocate(Math.max(1, length));
            MemorySegment.copy(from, offset, bytes, JAVA_BYTE, 0, length);
            return (long) WRITE.invokeExact(state, terminal.number(), bytes, (long) length);
        });
    }

    /// What of `events` has come within the time, and [#POLLHUP] where nobody has the other end; 0 for nothing.
    static int poll(Descriptor terminal, short events, int timeoutMillis) {
        return (int) made((arena, state) -> {
            MemorySegment poll = arena.allocate(POLLFD_BYTES, 4);
            poll.set(JAVA_INT, 0, terminal.number());
            poll.set(JAVA_SHORT, POLLFD_EVENTS, events);
            int result = (int) POLL.invokeExact(state, poll, 1L, timeoutMillis);
            return result <= 0 ? result : poll.get(JAVA_SHORT, POLLFD_REVENTS);
        });
    }

    private static long made(Call call) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            while (true) {
                long result = call.make(arena, state);
                if (result >= 0) return result;
                int errno = Libc.errnoNumber(state);
                if (errno != Errno.EINTR) return -errno;
            }
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    private static HostException failed(String call, int errno) {
        return new HostException("make a pseudo-terminal", call, new Errno(errno), "See that /dev/pts is mounted and /dev/ptmx is there.");
    }
}
