package io.kahvem.jvm.semantics.sse;

import static io.kahvem.jvm.semantics.sse.Mxcsr.DAZ;
import static io.kahvem.jvm.semantics.sse.Mxcsr.DE;
import static io.kahvem.jvm.semantics.sse.Mxcsr.DOWN;
import static io.kahvem.jvm.semantics.sse.Mxcsr.FTZ;
import static io.kahvem.jvm.semantics.sse.Mxcsr.IE;
import static io.kahvem.jvm.semantics.sse.Mxcsr.NEAREST;
import static io.kahvem.jvm.semantics.sse.Mxcsr.OE;
import static io.kahvem.jvm.semantics.sse.Mxcsr.PE;
import static io.kahvem.jvm.semantics.sse.Mxcsr.UE;
import static io.kahvem.jvm.semantics.sse.Mxcsr.UP;
import static io.kahvem.jvm.semantics.sse.Mxcsr.ZE;

import io.kahvem.jvm.cpu.Cpu;

/// IEEE 754 arithmetic in integers, for one of the formats: every rounding mode, DAZ, FTZ, and the exact exception flags, which are
/// or-ed into `c.simdFlags` (SDM Vol. 1, 4.8, 4.9, 10.2.3, 11.5). [Floats] comes here where Java's own arithmetic is not known to agree.
///
/// A finite number in work is sign, biased exponent (which may be below 1) and a significand whose leading one is bit 62; bit 0 stands
/// for anything below it.
final class SoftFloat {
    static final SoftFloat SINGLE = new SoftFloat(23, 8);
    static final SoftFloat DOUBLE = new SoftFloat(52, 11);
    private static final SoftFloat HALF = new SoftFloat(10, 5);

    private static final int TOP = 62;
    private static final int MOST_SHIFTED = 63;

    /// Bits of a quotient found by one step of the division.
    private static final int DIVISION_STEP = 10;

    private final int fractionBits;
    private final int maxExponent;
    private final int bias;
    private final long fraction;
    private final long sign;
    private final long magnitude;
    private final long infinity;
    private final long quiet;

    /// How far a stored significand is below its place in work.
    private final int shift;

    private SoftFloat(int fractionBits, int exponentBits) {
        this.fractionBits = fractionBits;
        maxExponent = (1 << exponentBits) - 1;
        bias = maxExponent >> 1;
        fraction = (1L << fractionBits) - 1;
        sign = 1L << fractionBits + exponentBits;
        magnitude = sign - 1;
        infinity = (long) maxExponent << fractionBits;
        quiet = 1L << fractionBits - 1;
        shift = TOP - fractionBits;
    }

    boolean isNaN(long a) {
        return (a & magnitude) > infinity;
    }

    boolean isSignalling(long a) {
        return isNaN(a) && (a & quiet) == 0;
    }

    private boolean isInfinite(long a) {
        return (a & magnitude) == infinity;
    }

    private boolean isZero(long a) {
        return (a & magnitude) == 0;
    }

    private boolean isDenormal(long a) {
        return (a & infinity) == 0 && (a & fraction) != 0;
    }

    private boolean negative(long a) {
        return (a & sign) != 0;
    }

    /// The operand as the instruction takes it: under DAZ a denormal is a zero of its sign.
    long operand(Cpu c, long a) {
        return (c.mxcsr & DAZ) != 0 && isDenormal(a) ? a & sign : a;
    }

    private void noteDenormal(Cpu c, long a, long b) {
        if (isDenormal(a) || isDenormal(b)) c.simdFlags |= DE;
    }

    /// The result where one operand is a NaN: the first one that is, quiet.
    private long propagate(Cpu c, long a, long b) {
        if (isSignalling(a) || isSignalling(b)) c.simdFlags |= IE;
        return (isNaN(a) ? a : b) | quiet;
    }

    /// The default NaN of an invalid operation.
    private long invalid(Cpu c) {
        c.simdFlags |= IE;
        return sign | infinity | quiet;
    }

