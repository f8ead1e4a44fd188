package io.kahvem.devices.pci;

import io.kahvem.devices.IoDevice;

/// A ROM's bytes, and ones after their end.
final class RomImage implements IoDevice {
    private final byte[] image;

    RomImage(byte[] image) {
        this.image = image.clone();
    }

    @Override
    public long read(long offset, int size) {
        long value = 0;
        for (int i = 0; i < size; i++) {
            long octet = offset + i < image.length ? image[(int) offset + i] & 0xff : 0xff;
            value |= octet << (8 * i);
        }
        return value;
    }

    @Override
    public void write(long offset, int size, long value) {}
}
