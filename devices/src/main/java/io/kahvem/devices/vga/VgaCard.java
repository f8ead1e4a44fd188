package io.kahvem.devices.vga;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.chipset.HostBridge;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.host.Clock;
import io.kahvem.host.HostMemory;
import io.kahvem.host.Mapping;
import io.kahvem.memory.GuestMemory;
import java.util.Optional;

/// The standard VGA of virtual machines (QEMU's docs/specs/standard-vga.rst): a VGA with Bochs' display interface, 16 MiB of video memory
/// in BAR 0, its registers in BAR 2 too, and an option ROM.
///
/// Locks: its registers have one of their own, taken after the function's.
public final class VgaCard extends PciFunction {
    public static final long VRAM_BYTES = 16L << 20;

    private static final int VENDOR = 0x1234;
    private static final int DEVICE = 0x1111;
    private static final int CLASS_VGA = 0x03_00_00;
    private static final int REGISTER_BYTES = 0x1000;
    private static final int VGA_AT = 0x400;
    private static final int VGA_BYTES = 0x20;
    private static final int VGA_FIRST_PORT = 0x3c0;
    private static final int DISPI_AT = 0x500;

    private final Vga vga;

    /// Has the VGA's usual ports and window on the buses at once: it is the board's own.
    ///
    /// @param rom the option ROM; without one only UEFI shows anything
    public VgaCard(IoBus ports, IoBus mmio, GuestMemory memory, HostMemory host, Clock clock, Optional<byte[]> rom) {
        super(VENDOR, DEVICE, CLASS_VGA, 2);
        Mapping vram = host.map(VRAM_BYTES);
        vga = new Vga(clock, vram.address(), VRAM_BYTES);
        initialize(SUBSYSTEM_VENDOR_ID, 2, HostBridge.SUBSYSTEM_VENDOR);
        initialize(SUBSYSTEM_ID, 2, HostBridge.SUBSYSTEM);
        commandBits(COMMAND_IO | COMMAND_MEMORY);
        window(0, BarKind.PREFETCHABLE_32, memory, vram);
        registers(2, BarKind.MEMORY_32, REGISTER_BYTES, new Registers());
        rom.ifPresent(this::rom);
        ports.add("VGA", Vga.FIRST_PORT, Vga.PORTS, vga.ports());
        ports.add("VGA dispi", Dispi.INDEX_PORT, Dispi.PORTS, vga.dispi().ports());
        mmio.add("VGA window", VgaMemory.BASE, VgaMemory.WINDOW_BYTES, vga.window());
    }

    /// What is shown in a text mode, or [TextScreen#NONE]. Any thread.
    public TextScreen text() {
        return vga.text();
    }

    /// The linear picture that is shown, or [FrameBuffer#NONE]. Any thread.
    public FrameBuffer frame() {
        synchronized (vga) {
            return vga.dispi().frame();
        }
    }

    /// All that the screen shows, in colours. Any thread.
    public Picture picture() {
        return vga.picture();
    }

    /// Counts changes of the registers and writes to the window; a text screen is as it was while this is. Any thread.
    public long changes() {
        return vga.changes();
    }

    @Override
    public synchronized void reset() {
        super.reset();
        vga.reset();
    }

    /// BAR 2: the VGA's ports from 0x3c0 up, and Dispi's registers as words.
    private final class Registers implements IoDevice {
        @Override
        public int widestAccess() {
            return 2;
        }

        @Override
        public long read(long offset, int size) {
            int at = (int) offset;
            if (at >= VGA_AT && at < VGA_AT + VGA_BYTES) {
                long value = vga.readPort(VGA_FIRST_PORT + at - VGA_AT);
                return size == 1 ? value : value | (long) vga.readPort(VGA_FIRST_PORT + at + 1 - VGA_AT) << 8;
            }
            int register = (at - DISPI_AT) / 2;
            if (at < DISPI_AT || register >= Dispi.REGISTERS) return at < VGA_AT ? 0 : OPEN_BUS;
            synchronized (vga) {
                return vga.dispi().read(register) >>> 8 * (at & 1);
            }
        }

        @Override
        public void write(long offset, int size, long value) {
            int at = (int) offset;
            if (at >= VGA_AT && at < VGA_AT + VGA_BYTES) {
                vga.writePort(VGA_FIRST_PORT + at - VGA_AT, (int) value & 0xff);
                if (size == 2) vga.writePort(VGA_FIRST_PORT + at + 1 - VGA_AT, (int) value >> 8 & 0xff);
            } else if (at >= DISPI_AT && size == 2 && (at & 1) == 0) {
                synchronized (vga) {
                    vga.dispi().write((at - DISPI_AT) / 2, (int) value);
                }
            }
        }
    }
}
