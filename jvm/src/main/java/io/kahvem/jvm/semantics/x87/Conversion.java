package io.kahvem.jvm.semantics.x87;

import static io.kahvem.jvm.semantics.x87.Float80.BIAS;
import static io.kahvem.jvm.semantics.x87.Float80.DENORMAL;
import static io.kahvem.jvm.semantics.x87.Float80.INFINITY;
import static io.kahvem.jvm.semantics.x87.Float80.INTEGER_BIT;
import static io.kahvem.jvm.semantics.x87.Float80.MAX_EXPONENT;
import static io.kahvem.jvm.semantics.x87.Float80.QUIET;
import static io.kahvem.jvm.semantics.x87.Float80.QUIET_BIT;
import static io.kahvem.jvm.semantics.x87.Float80.SIGN;
import static io.kahvem.jvm.semantics.x87.Float80.SIGNALING;
import static io.kahvem.jvm.semantics.x87.Float80.UNSUPPORTED;
import static io.kahvem.jvm.semantics.x87.Float80.ZERO;
import static io.kahvem.jvm.semantics.x87.X87.C1;
import static io.kahvem.jvm.semantics.x87.X87.DE;
import static io.kahvem.jvm.semantics.x87.X87.IE;
import static io.kahvem.jvm.semantics.x87.X87.OE;
import static io.kahvem.jvm.semantics.x87.X87.PE;
import static io.kahvem.jvm.semantics.x87.X87.UE;

/// Conversions between double extended and the formats of memory operands (SDM Vol. 1, 8.2): float, double, integers, packed BCD.
///
/// A `from` leaves a double extended value in the [X87]; a `to` leaves the bits or the integer in its [X87#mantissa].
final class Conversion {
    private static final int DOUBLE_BIAS = 1023;
    private static final int FLOAT_BIAS = 127;
    private static final long BCD_LIMIT = 1_000_000_000_000_000_000L;

    private Conversion() {}

    static int fromDouble(X87 x, long bits) {
        int sign = (int) (bits >>> 48) & SIGN;
        int exponent = (int) (bits >>> 52) & 0x7ff;
        long m = bits << 11 & Long.MAX_VALUE;
        if (exponent != 0 && exponent != 0x7ff) {
            return x.result(m | INTEGER_BIT, sign | exponent + BIAS - DOUBLE_BIAS, 0);
        }
        return widenSpecial(x, sign, exponent, m, BIAS - DOUBLE_BIAS);
    }

    static int fromFloat(X87 x, int bits) {
        int sign = bits >>> 16 & SIGN;
        int exponent = bits >>> 23 & 0xff;
        long m = (long) bits << 40 & Long.MAX_VALUE;
        if (exponent != 0 && exponent != 0xff) {
            return x.result(m | INTEGER_BIT, sign | exponent + BIAS - FLOAT_BIAS, 0);
        }
        return widenSpecial(x, sign, exponent, m, BIAS - FLOAT_BIAS);
    }

    private static int widenSpecial(X87 x, int sign, int exponent, long m, int rebias) {
        if (exponent != 0) {
            boolean signaling = m != 0 && (m & QUIET_BIT) == 0;
            long quiet = m != 0 ? QUIET_BIT : 0;
            return x.result(m | INTEGER_BIT | quiet, sign | MAX_EXPONENT, signaling ? IE : 0);
        }
        if (m == 0) {
            return x.result(0, sign, 0);
        }
        int shift = Long.numberOfLeadingZeros(m);
        return x.result(m << shift, sign | 1 + rebias - shift, DE);
    }

    static int fromLong(X87 x, long value) {
        if (value == 0) {
            return x.result(0, 0, 0);
        }
        int sign = value < 0 ? SIGN : 0;
        long magnitude = value < 0 ? -value : value;
        int shift = Long.numberOfLeadingZeros(magnitude);
        return x.result(magnitude << shift, sign | BIAS + 63 - shift, 0);
    }

    /// FBLD. `high` is the top 16 bits: sign and two digits. A digit above 9 counts for what it weighs.
    static int fromBcd(X87 x, long low, int high) {
        long value = (high >>> 4 & 0xf) * 10 + (high & 0xf);
        for (int shift = 60; shift >= 0; shift -= 4) {
            value = value * 10 + (low >>> shift & 0xf);
        }
        fromLong(x, value);
        x.signExponent |= high & SIGN;
        return 0;
    }

