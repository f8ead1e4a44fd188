package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// System calls by their numbers: those for which the C library has no function, or only in its newest versions, and those that every
/// machine makes while it starts, since each other function's shape costs a start some ten milliseconds of linking.
final class SystemCall {
    private static final int PR_SET_NO_NEW_PRIVS = 38;

    private static final MethodHandle SYSCALL = Libc.function(
            "syscall",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));

    private SystemCall() {}

    /// Makes the handle, and one call by it: what Java makes at the first is as much again.
    static void prepare() {
        long _ = call(number("getuid"), 0, 0, 0);
    }

    /// The number of a call that every architecture of [Platform#hasLinuxCalls] has.
    static int number(String name) {
        return Syscalls.of(System.getProperty("os.arch")).flatMap(calls -> calls.number(name))
                .orElseThrow(() -> new AssertionError("no number for " + name));
    }

    /// The result, or -errno. Arguments after the third are 0.
    static long call(int number, long a, long b, long c) {
        return call(number, a, b, c, 0, 0, 0);
    }

    /// The same, made again where a signal interrupted it.
    static long completed(int number, long a, long b, long c) {
        try (Arena arena = Arena.ofConfined()) {
            return completed(Libc.callState(arena), number, a, b, c);
        }
    }

    /// The same with memory for errno.
    static long completed(MemorySegment state, int number, long a, long b, long c) {
        while (true) {
            long result = call(state, number, a, b, c, 0, 0, 0);
            if (result != -Errno.EINTR) return result;
        }
    }

    static long call(int number, long a, long b, long c, long d, long e, long f) {
        try (Arena arena = Arena.ofConfined()) {
            return call(Libc.callState(arena), number, a, b, c, d, e, f);
        }
    }

    /// The same with memory for errno, from [Libc#callState]: for paths that allocate nothing.
    static long call(MemorySegment state, int number, long a, long b, long c, long d, long e, long f) {
        try {
            long result = (long) SYSCALL.invokeExact(state, (long) number, a, b, c, d, e, f);
            return result == -1 ? -Libc.errnoNumber(state) : result;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// Whether the result of a call that gives an address is an error: the last page is nobody's.
    static boolean failed(long address) {
        return address < 0 && address >= -4095;
    }

    /// The same, with a failure thrown as [HostException].
    static long checked(String trying, String name, int number, long a, long b, long c) {
        long result = call(number, a, b, c);
        if (result < 0) throw new HostException(trying, name, new Errno((int) -result), "");
        return result;
    }

    /// Neither this thread nor what it starts gains rights by a program's owner or capabilities from here on.
    static void setNoNewPrivileges() {
        checked("give up new privileges", "prctl", number("prctl"), PR_SET_NO_NEW_PRIVS, 1, 0);
    }
}
