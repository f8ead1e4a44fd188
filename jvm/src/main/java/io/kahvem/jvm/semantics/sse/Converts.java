package io.kahvem.jvm.semantics.sse;

import static io.kahvem.jvm.semantics.sse.Lanes.putMmx;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;

/// Conversions between integers, singles and doubles (SDM Vol. 1, 11.4.1.6), all by [SoftFloat] but for the commonest exact ones.
public final class Converts {
    private static final long LOW32 = 0xffff_ffffL;
    private static final SoftFloat SINGLE = SoftFloat.SINGLE;
    private static final SoftFloat DOUBLE = SoftFloat.DOUBLE;

    private Converts() {}

    private static int bits(Insn i) {
        return i.size() == 3 ? 64 : 32;
    }

    public static void cvtsi2sd(Cpu c, Insn i) {
        if (!Lanes.sse(c, i) || !Lanes.general(c, i, bits(i) / 8)) return;
        if (i.size() != 3) {
            Lanes.put(c, i, Double.doubleToRawLongBits((int) c.t0), Lanes.high(c, i.vvvv));
            return;
        }
        long result = DOUBLE.fromInteger(c, c.t0);
        if (Mxcsr.settle(c)) Lanes.put(c, i, result, Lanes.high(c, i.vvvv));
    }

    public static void cvtsi2ss(Cpu c, Insn i) {
        if (!Lanes.sse(c, i) || !Lanes.general(c, i, bits(i) / 8)) return;
        long result = SINGLE.fromInteger(c, i.size() == 3 ? c.t0 : (int) c.t0);
        if (Mxcsr.settle(c)) Lanes.put(c, i, Lanes.low(c, i.vvvv) & ~LOW32 | result, Lanes.high(c, i.vvvv));
    }

