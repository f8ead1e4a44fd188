package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;

/// Floating-point arithmetic and comparison as lane functions: `64` on a double, `32` on the single in the low half of a lane, `32x2` on
/// both.
///
/// Java's arithmetic is IEEE 754's in round-to-nearest, so its result is taken where MXCSR says just that and operands and result are
/// numbers for which the only possible exception is inexactness; that one is looked for by the exact error of the operation while its
/// flag is clear, which it soon is no more. Everything else (NaNs, infinities, denormals, results at the borders, other modes) is
/// [SoftFloat]'s.
public final class Floats {
    private static final long LOW32 = 0xffff_ffffL;

    /// The exponent field below which a result may be tiny, or would be before rounding.
    static final int LEAST_SAFE = 2;

    /// The exponent field from which on the error of a product or quotient of doubles is a double.
    static final int LEAST_EXACT_64 = 128;

    private static final SoftFloat SINGLE = SoftFloat.SINGLE;
    private static final SoftFloat DOUBLE = SoftFloat.DOUBLE;

    private Floats() {}

    static int exponent64(long a) {
        return (int) (a >>> 52) & 0x7ff;
    }

    static int exponent32(long a) {
        return (int) (a >>> 23) & 0xff;
    }

    /// Zero or a normal number.
    static boolean tame64(long a) {
        int e = exponent64(a);
        return e != 0 ? e != 0x7ff : a << 1 == 0;
    }

    static boolean tame32(long a) {
        int e = exponent32(a);
        return e != 0 ? e != 0xff : (int) a << 1 == 0;
    }

    private static double d(long a) {
        return Double.longBitsToDouble(a);
    }

    private static float f(long a) {
        return Float.intBitsToFloat((int) a);
    }

    private static long bits(double x) {
        return Double.doubleToRawLongBits(x);
    }

    private static long bits(float x) {
        return Float.floatToRawIntBits(x) & LOW32;
    }

    private static boolean inexactUnknown(Cpu c) {
        return (c.mxcsr & Mxcsr.PE) == 0;
    }

    private static long pair(long low, long high) {
        return low & LOW32 | high << 32;
    }

    /// The exact sum of `x` and `y` less `r`, their sum as it was rounded to nearest (Knuth, TAOCP 4.2.2, Theorem B).
    static double errorOfSum(double x, double y, double r) {
        double v = r - x;
        return (x - (r - v)) + (y - v);
    }

