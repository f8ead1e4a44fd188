package io.kahvem.devices.pci;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.BytePort;
import org.jspecify.annotations.Nullable;

/// The ways of a CPU to configuration space: mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2) and the memory-mapped one (PCI Express 3.0,
/// 7.2.2).
///
/// CONFIG_ADDRESS answers only to aligned 32-bit accesses; byte accesses inside it belong to other parts of the board, of which a PC has
/// one, the reset control register at its second byte.
///
/// Lock: this object's monitor for CONFIG_ADDRESS; functions have their own.
public final class PciHost implements Device {
    /// Ports of each of the two registers.
    public static final int PORTS = 4;
    /// What a bus takes of the memory-mapped mechanism.
    public static final long ECAM_BYTES_PER_BUS = 1L << 20;

    private static final int ENABLE = 1 << 31;
    private static final int ADDRESS_WRITABLE = 0x80ff_fffc;

    private final PciBus root;
    private final BytePort resetControl;
    private int address;

    /// @param resetControl the register behind the second byte of CONFIG_ADDRESS
    public PciHost(PciBus root, BytePort resetControl) {
        this.root = root;
        this.resetControl = resetControl;
    }

    /// CONFIG_ADDRESS, 0xcf8.
    public IoDevice addressPorts() {
        return new IoDevice() {
            @Override
            public long read(long offset, int size) {
                if (offset == 0 && size == 4) return address();
                return offset == 1 && size == 1 ? resetControl.read(0, 1) : OPEN_BUS;
            }

            @Override
            public void write(long offset, int size, long value) {
                if (offset == 0 && size == 4) {
                    setAddress((int) value);
                } else if (offset == 1 && size == 1) {
                    resetControl.write(0, 1, value);
                }
            }
        };
    }

    /// CONFIG_DATA, 0xcfc.
    public IoDevice dataPorts() {
        return new IoDevice() {
            @Override
            public int widestAccess() {
                return 4;
            }

            @Override
            public long read(long offset, int size) {
                int selected = address();
                return (selected & ENABLE) != 0 ? readConfig(selected >> 8 & 0xffff, selected & 0xfc | (int) offset, size) : OPEN_BUS;
            }

            @Override
            public void write(long offset, int size, long value) {
                int selected = address();
                if ((selected & ENABLE) != 0) writeConfig(selected >> 8 & 0xffff, selected & 0xfc | (int) offset, size, value);
            }
        };
    }

    /// Memory-mapped configuration space of bus 0 and up, a megabyte a bus.
    public IoDevice ecam() {
        return new IoDevice() {
            @Override
            public int widestAccess() {
                return 4;
            }

            @Override
            public long read(long offset, int size) {
                return readConfig((int) (offset >> 12), (int) offset & 0xfff, size);
            }

            @Override
            public void write(long offset, int size, long value) {
                writeConfig((int) (offset >> 12), (int) offset & 0xfff, size, value);
            }
        };
    }

    @Override
    public void reset() {
        setAddress(0);
    }

    private synchronized int address() {
        return address;
    }

    private synchronized void setAddress(int value) {
        address = value & ADDRESS_WRITABLE;
    }

    private long readConfig(int place, int register, int size) {
        PciFunction function = find(place);
        return function == null || (register & 3) + size > 4 ? IoDevice.OPEN_BUS : function.readConfig(register, size);
    }

    private void writeConfig(int place, int register, int size, long value) {
        PciFunction function = find(place);
        if (function != null && (register & 3) + size <= 4) function.writeConfig(register, size, (int) value);
    }

    private @Nullable PciFunction find(int place) {
        return root.find(0, place >> 8 & 0xff, place & 0xff);
    }
}