    public static void cvtsd2si(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) putInteger(c, i, integer64(c, c.t0, bits(i), Mxcsr.rounding(c.mxcsr)));
    }

    public static void cvttsd2si(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) putInteger(c, i, integer64(c, c.t0, bits(i), Mxcsr.CHOP));
    }

    public static void cvtss2si(Cpu c, Insn i) {
        if (Lanes.scalar32(c, i)) putInteger(c, i, integer32(c, c.t0 & LOW32, bits(i), Mxcsr.rounding(c.mxcsr)));
    }

    public static void cvttss2si(Cpu c, Insn i) {
        if (Lanes.scalar32(c, i)) putInteger(c, i, integer32(c, c.t0 & LOW32, bits(i), Mxcsr.CHOP));
    }

    private static void putInteger(Cpu c, Insn i, long value) {
        if (Mxcsr.settle(c)) c.r[i.reg] = i.size() == 3 ? value : value & LOW32;
    }

    public static void cvtss2sd(Cpu c, Insn i) {
        if (!Lanes.scalar32(c, i)) return;
        long result = SoftFloat.widen(c, c.t0);
        if (Mxcsr.settle(c)) Lanes.put(c, i, result, Lanes.high(c, i.vvvv));
    }

    /// CVTSD2SS, on the low half of a register.
    public static long cvtsd2ss(Cpu c, long a, long b) {
        return a & ~LOW32 | narrow(c, b);
    }

    public static void cvtps2pd(Cpu c, Insn i) {
        if (!(i.vl256 ? Lanes.packed(c, i) : Lanes.scalar64(c, i))) return;
        long low = SoftFloat.widen(c, c.t0);
        long high = SoftFloat.widen(c, c.t0 >>> 32);
        long upperLow = i.vl256 ? SoftFloat.widen(c, c.t1) : 0;
        long upperHigh = i.vl256 ? SoftFloat.widen(c, c.t1 >>> 32) : 0;
        if (!Mxcsr.settle(c)) return;
        Lanes.put(c, i, low, high);
        if (i.vl256) Lanes.putUpper(c, i.reg, upperLow, upperHigh);
    }

    public static void cvtpd2ps(Cpu c, Insn i) {
        if (!(i.vl256 ? Lanes.vexPacked(c, i) : Lanes.packed(c, i))) return;
        long low = narrow(c, c.t0) | narrow(c, c.t1) << 32;
        long high = i.vl256 ? narrow(c, c.t2) | narrow(c, c.t3) << 32 : 0;
        if (Mxcsr.settle(c)) Lanes.put(c, i, low, high);
    }

    public static long cvtdq2ps(Cpu c, long a, long b) {
        return SINGLE.fromInteger(c, (int) b) | SINGLE.fromInteger(c, (int) (b >>> 32)) << 32;
    }

    public static void cvtdq2pd(Cpu c, Insn i) {
        if (!(i.vl256 ? Lanes.packed(c, i) : Lanes.scalar64(c, i))) return;
        Lanes.put(c, i, Double.doubleToRawLongBits((int) c.t0), Double.doubleToRawLongBits((int) (c.t0 >>> 32)));
        if (i.vl256) Lanes.putUpper(c, i.reg, Double.doubleToRawLongBits((int) c.t1), Double.doubleToRawLongBits((int) (c.t1 >>> 32)));
    }

    public static long cvtps2dq(Cpu c, long a, long b) {
        return singles(c, b, Mxcsr.rounding(c.mxcsr));
    }

    public static long cvttps2dq(Cpu c, long a, long b) {
        return singles(c, b, Mxcsr.CHOP);
    }

    private static long singles(Cpu c, long b, int mode) {
        return integer32(c, b & LOW32, 32, mode) & LOW32 | integer32(c, b >>> 32, 32, mode) << 32;
    }

    public static void cvtpd2dq(Cpu c, Insn i) {
        putDoubles(c, i, Mxcsr.rounding(c.mxcsr));
    }

    public static void cvttpd2dq(Cpu c, Insn i) {
        putDoubles(c, i, Mxcsr.CHOP);
    }

    private static void putDoubles(Cpu c, Insn i, int mode) {
        if (!(i.vl256 ? Lanes.vexPacked(c, i) : Lanes.packed(c, i))) return;
        long low = doubles(c, mode, c.t0, c.t1);
        long high = i.vl256 ? doubles(c, mode, c.t2, c.t3) : 0;
        if (Mxcsr.settle(c)) Lanes.put(c, i, low, high);
    }

    private static long doubles(Cpu c, int mode, long low, long high) {
        return integer64(c, low, 32, mode) & LOW32 | integer64(c, high, 32, mode) << 32;
    }

    // MMX registers.

    /// With a memory operand no MMX state is touched, in this and the next.
    public static void cvtpi2ps(Cpu c, Insn i) {
        if (!Lanes.sse(c, i) || !(i.memory ? Lanes.scalar64(c, i) : Lanes.mmx(c, i))) return;
        long result = cvtdq2ps(c, 0, c.t0);
        if (!Mxcsr.settle(c)) return;
        if (!i.memory) c.fpu.enterMmx();
        Lanes.put(c, i, result, Lanes.high(c, i.reg));
    }

    public static void cvtpi2pd(Cpu c, Insn i) {
        if (i.memory) {
            cvtdq2pd(c, i);
            return;
        }
        if (!Lanes.sse(c, i) || !Lanes.mmx(c, i)) return;
        c.fpu.enterMmx();
        Lanes.put(c, i, Double.doubleToRawLongBits((int) c.t0), Double.doubleToRawLongBits((int) (c.t0 >>> 32)));
    }

    public static void cvtps2pi(Cpu c, Insn i) {
        if (Lanes.mmxReady(c) && Lanes.scalar64(c, i)) putPair(c, i, singles(c, c.t0, Mxcsr.rounding(c.mxcsr)));
    }

    public static void cvttps2pi(Cpu c, Insn i) {
        if (Lanes.mmxReady(c) && Lanes.scalar64(c, i)) putPair(c, i, singles(c, c.t0, Mxcsr.CHOP));
    }

    public static void cvtpd2pi(Cpu c, Insn i) {
        if (Lanes.mmxReady(c) && Lanes.packed(c, i)) putPair(c, i, doubles(c, Mxcsr.rounding(c.mxcsr), c.t0, c.t1));
    }

    public static void cvttpd2pi(Cpu c, Insn i) {
        if (Lanes.mmxReady(c) && Lanes.packed(c, i)) putPair(c, i, doubles(c, Mxcsr.CHOP, c.t0, c.t1));
    }

    private static void putPair(Cpu c, Insn i, long value) {
        if (Mxcsr.settle(c)) putMmx(c, i.reg, value);
    }

    private static long integer64(Cpu c, long a, int bits, int mode) {
        if (Floats.tame64(a)) {
            double x = Double.longBitsToDouble(a);
            if (Math.abs(x) < (bits == 64 ? 0x1p62 : 0x1p30)) {
                if (mode == Mxcsr.CHOP || mode == Mxcsr.NEAREST) {
                    long result = (long) (mode == Mxcsr.CHOP ? x : Math.rint(x));
                    if (result != x) c.simdFlags |= Mxcsr.PE;
                    return result;
                }
            }
        }
        return DOUBLE.toInteger(c, a, bits, mode);
    }

    private static long integer32(Cpu c, long a, int bits, int mode) {
        if (Floats.tame32(a)) return integer64(c, Double.doubleToRawLongBits(Float.intBitsToFloat((int) a)), bits, mode);
        return SINGLE.toInteger(c, a, bits, mode);
    }

    private static long narrow(Cpu c, long a) {
        if (Mxcsr.plain(c.mxcsr) && Floats.tame64(a)) {
            double x = Double.longBitsToDouble(a);
            if (Math.abs(x) > 0x1p-120 && Math.abs(x) < 0x1p127) {
                float result = (float) x;
                if (result != x) c.simdFlags |= Mxcsr.PE;
                return Float.floatToRawIntBits(result) & LOW32;
            }
        }
        return SoftFloat.narrow(c, a);
    }
}