    public static long add64(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame64(a) && tame64(b)) {
            double x = d(a);
            double y = d(b);
            double r = x + y;
            if (tame64(bits(r))) {
                if (inexactUnknown(c) && errorOfSum(x, y, r) != 0) c.simdFlags |= Mxcsr.PE;
                return bits(r);
            }
        }
        return DOUBLE.add(c, a, b);
    }

    public static long add32(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame32(a) && tame32(b)) {
            float x = f(a);
            float y = f(b);
            float r = x + y;
            if (tame32(bits(r))) {
                if (inexactUnknown(c)) {
                    float v = r - x;
                    if ((x - (r - v)) + (y - v) != 0) c.simdFlags |= Mxcsr.PE;
                }
                return bits(r);
            }
        }
        return SINGLE.add(c, a & LOW32, b & LOW32);
    }

    public static long sub64(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame64(a) && tame64(b)) {
            double x = d(a);
            double y = d(b);
            double r = x - y;
            if (tame64(bits(r))) {
                if (inexactUnknown(c) && errorOfSum(x, -y, r) != 0) c.simdFlags |= Mxcsr.PE;
                return bits(r);
            }
        }
        return DOUBLE.sub(c, a, b);
    }

    public static long sub32(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame32(a) && tame32(b)) {
            float x = f(a);
            float y = f(b);
            float r = x - y;
            if (tame32(bits(r))) {
                if (inexactUnknown(c)) {
                    float v = r - x;
                    if ((x - (r - v)) - (y + v) != 0) c.simdFlags |= Mxcsr.PE;
                }
                return bits(r);
            }
        }
        return SINGLE.sub(c, a & LOW32, b & LOW32);
    }

    public static long mul64(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame64(a) && tame64(b)) {
            double x = d(a);
            double y = d(b);
            double r = x * y;
            int e = exponent64(bits(r));
            boolean search = inexactUnknown(c);
            if (e >= (search ? LEAST_EXACT_64 : LEAST_SAFE) && e != 0x7ff) {
                if (search && Math.fma(x, y, -r) != 0) c.simdFlags |= Mxcsr.PE;
                return bits(r);
            }
        }
        return DOUBLE.mul(c, a, b);
    }

    public static long mul32(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame32(a) && tame32(b)) {
            double exact = (double) f(a) * f(b);
            float r = (float) exact;
            int e = exponent32(bits(r));
            if (e >= LEAST_SAFE && e != 0xff) {
                if (r != exact) c.simdFlags |= Mxcsr.PE;
                return bits(r);
            }
        }
        return SINGLE.mul(c, a & LOW32, b & LOW32);
    }

    public static long div64(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame64(a) && tame64(b)) {
            double x = d(a);
            double y = d(b);
            double r = x / y;
            int e = exponent64(bits(r));
            boolean search = inexactUnknown(c);
            if (e >= LEAST_SAFE && e != 0x7ff && (!search || exponent64(a) >= LEAST_EXACT_64)) {
                if (search && Math.fma(-r, y, x) != 0) c.simdFlags |= Mxcsr.PE;
                return bits(r);
            }
        }
        return DOUBLE.div(c, a, b);
    }

    public static long div32(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && tame32(a) && tame32(b)) {
            float r = f(a) / f(b);
            int e = exponent32(bits(r));
            if (e >= LEAST_SAFE && e != 0xff) {
                if ((double) r * f(b) != f(a)) c.simdFlags |= Mxcsr.PE;
                return bits(r);
            }
        }
        return SINGLE.div(c, a & LOW32, b & LOW32);
    }

    public static long sqrt64(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && b > 0 && tame64(b) && exponent64(b) >= LEAST_EXACT_64) {
            double r = Math.sqrt(d(b));
            if (inexactUnknown(c) && Math.fma(-r, r, d(b)) != 0) c.simdFlags |= Mxcsr.PE;
            return bits(r);
        }
        return DOUBLE.sqrt(c, b);
    }

    public static long sqrt32(Cpu c, long a, long b) {
        if (Mxcsr.plain(c.mxcsr) && (int) b > 0 && tame32(b)) {
            float r = (float) Math.sqrt(f(b));
            if ((double) r * r != f(b)) c.simdFlags |= Mxcsr.PE;
            return bits(r);
        }
        return SINGLE.sqrt(c, b & LOW32);
    }

    public static long min64(Cpu c, long a, long b) {
        if (tame64(a) && tame64(b)) return d(a) < d(b) ? a : b;
        return DOUBLE.min(c, a, b);
    }

    public static long min32(Cpu c, long a, long b) {
        if (tame32(a) && tame32(b)) return f(a) < f(b) ? a & LOW32 : b & LOW32;
        return SINGLE.min(c, a & LOW32, b & LOW32);
    }

    public static long max64(Cpu c, long a, long b) {
        if (tame64(a) && tame64(b)) return d(a) > d(b) ? a : b;
        return DOUBLE.max(c, a, b);
    }

    public static long max32(Cpu c, long a, long b) {
        if (tame32(a) && tame32(b)) return f(a) > f(b) ? a & LOW32 : b & LOW32;
        return SINGLE.max(c, a & LOW32, b & LOW32);
    }

    public static long add32x2(Cpu c, long a, long b) {
        return pair(add32(c, a, b), add32(c, a >>> 32, b >>> 32));
    }

    public static long sub32x2(Cpu c, long a, long b) {
        return pair(sub32(c, a, b), sub32(c, a >>> 32, b >>> 32));
    }

    public static long mul32x2(Cpu c, long a, long b) {
        return pair(mul32(c, a, b), mul32(c, a >>> 32, b >>> 32));
    }

    public static long div32x2(Cpu c, long a, long b) {
        return pair(div32(c, a, b), div32(c, a >>> 32, b >>> 32));
    }

    public static long sqrt32x2(Cpu c, long a, long b) {
        return pair(sqrt32(c, a, b), sqrt32(c, a >>> 32, b >>> 32));
    }

    public static long min32x2(Cpu c, long a, long b) {
        return pair(min32(c, a, b), min32(c, a >>> 32, b >>> 32));
    }

    public static long max32x2(Cpu c, long a, long b) {
        return pair(max32(c, a, b), max32(c, a >>> 32, b >>> 32));
    }

    /// CMPSD, CMPPD: all ones where predicate `i.imm` holds.
    public static long cmp64(Cpu c, Insn i, long a, long b) {
        int predicate = predicate(i);
        return holds(predicate, DOUBLE.compare(c, a, b, signalsQuiet(predicate))) ? -1 : 0;
    }

    public static long cmp32(Cpu c, Insn i, long a, long b) {
        int predicate = predicate(i);
        return holds(predicate, SINGLE.compare(c, a & LOW32, b & LOW32, signalsQuiet(predicate))) ? LOW32 : 0;
    }

    public static long cmp32x2(Cpu c, Insn i, long a, long b) {
        return pair(cmp32(c, i, a, b), cmp32(c, i, a >>> 32, b >>> 32));
    }

    /// One of 8, with VEX of 32.
    private static int predicate(Insn i) {
        return (int) i.imm & (i.vex ? 31 : 7);
    }

    /// A digit for each predicate from TRUE down to EQ (SDM Vol. 2, Table 3-1): bits 0 to 3 are set where it holds for less, equal,
    /// greater, unordered.
    private static final long HOLDS = 0xf465_0b9a_7ced_8312L;

    private static boolean holds(int predicate, int relation) {
        return (HOLDS >>> 4 * (predicate & 15) + relation + 1 & 1) != 0;
    }

    /// LT, LE, GT, GE and their negations are invalid on quiet NaNs; from 16 on it is the others.
    private static boolean signalsQuiet(int predicate) {
        return ((predicate ^ predicate >> 1 ^ predicate >> 4) & 1) != 0;
    }

    // Horizontal and alternating forms of SSE3.

    public static long hadd32x2(Cpu c, long a, long b) {
        return pair(add32(c, a, a >>> 32), add32(c, b, b >>> 32));
    }

    public static long hsub32x2(Cpu c, long a, long b) {
        return pair(sub32(c, a, a >>> 32), sub32(c, b, b >>> 32));
    }

    public static long addsub32x2(Cpu c, long a, long b) {
        return pair(sub32(c, a, b), add32(c, a >>> 32, b >>> 32));
    }

    public static long addsub64(Cpu c, int half, long a, long b) {
        return (half & 1) == 0 ? sub64(c, a, b) : add64(c, a, b);
    }

    // ROUNDSD and its kind: bits 0 and 1 of the immediate are a rounding mode unless bit 2 asks for MXCSR's; bit 3 suppresses inexactness.

    public static long round64(Cpu c, Insn i, long a, long b) {
        return DOUBLE.toIntegral(c, b, roundingOf(c, i), (i.imm & 8) == 0);
    }

    public static long round32(Cpu c, Insn i, long a, long b) {
        return SINGLE.toIntegral(c, b & LOW32, roundingOf(c, i), (i.imm & 8) == 0);
    }

    public static long round32x2(Cpu c, Insn i, long a, long b) {
        return pair(round32(c, i, a, b), round32(c, i, a, b >>> 32));
    }

    private static int roundingOf(Cpu c, Insn i) {
        return (i.imm & 4) != 0 ? Mxcsr.rounding(c.mxcsr) : (int) i.imm & 3;
    }

    // Approximations: any result with a relative error of at most 1.5 * 2^-12 conforms (SDM Vol. 2, RCPPS). Denormals count as zeros;
    // nothing is noted.

    public static long rcp32(long a, long b) {
        float x = flushed(b);
        if (Float.isNaN(x)) return bits(x) | 1 << 22;
        return bits(flushed(1 / x));
    }

    public static long rsqrt32(long a, long b) {
        float x = flushed(b);
        if (Float.isNaN(x)) return bits(x) | 1 << 22;
        if (x < 0) return 0xffc0_0000L;
        return bits((float) (1 / Math.sqrt(x)));
    }

    public static long rcp32x2(long a, long b) {
        return pair(rcp32(a, b), rcp32(a, b >>> 32));
    }

    public static long rsqrt32x2(long a, long b) {
        return pair(rsqrt32(a, b), rsqrt32(a, b >>> 32));
    }

    private static float flushed(long a) {
        return f(exponent32(a) == 0 ? a & 0x8000_0000L : a);
    }

    private static float flushed(float x) {
        return Math.abs(x) < Float.MIN_NORMAL ? Math.copySign(0f, x) : x;
    }

    // COMISD and its kind.

    public static void ucomisd(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) setFlags(c, DOUBLE.compare(c, Lanes.low(c, i.reg), c.t0, false));
    }

    public static void comisd(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) setFlags(c, DOUBLE.compare(c, Lanes.low(c, i.reg), c.t0, true));
    }

    public static void ucomiss(Cpu c, Insn i) {
        if (Lanes.scalar32(c, i)) setFlags(c, SINGLE.compare(c, Lanes.low(c, i.reg) & LOW32, c.t0 & LOW32, false));
    }

    public static void comiss(Cpu c, Insn i) {
        if (Lanes.scalar32(c, i)) setFlags(c, SINGLE.compare(c, Lanes.low(c, i.reg) & LOW32, c.t0 & LOW32, true));
    }

    /// Only the exceptions of comparing: COMISD's, or with `quiet` those of UCOMISD.
    public static void noteCompared64(Cpu c, long a, long b, boolean quiet) {
        DOUBLE.compare(c, a, b, !quiet);
    }

    /// What a double counts as in a comparison: DAZ has denormals be zeros.
    public static long compared64(Cpu c, long a) {
        return DOUBLE.operand(c, a);
    }

    /// The flags of COMISD and UCOMISD for what [#compared64] gave.
    public static void compareFlags(Cpu c, int form, long a, long b) {
        double x = d(a);
        double y = d(b);
        setArithmetic(c, x < y ? SoftFloat.LESS : x > y ? SoftFloat.GREATER : x == y ? SoftFloat.EQUAL : SoftFloat.UNORDERED);
    }

    private static void setFlags(Cpu c, int relation) {
        if (Mxcsr.settle(c)) setArithmetic(c, relation);
    }

    private static void setArithmetic(Cpu c, int relation) {
        Flags.setArithmetic(c, switch (relation) {
            case SoftFloat.LESS -> Flags.CF;
            case SoftFloat.EQUAL -> Flags.ZF;
            case SoftFloat.GREATER -> 0;
            default -> Flags.ZF | Flags.PF | Flags.CF;
        });
    }

    // Dot products: the high immediate bits choose the products, the low ones where the sum goes. Products round before sums, whose
    // exceptions come later.

    public static void dpps(Cpu c, Insn i) {
        if (!(i.vl256 ? Lanes.vexPacked(c, i) : Lanes.packed(c, i))) return;
        long p0 = products(c, i, 0);
        long p1 = products(c, i, 1);
        long p2 = i.vl256 ? products(c, i, 2) : 0;
        long p3 = i.vl256 ? products(c, i, 3) : 0;
        if (!Mxcsr.settle(c)) return;
        long low = pair(add32(c, p0, p0 >>> 32), add32(c, p1, p1 >>> 32));
        long upper = i.vl256 ? pair(add32(c, p2, p2 >>> 32), add32(c, p3, p3 >>> 32)) : 0;
        if (!Mxcsr.settle(c)) return;
        long sum = add32(c, low, low >>> 32);
        long upperSum = i.vl256 ? add32(c, upper, upper >>> 32) : 0;
        if (!Mxcsr.settle(c)) return;
        Lanes.put(c, i, chosen((int) i.imm, sum), chosen((int) i.imm >> 2, sum));
        if (i.vl256) Lanes.putUpper(c, i.reg, chosen((int) i.imm, upperSum), chosen((int) i.imm >> 2, upperSum));
    }

    private static long products(Cpu c, Insn i, int half) {
        int wanted = (int) i.imm >> 4 + 2 * (half & 1);
        long a = Lanes.half(c, i.vvvv, half);
        long b = Lanes.source(c, half);
        return pair((wanted & 1) != 0 ? mul32(c, a, b) : 0, (wanted & 2) != 0 ? mul32(c, a >>> 32, b >>> 32) : 0);
    }

    private static long chosen(int to, long sum) {
        return pair((to & 1) != 0 ? sum : 0, (to & 2) != 0 ? sum : 0);
    }

    public static void dppd(Cpu c, Insn i) {
        if (!Lanes.packed(c, i)) return;
        long p0 = (i.imm & 16) != 0 ? mul64(c, Lanes.low(c, i.vvvv), c.t0) : 0;
        long p1 = (i.imm & 32) != 0 ? mul64(c, Lanes.high(c, i.vvvv), c.t1) : 0;
        if (!Mxcsr.settle(c)) return;
        long sum = add64(c, p0, p1);
        if (!Mxcsr.settle(c)) return;
        Lanes.put(c, i, (i.imm & 1) != 0 ? sum : 0, (i.imm & 2) != 0 ? sum : 0);
    }
}
