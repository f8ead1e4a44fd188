package io.kahvem.jvm.mmu;

import io.kahvem.host.Words;

/// Compare-and-set of guest words where an instruction of the host does it.
final class Atomics {
    private static final int LINE = 64;

    private Atomics() {}

    /// Whether `[hva, hva + bytes)` can be set atomically towards all accesses of other threads; if not, they have to be stopped.
    ///
    /// A split of two words inside a cache line is an ordinary locked instruction on an x86 host. Across lines it would be a bus lock
    /// there, which the host may punish (Linux's split_lock_detect).
    static boolean reaches(long hva, int bytes) {
        long unit = Words.UNALIGNED_ATOMICS ? LINE : 8;
        return (hva & unit - 1) <= unit - bytes;
    }

    /// Where the access [#reaches].
    static boolean compareAndSet(long hva, int bytes, long expected, long value) {
        if ((hva & bytes - 1) == 0) {
            return switch (bytes) {
                case 1 -> Words.compareAndSet8(hva, (byte) expected, (byte) value);
                case 2 -> Words.compareAndSet16(hva, (short) expected, (short) value);
                case 4 -> Words.compareAndSet32(hva, (int) expected, (int) value);
                default -> Words.compareAndSet64(hva, expected, value);
            };
        }
        long at = (hva & 7) + bytes <= 8 ? hva & -8 : Math.min(hva, (hva & -LINE) + LINE - 8);
        int shift = (int) (hva - at) * 8;
        long mask = -1L >>> 64 - 8 * bytes << shift;
        long word = Words.get64(at);
        if (((word ^ expected << shift) & mask) != 0) return false;
        return Words.compareAndSet64(at, word, word & ~mask | value << shift & mask);
    }
}
