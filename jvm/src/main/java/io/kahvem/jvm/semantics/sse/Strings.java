package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;

/// PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM Vol. 2B, 4.1). The first string is the register's, the second the register's or
/// memory's of r/m.
public final class Strings {
    private Strings() {}

    public static void pcmpestri(Cpu c, Insn i) {
        if (Lanes.vexPacked(c, i)) putIndex(c, i, compare(c, i, length(c, i, Cpu.RAX), length(c, i, Cpu.RDX)));
    }

    public static void pcmpestrm(Cpu c, Insn i) {
        if (Lanes.vexPacked(c, i)) putMask(c, i, compare(c, i, length(c, i, Cpu.RAX), length(c, i, Cpu.RDX)));
    }

    public static void pcmpistri(Cpu c, Insn i) {
        if (Lanes.vexPacked(c, i)) putIndex(c, i, implicit(c, i));
    }

    public static void pcmpistrm(Cpu c, Insn i) {
        if (Lanes.vexPacked(c, i)) putMask(c, i, implicit(c, i));
    }

    private static boolean words(Insn i) {
        return (i.imm & 1) != 0;
    }

    private static int elements(Insn i) {
        return words(i) ? 8 : 16;
    }

    /// An explicit length: the register's absolute value, at most all elements.
    private static int length(Cpu c, Insn i, int register) {
        long value = i.size() == 3 ? c.r[register] : (int) c.r[register];
        long absolute = value < 0 ? -value : value;
        return absolute < 0 || absolute > elements(i) ? elements(i) : (int) absolute;
    }

    private static int implicit(Cpu c, Insn i) {
        return compare(c, i, terminated(i, Lanes.low(c, i.reg), Lanes.high(c, i.reg)), terminated(i, c.t0, c.t1));
    }

    /// Elements before the first zero.
    private static int terminated(Insn i, long low, long high) {
        for (int n = 0; n < elements(i); n++) {
            if (element(i, low, high, n) == 0) return n;
        }
        return elements(i);
    }

    /// Element `n`, sign-extended where the format is signed.
    private static int element(Insn i, long low, long high, int n) {
        boolean signed = (i.imm & 2) != 0;
        if (words(i)) {
            int w = (int) ((n < 4 ? low : high) >>> 16 * n);
            return signed ? (short) w : w & 0xffff;
        }
        int b = (int) ((n < 8 ? low : high) >>> 8 * n);
        return signed ? (byte) b : b & 0xff;
    }

    /// The comparison's bits after polarity (IntRes2); sets the flags.
    private static int compare(Cpu c, Insn i, int length1, int length2) {
        long a0 = Lanes.low(c, i.reg);
        long a1 = Lanes.high(c, i.reg);
        int count = elements(i);
        int aggregation = (int) i.imm >> 2 & 3;
        int result = 0;
        for (int j = 0; j < count; j++) {
            boolean bit = switch (aggregation) {
                case 0 -> equalAny(i, a0, a1, length1, c.t0, c.t1, length2, j);
                case 1 -> inRanges(i, a0, a1, length1, c.t0, c.t1, length2, j);
                case 2 -> j < length1 && j < length2
                        ? element(i, a0, a1, j) == element(i, c.t0, c.t1, j)
                        : j >= length1 && j >= length2;
                default -> startsAt(i, a0, a1, length1, c.t0, c.t1, length2, j);
            };
            if (bit) result |= 1 << j;
        }
        switch ((int) i.imm >> 4 & 3) {
            case 1 -> result ^= (1 << count) - 1;
            case 3 -> result ^= (1 << length2) - 1;
            default -> {}
        }
        Flags.setArithmetic(
                c,
                (result != 0 ? Flags.CF : 0)
                        | (length2 < count ? Flags.ZF : 0)
                        | (length1 < count ? Flags.SF : 0)
                        | ((result & 1) != 0 ? Flags.OF : 0));
        return result;
    }

    private static boolean equalAny(Insn i, long a0, long a1, int length1, long b0, long b1, int length2, int j) {
        if (j >= length2) return false;
        int wanted = element(i, b0, b1, j);
        for (int n = 0; n < length1; n++) {
            if (element(i, a0, a1, n) == wanted) return true;
        }
        return false;
    }

    private static boolean inRanges(Insn i, long a0, long a1, int length1, long b0, long b1, int length2, int j) {
        if (j >= length2) return false;
        int value = element(i, b0, b1, j);
        for (int n = 0; n + 1 < length1; n += 2) {
            if (element(i, a0, a1, n) <= value && value <= element(i, a0, a1, n + 1)) return true;
        }
        return false;
    }

    /// Whether the first string, as far as it fits, is found at position `j` of the second.
    private static boolean startsAt(Insn i, long a0, long a1, int length1, long b0, long b1, int length2, int j) {
        for (int n = 0; n < length1 && n + j < elements(i); n++) {
            if (n + j >= length2 || element(i, a0, a1, n) != element(i, b0, b1, n + j)) return false;
        }
        return true;
    }

    private static void putIndex(Cpu c, Insn i, int result) {
        boolean last = (i.imm & 0x40) != 0;
        int index = result == 0 ? elements(i) : last ? 31 - Integer.numberOfLeadingZeros(result) : Integer.numberOfTrailingZeros(result);
        c.r[Cpu.RCX] = index;
    }

    private static void putMask(Cpu c, Insn i, int result) {
        if ((i.imm & 0x40) == 0) {
            Lanes.put(c, i, 0, result, 0);
        } else if (words(i)) {
            Lanes.put(c, i, 0, spread(result, 16), spread(result >> 4, 16));
        } else {
            Lanes.put(c, i, 0, spread(result, 8), spread(result >> 8, 8));
        }
    }

    /// Each of the low bits of `bits` throughout an element of `width` bits.
    private static long spread(int bits, int width) {
        long mask = 0;
        for (int n = 0; n < 64 / width; n++) {
            if ((bits >> n & 1) != 0) mask |= (1L << width) - 1 << n * width;
        }
        return mask;
    }
}
