package io.kahvem.devices.chipset;

import io.kahvem.devices.IoDevice;
import java.util.function.IntConsumer;

/// isa-debug-exit: a value written to its ports ends the machine. Test kernels use it where there is no ACPI.
record DebugExit(IntConsumer onExit) implements IoDevice {
    static final int PORTS = 4;

    @Override
    public long read(long offset, int size) {
        return 0;
    }

    @Override
    public void write(long offset, int size, long value) {
        onExit.accept((int) value);
    }
}
