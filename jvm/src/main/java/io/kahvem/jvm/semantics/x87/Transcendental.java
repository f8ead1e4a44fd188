package io.kahvem.jvm.semantics.x87;

import static io.kahvem.jvm.semantics.x87.Float80.BIAS;
import static io.kahvem.jvm.semantics.x87.Float80.DENORMAL;
import static io.kahvem.jvm.semantics.x87.Float80.INFINITY;
import static io.kahvem.jvm.semantics.x87.Float80.INTEGER_BIT;
import static io.kahvem.jvm.semantics.x87.Float80.MAX_EXPONENT;
import static io.kahvem.jvm.semantics.x87.Float80.QUIET;
import static io.kahvem.jvm.semantics.x87.Float80.SIGN;
import static io.kahvem.jvm.semantics.x87.Float80.ZERO;
import static io.kahvem.jvm.semantics.x87.X87.C2;
import static io.kahvem.jvm.semantics.x87.X87.DE;
import static io.kahvem.jvm.semantics.x87.X87.ZE;

/// The transcendental instructions (SDM Vol. 1, 8.3.10), computed with 128 bits and rounded once to 64 as rounding control says.
///
/// Scratch registers are fields: one instance a vCPU, used on its thread.
final class Transcendental {
    // pi/2 in units of 2^-66: the 66-bit pi to which processors reduce arguments (SDM Vol. 1, 8.3.8).
    private static final long HALF_PI_HIGH = 0x6;
    private static final long HALF_PI_LOW = 0x487e_d511_0b46_11a6L;

    // pi, log2(e) and ln 2 to 128 bits.
    private static final long PI_HIGH = 0xc90f_daa2_2168_c234L;
    private static final long PI_LOW = 0xc4c6_628b_80dc_1cd1L;
    private static final long LOG2E_HIGH = 0xb8aa_3b29_5c17_f0bbL;
    private static final long LOG2E_LOW = 0xbe87_fed0_691d_3e89L;
    private static final long LN2_HIGH = 0xb172_17f7_d1cf_79abL;
    private static final long LN2_LOW = 0xc9e3_b398_03f2_f6afL;
    private static final long SQRT2_HIGH = 0xb504_f333_f9de_6484L;

    private final X87 x;
    private final Wide argument = new Wide();
    private final Wide first = new Wide();
    private final Wide second = new Wide();
    private final Wide third = new Wide();
    private final Wide square = new Wide();

    /// What [#reduce] found besides [#argument]: the multiple of pi/2, and whether the rest is negative.
    private int quadrant;

    private boolean restNegative;

    Transcendental(X87 x) {
        this.x = x;
    }

    private int finish(int sign, Wide w, int flags) {
        return flags | Float80.round(x, sign & SIGN, w.exponent + BIAS, w.hi, w.lo | 1, 0);
    }

    private static boolean outOfRange(int se) {
        return (se & MAX_EXPONENT) >= BIAS + 63;
    }

    /// |x| = quadrant * pi/2 ± argument, with the argument at most pi/4. Requires a finite non-zero x below 2^63.
    private void reduce(long m, int se) {
        quadrant = 0;
        restNegative = false;
        int e = Float80.exponent(m, se) - BIAS;
        if (e < -1) {
            argument.set(Float80.normalized(m), 0, e);
            return;
        }
        long hi = 0;
        long lo = m;
        for (int i = e + 3; i > 0; i--) {
            hi = hi << 1 | lo >>> 63;
            lo <<= 1;
            quadrant <<= 1;
            if (atLeastHalfPi(hi, lo)) {
                hi -= HALF_PI_HIGH + (Long.compareUnsigned(lo, HALF_PI_LOW) < 0 ? 1 : 0);
                lo -= HALF_PI_LOW;
                quadrant |= 1;
            }
        }
        long restLo = HALF_PI_LOW - lo;
        long restHi = HALF_PI_HIGH - hi - (Long.compareUnsigned(HALF_PI_LOW, lo) < 0 ? 1 : 0);
        if (hi > restHi || hi == restHi && Long.compareUnsigned(lo, restLo) > 0) {
            hi = restHi;
            lo = restLo;
            restNegative = true;
            quadrant++;
        }
        argument.set(hi, lo, 61).normalize();
    }

    private static boolean atLeastHalfPi(long hi, long lo) {
        return hi > HALF_PI_HIGH || hi == HALF_PI_HIGH && Long.compareUnsigned(lo, HALF_PI_LOW) >= 0;
    }

