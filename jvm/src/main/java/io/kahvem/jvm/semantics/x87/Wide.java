package io.kahvem.jvm.semantics.x87;

/// A positive number with a significand of 128 bits, its top bit set: (hi : lo) times 2^(exponent - 127). A scratch register of
/// [Transcendental]; products and quotients err by a few units of the last place.
final class Wide {
    long hi;
    long lo;
    int exponent;

    Wide set(long newHi, long newLo, int newExponent) {
        hi = newHi;
        lo = newLo;
        exponent = newExponent;
        return this;
    }

    Wide set(Wide other) {
        return set(other.hi, other.lo, other.exponent);
    }

    boolean zero() {
        return (hi | lo) == 0;
    }

    /// Moves the top bit into place. Zero stays zero.
    Wide normalize() {
        if (hi == 0) {
            hi = lo;
            lo = 0;
            exponent -= 64;
        }
        int shift = Long.numberOfLeadingZeros(hi);
        if (shift != 0 && shift != 64) {
            hi = hi << shift | lo >>> 64 - shift;
            lo <<= shift;
            exponent -= shift;
        }
        return this;
    }

    /// Upper word of the 128-bit fraction (hi : lo) / 2^128 times (h : l) / 2^128; the lower one goes to [#lo].
    private void multiplyFraction(long h, long l) {
        long top = Math.unsignedMultiplyHigh(hi, h);
        long low = hi * h;
        long crossA = Math.unsignedMultiplyHigh(hi, l);
        long crossB = Math.unsignedMultiplyHigh(lo, h);
        long sum = low + crossA;
        top += Long.compareUnsigned(sum, low) < 0 ? 1 : 0;
        long whole = sum + crossB;
        top += Long.compareUnsigned(whole, sum) < 0 ? 1 : 0;
        hi = top;
        lo = whole;
    }

    Wide multiply(long h, long l, int otherExponent) {
        multiplyFraction(h, l);
        exponent += otherExponent + 1;
        return normalize();
    }

    Wide multiply(Wide other) {
        return multiply(other.hi, other.lo, other.exponent);
    }

    /// this / other, by two words of quotient.
    Wide divide(Wide other) {
        long d1 = other.hi;
        long d0 = other.lo;
        // Halved, the dividend is below the divisor; the exponent gives it back.
        long n1 = hi >>> 1;
        long n0 = hi << 63 | lo >>> 1;
        long q1 = Arithmetic.divide128(n1, n0, d1);
        long rest = n0 - q1 * d1;
        // (rest : 0) - q1 * d0, made positive by at most two steps.
        long productHigh = Math.unsignedMultiplyHigh(q1, d0);
        long r0 = -(q1 * d0);
        long r1 = rest - productHigh - (r0 != 0 ? 1 : 0);
        boolean negative = Long.compareUnsigned(rest, productHigh) < 0 || rest == productHigh && r0 != 0;
        while (negative) {
            q1--;
            long sum = r0 + d0;
            long carry = Long.compareUnsigned(sum, r0) < 0 ? 1 : 0;
            long upper = r1 + d1 + carry;
            negative = Long.compareUnsigned(upper, r1) > 0 || upper == r1 && carry == 0;
            r0 = sum;
            r1 = upper;
        }
        lo = Long.compareUnsigned(r1, d1) >= 0 ? -1L : Arithmetic.divide128(r1, r0, d1);
        hi = q1;
        exponent -= other.exponent;
        return normalize();
    }

    /// this + other, which is not larger in exponent by more than 64.
    Wide add(Wide other) {
        if (other.zero()) {
            return this;
        }
        if (zero()) {
            return set(other);
        }
        int distance = exponent - other.exponent;
        long h = other.hi;
        long l = other.lo;
        if (distance >= 0) {
            l = Float80.shiftRightLow(h, l, distance);
            h = Float80.shiftRightHigh(h, distance);
        } else {
            lo = Float80.shiftRightLow(hi, lo, -distance);
            hi = Float80.shiftRightHigh(hi, -distance);
            exponent = other.exponent;
        }
        long sumLo = lo + l;
        long carry = Long.compareUnsigned(sumLo, lo) < 0 ? 1 : 0;
        long sumHi = hi + h;
        boolean overflow = Long.compareUnsigned(sumHi, hi) < 0;
        sumHi += carry;
        overflow |= carry != 0 && sumHi == 0;
        hi = sumHi;
        lo = sumLo;
        if (overflow) {
            lo = hi << 63 | lo >>> 1 | lo & 1;
            hi = hi >>> 1 | Long.MIN_VALUE;
            exponent++;
        }
        return this;
    }

    /// this - other, which is not larger.
    Wide subtract(Wide other) {
        if (other.zero()) {
            return this;
        }
        int distance = exponent - other.exponent;
        long l = Float80.shiftRightLow(other.hi, other.lo, distance);
        long h = Float80.shiftRightHigh(other.hi, distance);
        long borrow = Long.compareUnsigned(lo, l) < 0 ? 1 : 0;
        lo -= l;
        hi -= h + borrow;
        return normalize();
    }

    int compare(Wide other) {
        if (exponent != other.exponent) {
            return Integer.compare(exponent, other.exponent);
        }
        int order = Long.compareUnsigned(hi, other.hi);
        return order != 0 ? order : Long.compareUnsigned(lo, other.lo);
    }

    /// Makes (hi : lo) a plain fraction of 2^128. Requires a number below one.
    Wide toFraction() {
        int shift = -1 - exponent;
        lo = Float80.shiftRightLow(hi, lo, shift);
        hi = Float80.shiftRightHigh(hi, shift);
        exponent = -1;
        return this;
    }

    /// z (c[0] ± z (c[1] ± z (c[2] ...))), all of them fractions of 2^128. This holds z on entry and the sum on return.
    Wide series(long[] coefficients, boolean alternating) {
        long zHi = hi;
        long zLo = lo;
        hi = 0;
        lo = 0;
        for (int k = coefficients.length - 2; k >= 0; k -= 2) {
            multiplyFraction(zHi, zLo);
            long cHi = coefficients[k];
            long cLo = coefficients[k + 1];
            if (alternating) {
                long borrow = Long.compareUnsigned(cLo, lo) < 0 ? 1 : 0;
                hi = cHi - hi - borrow;
                lo = cLo - lo;
            } else {
                lo += cLo;
                hi += cHi + (Long.compareUnsigned(lo, cLo) < 0 ? 1 : 0);
            }
        }
        multiplyFraction(zHi, zLo);
        return this;
    }

    /// 1 + t or 1 - t of a fraction t; a t too small to show counts as the smallest one, so that directed rounding sees it.
    Wide onePlusFraction(boolean minus) {
        if ((hi | lo) == 0) {
            lo = 1;
        }
        if (minus) {
            lo = -lo;
            hi = ~hi + (lo == 0 ? 1 : 0);
            exponent = -1;
            return normalize();
        }
        lo = hi << 63 | lo >>> 1 | lo & 1;
        hi = hi >>> 1 | Long.MIN_VALUE;
        exponent = 0;
        return this;
    }
}
