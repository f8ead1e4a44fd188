package io.kahvem.jvm.semantics.x87;

import static io.kahvem.jvm.semantics.x87.X87.C1;
import static io.kahvem.jvm.semantics.x87.X87.IE;
import static io.kahvem.jvm.semantics.x87.X87.OE;
import static io.kahvem.jvm.semantics.x87.X87.PE;
import static io.kahvem.jvm.semantics.x87.X87.UE;

/// The double extended format (SDM Vol. 1, 4.2 and 8.2): its classes, NaN rules and rounding.
///
/// Inside an operation a value is a sign (0 or [#SIGN]), an exponent with the format's bias but of any size, and a significand of 128
/// bits whose top bit is set, the lowest one holding "something was lost below" as well.
final class Float80 {
    static final int SIGN = 0x8000;
    static final int MAX_EXPONENT = 0x7fff;
    static final int BIAS = 16383;
    static final long INTEGER_BIT = Long.MIN_VALUE;
    static final long QUIET_BIT = 0x4000_0000_0000_0000L;

    /// The real indefinite: a negative quiet NaN with no payload.
    static final long DEFAULT_NAN_MANTISSA = INTEGER_BIT | QUIET_BIT;

    static final int DEFAULT_NAN_SIGN_EXPONENT = 0xffff;

    /// What an unmasked overflow takes off the exponent and an unmasked underflow adds (SDM Vol. 1, 8.5.4).
    private static final int BIAS_ADJUSTMENT = 24576;

    // Classes, ordered so that NaNs and what processors refuse come last.
    static final int ZERO = 0;
    static final int NORMAL = 1;
    static final int DENORMAL = 2;
    static final int INFINITY = 3;
    static final int QUIET = 4;
    static final int SIGNALING = 5;
    static final int UNSUPPORTED = 6;

    private Float80() {}

    /// A pseudo-denormal is a denormal; unnormals, pseudo-infinities and pseudo-NaNs are unsupported (SDM Vol. 1, Table 8-3).
    static int classify(long m, int se) {
        int e = se & MAX_EXPONENT;
        if (e == 0) {
            return m == 0 ? ZERO : DENORMAL;
        }
        if (m >= 0) {
            return UNSUPPORTED;
        }
        if (e != MAX_EXPONENT) {
            return NORMAL;
        }
        if (m == INTEGER_BIT) {
            return INFINITY;
        }
        return (m & QUIET_BIT) != 0 ? QUIET : SIGNALING;
    }

    static boolean normal(long m, int se) {
        return m < 0 && (se + 1 & MAX_EXPONENT) > 1;
    }

    static int invalid(X87 x) {
        return x.result(DEFAULT_NAN_MANTISSA, DEFAULT_NAN_SIGN_EXPONENT, IE);
    }

    /// The result of an operation on one operand of class [#QUIET] or above.
    static int nan(X87 x, long m, int se) {
        return switch (classify(m, se)) {
            case QUIET -> x.result(m, se, 0);
            case SIGNALING -> x.result(m | QUIET_BIT, se, IE);
            default -> invalid(x);
        };
    }

    /// The result where at least one operand is of class [#QUIET] or above (SDM Vol. 1, Table 4-7).
    static int nan(X87 x, long am, int ase, long bm, int bse) {
        int a = classify(am, ase);
        int b = classify(bm, bse);
        if (a == UNSUPPORTED || b == UNSUPPORTED) {
            return invalid(x);
        }
        int flags = a == SIGNALING || b == SIGNALING ? IE : 0;
        boolean second;
        if (a < QUIET) {
            second = true;
        } else if (b < QUIET) {
            second = false;
        } else if (a != b) {
            second = b == QUIET;
        } else {
            int order = Long.compareUnsigned(am, bm);
            second = order < 0 || order == 0 && (ase & SIGN) != 0;
        }
        return second ? x.result(bm | QUIET_BIT, bse, flags) : x.result(am | QUIET_BIT, ase, flags);
    }

    /// The exponent of a finite non-zero value once its significand is [normalized][#normalized].
    static int exponent(long m, int se) {
        int e = se & MAX_EXPONENT;
        return e != 0 ? e : 1 - Long.numberOfLeadingZeros(m);
    }

    static long normalized(long m) {
        return m << Long.numberOfLeadingZeros(m);
    }

    /// Rounds to nearest with 64-bit precision; leaves to [#round] what may overflow or be tiny.
    static int roundPlain(X87 x, int sign, int exponent, long hi, long lo) {
        if (exponent < 1 || exponent >= MAX_EXPONENT - 1) {
            return round(x, sign, exponent, hi, lo, 0);
        }
        if (lo == 0) {
            x.mantissa = hi;
            x.signExponent = sign | exponent;
            return 0;
        }
        if (lo > 0 || lo == Long.MIN_VALUE && (hi & 1) == 0) {
            x.mantissa = hi;
            x.signExponent = sign | exponent;
            return PE;
        }
        long m = hi + 1;
        if (m == 0) {
            x.mantissa = INTEGER_BIT;
            x.signExponent = sign | exponent + 1;
        } else {
            x.mantissa = m;
            x.signExponent = sign | exponent;
        }
        return PE | C1;
    }