    /// The operand of an arithmetic instruction in memory, a double or float already converted by `from`: a signaling NaN there is left to
    /// the operation, which must choose among the NaNs before it quiets them.
    static int operandFromDouble(X87 x, long bits) {
        int flags = fromDouble(x, bits);
        if ((flags & IE) != 0) {
            x.mantissa &= ~QUIET_BIT;
            return 0;
        }
        return flags;
    }

    static int operandFromFloat(X87 x, int bits) {
        int flags = fromFloat(x, bits);
        if ((flags & IE) != 0) {
            x.mantissa &= ~QUIET_BIT;
            return 0;
        }
        return flags;
    }

    /// The flags an operand from memory adds to those of the operation with a register: no DE where that holds a NaN.
    static int operandFlags(int flags, long registerMantissa, int registerSignExponent) {
        return flags != 0 && Float80.classify(registerMantissa, registerSignExponent) >= QUIET ? 0 : flags;
    }

    static int toDouble(X87 x, long m, int se) {
        int e = (se & MAX_EXPONENT) - (BIAS - DOUBLE_BIAS);
        if (m < 0 && e >= 1 && e < 0x7fe) {
            long sign = (long) (se & SIGN) << 48;
            if ((m & 0x7ff) == 0) {
                return x.result(sign | (long) e << 52 | m << 1 >>> 12, 0, 0);
            }
            boolean up = Float80.roundsUp(x.roundingControl(), se & SIGN, m, 0, 11);
            // A carry out of the fraction steps the exponent, as it must.
            long magnitude = ((long) e << 52 | m << 1 >>> 12) + (up ? 1 : 0);
            return x.result(sign | magnitude, 0, up ? PE | C1 : PE);
        }
        return narrow(x, m, se, 52, 0x7ff, BIAS - DOUBLE_BIAS);
    }

    /// The float's bits are in the low half of [X87#mantissa].
    static int toFloat(X87 x, long m, int se) {
        return narrow(x, m, se, 23, 0xff, BIAS - FLOAT_BIAS);
    }

    private static int narrow(X87 x, long m, int se, int fractionBits, int maxExponent, int rebias) {
        int sign = se & SIGN;
        long signBit = sign == 0 ? 0 : (maxExponent + 1L) << fractionBits;
        long infinity = signBit | (long) maxExponent << fractionBits;
        long quietBit = 1L << fractionBits - 1;
        int drop = 63 - fractionBits;
        switch (Float80.classify(m, se)) {
            case ZERO -> {
                return x.result(signBit, 0, 0);
            }
            case INFINITY -> {
                return x.result(infinity, 0, 0);
            }
            case QUIET -> {
                return x.result(infinity | quietBit | m << 1 >>> 1 + drop, 0, 0);
            }
            case SIGNALING -> {
                return x.result(infinity | quietBit | m << 1 >>> 1 + drop, 0, IE);
            }
            case UNSUPPORTED -> {
                long defaultNan = (maxExponent * 2L + 1) << fractionBits;
                return x.result(defaultNan | quietBit, 0, IE);
            }
            default -> {
                return narrowFinite(x, sign, Float80.exponent(m, se) - rebias, Float80.normalized(m), fractionBits, maxExponent);
            }
        }
    }

