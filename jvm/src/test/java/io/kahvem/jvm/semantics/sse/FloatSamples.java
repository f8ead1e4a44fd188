package io.kahvem.jvm.semantics.sse;

import java.util.Random;

/// Floating-point operands: borders of the formats, NaNs, denormals, numbers of like magnitude, anything.
public final class FloatSamples {
    private static final double[] DOUBLES = {
        0, 1, 2, 3, 0.5, 1.5, 2.5, 0.1, Double.MIN_VALUE, Double.MIN_NORMAL, Math.nextDown(Double.MIN_NORMAL), Double.MAX_VALUE,
        Double.POSITIVE_INFINITY,
        0x1p31, 0x1p31 - 1, 0x1p31 - 0.5, 0x1p32, 0x1p63, 0x1p62, Math.nextDown(0x1p63), 0x1p52, 0x1p52 + 1, 0x1p51 + 0.5,
        Float.MAX_VALUE, 0x1p128, 0x1.ffffffp127,
        Float.MIN_VALUE, Float.MIN_NORMAL, 0x1p-150, 0x1p-149, 0x1.8p-149, 0x1.fffffffp-127,
        0x1p-1022, 0x1p-537, 0x1p-511, 0x1p512, 0x1p-74,
        1e300, 1e-300
    };

    private static final float[] FLOATS = {
        0, 1, 2, 3, 0.5f, 1.5f, 2.5f, 0.1f, Float.MIN_VALUE, Float.MIN_NORMAL, Math.nextDown(Float.MIN_NORMAL), Float.MAX_VALUE,
        Float.POSITIVE_INFINITY,
        0x1p31f, Math.nextDown(0x1p31f), 0x1p63f, 0x1p23f, 0x1p22f + 0.5f, 0x1p-63f, 0x1p64f, 0x1p-75f, 0x1p-74f
    };

    private static final long[] NANS = {0x7ff8_0000_0000_0000L, 0xfff8_0000_0000_1234L, 0x7ff0_0000_0000_0001L, 0xfff4_5678_9abc_def0L};
    private static final int[] FLOAT_NANS = {0x7fc0_0000, 0xffc0_1234, 0x7f80_0001, 0xffa5_6789};

    private FloatSamples() {}

    /// A double, or two singles.
    public static long lane(Random random, boolean asDouble) {
        return asDouble ? aDouble(random) : aFloat(random) & 0xffff_ffffL | (long) aFloat(random) << 32;
    }

    private static long aDouble(Random random) {
        long sign = random.nextLong() & Long.MIN_VALUE;
        return switch (random.nextInt(12)) {
            case 0, 1, 2 -> sign | Double.doubleToRawLongBits(DOUBLES[random.nextInt(DOUBLES.length)]);
            case 3 -> sign ^ Double.doubleToRawLongBits(DOUBLES[random.nextInt(DOUBLES.length)]) + random.nextInt(5) - 2;
            case 4 -> NANS[random.nextInt(NANS.length)];
            case 5 -> sign | random.nextLong() >>> 12 + random.nextInt(52);
            case 6 -> random.nextLong();
            case 7 -> Double.doubleToRawLongBits(random.nextInt(2000) - 1000);
            case 8 -> sign | Double.doubleToRawLongBits(Math.scalb(1 + random.nextDouble(), random.nextInt(60) - 1060));
            case 9 -> sign | Double.doubleToRawLongBits(Math.scalb(1 + random.nextDouble(), random.nextInt(300) - 150));
            default -> sign | Double.doubleToRawLongBits(Math.scalb(1 + random.nextDouble(), random.nextInt(80) - 10));
        };
    }

    private static int aFloat(Random random) {
        int sign = random.nextInt() & Integer.MIN_VALUE;
        return switch (random.nextInt(12)) {
            case 0, 1, 2 -> sign | Float.floatToRawIntBits(FLOATS[random.nextInt(FLOATS.length)]);
            case 3 -> sign ^ Float.floatToRawIntBits(FLOATS[random.nextInt(FLOATS.length)]) + random.nextInt(5) - 2;
            case 4 -> FLOAT_NANS[random.nextInt(FLOAT_NANS.length)];
            case 5 -> sign | random.nextInt() >>> 9 + random.nextInt(23);
            case 6 -> random.nextInt();
            case 7 -> Float.floatToRawIntBits(random.nextInt(2000) - 1000);
            case 8 -> sign | Float.floatToRawIntBits(Math.scalb(1 + random.nextFloat(), random.nextInt(40) - 150));
            default -> sign | Float.floatToRawIntBits(Math.scalb(1 + random.nextFloat(), random.nextInt(60) - 10));
        };
    }
}
