package io.kahvem.devices.chipset;

import io.kahvem.devices.IoDevice;

/// pvpanic on the ISA bus (QEMU's docs/specs/pvpanic): one port by which a guest tells that it has panicked. It has no state.
///
/// Any thread; the events are called with no lock held.
record PvPanic(MachineEvents events) implements IoDevice {
    static final int PORTS = 1;

    private static final int PANICKED = 1;
    private static final int CRASH_LOADED = 1 << 1;

    @Override
    public int widestAccess() {
        return 1;
    }

    /// The events that are understood.
    @Override
    public long read(long offset, int size) {
        return PANICKED | CRASH_LOADED;
    }

    @Override
    public void write(long offset, int size, long value) {
        if ((value & PANICKED) != 0) {
            events.guestPanicked();
        } else if ((value & CRASH_LOADED) != 0) {
            events.crashLoaded();
        }
    }
}
