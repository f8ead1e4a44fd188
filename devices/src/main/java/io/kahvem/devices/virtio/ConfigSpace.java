package io.kahvem.devices.virtio;

/// The device-specific configuration (virtio 1.2, 2.5): little-endian fields, and a generation that changes with them.
///
/// Any thread. Lock: this object's monitor.
public final class ConfigSpace {
    private final byte[] bytes;
    private int generation;

    public ConfigSpace(int sizeBytes) {
        bytes = new byte[sizeBytes];
    }

    public int sizeBytes() {
        return bytes.length;
    }

    public synchronized ConfigSpace put(int offset, int size, long value) {
        for (int n = 0; n < size; n++) bytes[offset + n] = (byte) (value >> 8 * n);
        generation++;
        return this;
    }

    /// Zeros beyond the end.
    public synchronized long get(int offset, int size) {
        long value = 0;
        for (int n = 0; n < size && offset + n < bytes.length; n++) value |= (bytes[offset + n] & 0xffL) << 8 * n;
        return value;
    }

    public synchronized int generation() {
        return generation & 0xff;
    }
}
