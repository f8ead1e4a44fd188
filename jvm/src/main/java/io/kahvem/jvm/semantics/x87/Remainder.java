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
import static io.kahvem.jvm.semantics.x87.X87.C1;
import static io.kahvem.jvm.semantics.x87.X87.C2;
import static io.kahvem.jvm.semantics.x87.X87.C3;
import static io.kahvem.jvm.semantics.x87.X87.DE;
import static io.kahvem.jvm.semantics.x87.X87.ZE;

/// Partial remainders, scaling and taking a number apart. Their results are exact or rounded to 64 bits whatever precision control says.
final class Remainder {
    private Remainder() {}

    /// FPREM (`nearest` false: the quotient is chopped) and FPREM1 (to nearest even). The flags carry C2 where the reduction is incomplete,
    /// else the quotient's bits 2, 1 and 0 in C0, C3 and C1.
    static int remainder(X87 x, long am, int ase, long bm, int bse, boolean nearest) {
        int a = Float80.classify(am, ase);
        int b = Float80.classify(bm, bse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, am, ase, bm, bse);
        }
        if (a == INFINITY || b == ZERO) {
            return Float80.invalid(x);
        }
        int flags = a == DENORMAL || b == DENORMAL ? DE : 0;
        if (x.unmasked(flags)) {
            return flags;
        }
        int sign = ase & SIGN;
        if (a == ZERO) {
            return x.result(0, sign, flags);
        }
        if (b == INFINITY) {
            return flags | Float80.round(x, sign, Float80.exponent(am, ase), Float80.normalized(am), 0, 0);
        }
        int ea = Float80.exponent(am, ase);
        int eb = Float80.exponent(bm, bse);
        return flags | reduce(x, sign, ea, Float80.normalized(am), eb, Float80.normalized(bm), nearest);
    }

    private static int reduce(X87 x, int sign, int ea, long am, int eb, long bm, boolean nearest) {
        int distance = ea - eb;
        if (distance < (nearest ? -1 : 0)) {
            return Float80.round(x, sign, ea, am, 0, 0);
        }
        if (distance == -1) {
            // a is between b/4 and b: it counts for one b where it is above b/2.
            if (Long.compareUnsigned(am, bm) <= 0) {
                return Float80.round(x, sign, ea, am, 0, 0);
            }
            // In units of b's last place shifted by one: 2b - a, which is below 2^64.
            return pack(x, sign ^ SIGN, ea, (bm << 1) - am) | quotientBits(1);
        }
        boolean partial = distance >= 64;
        int steps = partial ? distance & 31 | 32 : distance;
        long quotient;
        long rest;
        if (steps == 0) {
            quotient = Long.compareUnsigned(am, bm) >= 0 ? 1 : 0;
            rest = quotient == 0 ? am : am - bm;
        } else {
            long hi = am >>> 64 - steps;
            long lo = am << steps;
            quotient = Arithmetic.divide128(hi, lo, bm);
            rest = lo - quotient * bm;
        }
        if (partial) {
            return pack(x, sign, ea - steps, rest) | C2;
        }
        if (nearest) {
            int half = Long.compareUnsigned(rest, bm - rest);
            if (rest != 0 && (half > 0 || half == 0 && (quotient & 1) != 0)) {
                return pack(x, sign ^ SIGN, eb, bm - rest) | quotientBits(quotient + 1);
            }
        }
        return pack(x, sign, eb, rest) | quotientBits(quotient);
    }

    private static int pack(X87 x, int sign, int exponent, long m) {
        if (m == 0) {
            return x.result(0, sign, 0);
        }
        int shift = Long.numberOfLeadingZeros(m);
        return Float80.round(x, sign, exponent - shift, m << shift, 0, 0);
    }

    private static int quotientBits(long quotient) {
        return ((quotient & 4) != 0 ? C0 : 0) | ((quotient & 2) != 0 ? C3 : 0) | ((quotient & 1) != 0 ? C1 : 0);
    }

    /// FSCALE: a times two to the power of b, chopped.
    static int scale(X87 x, long am, int ase, long bm, int bse) {
        int a = Float80.classify(am, ase);
        int b = Float80.classify(bm, bse);
        if (a >= QUIET || b >= QUIET) {
            return Float80.nan(x, am, ase, bm, bse);
        }
        boolean down = (bse & SIGN) != 0;
        if (b == INFINITY && (down ? a == INFINITY : a == ZERO)) {
            return Float80.invalid(x);
        }
        int flags = a == DENORMAL || b == DENORMAL ? DE : 0;
        if (x.unmasked(flags)) {
            return flags;
        }
        if (a == ZERO || a == INFINITY) {
            return x.result(am, ase, flags);
        }
        int sign = ase & SIGN;
        if (b == INFINITY) {
            return down ? x.result(0, sign, flags) : x.result(INTEGER_BIT, sign | MAX_EXPONENT, flags);
        }
        int e = (bse & MAX_EXPONENT) - BIAS;
        // Beyond 2^16 every finite number has left the range, the adjusted one of unmasked exceptions included.
        int power = e < 0 ? 0 : e > 16 ? 0x2_0000 : (int) (bm >>> 63 - e);
        int exponent = Float80.exponent(am, ase) + (down ? -power : power);
        return flags | Float80.round(x, sign, exponent, Float80.normalized(am), 0, 0);
    }

    /// The exponent FXTRACT leaves in ST(1).
    static int extractExponent(X87 x, long m, int se) {
        return switch (Float80.classify(m, se)) {
            case ZERO -> x.result(INTEGER_BIT, SIGN | MAX_EXPONENT, ZE);
            case INFINITY -> x.result(INTEGER_BIT, MAX_EXPONENT, 0);
            case Float80.NORMAL -> Conversion.fromLong(x, (se & MAX_EXPONENT) - BIAS);
            case DENORMAL -> Conversion.fromLong(x, Float80.exponent(m, se) - BIAS) | DE;
            default -> Float80.nan(x, m, se);
        };
    }

    /// The significand FXTRACT pushes; the flags are those of [#extractExponent].
    static void extractSignificand(X87 x, long m, int se) {
        switch (Float80.classify(m, se)) {
            case ZERO, INFINITY -> x.result(m, se, 0);
            case Float80.NORMAL, DENORMAL -> x.result(Float80.normalized(m), se & SIGN | BIAS, 0);
            default -> Float80.nan(x, m, se);
        }
    }
}
