package io.kahvem.jvm.semantics;

/// General registers by operand size, for operations that take the whole instruction.
public final class Registers {
    private Registers() {}

    /// Writes register `n`: 16 bits merge, 32 bits zero-extend. Byte registers go through [#putByte].
    public static void put(long[] r, int n, int log2Size, long value) {
        r[n] = switch (log2Size) {
            case 0 -> r[n] & ~0xffL | value & 0xff;
            case 1 -> r[n] & ~0xffffL | value & 0xffff;
            case 2 -> value & 0xffff_ffffL;
            default -> value;
        };
    }

    /// Byte register `n` of an encoding: 4 to 7 are AH, CH, DH, BH unless REX is present.
    public static long getByte(long[] r, int n, boolean rex) {
        return !rex && n >= 4 && n < 8 ? r[n - 4] >>> 8 & 0xff : r[n] & 0xff;
    }

    public static void putByte(long[] r, int n, boolean rex, long value) {
        if (!rex && n >= 4 && n < 8) {
            r[n - 4] = r[n - 4] & ~0xff00L | (value & 0xff) << 8;
        } else {
            r[n] = r[n] & ~0xffL | value & 0xff;
        }
    }
}
