package io.kahvem.jvm.mmu;

import io.kahvem.host.Words;

/// Compare-and-set of guest words at any alignment.
final class Atomics {
    /// Serialises locked accesses across an 8-byte border ("split locks"), which no host instruction offers portably.
    private static final Object SPLIT_LOCK = new Object();

    private Atomics() {}

    static boolean compareAndSet(long hva, int bytes, long expected, long value) {
        if ((hva & bytes - 1) == 0) {
            return switch (bytes) {
                case 1 -> Words.compareAndSet8(hva, (byte) expected, (byte) value);
                case 2 -> Words.compareAndSet16(hva, (short) expected, (short) value);
                case 4 -> Words.compareAndSet32(hva, (int) expected, (int) value);
                default -> Words.compareAndSet64(hva, expected, value);
            };
        }
        int shift = (int) (hva & 7) * 8;
        if (shift + bytes * 8 <= 64) {
            long mask = ((1L << bytes * 8) - 1) << shift;
            long word = Words.get64(hva & -8);
            if (((word ^ expected << shift) & mask) != 0) return false;
            return Words.compareAndSet64(hva & -8, word, word & ~mask | value << shift & mask);
        }
        synchronized (SPLIT_LOCK) {
            return switch (bytes) {
                case 2 -> {
                    if (Words.get16(hva) != (short) expected) yield false;
                    Words.put16(hva, (short) value);
                    yield true;
                }
                case 4 -> {
                    if (Words.get32(hva) != (int) expected) yield false;
                    Words.put32(hva, (int) value);
                    yield true;
                }
                default -> {
                    if (Words.get64(hva) != expected) yield false;
                    Words.put64(hva, value);
                    yield true;
                }
            };
        }
    }
}
