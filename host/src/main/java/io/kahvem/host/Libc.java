package io.kahvem.host;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/// How the classes of this package reach the C library: a handle for each function, whose first argument receives errno.
///
/// A handle takes milliseconds to link, so each class that calls natively keeps its own few as static finals and is initialised only
/// where [Platform#hasLinuxCalls] holds.
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup SYMBOLS = LINKER.defaultLookup();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = CALL_STATE.varHandle(groupElement("errno"));

    private Libc() {}

    /// A handle whose leading MemorySegment argument, from [#callState], holds errno after the call.
    static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(SYMBOLS.findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"));
    }

    /// As above, with options beside the capture of errno (variadic functions).
    static MethodHandle function(String name, FunctionDescriptor descriptor, Linker.Option option) {
        return LINKER.downcallHandle(SYMBOLS.findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"), option);
    }

    static MemorySegment callState(Arena arena) {
        return arena.allocate(CALL_STATE);
    }

    static Errno errno(MemorySegment callState) {
        return new Errno(errnoNumber(callState));
    }

    /// For paths that allocate nothing.
    static int errnoNumber(MemorySegment callState) {
        return (int) ERRNO.get(callState, 0L);
    }

    /// What a downcall handle throws is never the C function's doing.
    static AssertionError broken(Throwable thrown) {
        return new AssertionError("a native call did not happen", thrown);
    }
}