    private int exponent(long a) {
        int e = (int) ((a & magnitude) >>> fractionBits);
        return e != 0 ? e : 1 - (Long.numberOfLeadingZeros(a & fraction) - (63 - fractionBits));
    }

    private long significand(long a) {
        long f = a & fraction;
        return (a & infinity) != 0 ? (f | fraction + 1) << shift : f << Long.numberOfLeadingZeros(f) - 1;
    }

    /// Shifts right by `n` >= 0; what falls out is kept in bit 0.
    private static long shiftRight(long s, int n) {
        if (n == 0) return s;
        if (n > MOST_SHIFTED) return s != 0 ? 1 : 0;
        return s >>> n | ((s & (1L << n) - 1) != 0 ? 1 : 0);
    }

    /// `s` rounded to a multiple of 2^n.
    private static long round(int mode, boolean negative, long s, int n) {
        long below = s & (1L << n) - 1;
        long half = 1L << n - 1;
        long floor = s - below;
        boolean up = switch (mode) {
            case NEAREST -> below > half || below == half && (s >>> n & 1) != 0;
            case DOWN -> negative && below != 0;
            case UP -> !negative && below != 0;
            default -> false;
        };
        return up ? floor + (1L << n) : floor;
    }

    /// Rounds and packs, noting overflow, underflow and inexactness. `s` has its leading one at bit 62.
    private long pack(Cpu c, boolean negative, int exponent, long s) {
        return pack(c, Mxcsr.rounding(c.mxcsr), (c.mxcsr & FTZ) != 0, negative, exponent, s);
    }

    private long pack(Cpu c, int mode, boolean flush, boolean negative, int exponent, long s) {
        long signBit = negative ? sign : 0;
        if (exponent <= 0) return packTiny(c, mode, flush, negative, exponent, s);
        long rounded = round(mode, negative, s, shift);
        if (rounded != s) c.simdFlags |= PE;
        if (exponent < maxExponent) {
            // The carry of rounding up, bit 63, moves into the exponent by itself.
            long result = ((long) (exponent - 1) << fractionBits) + (rounded >>> shift);
            if (result < infinity) return signBit | result;
        }
        c.simdFlags |= Mxcsr.unmasked(c.mxcsr, OE) ? OE : OE | PE;
        boolean toInfinity = mode == NEAREST || mode == (negative ? DOWN : UP);
        return signBit | (toInfinity ? infinity : infinity - 1);
    }

    /// A result below the smallest normal number before rounding; it is tiny if it still is when rounded to full precision (SDM Vol. 1,
    /// 4.9.1.5).
    private long packTiny(Cpu c, int mode, boolean flush, boolean negative, int exponent, long s) {
        long signBit = negative ? sign : 0;
        long full = round(mode, negative, s, shift);
        boolean tiny = exponent < 0 || full >= 0;
        if (tiny && Mxcsr.unmasked(c.mxcsr, UE)) {
            c.simdFlags |= full != s ? UE | PE : UE;
            return 0; // not to be written
        }
        if (tiny && flush) {
            c.simdFlags |= UE | PE;
            return signBit;
        }
        long shifted = shiftRight(s, 1 - exponent);
        long rounded = round(mode, negative, shifted, shift);
        if (rounded != shifted) c.simdFlags |= tiny ? UE | PE : PE;
        return signBit | rounded >>> shift;
    }

    long add(Cpu c, long first, long second) {
        long a = operand(c, first);
        long b = operand(c, second);
        return isNaN(a) || isNaN(b) ? propagate(c, a, b) : sum(c, a, b);
    }

    long sub(Cpu c, long first, long second) {
        long a = operand(c, first);
        long b = operand(c, second);
        return isNaN(a) || isNaN(b) ? propagate(c, a, b) : sum(c, a, b ^ sign);
    }

