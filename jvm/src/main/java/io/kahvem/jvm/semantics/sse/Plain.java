package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;

/// Whether Java's arithmetic on doubles has done all that an SSE instruction does, for translated code, which computes first and asks then:
/// 1 if so, 0 if [Floats] has to do it. That is where MXCSR says round to nearest, everything masked and inexactness seen already, and
/// neither operands nor result are such that another flag is set or the result is a NaN.
///
/// All without a branch: a set sign bit anywhere says no.
public final class Plain {
    /// The bits of MXCSR that count, and what they are to be: all but the sticky flags other than that of inexactness.
    private static final int MXCSR_MASK = 0xffc0 | Mxcsr.PE;

    private static final int MXCSR_PLAIN = Mxcsr.RESET | Mxcsr.PE;

    private static final int LARGEST_EXPONENT = 0x7fe;

    private Plain() {}

    /// The sum or difference `r` of `a` and `b`.
    public static int sum64(Cpu c, long a, long b, long r) {
        return plain(mode(c) | normalOrZero(a) | normalOrZero(b) | normalOrZero(r) | finite(r));
    }

    /// The product.
    public static int product64(Cpu c, long a, long b, long r) {
        return plain(mode(c) | normalOrZero(a) | normalOrZero(b) | notTiny(r) & notZero(a) & notZero(b) | finite(r));
    }

    /// The quotient. That of infinities is a NaN or 0, which is tiny.
    public static int quotient64(Cpu c, long a, long b, long r) {
        return plain(mode(c) | normalOrZero(a) | normalOrZero(b) | notTiny(r) & notZero(a) | finite(r));
    }

    /// The square root of `b`.
    public static int root64(Cpu c, long a, long b, long r) {
        return plain(mode(c) | normalOrZero(b) | finite(r));
    }

    private static int plain(long no) {
        return (int) (~no >>> 63);
    }

    private static long mode(Cpu c) {
        return -((c.mxcsr ^ MXCSR_PLAIN) & MXCSR_MASK);
    }

    /// Below 0 for denormals, and for the smallest normal number.
    private static long normalOrZero(long a) {
        return (2 * a - 1 >>> 53) - 1;
    }

    /// Below 0 for infinities and NaNs.
    private static long finite(long a) {
        return LARGEST_EXPONENT - (2 * a >>> 53);
    }

    /// Below 0 for zeros, denormals and what is as small before it is rounded.
    private static long notTiny(long a) {
        return (2 * a >>> 53) - Floats.LEAST_SAFE;
    }

    /// Below 0 for all but zeros: what is wrong with a result counts only then.
    private static long notZero(long a) {
        return 2 * a | -2 * a;
    }
}
