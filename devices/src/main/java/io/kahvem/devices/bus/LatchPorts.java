package io.kahvem.devices.bus;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import java.util.concurrent.atomic.AtomicIntegerArray;

/// Byte-wide ports that remember what was written and do nothing with it: the POST code port, the registers of a DMA controller that no
/// device uses.
public final class LatchPorts implements IoDevice, Device {
    private final AtomicIntegerArray bytes;

    public LatchPorts(int length) {
        bytes = new AtomicIntegerArray(length);
    }

    @Override
    public int widestAccess() {
        return 1;
    }

    @Override
    public long read(long offset, int size) {
        return bytes.get((int) offset);
    }

    @Override
    public void write(long offset, int size, long value) {
        bytes.set((int) offset, (int) value);
    }

    @Override
    public void reset() {
        for (int i = 0; i < bytes.length(); i++) bytes.set(i, 0);
    }
}
