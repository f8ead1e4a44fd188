package io.kahvem.devices.pci;

import io.kahvem.devices.Device;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.BytePort;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// PCI bus 0 and the way to it: configuration mechanism #1 (PCI Local Bus 3.0, 3.2.2.3.2). Other buses are empty.
///
/// CONFIG_ADDRESS answers only to aligned 32-bit accesses; byte accesses inside it belong to other parts of the board, of which a PC has
/// one, the reset control register at its second byte.
///
/// Lock: this object's monitor for CONFIG_ADDRESS; functions have their own.
public final class PciBus implements Device {
    public static final int SLOTS = 32;
    public static final int FUNCTIONS = 8;
    /// INTA# to INTD#.
    public static final int PINS = 4;
    /// Ports of each of the two registers.
    public static final int PORTS = 4;

    private static final int FIRST_GSI = 16;
    private static final int GSIS = 8;
    private static final int ENABLE = 1 << 31;
    private static final int ADDRESS_WRITABLE = 0x80ff_fffc;

    private final AtomicReferenceArray<@Nullable PciFunction> functions = new AtomicReferenceArray<>(SLOTS * FUNCTIONS);
    private final BytePort resetControl;
    private int address;

    /// @param resetControl the register behind the second byte of CONFIG_ADDRESS
    public PciBus(BytePort resetControl) {
        this.resetControl = resetControl;
    }

    /// The I/O APIC input that a slot's pin is wired to; pin 0 is INTA#.
    public static int gsiOf(int slot, int pin) {
        return FIRST_GSI + (slot + pin) % GSIS;
    }

    /// Plugs a function in; functions above 0 of a slot need the multi-function bit in function 0's header type.
    public void add(int slot, int function, PciFunction device) {
        if (!functions.compareAndSet(slot * FUNCTIONS + function, null, device)) {
            throw new IllegalArgumentException("PCI 00:%02x.%d is taken".formatted(slot, function));
        }
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
                PciFunction function = selected();
                int register = registerAt(offset);
                if (function == null || (register & 3) + size > 4) return OPEN_BUS;
                return function.readConfig(register, size);
            }

            @Override
            public void write(long offset, int size, long value) {
                PciFunction function = selected();
                int register = registerAt(offset);
                if (function != null && (register & 3) + size <= 4) function.writeConfig(register, size, (int) value);
            }
        };
    }

    @Override
    public void reset() {
        setAddress(0);
        for (int i = 0; i < functions.length(); i++) {
            PciFunction function = functions.get(i);
            if (function != null) function.reset();
        }
    }

    private synchronized int address() {
        return address;
    }

    private synchronized void setAddress(int value) {
        address = value & ADDRESS_WRITABLE;
    }

    private @Nullable PciFunction selected() {
        int selected = address();
        boolean bus0 = (selected >> 16 & 0xff) == 0;
        return (selected & ENABLE) != 0 && bus0 ? functions.get(selected >> 8 & 0xff) : null;
    }

    private int registerAt(long offset) {
        return (address() & 0xfc) + (int) offset;
    }
}
