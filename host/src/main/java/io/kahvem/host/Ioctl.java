package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// ioctl(2), without an allocation a call. One object serves one thread at a time: errno is kept in memory of its own.
public final class Ioctl {
    private static final MethodHandle IOCTL =
            Libc.function("ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG), Linker.Option.firstVariadicArg(2));

    private final MemorySegment state = Libc.callState(Arena.ofAuto());

    /// The call's result, which is not negative, or -errno. `argument` is a number or a native address, as the request has it.
    public int call(int fd, long request, long argument) {
        int result;
        try {
            result = (int) IOCTL.invokeExact(state, fd, request, argument);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
        return result >= 0 ? result : -Libc.errnoNumber(state);
    }
}
