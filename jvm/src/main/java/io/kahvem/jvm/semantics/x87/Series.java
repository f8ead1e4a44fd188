package io.kahvem.jvm.semantics.x87;

import java.math.BigInteger;
import java.util.function.IntFunction;

/// Coefficients of [Wide#series] as fractions of 2^128, upper word first. Made when the first transcendental instruction runs.
final class Series {
    private static final BigInteger ONE = BigInteger.ONE.shiftLeft(128);

    /// 1/3!, 1/5!, ... sin r = r (1 - z s(z)), z = r² up to 0.62.
    static final long[] SINE = table(14, k -> factorial(2 * k + 3));

    /// 1/2!, 1/4!, ...
    static final long[] COSINE = table(14, k -> factorial(2 * k + 2));

    /// 1/2!, 1/3!, ... exp y - 1 = y (1 + y s(y)), y up to 0.7.
    static final long[] EXPONENTIAL = table(28, k -> factorial(k + 2));

    /// 1/3, 1/5, ... atanh s = s (1 + z s(z)), z = s² up to 0.03.
    static final long[] ODD = table(22, k -> BigInteger.valueOf(2 * k + 3));

    /// 1/3, 1/5, ... of an arc tangent already reduced to 1/31 at most.
    static final long[] ODD_SHORT = table(11, k -> BigInteger.valueOf(2 * k + 3));

    /// arctan(k / 16) for k from 0 to 16, as fractions of 2^128.
    static final long[] ARC_TANGENT = arcTangents();

    private Series() {}

    private static long[] table(int count, IntFunction<BigInteger> divisor) {
        long[] words = new long[2 * count];
        for (int k = 0; k < count; k++) {
            put(words, k, ONE.divide(divisor.apply(k)));
        }
        return words;
    }

    private static void put(long[] words, int index, BigInteger fraction) {
        words[2 * index] = fraction.shiftRight(64).longValue();
        words[2 * index + 1] = fraction.longValue();
    }

    private static BigInteger factorial(int n) {
        BigInteger f = BigInteger.ONE;
        for (int k = 2; k <= n; k++) {
            f = f.multiply(BigInteger.valueOf(k));
        }
        return f;
    }

    /// arctan(k/16) is the sum of arctan(1 / (16 + j(j-1)/16)) for j up to k, which converges for every k: with n = 16² + j(j-1),
    /// arctan(j/16) - arctan((j-1)/16) = arctan(16 / n).
    private static long[] arcTangents() {
        long[] words = new long[2 * 17];
        int guard = 32;
        BigInteger sum = BigInteger.ZERO;
        for (int k = 1; k <= 16; k++) {
            sum = sum.add(smallArcTangent(16, 256 + k * (k - 1), 128 + guard));
            put(words, k, sum.shiftRight(guard));
        }
        return words;
    }

    private static BigInteger smallArcTangent(int numerator, int denominator, int bits) {
        BigInteger n2 = BigInteger.valueOf((long) numerator * numerator);
        BigInteger d2 = BigInteger.valueOf((long) denominator * denominator);
        BigInteger power = BigInteger.valueOf(numerator).shiftLeft(bits).divide(BigInteger.valueOf(denominator));
        BigInteger sum = BigInteger.ZERO;
        for (int k = 1; power.signum() != 0; k += 2) {
            BigInteger term = power.divide(BigInteger.valueOf(k));
            sum = (k & 2) == 0 ? sum.add(term) : sum.subtract(term);
            power = power.multiply(n2).divide(d2);
        }
        return sum;
    }
}
