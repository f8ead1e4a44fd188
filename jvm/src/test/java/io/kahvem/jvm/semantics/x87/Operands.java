package io.kahvem.jvm.semantics.x87;

import java.util.SplittableRandom;

/// Operands that find mistakes: special values, boundaries, ties, neighbours and plain random ones, always in the same order.
final class Operands {
    private static final long[] MANTISSAS = {
        0, 1, 2, 3, 0x7ff, 0x800, 0x801, 1L << 62, Long.MAX_VALUE,
        Long.MIN_VALUE, Long.MIN_VALUE + 1, Long.MIN_VALUE | 0x400,
        Long.MIN_VALUE | 0x7ff, Long.MIN_VALUE | 0x80_0000_0000L, 0xc000_0000_0000_0000L, 0xc000_0000_0000_0001L,
        0xa000_0000_0000_0000L, -1L, -2L,
        -0x400L, -0x800L, -0x80_0000_0000L, -0x100_0000_0000L, 0xbfff_ffff_ffff_ffffL
    };
    private static final int[] EXPONENTS = {
        0, 1, 2, 12, 40, 63, 64, 65, 0x3f80, 0x3c00, 0x3bff, 0x3bcd, 0x3f81, 0x3f6a, 0x3ffd, 0x3ffe, 0x3fff, 0x4000, 0x4001,
        0x400e, 0x401e, 0x403d,
        0x403e, 0x403f, 0x407e, 0x407f, 0x43fe, 0x43ff, 0x5fff, 0x7fbf, 0x7ffd, 0x7ffe, 0x7fff
    };

    private final SplittableRandom random;

    long am;
    int ase;
    long bm;
    int bse;

    Operands(long seed) {
        random = new SplittableRandom(seed);
    }

    /// Half the words are the initial one, the others any rounding and precision control; all exceptions masked.
    int control() {
        return random.nextBoolean() ? X87.INITIAL_CONTROL : 0x7f | random.nextInt(4) << 10 | "\0\2\3".charAt(random.nextInt(3)) << 8;
    }

    long bits() {
        return switch (random.nextInt(4)) {
            case 0 -> MANTISSAS[random.nextInt(MANTISSAS.length)] >> random.nextInt(64);
            case 1 -> (long) (EXPONENTS[random.nextInt(EXPONENTS.length)] & 0x7ff) << 52 | random.nextLong() >>> 12;
            case 2 -> random.nextLong() >> random.nextInt(64);
            default -> random.nextLong();
        };
    }

    void next() {
        int kind = random.nextInt(16);
        am = mantissa();
        bm = mantissa();
        int signs = random.nextInt(4);
        ase = exponent(kind) | (signs & 1) << 15;
        bse = exponent(kind) | (signs & 2) << 14;
        switch (kind) {
            case 0, 1 -> {
                // Neighbours: cancellation down to the last bits.
                am |= Long.MIN_VALUE;
                bm = am + random.nextInt(-3, 4) | Long.MIN_VALUE;
                bse = bse & 0x8000 | clamp((ase & 0x7fff) + random.nextInt(-1, 2));
            }
            case 2, 3, 4, 5 -> {
                // Normal numbers near each other.
                am |= Long.MIN_VALUE;
                bm |= Long.MIN_VALUE;
                bse = bse & 0x8000 | clamp((ase & 0x7fff) + random.nextInt(-70, 71));
            }
            case 6, 7, 8, 9, 10 -> {
                am |= Long.MIN_VALUE;
                bm |= Long.MIN_VALUE;
            }
            case 11 -> {
                // A result around the smallest or the largest number.
                am |= Long.MIN_VALUE;
                bm |= Long.MIN_VALUE;
                int target = random.nextBoolean() ? 0 : 0x7fff;
                int e = random.nextInt(0x2000, 0x5fff);
                ase = ase & 0x8000 | e;
                int other = target - e + 0x3fff + random.nextInt(-70, 4);
                bse = bse & 0x8000 | clamp(random.nextBoolean() ? other : 0x7ffe - other);
            }
            default -> {}
        }
    }

    /// Operands for the transcendental instructions: ST(0) from 2^-20 to 2^spread, or anything at all.
    void nextAround(int lowExponent, int highExponent) {
        next();
        if (random.nextInt(8) != 0) {
            am |= Long.MIN_VALUE;
            bm |= Long.MIN_VALUE;
            ase = ase & 0x8000 | 0x3fff + random.nextInt(lowExponent, highExponent + 1);
            bse = bse & 0x8000 | 0x3fff + random.nextInt(lowExponent, highExponent + 1);
        }
    }

    private static int clamp(int exponent) {
        return Math.max(0, Math.min(0x7fff, exponent));
    }

    private long mantissa() {
        return switch (random.nextInt(6)) {
            case 0 -> MANTISSAS[random.nextInt(MANTISSAS.length)];
            case 1 -> Long.MIN_VALUE | random.nextLong() & -1L << random.nextInt(64);
            case 2 -> Long.MIN_VALUE | 1L << random.nextInt(64) | 1L << random.nextInt(64);
            default -> random.nextLong();
        };
    }

    private int exponent(int kind) {
        return switch (random.nextInt(kind < 11 ? 3 : 2)) {
            case 0 -> EXPONENTS[random.nextInt(EXPONENTS.length)];
            case 1 -> random.nextInt(0x8000);
            default -> 0x3fff + random.nextInt(-70, 71);
        };
    }
}
