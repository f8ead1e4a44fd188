package io.kahvem.devices.bus;

import io.kahvem.devices.IoDevice;
import java.util.function.IntConsumer;
import java.util.function.IntSupplier;

/// A window of one byte-wide register. The suppliers and consumers take their device's lock; values are 0 to 255.
public record BytePort(IntSupplier onRead, IntConsumer onWrite) implements IoDevice {
    @Override
    public int widestAccess() {
        return 1;
    }

    @Override
    public long read(long offset, int size) {
        return onRead.getAsInt();
    }

    @Override
    public void write(long offset, int size, long value) {
        onWrite.accept((int) value);
    }
}