    private long sum(Cpu c, long a, long b) {
        boolean opposite = negative(a) != negative(b);
        if (isInfinite(a) && isInfinite(b)) return opposite ? invalid(c) : a;
        noteDenormal(c, a, b);
        if (isInfinite(a)) return a;
        if (isInfinite(b)) return b;
        if (isZero(a) && isZero(b)) return opposite ? exactZero(c) : a;
        if (isZero(a)) return pack(c, negative(b), exponent(b), significand(b));
        if (isZero(b)) return pack(c, negative(a), exponent(a), significand(a));
        boolean swap = (a & magnitude) < (b & magnitude);
        long big = swap ? b : a;
        long small = swap ? a : b;
        // One bit lower, so that the sum has room.
        int e = exponent(big) + 1;
        long s = significand(big) >>> 1;
        long t = shiftRight(significand(small) >>> 1, exponent(big) - exponent(small));
        long result = opposite ? s - t : s + t;
        if (result == 0) return exactZero(c);
        int up = Long.numberOfLeadingZeros(result) - 1;
        return pack(c, negative(big), e - up, result << up);
    }

    /// x - x.
    private long exactZero(Cpu c) {
        return Mxcsr.rounding(c.mxcsr) == DOWN ? sign : 0;
    }

    long mul(Cpu c, long first, long second) {
        long a = operand(c, first);
        long b = operand(c, second);
        if (isNaN(a) || isNaN(b)) return propagate(c, a, b);
        boolean negative = negative(a) != negative(b);
        if (isInfinite(a) && isZero(b) || isZero(a) && isInfinite(b)) return invalid(c);
        noteDenormal(c, a, b);
        if (isInfinite(a) || isInfinite(b)) return infinity | (negative ? sign : 0);
        if (isZero(a) || isZero(b)) return negative ? sign : 0;
        long s = significand(a);
        long t = significand(b);
        long high = Math.multiplyHigh(s, t);
        long low = s * t;
        // The product's leading one is bit 124 or 125.
        int e = exponent(a) + exponent(b) - bias;
        long result = high << 2 | low >>> 62;
        long rest = low << 2;
        if (result < 0) {
            rest |= result & 1;
            result >>>= 1;
            e++;
        }
        return pack(c, negative, e, rest != 0 ? result | 1 : result);
    }

    /// x * y + z, product and addend negated where asked, rounded once. A NaN counts in the order x, y, z (SDM Vol. 1, Table 14-17).
    long fma(Cpu c, long first, long second, long third, boolean negateProduct, boolean negateAddend) {
        long x = operand(c, first);
        long y = operand(c, second);
        long z = operand(c, third);
        if (isNaN(x) || isNaN(y)) {
            if (isSignalling(z)) c.simdFlags |= IE;
            return propagate(c, x, y);
        }
        if (isNaN(z)) return propagate(c, z, z);
        boolean negative = negative(x) != negative(y) != negateProduct;
        boolean negativeAddend = negative(z) != negateAddend;
        if (isInfinite(x) && isZero(y) || isZero(x) && isInfinite(y)) return invalid(c);
        boolean infinite = isInfinite(x) || isInfinite(y);
        if (infinite && isInfinite(z) && negative != negativeAddend) return invalid(c);
        noteDenormal(c, x, y);
        noteDenormal(c, z, z);
        if (infinite) return infinity | (negative ? sign : 0);
        if (isInfinite(z)) return infinity | (negativeAddend ? sign : 0);
        if (isZero(x) || isZero(y)) {
            if (!isZero(z)) return pack(c, negativeAddend, exponent(z), significand(z));
            return negative == negativeAddend ? negative ? sign : 0 : exactZero(c);
        }
        long high = Math.multiplyHigh(significand(x), significand(y));
        long low = significand(x) * significand(y);
        int e = exponent(x) + exponent(y) - bias + 1;
        if (high >>> 61 == 0) { // the product's leading one is to be bit 125
            high = high << 1 | low >>> 63;
            low <<= 1;
            e--;
        }
        return isZero(z) ? packWide(c, negative, e, high, low)
                : addWide(c, negative, e, high, low, negativeAddend, exponent(z), significand(z) >>> 1, significand(z) << 63);
    }

