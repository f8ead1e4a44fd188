package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/// A pseudo-terminal pair (pty(7)): the test is the person at the keyboard, `slaveFd` the program's terminal.
final class Pty implements AutoCloseable {
    private static final int O_RDWR = 2;
    private static final int O_NOCTTY = 0x100;
    private static final short POLLIN = 1;
    private static final StructLayout POLLFD =
            MemoryLayout.structLayout(JAVA_INT.withName("fd"), JAVA_SHORT.withName("events"), JAVA_SHORT.withName("revents"));

    private static final MethodHandle POSIX_OPENPT = Libc.function("posix_openpt", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle GRANTPT = Libc.function("grantpt", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle UNLOCKPT = Libc.function("unlockpt", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle PTSNAME_R =
            Libc.function("ptsname_r", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle OPEN = Libc.function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle CLOSE = Libc.function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle READ = Libc.function("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle WRITE = Libc.function("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG));
    private static final MethodHandle POLL = Libc.function("poll", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment state = Libc.callState(arena);
    final int masterFd;
    final int slaveFd;

    Pty() throws Throwable {
        masterFd = checked("posix_openpt", (int) POSIX_OPENPT.invokeExact(state, O_RDWR | O_NOCTTY));
        checked("grantpt", (int) GRANTPT.invokeExact(state, masterFd));
        checked("unlockpt", (int) UNLOCKPT.invokeExact(state, masterFd));
        MemorySegment name = arena.allocate(128);
        checked("ptsname_r", -(int) PTSNAME_R.invokeExact(state, masterFd, name, 128L));
        slaveFd = checked("open", (int) OPEN.invokeExact(state, name, O_RDWR | O_NOCTTY));
    }

    void write(int fd, String text) throws Throwable {
        MemorySegment bytes = arena.allocateFrom(text, StandardCharsets.ISO_8859_1);
        checked("write", (int) (long) WRITE.invokeExact(state, fd, bytes, (long) text.length()));
    }

    /// What has come within `timeoutMillis`, or "" if nothing has.
    String read(int fd, int timeoutMillis) throws Throwable {
        MemorySegment poll = arena.allocate(POLLFD);
        poll.set(JAVA_INT, 0, fd);
        poll.set(JAVA_SHORT, 4, POLLIN);
        if (checked("poll", (int) POLL.invokeExact(state, poll, 1L, timeoutMillis)) == 0) return "";
        MemorySegment bytes = arena.allocate(256);
        int length = checked("read", (int) (long) READ.invokeExact(state, fd, bytes, 256L));
        byte[] read = new byte[length];
        MemorySegment.copy(bytes, 0, MemorySegment.ofArray(read), 0, length);
        return new String(read, StandardCharsets.ISO_8859_1);
    }

    private int checked(String call, int result) {
        if (result >= 0) return result;
        throw new HostException("use a pseudo-terminal", call, Libc.errno(state), "");
    }

    @Override
    public void close() {
        try (arena) {
            checked("close", (int) CLOSE.invokeExact(state, slaveFd));
            checked("close", (int) CLOSE.invokeExact(state, masterFd));
        } catch (HostException e) {
            throw e;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }
}
