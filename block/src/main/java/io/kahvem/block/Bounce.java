package io.kahvem.block;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Memory a thread keeps for copies that cannot be done without.
public final class Bounce {
    private static final long LARGEST = 4 << 20;

    /// What file systems and devices ask of O_DIRECT at most.
    private static final int ALIGNMENT = 4096;

    private static final ThreadLocal<MemorySegment> KEPT = ThreadLocal.withInitial(() -> MemorySegment.NULL);

    private Bounce() {}

    /// Takes a part of a transfer that starts `start` bytes into it.
    public interface Part {
        void take(long start, MemorySegment part);
    }

    /// Cuts a transfer of `length` bytes into parts this thread has memory for.
    static void eachPart(long length, Part part) {
        MemorySegment memory = take(Math.min(length, LARGEST));
        try {
            for (long start = 0; start < length; start += LARGEST) {
                part.take(start, memory.asSlice(0, Math.min(LARGEST, length - start)));
            }
        } finally {
            give(memory);
        }
    }

    /// `length` bytes or more, aligned to 4,096, this thread's until it gives them back.
    public static MemorySegment take(long length) {
        MemorySegment kept = KEPT.get();
        if (kept.byteSize() < length) return Arena.ofAuto().allocate((length + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, ALIGNMENT);
        KEPT.set(MemorySegment.NULL);
        return kept;
    }

    public static void give(MemorySegment memory) {
        if (memory.byteSize() <= LARGEST && memory.byteSize() > KEPT.get().byteSize()) KEPT.set(memory);
    }
}
