package io.kahvem.host;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.List;

/// How the classes of this package reach the C library: a handle for each function, whose first argument receives errno.
///
/// A handle takes milliseconds to link, so each class that calls natively keeps its own few as static finals and is initialised only
/// where [Platform#hasLinuxCalls] holds.
final class Libc {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final SymbolLookup SYMBOLS = LINKER.defaultLookup();
    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final long ERRNO = CALL_STATE.byteOffset(groupElement("errno"));

    private Libc() {}

    /// A handle whose leading MemorySegment argument, from [#callState], holds errno after the call.
    static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(SYMBOLS.findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"));
    }

    /// As above, with options beside the capture of errno (variadic functions).
    static MethodHandle function(String name, FunctionDescriptor descriptor, Linker.Option option) {
        return LINKER.downcallHandle(SYMBOLS.findOrThrow(name), descriptor, Linker.Option.captureCallState("errno"), option);
    }

    /// Whether this C library has a function or variable.
    static boolean has(String name) {
        return SYMBOLS.find(name).isPresent();
    }

    /// A variable of the C library.
    static MemorySegment variable(String name, ValueLayout layout) {
        return SYMBOLS.findOrThrow(name).reinterpret(layout.byteSize());
    }

    /// What argv is: addresses of strings that end with a zero, and a null.
    static MemorySegment strings(Arena arena, List<byte[]> strings) {
        MemorySegment vector = arena.allocate(ADDRESS, strings.size() + 1L);
        for (int n = 0; n < strings.size(); n++) {
            byte[] bytes = strings.get(n);
            MemorySegment text = arena.allocate(bytes.length + 1L);
            MemorySegment.copy(bytes, 0, text, JAVA_BYTE, 0, bytes.length);
            vector.setAtIndex(ADDRESS, n, text);
        }
        return vector;
    }

    static MemorySegment callState(Arena arena) {
        return arena.allocate(CALL_STATE);
    }

    static Errno errno(MemorySegment callState) {
        return new Errno(errnoNumber(callState));
    }

    /// For paths that allocate nothing.
    static int errnoNumber(MemorySegment callState) {
        return Words.get32(callState.address() + ERRNO);
    }

    /// What a downcall handle throws is never the C function's doing.
    static AssertionError broken(Throwable thrown) {
        return new AssertionError("a native call did not happen", thrown);
    }
}
