package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;

/// Whether Java's arithmetic on doubles has done all that an SSE instruction does, for translated code, which computes first and asks then.
/// That is where MXCSR says round to nearest and everything masked, operands and result are zeros or normal numbers, so that no flag but
/// that of inexactness may be set, and that one is set already or the result is exact. If not, [Floats] has to do it.
///
/// Where a method says yes, the result is a zero or a normal number.
public final class Plain {
    /// The bits of MXCSR that say whether all this can be so without a look at the result's error: all but the sticky flags other than that
    /// of inexactness.
    public static final int MXCSR_MASK = 0xffc0 | Mxcsr.PE;

    /// What those bits then are.
    public static final int MXCSR_PLAIN = Mxcsr.RESET | Mxcsr.PE;

    private Plain() {}

    /// The sum `r` of `a` and `b`.
    public static boolean sum64(Cpu c, long a, long b, long r) {
        return tame(c, a, b) && Floats.tame64(r) && (inexactKnown(c) || Floats.errorOfSum(d(a), d(b), d(r)) == 0);
    }

    /// The difference.
    public static boolean difference64(Cpu c, long a, long b, long r) {
        return tame(c, a, b) && Floats.tame64(r) && (inexactKnown(c) || Floats.errorOfSum(d(a), -d(b), d(r)) == 0);
    }

    /// The product.
    public static boolean product64(Cpu c, long a, long b, long r) {
        if (!tame(c, a, b)) return false;
        if (a << 1 == 0 || b << 1 == 0) return true;
        return inRange(c, r) && (inexactKnown(c) || Math.fma(d(a), d(b), -d(r)) == 0);
    }

    /// The quotient.
    public static boolean quotient64(Cpu c, long a, long b, long r) {
        if (!tame(c, a, b) || b << 1 == 0) return false;
        if (a << 1 == 0) return true;
        if (!inRange(c, r)) return false;
        return inexactKnown(c) || Floats.exponent64(a) >= Floats.LEAST_EXACT_64 && Math.fma(-d(r), d(b), d(a)) == 0;
    }

    /// The square root of `b`.
    public static boolean root64(Cpu c, long a, long b, long r) {
        if (!tame(c, b, b) || b < 0) return false;
        if (b == 0) return true;
        return inexactKnown(c) || Floats.exponent64(b) >= Floats.LEAST_EXACT_64 && Math.fma(-d(r), d(r), d(b)) == 0;
    }

    /// Whether two numbers can be compared by their values: neither is a NaN, nor a denormal that MXCSR is to tell of.
    public static boolean compared64(long a, long b) {
        return Floats.tame64(a) && Floats.tame64(b);
    }

    private static boolean tame(Cpu c, long a, long b) {
        return Mxcsr.plain(c.mxcsr) && Floats.tame64(a) && Floats.tame64(b);
    }

    private static boolean inexactKnown(Cpu c) {
        return (c.mxcsr & Mxcsr.PE) != 0;
    }

    /// Neither infinite, nor tiny before it was rounded; and where its error counts, that is a double.
    private static boolean inRange(Cpu c, long r) {
        int e = Floats.exponent64(r);
        return e >= (inexactKnown(c) ? Floats.LEAST_SAFE : Floats.LEAST_EXACT_64) && e != 0x7ff;
    }

    private static double d(long a) {
        return Double.longBitsToDouble(a);
    }
}
