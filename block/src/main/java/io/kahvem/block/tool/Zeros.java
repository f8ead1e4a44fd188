package io.kahvem.block.tool;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;

/// Looks for zeros in memory.
public final class Zeros {
    private Zeros() {}

    public static boolean isZero(MemorySegment memory) {
        long length = memory.byteSize();
        long at = 0;
        for (; at + 32 <= length; at += 32) {
            long any = memory.get(JAVA_LONG_UNALIGNED, at) | memory.get(JAVA_LONG_UNALIGNED, at + 8)
                    | memory.get(JAVA_LONG_UNALIGNED, at + 16) | memory.get(JAVA_LONG_UNALIGNED, at + 24);
            if (any != 0) return false;
        }
        for (; at < length; at++) if (memory.get(JAVA_BYTE, at) != 0) return false;
        return true;
    }

    /// How long a run of units that are all zeros, or all not, begins at `start`.
    static long run(MemorySegment memory, long start, long unit, boolean zero) {
        long at = start;
        while (at < memory.byteSize()) {
            long length = Math.min(unit, memory.byteSize() - at);
            if (isZero(memory.asSlice(at, length)) != zero) break;
            at += length;
        }
        return at - start;
    }
}
