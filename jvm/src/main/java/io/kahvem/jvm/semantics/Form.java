package io.kahvem.jvm.semantics;

/// The constant that a value operation gets beside its operands: operand size and what the decoder knows of the surroundings. It is a
/// literal wherever an operation is called from generated code, so that HotSpot folds every test of it.
public final class Form {
    /// Mask of the operand size as a power of two: 0, 1, 2, 3 for 1, 2, 4, 8 bytes.
    public static final int SIZE = 3;

    /// No later instruction sees the arithmetic flags this one would leave: they need not be computed.
    public static final int FLAGS_DEAD = 4;

    /// 64-bit code.
    public static final int CODE64 = 8;

    private Form() {}

    public static int bytes(int form) {
        return 1 << (form & SIZE);
    }

    public static int bits(int form) {
        return 8 << (form & SIZE);
    }

    /// Sign-extends the operand-sized low part of `value` to 64 bits.
    public static long sx(int form, long value) {
        int unused = 64 - bits(form);
        return value << unused >> unused;
    }

    /// Zero-extends the operand-sized low part of `value` to 64 bits.
    public static long zx(int form, long value) {
        int unused = 64 - bits(form);
        return value << unused >>> unused;
    }

    public static boolean flagsLive(int form) {
        return (form & FLAGS_DEAD) == 0;
    }
}