    /// Rounds as the control word says, `drop` low bits of the upper word going; overflow and underflow get their masked response, or the
    /// adjusted exponent where they are unmasked. A zero significand is not for here.
    static int round(X87 x, int sign, int exponent, long hi, long lo, int drop) {
        if (exponent < 1) {
            return roundTiny(x, sign, exponent, hi, lo, drop);
        }
        long tail = hi & (1L << drop) - 1;
        boolean up = roundsUp(x.roundingControl(), sign, hi, lo, drop);
        int flags = (tail | lo) == 0 ? 0 : up ? PE | C1 : PE;
        long m = hi - tail;
        int e = exponent;
        if (up) {
            m += 1L << drop;
            if (m == 0) {
                m = INTEGER_BIT;
                e++;
            }
        }
        if (e >= MAX_EXPONENT) {
            return overflow(x, sign, e, m, flags, drop);
        }
        return x.result(m, sign | e, flags);
    }

    /// True where rounding adds one to the magnitude; false for an exact value.
    static boolean roundsUp(int rounding, int sign, long hi, long lo, int drop) {
        long top;
        boolean rest;
        if (drop == 0) {
            top = lo >>> 63;
            rest = lo << 1 != 0;
        } else {
            top = hi >>> drop - 1 & 1;
            rest = (hi & (1L << drop - 1) - 1 | lo) != 0;
        }
        return switch (rounding) {
            case X87.NEAREST -> top != 0 && (rest || (hi >>> drop & 1) != 0);
            case X87.DOWN -> sign != 0 && (top != 0 || rest);
            case X87.UP -> sign == 0 && (top != 0 || rest);
            default -> false;
        };
    }

    private static int overflow(X87 x, int sign, int exponent, long m, int flags, int drop) {
        if (x.unmasked(OE)) {
            int adjusted = exponent - BIAS_ADJUSTMENT;
            if (adjusted < MAX_EXPONENT) {
                return x.result(m, sign | adjusted, flags | OE);
            }
            // FSCALE alone comes here: too large even so (SDM Vol. 1, 8.5.4).
            return x.result(INTEGER_BIT, sign | MAX_EXPONENT, OE | PE | C1);
        }
        if (overflowsToInfinity(x.roundingControl(), sign)) {
            return x.result(INTEGER_BIT, sign | MAX_EXPONENT, OE | PE | C1);
        }
        return x.result(-1L << drop, sign | MAX_EXPONENT - 1, OE | PE);
    }

    static boolean overflowsToInfinity(int rounding, int sign) {
        return switch (rounding) {
            case X87.NEAREST -> true;
            case X87.DOWN -> sign != 0;
            case X87.UP -> sign == 0;
            default -> false;
        };
    }

    /// A result below the smallest normal number. Tiny is judged after rounding as if the exponent had no limit (SDM Vol. 1, 4.9.1.5).
    private static int roundTiny(X87 x, int sign, int exponent, long hi, long lo, int drop) {
        int rounding = x.roundingControl();
        boolean tiny = exponent < 0 || hi >>> drop != -1L >>> drop || !roundsUp(rounding, sign, hi, lo, drop);
        if (tiny && x.unmasked(UE)) {
            int adjusted = exponent + BIAS_ADJUSTMENT;
            if (adjusted < 1) {
                return x.result(0, sign, UE | PE);
            }
            return round(x, sign, adjusted, hi, lo, drop) | UE;
        }
        int shift = 1 - exponent;
        long h = shiftRightHigh(hi, shift);
        long l = shiftRightLow(hi, lo, shift);
        long tail = h & (1L << drop) - 1;
        boolean up = roundsUp(rounding, sign, h, l, drop);
        long m = h - tail + (up ? 1L << drop : 0);
        int flags = (tail | l) == 0 ? 0 : PE | (tiny ? UE : 0) | (up ? C1 : 0);
        return x.result(m, m < 0 ? sign | 1 : sign, flags);
    }

    /// The upper word of a 128-bit right shift by at least 0.
    static long shiftRightHigh(long hi, int shift) {
        return shift < 64 ? hi >>> shift : 0;
    }

    /// The lower word of a 128-bit right shift by at least 0, its lowest bit also standing for all that was lost.
    static long shiftRightLow(long hi, long lo, int shift) {
        if (shift == 0) {
            return lo;
        }
        if (shift < 64) {
            return hi << 64 - shift | lo >>> shift | (lo << 64 - shift != 0 ? 1 : 0);
        }
        if (shift == 64) {
            return hi | (lo != 0 ? 1 : 0);
        }
        if (shift < 128) {
            return hi >>> shift - 64 | ((hi << 128 - shift | lo) != 0 ? 1 : 0);
        }
        return (hi | lo) != 0 ? 1 : 0;
    }
}