    private static int narrowFinite(X87 x, int sign, int exponent, long m, int fractionBits, int maxExponent) {
        int rounding = x.roundingControl();
        int drop = 63 - fractionBits;
        long signBit = sign == 0 ? 0 : (maxExponent + 1L) << fractionBits;
        if (exponent < 1) {
            boolean tiny = exponent < 0 || m >>> drop != -1L >>> drop || !Float80.roundsUp(rounding, sign, m, 0, drop);
            long h = Float80.shiftRightHigh(m, 1 - exponent);
            long l = Float80.shiftRightLow(m, 0, 1 - exponent);
            boolean up = Float80.roundsUp(rounding, sign, h, l, drop);
            boolean exact = (h & (1L << drop) - 1 | l) == 0;
            int flags = (exact ? 0 : PE | (up ? C1 : 0)) | (tiny && (!exact || x.unmasked(UE)) ? UE : 0);
            return x.result(signBit | (h >>> drop) + (up ? 1 : 0), 0, flags);
        }
        boolean up = Float80.roundsUp(rounding, sign, m, 0, drop);
        long magnitude = (m << 1 >>> 1 + drop) + (up ? 1 : 0) + ((long) exponent << fractionBits);
        if (exponent >= maxExponent || magnitude >>> fractionBits >= maxExponent) {
            boolean toInfinity = Float80.overflowsToInfinity(rounding, sign);
            long infinity = (long) maxExponent << fractionBits;
            return x.result(signBit | (toInfinity ? infinity : infinity - 1), 0, toInfinity ? OE | PE | C1 : OE | PE);
        }
        int flags = (m & (1L << drop) - 1) == 0 ? 0 : up ? PE | C1 : PE;
        return x.result(signBit | magnitude, 0, flags);
    }

    /// FIST of `bits` bits under the given rounding: the sign-extended integer, or the integer indefinite and IE.
    static int toInteger(X87 x, long m, int se, int bits, int rounding) {
        int sign = se & SIGN;
        int e = (se & MAX_EXPONENT) - BIAS;
        long indefinite = -1L << bits - 1;
        if (m == 0 && e == -BIAS) {
            return x.result(0, 0, 0);
        }
        if (e >= 63 || m >= 0 && e != -BIAS) {
            boolean minimum = bits == 64 && e == 63 && sign != 0 && m == INTEGER_BIT;
            return x.result(indefinite, 0, minimum ? 0 : IE);
        }
        int shift = 63 - e;
        long whole = Float80.shiftRightHigh(m, shift);
        long fraction = Float80.shiftRightLow(m, 0, shift);
        boolean up = Float80.roundsUp(rounding, sign, whole, fraction, 0);
        long magnitude = whole + (up ? 1 : 0);
        long limit = (1L << bits - 1) - (sign == 0 ? 1 : 0);
        if (Long.compareUnsigned(magnitude, limit) > 0) {
            return x.result(indefinite, 0, IE);
        }
        return x.result(sign == 0 ? magnitude : -magnitude, 0, fraction == 0 ? 0 : up ? PE | C1 : PE);
    }

    /// FBSTP: eighteen digits in [X87#mantissa] and the low byte of [X87#signExponent], the sign in its bit 15; or the packed BCD
    /// indefinite and IE.
    static int toBcd(X87 x, long m, int se) {
        int flags = toInteger(x, m, se, 64, x.roundingControl());
        long value = Math.abs(x.mantissa);
        if ((flags & IE) != 0 || value < 0 || value >= BCD_LIMIT) {
            return x.result(0xc000_0000_0000_0000L, 0xffff, IE);
        }
        long low = 0;
        for (int shift = 0; shift < 64; shift += 4) {
            low |= value % 10 << shift;
            value /= 10;
        }
        int high = (int) (value / 10 << 4 | value % 10);
        return x.result(low, se & SIGN | high, flags);
    }

    /// FRNDINT.
    static int roundToInteger(X87 x, long m, int se) {
        int sign = se & SIGN;
        int a = Float80.classify(m, se);
        if (a >= QUIET) {
            return Float80.nan(x, m, se);
        }
        int e = (se & MAX_EXPONENT) - BIAS;
        if (a == ZERO || e >= 63) {
            return x.result(m, se, 0);
        }
        int flags = a == DENORMAL ? DE : 0;
        if (x.unmasked(flags)) {
            return flags;
        }
        int shift = 63 - e;
        long whole = Float80.shiftRightHigh(m, shift);
        long fraction = Float80.shiftRightLow(m, 0, shift);
        boolean up = Float80.roundsUp(x.roundingControl(), sign, whole, fraction, 0);
        flags |= fraction == 0 ? 0 : up ? PE | C1 : PE;
        long magnitude = whole + (up ? 1 : 0);
        if (magnitude == 0) {
            return x.result(0, sign, flags);
        }
        int zeros = Long.numberOfLeadingZeros(magnitude);
        return x.result(magnitude << zeros, sign | BIAS + 63 - zeros, flags);
    }
}
