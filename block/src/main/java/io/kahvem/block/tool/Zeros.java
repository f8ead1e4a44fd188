package io.kahvem.block.tool;

import io.kahvem.host.Words;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;

/// Looks for zeros in native memory, by its addresses: a conversion asks so often that even its first questions, before HotSpot has
/// compiled anything, should be cheap.
public final class Zeros {
    private Zeros() {}

    public static boolean isZero(MemorySegment memory) {
        boolean zero = Words.isZero(addressOf(memory), memory.byteSize());
        Reference.reachabilityFence(memory);
        return zero;
    }

    /// How long a run of units that are all zeros, or all not, begins at `start`.
    static long run(MemorySegment memory, long start, long unit, boolean zero) {
        long base = addressOf(memory);
        long size = memory.byteSize();
        long at = start;
        while (at < size && Words.isZero(base + at, Math.min(unit, size - at)) == zero) at += unit;
        Reference.reachabilityFence(memory);
        return Math.min(at, size) - start;
    }

    private static long addressOf(MemorySegment memory) {
        if (!memory.isNative()) throw new IllegalArgumentException("memory of the heap");
        return memory.address();
    }
}
