package io.kahvem.libvirt.xdr;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Takes XDR's primitives from an array; what is not there, or exceeds its limit, is an [XdrException], before anything is allocated for
/// it. For one thread.
public final class XdrReader {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

    private final byte[] bytes;
    private final int end;
    private int position;

    public XdrReader(byte[] bytes) {
        this(bytes, 0, bytes.length);
    }

    public XdrReader(byte[] bytes, int offset, int length) {
        this.bytes = bytes;
        this.position = offset;
        this.end = offset + length;
    }

    public int remaining() {
        return end - position;
    }

    public int readInt() {
        return (int) INT.get(bytes, take(4));
    }

    /// A hyper.
    public long readLong() {
        return (long) LONG.get(bytes, take(8));
    }

    /// A length, which is at most `limit`, unsigned.
    public int readLength(int limit) {
        int length = readInt();
        if (Integer.compareUnsigned(length, limit) > 0) {
            throw new XdrException("a length of %d where at most %d is allowed".formatted(Integer.toUnsignedLong(length), limit));
        }
        return length;
    }

    /// Octets whose number both sides know, and their padding.
    public byte[] readFixed(int length) {
        int at = take(length + 3 & ~3);
        return Arrays.copyOfRange(bytes, at, at + length);
    }

    public byte[] readOpaque(int limit) {
        return readFixed(readLength(limit));
    }

    /// A string, which has no NUL in it: in C none can.
    public String readString(int limit) {
        int length = readLength(limit);
        int at = take(length + 3 & ~3);
        for (int n = 0; n < length; n++) {
            if (bytes[at + n] == 0) throw new XdrException("a string with a NUL at %d".formatted(n));
        }
        return new String(bytes, at, length, StandardCharsets.UTF_8);
    }

    private int take(int count) {
        int at = position;
        if (count > end - at) throw new XdrException("the message ends %d bytes too soon".formatted(count - (end - at)));
        position = at + count;
        return at;
    }
}
