package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// System calls for which the C library has no function, or only in its newest versions.
final class SystemCall {
    private static final int PR_SET_NO_NEW_PRIVS = 38;

    private static final MethodHandle SYSCALL = Libc.function(
            "syscall",
            FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1));

    private SystemCall() {}

    /// The result, or -errno. Arguments after the third are 0.
    static long call(int number, long a, long b, long c) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            long result = (long) SYSCALL.invokeExact(state, (long) number, a, b, c, 0L, 0L);
            return result >= 0 ? result : -Libc.errnoNumber(state);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// The same, with a failure thrown as [HostException].
    static long checked(String trying, String name, int number, long a, long b, long c) {
        long result = call(number, a, b, c);
        if (result < 0) throw new HostException(trying, name, new Errno((int) -result), "");
        return result;
    }

    /// Neither this thread nor what it starts gains rights by a program's owner or capabilities from here on.
    static void setNoNewPrivileges() {
        int prctl = Syscalls.of(System.getProperty("os.arch")).flatMap(calls -> calls.number("prctl")).orElseThrow();
        checked("give up new privileges", "prctl", prctl, PR_SET_NO_NEW_PRIVS, 1, 0);
    }
}
