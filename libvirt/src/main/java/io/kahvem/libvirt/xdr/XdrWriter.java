package io.kahvem.libvirt.xdr;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Appends XDR's primitives to a buffer that grows. For one thread.
public final class XdrWriter {
    private byte[] bytes = new byte[256];
    private int size;

    public int size() {
        return size;
    }

    /// What was written, a copy.
    public byte[] toBytes() {
        return Arrays.copyOf(bytes, size);
    }

    public void writeInt(int value) {
        patchInt(reserve(4), value);
    }

    /// Overwrites what was written at `offset`: lengths that are known at the end.
    public void patchInt(int offset, int value) {
        bytes[offset] = (byte) (value >> 24);
        bytes[offset + 1] = (byte) (value >> 16);
        bytes[offset + 2] = (byte) (value >> 8);
        bytes[offset + 3] = (byte) value;
    }

    /// A hyper.
    public void writeLong(long value) {
        int at = reserve(8);
        patchInt(at, (int) (value >> 32));
        patchInt(at + 4, (int) value);
    }

    /// Octets as they are, padded with zeros to a multiple of four: an opaque of a length both sides know.
    public void writeFixed(byte[] value) {
        int at = reserve(value.length + 3 & ~3);
        System.arraycopy(value, 0, bytes, at, value.length);
    }

    /// Octets as they are, unpadded: the data of a stream.
    public void writeRaw(byte[] value, int offset, int length) {
        int at = reserve(length);
        System.arraycopy(value, offset, bytes, at, length);
    }

    /// An opaque with its length.
    public void writeOpaque(byte[] value) {
        writeInt(value.length);
        writeFixed(value);
    }

    public void writeString(String value) {
        writeOpaque(value.getBytes(StandardCharsets.UTF_8));
    }

    private int reserve(int count) {
        int at = size;
        size += count;
        if (size > bytes.length) bytes = Arrays.copyOf(bytes, Math.max(size, 2 * bytes.length));
        return at;
    }
}