    /// The sum of two numbers with significands of 128 bits whose leading ones are bits 125.
    private long addWide(Cpu c, boolean negative, int e, long high, long low, boolean negative2, int e2, long high2, long low2) {
        if (e < e2 || e == e2 && (high < high2 || high == high2 && Long.compareUnsigned(low, low2) < 0)) {
            return addWide(c, negative2, e2, high2, low2, negative, e, high, low);
        }
        int n = e - e2;
        long h = n > MOST_SHIFTED ? 0 : high2 >>> n;
        long l = n == 0 ? low2
                : n <= MOST_SHIFTED ? shiftRight(low2, n) | high2 << 64 - n
                : shiftRight(high2, Math.min(n - 64, 64)) | (low2 != 0 ? 1 : 0);
        if (negative == negative2) {
            long sum = low + l;
            return packWide(c, negative, e, high + h + (Long.compareUnsigned(sum, low) < 0 ? 1 : 0), sum);
        }
        long difference = low - l;
        long rest = high - h - (Long.compareUnsigned(low, l) < 0 ? 1 : 0);
        return (rest | difference) == 0 ? exactZero(c) : packWide(c, negative, e, rest, difference);
    }

    /// Packs 128 bits, in which bit 125 counts 2^e.
    private long packWide(Cpu c, boolean negative, int e, long high, long low) {
        int zeros = high != 0 ? Long.numberOfLeadingZeros(high) : 64 + Long.numberOfLeadingZeros(low);
        int up = zeros - 1; // the leading one goes to bit 126
        long h = up >= 64 ? low << up - 64 : up == 0 ? high : high << up | low >>> 64 - up;
        long l = up >= 64 ? 0 : low << up;
        return pack(c, negative, e + 1 - up, l != 0 ? h | 1 : h);
    }

    long div(Cpu c, long first, long second) {
        long a = operand(c, first);
        long b = operand(c, second);
        if (isNaN(a) || isNaN(b)) return propagate(c, a, b);
        boolean negative = negative(a) != negative(b);
        long signBit = negative ? sign : 0;
        if (isInfinite(a) && isInfinite(b) || isZero(a) && isZero(b)) return invalid(c);
        if (isZero(b) && !isInfinite(a)) {
            c.simdFlags |= ZE;
            return signBit | infinity;
        }
        noteDenormal(c, a, b);
        if (isInfinite(a)) return signBit | infinity;
        if (isInfinite(b) || isZero(a)) return signBit;
        long divisor = significand(b) >>> DIVISION_STEP;
        long dividend = significand(a) >>> DIVISION_STEP;
        long quotient = dividend / divisor;
        long rest = dividend % divisor;
        for (int n = 0; n < 6; n++) {
            rest <<= DIVISION_STEP;
            quotient = quotient << DIVISION_STEP | rest / divisor;
            rest %= divisor;
        }
        // The quotient is between 2^59 and 2^61, for 2^60.
        int up = Long.numberOfLeadingZeros(quotient) - 1;
        long result = quotient << up;
        return pack(c, negative, exponent(a) - exponent(b) + bias + 2 - up, rest != 0 ? result | 1 : result);
    }

    long sqrt(Cpu c, long operand) {
        long a = operand(c, operand);
        if (isNaN(a)) return propagate(c, a, a);
        if (isZero(a)) return a;
        if (negative(a)) return invalid(c);
        noteDenormal(c, a, a);
        if (isInfinite(a)) return a;
        int e = exponent(a) - bias;
        // 1 <= x < 4 with an even power of two taken out. Its root is right to 53 bits, and the exact remainder says on which side of it
        // the root is.
        double x = Math.scalb((double) (significand(a) >>> DIVISION_STEP), (e & 1) - 52);
        double root = Math.sqrt(x);
        double remainder = Math.fma(-root, root, x);
        long s = (Double.doubleToRawLongBits(root) & DOUBLE.fraction | DOUBLE.fraction + 1) << DOUBLE.shift;
        if (remainder > 0) s |= 1;
        if (remainder < 0) s--;
        // Just below the smallest root, 1, there is none: s keeps its leading one.
        return pack(c, false, (e >> 1) + bias, s);
    }

