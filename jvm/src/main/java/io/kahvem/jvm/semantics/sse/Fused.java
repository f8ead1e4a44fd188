package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;

/// Fused multiply-add, FMA3 (SDM Vol. 1, 14.5): x * y + z with one rounding, as lane functions of three operands; names as in [Floats].
///
/// Java's `fma` gives the rounded exact value; it is taken where [Floats] would take its own arithmetic and the inexact flag is set
/// already, as finding out whether the result is exact is as much work as computing it.
public final class Fused {
    private static final long LOW32 = 0xffff_ffffL;

    private Fused() {}

    private static long fused64(Cpu c, long x, long y, long z, boolean negateProduct, boolean negateAddend) {
        if (Mxcsr.plain(c.mxcsr) && (c.mxcsr & Mxcsr.PE) != 0 && Floats.tame64(x) && Floats.tame64(y) && Floats.tame64(z)) {
            double a = Double.longBitsToDouble(x);
            double addend = Double.longBitsToDouble(z);
            double r = Math.fma(negateProduct ? -a : a, Double.longBitsToDouble(y), negateAddend ? -addend : addend);
            long bits = Double.doubleToRawLongBits(r);
            int e = Floats.exponent64(bits);
            if (e >= Floats.LEAST_SAFE && e != 0x7ff) return bits;
        }
        return SoftFloat.DOUBLE.fma(c, x, y, z, negateProduct, negateAddend);
    }

    private static long fused32(Cpu c, long x, long y, long z, boolean negateProduct, boolean negateAddend) {
        if (Mxcsr.plain(c.mxcsr) && (c.mxcsr & Mxcsr.PE) != 0 && Floats.tame32(x) && Floats.tame32(y) && Floats.tame32(z)) {
            float a = Float.intBitsToFloat((int) x);
            float addend = Float.intBitsToFloat((int) z);
            float r = Math.fma(negateProduct ? -a : a, Float.intBitsToFloat((int) y), negateAddend ? -addend : addend);
            long bits = Float.floatToRawIntBits(r) & LOW32;
            int e = Floats.exponent32(bits);
            if (e >= Floats.LEAST_SAFE && e != 0xff) return bits;
        }
        return SoftFloat.SINGLE.fma(c, x & LOW32, y & LOW32, z & LOW32, negateProduct, negateAddend);
    }

    public static long fmadd64(Cpu c, long x, long y, long z) {
        return fused64(c, x, y, z, false, false);
    }

    public static long fmsub64(Cpu c, long x, long y, long z) {
        return fused64(c, x, y, z, false, true);
    }

    public static long fnmadd64(Cpu c, long x, long y, long z) {
        return fused64(c, x, y, z, true, false);
    }

    public static long fnmsub64(Cpu c, long x, long y, long z) {
        return fused64(c, x, y, z, true, true);
    }

    /// Even elements subtract, odd ones add.
    public static long fmaddsub64(Cpu c, int half, long x, long y, long z) {
        return fused64(c, x, y, z, false, (half & 1) == 0);
    }

    public static long fmsubadd64(Cpu c, int half, long x, long y, long z) {
        return fused64(c, x, y, z, false, (half & 1) != 0);
    }

    public static long fmadd32(Cpu c, long x, long y, long z) {
        return fused32(c, x, y, z, false, false);
    }

    public static long fmsub32(Cpu c, long x, long y, long z) {
        return fused32(c, x, y, z, false, true);
    }

    public static long fnmadd32(Cpu c, long x, long y, long z) {
        return fused32(c, x, y, z, true, false);
    }

    public static long fnmsub32(Cpu c, long x, long y, long z) {
        return fused32(c, x, y, z, true, true);
    }

    public static long fmadd32x2(Cpu c, long x, long y, long z) {
        return fmadd32(c, x, y, z) | fmadd32(c, x >>> 32, y >>> 32, z >>> 32) << 32;
    }

    public static long fmsub32x2(Cpu c, long x, long y, long z) {
        return fmsub32(c, x, y, z) | fmsub32(c, x >>> 32, y >>> 32, z >>> 32) << 32;
    }

    public static long fnmadd32x2(Cpu c, long x, long y, long z) {
        return fnmadd32(c, x, y, z) | fnmadd32(c, x >>> 32, y >>> 32, z >>> 32) << 32;
    }

    public static long fnmsub32x2(Cpu c, long x, long y, long z) {
        return fnmsub32(c, x, y, z) | fnmsub32(c, x >>> 32, y >>> 32, z >>> 32) << 32;
    }

    public static long fmaddsub32x2(Cpu c, long x, long y, long z) {
        return fmsub32(c, x, y, z) | fmadd32(c, x >>> 32, y >>> 32, z >>> 32) << 32;
    }

    public static long fmsubadd32x2(Cpu c, long x, long y, long z) {
        return fmadd32(c, x, y, z) | fmsub32(c, x >>> 32, y >>> 32, z >>> 32) << 32;
    }
}
