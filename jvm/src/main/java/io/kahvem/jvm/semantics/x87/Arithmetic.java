package io.kahvem.jvm.semantics.x87;

import static io.kahvem.jvm.semantics.x87.Float80.BIAS;
import static io.kahvem.jvm.semantics.x87.Float80.DENORMAL;
import static io.kahvem.jvm.semantics.x87.Float80.INFINITY;
import static io.kahvem.jvm.semantics.x87.Float80.INTEGER_BIT;
import static io.kahvem.jvm.semantics.x87.Float80.MAX_EXPONENT;
import static io.kahvem.jvm.semantics.x87.Float80.QUIET;
import static io.kahvem.jvm.semantics.x87.Float80.SIGN;
import static io.kahvem.jvm.semantics.x87.Float80.ZERO;
import static io.kahvem.jvm.semantics.x87.X87.C0;
import static io.kahvem.jvm.semantics.x87.X87.C2;
import static io.kahvem.jvm.semantics.x87.X87.C3;
import static io.kahvem.jvm.semantics.x87.X87.DE;
import static io.kahvem.jvm.semantics.x87.X87.IE;
import static io.kahvem.jvm.semantics.x87.X87.ZE;

/// Add, subtract, multiply, divide, square root and compare on double extended values.
///
/// Each leaves its result in the [X87] and returns the exception flags with C1. Two normal operands under round-to-nearest and 64-bit
/// precision take the short way; everything else is in a second method, so that the first stays small enough to be inlined.
final class Arithmetic {
    private Arithmetic() {}

    static int add(X87 x, long am, int ase, long bm, int bse) {
        return sum(x, am, ase, bm, bse, 0);
    }

    static int subtract(X87 x, long am, int ase, long bm, int bse) {
        return sum(x, am, ase, bm, bse, SIGN);
    }

    /// a + b, or a - b where `flip` is [Float80#SIGN]: a NaN keeps its sign in both.
    private static int sum(X87 x, long am, int ase, long bm, int bse, int flip) {
        if (!x.plainRounding() || !Float80.normal(am, ase) || !Float80.normal(bm, bse)) {
            return sumInFull(x, am, ase, bm, bse, flip);
        }
        int sign = ase & SIGN;
        int ea = ase & MAX_EXPONENT;
        int eb = bse & MAX_EXPONENT;
        if (((ase ^ bse ^ flip) & SIGN) == 0) {
            return ea >= eb ? addMagnitudes(x, sign, ea, am, eb, bm, 0) : addMagnitudes(x, sign, eb, bm, ea, am, 0);
        }
        if (ea > eb || ea == eb && am + INTEGER_BIT > bm + INTEGER_BIT) {
            return subtractMagnitudes(x, sign, ea, am, eb, bm, 0);
        }
        if (ea == eb && am == bm) {
            return x.result(0, 0, 0);
        }
        return subtractMagnitudes(x, sign ^ SIGN, eb, bm, ea, am, 0);
    }

    private static int finish(X87 x, int sign, int exponent, long hi, long lo, int drop) {
        return x.plainRounding() ? Float80.roundPlain(x, sign, exponent, hi, lo) : Float80.round(x, sign, exponent, hi, lo, drop);
    }

    /// Requires ea >= eb. Where the exponents are more than 64 apart the bits of b below the upper word still decide ties: none is dropped
    /// but into the lowest one.
    private static int addMagnitudes(X87 x, int sign, int ea, long am, int eb, long bm, int drop) {
        int distance = ea - eb;
        long lo = distance == 0 ? 0 : distance < 64 ? bm << 64 - distance : Float80.shiftRightLow(bm, 0, distance);
        long hi = am + (distance < 64 ? bm >>> distance : 0);
        if (hi + INTEGER_BIT < am + INTEGER_BIT) {
            return finish(x, sign, ea + 1, hi >>> 1 | INTEGER_BIT, hi << 63 | lo >>> 1 | lo & 1, drop);
        }
        return finish(x, sign, ea, hi, lo, drop);
    }