    long min(Cpu c, long first, long second) {
        return choose(c, first, second, true);
    }

    long max(Cpu c, long first, long second) {
        return choose(c, first, second, false);
    }

    /// The second operand unless the first is strictly smaller (greater): also for NaNs and equal zeros (SDM Vol. 2, MINSD).
    private long choose(Cpu c, long first, long second, boolean smaller) {
        long a = operand(c, first);
        long b = operand(c, second);
        if (isNaN(a) || isNaN(b)) {
            c.simdFlags |= IE;
            return b;
        }
        noteDenormal(c, a, b);
        int relation = Long.compare(order(a), order(b));
        return relation == (smaller ? LESS : GREATER) ? a : b;
    }

    /// An integer that orders as the number does; both zeros are 0.
    private long order(long a) {
        return negative(a) ? -(a & magnitude) : a & magnitude;
    }

    static final int LESS = -1;
    static final int EQUAL = 0;
    static final int GREATER = 1;
    static final int UNORDERED = 2;

    /// Compares; a quiet NaN is invalid too where `signalling`.
    int compare(Cpu c, long first, long second, boolean signalling) {
        long a = operand(c, first);
        long b = operand(c, second);
        if (isNaN(a) || isNaN(b)) {
            if (signalling || isSignalling(a) || isSignalling(b)) c.simdFlags |= IE;
            return UNORDERED;
        }
        noteDenormal(c, a, b);
        return Long.compare(order(a), order(b));
    }

    /// To a signed integer of `bits` bits in rounding mode `mode`; what does not fit is the integer indefinite.
    long toInteger(Cpu c, long operand, int bits, int mode) {
        long a = operand(c, operand);
        long indefinite = 1L << bits - 1;
        if (isZero(a)) return 0;
        boolean negative = negative(a);
        int e = (a & infinity) == infinity ? Integer.MAX_VALUE : exponent(a) - bias;
        if (e > TOP) {
            if (bits == 64 && e == 63 && negative && (a & fraction) == 0) return Long.MIN_VALUE;
            c.simdFlags |= IE;
            return indefinite;
        }
        // One bit lower and two places for what is below the point: the integer's ones are at bit 2.
        long s = significand(a);
        long integer;
        boolean inexact;
        if (e >= TOP - 2) {
            integer = s >>> TOP - e;
            long floor = integer;
            long below = s - (floor << TOP - e);
            inexact = below != 0;
            if (inexact && roundsUp(mode, negative, below, TOP - e, floor)) integer++;
        } else {
            long scaled = shiftRight(s, TOP - 2 - e);
            long rounded = round(mode, negative, scaled, 2);
            inexact = rounded != scaled;
            integer = rounded >>> 2;
        }
        if (Long.compareUnsigned(integer, negative ? indefinite : indefinite - 1) > 0 && integer != 0) {
            c.simdFlags |= IE;
            return indefinite;
        }
        if (inexact) c.simdFlags |= PE;
        return negative ? -integer : integer;
    }

    private static boolean roundsUp(int mode, boolean negative, long below, int bits, long floor) {
        long half = 1L << bits - 1;
        return switch (mode) {
            case NEAREST -> below > half || below == half && (floor & 1) != 0;
            case DOWN -> negative;
            case UP -> !negative;
            default -> false;
        };
    }

    long fromInteger(Cpu c, long value) {
        if (value == 0) return 0;
        boolean negative = value < 0;
        long m = negative ? -value : value;
        int zeros = Long.numberOfLeadingZeros(m);
        long s = zeros == 0 ? shiftRight(m, 1) : m << zeros - 1;
        return pack(c, negative, bias + 63 - zeros, s);
    }