    private Wide squareOfArgument() {
        return square.set(argument).multiply(argument).toFraction();
    }

    private Wide sineOfArgument(Wide target) {
        squareOfArgument().series(Series.SINE, true).onePlusFraction(true);
        return target.set(argument).multiply(square);
    }

    private Wide cosineOfArgument(Wide target) {
        return target.set(squareOfArgument().series(Series.COSINE, true).onePlusFraction(true));
    }

    /// The flags of an operand that a trigonometric function cannot use, its result left; or -1.
    private int special(long m, int se, int a) {
        if (a >= QUIET) {
            return Float80.nan(x, m, se);
        }
        if (a == INFINITY) {
            return Float80.invalid(x);
        }
        if (outOfRange(se)) {
            return x.result(m, se, C2);
        }
        return a == DENORMAL && x.unmasked(DE) ? DE : -1;
    }

    int sine(long m, int se) {
        int a = Float80.classify(m, se);
        int flags = special(m, se, a);
        if (flags >= 0) {
            return flags;
        }
        if (a == ZERO) {
            return x.result(m, se, 0);
        }
        reduce(m, se);
        int sign = se ^ ((quadrant & 2) != 0 ? SIGN : 0);
        flags = a == DENORMAL ? DE : 0;
        if ((quadrant & 1) != 0) {
            return finish(sign, cosineOfArgument(first), flags);
        }
        return finish(restNegative ? ~sign : sign, sineOfArgument(first), flags);
    }

    int cosine(long m, int se) {
        int a = Float80.classify(m, se);
        int flags = special(m, se, a);
        if (flags >= 0) {
            return flags;
        }
        if (a == ZERO) {
            return x.result(INTEGER_BIT, BIAS, 0);
        }
        reduce(m, se);
        flags = a == DENORMAL ? DE : 0;
        int sign = (quadrant + 1 & 2) != 0 ? SIGN : 0;
        if ((quadrant & 1) == 0) {
            return finish(sign, cosineOfArgument(first), flags);
        }
        return finish(restNegative ? ~sign : sign, sineOfArgument(first), flags);
    }

    int tangent(long m, int se) {
        int a = Float80.classify(m, se);
        int flags = special(m, se, a);
        if (flags >= 0) {
            return flags;
        }
        if (a == ZERO) {
            return x.result(m, se, 0);
        }
        reduce(m, se);
        flags = a == DENORMAL ? DE : 0;
        if (argument.exponent < -70) {
            // tan x is above x by less than shows.
            return finish(se, argument, flags);
        }
        sineOfArgument(first);
        cosineOfArgument(second);
        int sign = restNegative ? ~se : se;
        if ((quadrant & 1) == 0) {
            return finish(sign, first.divide(second), flags);
        }
        return finish(~sign, second.divide(first), flags);
    }