    /// Requires the magnitude of a to be larger than that of b.
    private static int subtractMagnitudes(X87 x, int sign, int ea, long am, int eb, long bm, int drop) {
        int distance = ea - eb;
        long lo = distance == 0 ? 0 : -(distance < 64 ? bm << 64 - distance : Float80.shiftRightLow(bm, 0, distance));
        long hi = am - (distance < 64 ? bm >>> distance : 0) - (lo != 0 ? 1 : 0);
        int shift = Long.numberOfLeadingZeros(hi);
        if (shift == 64) {
            shift = Long.numberOfLeadingZeros(lo);
            return finish(x, sign, ea - 64 - shift, lo << shift, 0, drop);
        }
        if (shift != 0) {
            hi = hi << shift | lo >>> 64 - shift;
            lo <<= shift;
        }
        return finish(x, sign, ea - shift, hi, lo, drop);
    }

    private static int sumInFull(X87 x, long am, int ase, long bm, int bse, int flip) {
        int a = Float80.classify(am, ase);
        int b = Float80.classify(bm, bse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, am, ase, bm, bse);
        }
        int signA = ase & SIGN;
        int signB = (bse ^ flip) & SIGN;
        if (a == INFINITY && b == INFINITY && signA != signB) {
            return Float80.invalid(x);
        }
        int flags = denormal(a, b);
        if (x.unmasked(flags)) {
            return flags;
        }
        if (a == INFINITY || b == INFINITY) {
            return x.result(INTEGER_BIT, (a == INFINITY ? signA : signB) | MAX_EXPONENT, flags);
        }
        int zeroSign = x.roundingControl() == X87.DOWN ? SIGN : 0;
        int drop = x.precisionDrop();
        if (a == ZERO && b == ZERO) {
            return x.result(0, signA == signB ? signA : zeroSign, flags);
        }
        if (a == ZERO) {
            return flags | Float80.round(x, signB, Float80.exponent(bm, bse), Float80.normalized(bm), 0, drop);
        }
        if (b == ZERO) {
            return flags | Float80.round(x, signA, Float80.exponent(am, ase), Float80.normalized(am), 0, drop);
        }
        int ea = Float80.exponent(am, ase);
        int eb = Float80.exponent(bm, bse);
        long ma = Float80.normalized(am);
        long mb = Float80.normalized(bm);
        int order = ea != eb ? Integer.compare(ea, eb) : Long.compareUnsigned(ma, mb);
        if (signA == signB) {
            return flags | (ea >= eb ? addMagnitudes(x, signA, ea, ma, eb, mb, drop) : addMagnitudes(x, signA, eb, mb, ea, ma, drop));
        }
        if (order == 0) {
            return x.result(0, zeroSign, flags);
        }
        return flags
                | (order > 0 ? subtractMagnitudes(x, signA, ea, ma, eb, mb, drop) : subtractMagnitudes(x, signB, eb, mb, ea, ma, drop));
    }

    private static int denormal(int a, int b) {
        return a == DENORMAL || b == DENORMAL ? DE : 0;
    }

    static int multiply(X87 x, long am, int ase, long bm, int bse) {
        if (!x.plainRounding() || !Float80.normal(am, ase) || !Float80.normal(bm, bse)) {
            return multiplyInFull(x, am, ase, bm, bse);
        }
        return multiplyMagnitudes(x, (ase ^ bse) & SIGN, (ase & MAX_EXPONENT) + (bse & MAX_EXPONENT), am, bm, 0);
    }

    private static int multiplyMagnitudes(X87 x, int sign, int exponents, long am, long bm, int drop) {
        long hi = Math.unsignedMultiplyHigh(am, bm);
        long lo = am * bm;
        if (hi < 0) {
            return finish(x, sign, exponents - BIAS + 1, hi, lo, drop);
        }
        return finish(x, sign, exponents - BIAS, hi << 1 | lo >>> 63, lo << 1, drop);
    }

    private static int multiplyInFull(X87 x, long am, int ase, long bm, int bse) {
        int a = Float80.classify(am, ase);
        int b = Float80.classify(bm, bse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, am, ase, bm, bse);
        }
        if (a == INFINITY && b == ZERO || a == ZERO && b == INFINITY) {
            return Float80.invalid(x);
        }
        int flags = denormal(a, b);
        if (x.unmasked(flags)) {
            return flags;
        }
        int sign = (ase ^ bse) & SIGN;
        if (a == INFINITY || b == INFINITY) {
            return x.result(INTEGER_BIT, sign | MAX_EXPONENT, flags);
        }
        if (a == ZERO || b == ZERO) {
            return x.result(0, sign, flags);
        }
        int exponents = Float80.exponent(am, ase) + Float80.exponent(bm, bse);
        return flags | multiplyMagnitudes(x, sign, exponents, Float80.normalized(am), Float80.normalized(bm), x.precisionDrop());
    }

    /// a / b.
    static int divide(X87 x, long am, int ase, long bm, int bse) {
        if (!x.plainRounding() || !Float80.normal(am, ase) || !Float80.normal(bm, bse)) {
            return divideInFull(x, am, ase, bm, bse);
        }
        return divideMagnitudes(x, (ase ^ bse) & SIGN, (ase & MAX_EXPONENT) - (bse & MAX_EXPONENT), am, bm, 0);
    }

    private static int divideMagnitudes(X87 x, int sign, int exponents, long am, long bm, int drop) {
        long hi = am;
        long lo = 0;
        int exponent = exponents + BIAS - 1;
        if (am + INTEGER_BIT >= bm + INTEGER_BIT) {
            hi = am >>> 1;
            lo = am << 63;
            exponent++;
        }
        long quotient = divide128(hi, lo, bm);
        long remainder = lo - quotient * bm;
        return finish(x, sign, exponent, quotient, fraction(remainder, bm), drop);
    }

    /// remainder / divisor as a word of fraction: one half exactly, or more or less than it.
    static long fraction(long remainder, long divisor) {
        if (remainder == 0) {
            return 0;
        }
        int order = Long.compareUnsigned(remainder, divisor - remainder);
        return order < 0 ? 1 : order == 0 ? INTEGER_BIT : INTEGER_BIT | 1;
    }

    /// The 64-bit quotient of a 128-bit dividend, by two 32-bit digits (Knuth, TAOCP Vol. 2, 4.3.1, algorithm D). Requires hi < divisor,
    /// unsigned, and the divisor's top bit set.
    static long divide128(long hi, long lo, long divisor) {
        long d1 = divisor >>> 32;
        long d0 = divisor & 0xffff_ffffL;
        long q1 = digit(hi, lo >>> 32, d1, d0);
        long rest = (hi << 32 | lo >>> 32) - q1 * divisor;
        long q0 = digit(rest, lo & 0xffff_ffffL, d1, d0);
        return (q1 << 32) + q0;
    }

    private static long digit(long high, long next, long d1, long d0) {
        long q = Long.divideUnsigned(high, d1);
        long r = high - q * d1;
        while (q >>> 32 != 0 || Long.compareUnsigned(q * d0, r << 32 | next) > 0) {
            q--;
            r += d1;
            if (r >>> 32 != 0) {
                break;
            }
        }
        return q;
    }

    private static int divideInFull(X87 x, long am, int ase, long bm, int bse) {
        int a = Float80.classify(am, ase);
        int b = Float80.classify(bm, bse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, am, ase, bm, bse);
        }
        if (a == b && (a == INFINITY || a == ZERO)) {
            return Float80.invalid(x);
        }
        int sign = (ase ^ bse) & SIGN;
        if (b == ZERO && a != INFINITY) {
            return x.result(INTEGER_BIT, sign | MAX_EXPONENT, denormal(a, b) | ZE);
        }
        int flags = denormal(a, b);
        if (x.unmasked(flags)) {
            return flags;
        }
        if (a == INFINITY) {
            return x.result(INTEGER_BIT, sign | MAX_EXPONENT, flags);
        }
        if (a == ZERO || b == INFINITY) {
            return x.result(0, sign, flags);
        }
        int exponents = Float80.exponent(am, ase) - Float80.exponent(bm, bse);
        return flags | divideMagnitudes(x, sign, exponents, Float80.normalized(am), Float80.normalized(bm), x.precisionDrop());
    }

    static int squareRoot(X87 x, long m, int se) {
        if (x.plainRounding() && Float80.normal(m, se) && (se & SIGN) == 0) {
            return rootOfMagnitude(x, se, m, 0);
        }
        int a = Float80.classify(m, se);
        if (a >= QUIET) {
            return Float80.nan(x, m, se);
        }
        if (a == ZERO) {
            return x.result(m, se, 0);
        }
        if ((se & SIGN) != 0) {
            return Float80.invalid(x);
        }
        if (a == INFINITY) {
            return x.result(m, se, 0);
        }
        int flags = denormal(a, a);
        if (x.unmasked(flags)) {
            return flags;
        }
        return flags | rootOfMagnitude(x, Float80.exponent(m, se), Float80.normalized(m), x.precisionDrop());
    }

    private static int rootOfMagnitude(X87 x, int exponent, long m, int drop) {
        int e = exponent - BIAS;
        boolean odd = (e & 1) != 0;
        long hi = odd ? m : m >>> 1;
        long lo = odd ? 0 : m << 63;
        // The estimate has 52 good bits; one step of Newton's in floating point gives the rest, and the remainder settles the last unit.
        double estimate = Math.sqrt((hi >>> 1) * 0x1p65);
        long q = fromDouble(estimate);
        long restHi = hi - Math.unsignedMultiplyHigh(q, q);
        long restLo = lo - q * q;
        if (lo + INTEGER_BIT < q * q + INTEGER_BIT) {
            restHi--;
        }
        double rest = restHi * 0x1p64 + (restLo >>> 1) * 2.0;
        long step = (long) Math.floor(rest / (2 * estimate));
        long guess = q + step;
        if (step > 0 && guess + INTEGER_BIT < q + INTEGER_BIT) {
            guess = -1L;
        }
        q = guess;
        while (true) {
            restHi = hi - Math.unsignedMultiplyHigh(q, q);
            restLo = lo - q * q;
            if (lo + INTEGER_BIT < q * q + INTEGER_BIT) {
                restHi--;
            }
            if (restHi < 0) {
                q--;
            } else if (q != -1L && (restHi > 1 || restHi == 1 && Long.compareUnsigned(restLo, q << 1) > 0)) {
                q++;
            } else {
                break;
            }
        }
        long fraction = (restHi | restLo) == 0 ? 0 : restHi != 0 || Long.compareUnsigned(restLo, q) > 0 ? INTEGER_BIT | 1 : 1;
        return finish(x, 0, (e >> 1) + BIAS, q, fraction, drop);
    }

    /// A double in [2^63, 2^64] as an unsigned word.
    private static long fromDouble(double d) {
        if (d >= 0x1p64) {
            return -1L;
        }
        return Double.doubleToRawLongBits(d) << 11 | INTEGER_BIT;
    }

    /// C3, C2 and C0 of FCOM, or of FUCOM where `quiet`: a quiet NaN is then no invalid operand.
    static int compare(long am, int ase, long bm, int bse, boolean quiet) {
        int a = Float80.classify(am, ase);
        int b = Float80.classify(bm, bse);
        if (a >= QUIET || b >= QUIET) {
            boolean invalid = !quiet || a > QUIET || b > QUIET;
            return C3 | C2 | C0 | (invalid ? IE : 0);
        }
        return order(am, ase, bm, bse) | denormal(a, b);
    }

    private static int order(long am, int ase, long bm, int bse) {
        boolean negative = (ase & SIGN) != 0;
        if (am == 0 && bm == 0) {
            return C3;
        }
        if (((ase ^ bse) & SIGN) != 0) {
            return negative ? C0 : 0;
        }
        // Exponent 0 has the weight of exponent 1.
        int ea = Math.max(ase & MAX_EXPONENT, 1);
        int eb = Math.max(bse & MAX_EXPONENT, 1);
        if (am == 0 || bm == 0) {
            return am == 0 == negative ? 0 : C0;
        }
        int order = ea != eb ? Integer.compare(ea, eb) : Long.compareUnsigned(am, bm);
        return order == 0 ? C3 : order < 0 == negative ? 0 : C0;
    }
}