    /// To an integral value of the same format (ROUNDSD). `mode` is a rounding mode; inexactness is noted where `precise`.
    long toIntegral(Cpu c, long operand, int mode, boolean precise) {
        long a = operand(c, operand);
        if (isNaN(a)) return propagate(c, a, a);
        if (isZero(a) || isInfinite(a)) return a;
        int e = exponent(a) - bias;
        if (e >= fractionBits) return a;
        long scaled = shiftRight(significand(a), TOP - 2 - Math.max(e, -MOST_SHIFTED));
        boolean negative = negative(a);
        long rounded = round(mode, negative, scaled, 2);
        if (rounded != scaled && precise) c.simdFlags |= PE;
        long integer = rounded >>> 2;
        if (integer == 0) return a & sign;
        int top = 63 - Long.numberOfLeadingZeros(integer);
        return a & sign | ((long) (top + bias) << fractionBits) + (integer << fractionBits - top & fraction);
    }

    /// Single to double.
    static long widen(Cpu c, long operand) {
        long a = SINGLE.operand(c, operand & 0xffff_ffffL);
        long signBit = (a & SINGLE.sign) << 32;
        if (SINGLE.isNaN(a)) {
            if (SINGLE.isSignalling(a)) c.simdFlags |= IE;
            return signBit | DOUBLE.infinity | DOUBLE.quiet | (a & SINGLE.fraction) << 29;
        }
        SINGLE.noteDenormal(c, a, a);
        return Double.doubleToRawLongBits(Float.intBitsToFloat((int) a));
    }

    /// Double to single.
    static long narrow(Cpu c, long operand) {
        long a = DOUBLE.operand(c, operand);
        long signBit = a >>> 32 & SINGLE.sign;
        if (DOUBLE.isNaN(a)) {
            if (DOUBLE.isSignalling(a)) c.simdFlags |= IE;
            return signBit | SINGLE.infinity | SINGLE.quiet | (a & DOUBLE.fraction) >>> 29;
        }
        if (DOUBLE.isInfinite(a)) return signBit | SINGLE.infinity;
        if (DOUBLE.isZero(a)) return signBit;
        DOUBLE.noteDenormal(c, a, a);
        return SINGLE.pack(c, a < 0, DOUBLE.exponent(a) - DOUBLE.bias + SINGLE.bias, DOUBLE.significand(a));
    }

    /// Half precision to single, exactly; denormals are neither flushed nor noted (SDM Vol. 2, VCVTPH2PS).
    static long fromHalf(Cpu c, long a) {
        long signBit = (a & HALF.sign) << 16;
        if (HALF.isNaN(a)) {
            if (HALF.isSignalling(a)) c.simdFlags |= IE;
            return signBit | SINGLE.infinity | SINGLE.quiet | (a & HALF.fraction) << 13;
        }
        if (HALF.isInfinite(a)) return signBit | SINGLE.infinity;
        if (HALF.isZero(a)) return signBit;
        long exponent = HALF.exponent(a) - HALF.bias + SINGLE.bias;
        return signBit | (exponent - 1 << SINGLE.fractionBits) + (HALF.significand(a) >>> SINGLE.shift);
    }

    /// Single precision to half in rounding mode `mode`; FTZ does not count (SDM Vol. 2, VCVTPS2PH).
    static long toHalf(Cpu c, long operand, int mode) {
        long a = SINGLE.operand(c, operand);
        long signBit = a >>> 16 & HALF.sign;
        if (SINGLE.isNaN(a)) {
            if (SINGLE.isSignalling(a)) c.simdFlags |= IE;
            return signBit | HALF.infinity | HALF.quiet | (a & SINGLE.fraction) >>> 13;
        }
        if (SINGLE.isInfinite(a)) return signBit | HALF.infinity;
        if (SINGLE.isZero(a)) return signBit;
        SINGLE.noteDenormal(c, a, a);
        return HALF.pack(c, mode, false, signBit != 0, SINGLE.exponent(a) - SINGLE.bias + HALF.bias, SINGLE.significand(a));
    }
}
