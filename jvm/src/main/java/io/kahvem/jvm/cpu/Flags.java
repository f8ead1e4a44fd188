package io.kahvem.jvm.cpu;

/// RFLAGS, and the lazy form of its six arithmetic flags.
///
/// An operation of `n` bits on `a` and `b` with result `res` leaves:
/// - `flagResult`: `res` sign-extended to 64 bits: ZF is `flagResult == 0`;
/// - `flagCarry`: the vector of carries (borrows) out of every bit, shifted so that the carry out of the top bit is bit 63 and the one into
///   it bit 62: CF is bit 63, OF is bit 63 xor bit 62;
/// - `flagAux`: bit 4 is AF; bit 63 flips SF (`flagResult`'s sign) and bits 15-8 flip the byte PF is computed from, which only
///   POPF and the like need, since they can set combinations no result has.
public final class Flags {
    public static final int CF = 1;
    public static final int PF = 1 << 2;
    public static final int AF = 1 << 4;
    public static final int ZF = 1 << 6;
    public static final int SF = 1 << 7;
    public static final int TF = 1 << 8;
    public static final int IF = 1 << 9;
    public static final int DF = 1 << 10;
    public static final int OF = 1 << 11;
    public static final int IOPL = 3 << 12;
    public static final int NT = 1 << 14;
    public static final int RF = 1 << 16;
    public static final int VM = 1 << 17;
    public static final int AC = 1 << 18;
    public static final int VIF = 1 << 19;
    public static final int VIP = 1 << 20;
    public static final int ID = 1 << 21;
    public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;

    /// Bit i is set when the 4-bit number i has an even number of ones.
    private static final int EVEN_NIBBLES = 0x9669;

    private Flags() {}

    public static boolean cf(Cpu c) {
        return c.flagCarry < 0;
    }

    public static boolean of(Cpu c) {
        return (c.flagCarry ^ c.flagCarry << 1) < 0;
    }

    public static boolean zf(Cpu c) {
        return c.flagResult == 0;
    }

    public static boolean sf(Cpu c) {
        return (c.flagResult ^ c.flagAux) < 0;
    }

    public static boolean pf(Cpu c) {
        int x = (int) (c.flagResult ^ c.flagAux >> 8);
        return (EVEN_NIBBLES >> ((x ^ x >> 4) & 15) & 1) != 0;
    }

    public static boolean af(Cpu c) {
        return (c.flagAux & AF) != 0;
    }

    /// CF, PF, AF, ZF, SF and OF at their places in RFLAGS.
    public static int arithmetic(Cpu c) {
        return (cf(c) ? CF : 0) | (pf(c) ? PF : 0) | (af(c) ? AF : 0) | (zf(c) ? ZF : 0) | (sf(c) ? SF : 0) | (of(c) ? OF : 0);
    }

    /// Sets the six arithmetic flags from their places in `flags`.
    public static void setArithmetic(Cpu c, long flags) {
        boolean zero = (flags & ZF) != 0;
        boolean even = (flags & PF) != 0;
        c.flagResult = zero ? 0 : 1; // of themselves: even parity for 0, odd for 1
        c.flagAux = (flags & AF) | ((flags & SF) != 0 ? Long.MIN_VALUE : 0) | (zero != even ? 1 << 8 : 0);
        setCarryOverflow(c, (flags & CF) != 0, (flags & OF) != 0);
    }

    public static void setCarryOverflow(Cpu c, boolean carry, boolean overflow) {
        c.flagCarry = (carry ? 1L << 63 : 0) | (carry != overflow ? 1L << 62 : 0);
    }

    /// Sets CF and leaves the other five.
    public static void setCarry(Cpu c, boolean carry) {
        setCarryOverflow(c, carry, of(c));
    }

    /// The whole of RFLAGS.
    public static long rflags(Cpu c) {
        return c.rflags | arithmetic(c);
    }

    /// Replaces the whole of RFLAGS; reserved bits of `flags` are the caller's to clear. The caller tells the CPU of a changed mode.
    public static void setRflags(Cpu c, long flags) {
        c.rflags = flags & ~ARITHMETIC | 2;
        setArithmetic(c, flags);
    }
}