    /// FPATAN: the angle of the point (x, y), SDM Vol. 2A, Table 3-30.
    int arcTangent(long ym, int yse, long xm, int xse) {
        int a = Float80.classify(ym, yse);
        int b = Float80.classify(xm, xse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, ym, yse, xm, xse);
        }
        int flags = a == DENORMAL || b == DENORMAL ? DE : 0;
        if (x.unmasked(flags)) {
            return flags;
        }
        int sign = yse & SIGN;
        boolean left = (xse & SIGN) != 0;
        if (a == ZERO || b == INFINITY && a != INFINITY) {
            return left ? finish(sign, first.set(PI_HIGH, PI_LOW, 1), flags) : x.result(0, sign, flags);
        }
        if (b == ZERO || a == INFINITY && b != INFINITY) {
            return finish(sign, first.set(PI_HIGH, PI_LOW, 0), flags);
        }
        if (a == INFINITY) {
            first.set(PI_HIGH, PI_LOW, -1);
            return finish(sign, left ? first.multiply(3L << 62, 0, 1) : first, flags);
        }
        first.set(Float80.normalized(ym), 0, Float80.exponent(ym, yse));
        second.set(Float80.normalized(xm), 0, Float80.exponent(xm, xse));
        boolean steep = first.compare(second) > 0;
        Wide small = steep ? second : first;
        Wide angle = arcTangentOfRatio(small, steep ? first : second);
        if (steep) {
            // pi/2 - angle, or pi/2 + angle on the left.
            third.set(PI_HIGH, PI_LOW, 0);
            return finish(sign, left ? third.add(angle) : third.subtract(angle), flags);
        }
        if (left) {
            return finish(sign, third.set(PI_HIGH, PI_LOW, 1).subtract(angle), flags);
        }
        return finish(sign, angle, flags);
    }

    /// arctan(n / d) for n <= d, in n. With c = k/16 next to the ratio: arctan c + arctan((n - c d) / (d + c n)).
    private Wide arcTangentOfRatio(Wide n, Wide d) {
        int distance = d.exponent - n.exponent;
        int k = 0;
        if (distance < 6) {
            k = (int) Math.round(16 * ((n.hi >>> 11) * 0x1p-52 / ((d.hi >>> 11) * 0x1p-52)) / (1 << distance));
        }
        if (k == 0) {
            return arcTangentSeries(n.divide(d));
        }
        // Both as integers scaled alike: 16 n - k d over 16 d + k n fits 128 bits with room.
        long nHi = Float80.shiftRightHigh(n.hi, distance + 10);
        long nLo = Float80.shiftRightLow(n.hi, 0, distance + 10);
        long dHi = d.hi >>> 10;
        long dLo = d.hi << 54;
        square.set(nHi, nLo, 0).normalize();
        third.set(dHi, dLo, 0).normalize();
        square.exponent += 4;
        third.multiply((long) k << 63 - (31 - Integer.numberOfLeadingZeros(k)), 0, 31 - Integer.numberOfLeadingZeros(k));
        boolean below = square.compare(third) < 0;
        if (below) {
            third.subtract(square);
            square.set(third);
        } else {
            square.subtract(third);
        }
        // The denominator, in third.
        third.set(nHi, nLo, 0).normalize();
        third.multiply((long) k << 63 - (31 - Integer.numberOfLeadingZeros(k)), 0, 31 - Integer.numberOfLeadingZeros(k));
        d.set(dHi, dLo, 4).normalize().add(third);
        n.set(square);
        third.set(Series.ARC_TANGENT[2 * k], Series.ARC_TANGENT[2 * k + 1], -1).normalize();
        if (n.zero()) {
            return n.set(third);
        }
        arcTangentSeries(n.divide(d));
        if (below) {
            third.subtract(n);
        } else {
            third.add(n);
        }
        return n.set(third);
    }

    private Wide arcTangentSeries(Wide u) {
        square.set(u).multiply(u).toFraction().series(Series.ODD_SHORT, true).onePlusFraction(true);
        return u.multiply(square);
    }

    /// F2XM1. Beyond -1 to +1 the result is undefined; the operand stays.
    int powerMinusOne(long m, int se) {
        int a = Float80.classify(m, se);
        if (a >= QUIET) {
            return Float80.nan(x, m, se);
        }
        int sign = se & SIGN;
        if (a == ZERO) {
            return x.result(m, se, 0);
        }
        if (a == INFINITY) {
            return sign == 0 ? x.result(m, se, 0) : x.result(INTEGER_BIT, SIGN | BIAS, 0);
        }
        int flags = a == DENORMAL ? DE : 0;
        if (x.unmasked(flags)) {
            return flags;
        }
        int e = Float80.exponent(m, se) - BIAS;
        if (e >= 0) {
            return m == INTEGER_BIT && e == 0 && sign != 0 ? x.result(INTEGER_BIT, SIGN | BIAS - 1, 0) : x.result(m, se, 0);
        }
        argument.set(Float80.normalized(m), 0, e).multiply(LN2_HIGH, LN2_LOW, -1);
        square.set(argument).toFraction().series(Series.EXPONENTIAL, sign != 0).onePlusFraction(sign != 0);
        return finish(sign, argument.multiply(square), flags);
    }

    /// FYL2X: y log2(x), SDM Vol. 2A, Table 3-47.
    int logarithm(long ym, int yse, long xm, int xse) {
        int a = Float80.classify(ym, yse);
        int b = Float80.classify(xm, xse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, ym, yse, xm, xse);
        }
        boolean one = b == Float80.NORMAL && xm == INTEGER_BIT && (xse & MAX_EXPONENT) == BIAS;
        if (b != ZERO && (xse & SIGN) != 0 || a == ZERO && (b == ZERO || b == INFINITY) || a == INFINITY && one) {
            return Float80.invalid(x);
        }
        int sign = yse & SIGN;
        if (b == ZERO) {
            return x.result(INTEGER_BIT, sign ^ SIGN | MAX_EXPONENT, a == INFINITY ? 0 : ZE);
        }
        int flags = a == DENORMAL || b == DENORMAL ? DE : 0;
        if (x.unmasked(flags)) {
            return flags;
        }
        boolean below = (xse & MAX_EXPONENT) < BIAS;
        if (a == INFINITY || b == INFINITY) {
            return x.result(INTEGER_BIT, (below ? sign ^ SIGN : sign) | MAX_EXPONENT, flags);
        }
        if (a == ZERO || one) {
            return x.result(0, below ? sign ^ SIGN : sign, flags);
        }
        first.set(Float80.normalized(xm), 0, Float80.exponent(xm, xse) - BIAS);
        return logarithmTimes(sign, ym, yse, flags);
    }

    /// FYL2XP1: y log2(x + 1). Beyond the range of Table 3-48 the result is undefined: here the logarithm where there is one, else x.
    int logarithmPlusOne(long ym, int yse, long xm, int xse) {
        int a = Float80.classify(ym, yse);
        int b = Float80.classify(xm, xse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, ym, yse, xm, xse);
        }
        boolean negative = (xse & SIGN) != 0;
        if (a == INFINITY && b == ZERO || a == ZERO && b == INFINITY || b == INFINITY && negative) {
            return Float80.invalid(x);
        }
        int flags = a == DENORMAL || b == DENORMAL ? DE : 0;
        if (x.unmasked(flags)) {
            return flags;
        }
        int sign = (yse ^ xse) & SIGN;
        if (a == INFINITY || b == INFINITY) {
            return x.result(INTEGER_BIT, sign | MAX_EXPONENT, flags);
        }
        if (a == ZERO || b == ZERO) {
            return x.result(0, sign, flags);
        }
        int e = Float80.exponent(xm, xse) - BIAS;
        if (negative && e >= 0) {
            return x.result(xm, xse, flags);
        }
        long m = Float80.normalized(xm);
        first.set(INTEGER_BIT, 0, 0);
        second.set(m, 0, e);
        if (e >= -2) {
            if (negative) {
                first.subtract(second);
            } else {
                first.add(second);
            }
            return logarithmTimes(yse & SIGN, ym, yse, flags);
        }
        // s = x / (2 + x)
        first.exponent = 1;
        if (negative) {
            first.subtract(second);
        } else {
            first.add(second);
        }
        third.set(second).divide(first);
        first.set(logarithmSeries(third));
        return finish(sign, first.multiply(Float80.normalized(ym), 0, Float80.exponent(ym, yse) - BIAS), flags);
    }

    /// log2((1 + s) / (1 - s)) for s up to 0.18, in s.
    private Wide logarithmSeries(Wide s) {
        square.set(s).multiply(s).toFraction().series(Series.ODD, false).onePlusFraction(false);
        return s.multiply(square).multiply(LOG2E_HIGH, LOG2E_LOW, 1);
    }

    /// y times log2 of [#first], `sign` being that of y.
    private int logarithmTimes(int sign, long ym, int yse, int flags) {
        int e = first.exponent;
        long hi = first.hi;
        long lo = first.lo;
        long my = Float80.normalized(ym);
        int ey = Float80.exponent(ym, yse);
        if (hi == INTEGER_BIT && lo == 0) {
            // A power of two: the logarithm is an integer, the product rounds as any.
            Conversion.fromLong(x, e);
            int product = sign ^ x.signExponent & SIGN;
            first.set(my, 0, ey - BIAS).multiply(x.mantissa, 0, (x.signExponent & MAX_EXPONENT) - BIAS);
            return flags | Float80.round(x, product, first.exponent + BIAS, first.hi, first.lo, 0);
        }
        if (Long.compareUnsigned(hi, SQRT2_HIGH) > 0) {
            e++;
        }
        boolean below = e != first.exponent;
        // s = (f - 1) / (f + 1), f between the roots of 1/2 and of 2.
        first.exponent = below ? -1 : 0;
        second.set(INTEGER_BIT, 0, 0);
        third.set(first);
        if (below) {
            third.set(second).subtract(first);
        } else {
            third.subtract(second);
        }
        second.add(first);
        logarithmSeries(third.divide(second));
        boolean negative = below;
        if (e != 0) {
            first.set(Math.abs((long) e), 0, 63).normalize();
            negative = e < 0;
            if (negative == below) {
                first.add(third);
            } else {
                first.subtract(third);
            }
        } else {
            first.set(third);
        }
        first.multiply(my, 0, ey - BIAS);
        return finish(negative ? ~sign : sign, first, flags);
    }
}
