package io.kahvem.block.compress;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Bits into bytes, the first into the lowest. Beyond its limit it writes nothing, and says so.
final class BitWriter {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final byte[] out;
    private final int limit;
    private long bits;
    private int count;
    private int at;

    BitWriter(byte[] out, int limit) {
        this.out = out;
        this.limit = limit;
    }

    void put(int value, int width) {
        bits |= (long) value << count;
        count += width;
        if (count >= 32) drain();
    }

    private void drain() {
        int whole = count >>> 3;
        if (at + 8 <= limit) {
            LONG.set(out, at, bits);
        } else {
            for (int n = 0; n < whole && at + n < limit; n++) out[at + n] = (byte) (bits >>> 8 * n);
        }
        at += whole;
        bits >>>= 8 * whole;
        count &= 7;
    }

    /// To the next byte; the bits between are zeros.
    void align() {
        count = count + 7 & ~7;
        drain();
    }

    void bytes(byte[] from, int offset, int length) {
        if (at + length <= limit) System.arraycopy(from, offset, out, at, length);
        at += length;
    }

    /// Whether more was written than there is room for.
    boolean isFull() {
        return at >= limit;
    }

    int length() {
        return at;
    }
}
