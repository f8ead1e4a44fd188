package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.host.Mapping;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The 256 KiB below 1 MiB, whose 13 parts the PAM registers of the memory controller hub turn into RAM (Intel 3 Series data sheet, 5.1.16
/// to 5.1.22). A part that is not reads from the firmware's ROM, whose end is mirrored at 0xe0000, or is open to the bus.
///
/// Where a guest asks for reads from ROM and writes to RAM, it gets ROM for both.
///
/// Lock: this object's monitor, before the memory's.
public final class ShadowRam implements Device {
    public static final int REGISTERS = 7;
    /// A PAM register with both its parts reading and writing RAM.
    public static final int ALL_RAM = 0x33;

    private static final long START = 0xc_0000;
    private static final long END = 0x10_0000;
    private static final long MIRROR_START = 0xe_0000;
    private static final int PARTS = 13;
    private static final long PART_BYTES = 0x4000;
    private static final int BIOS_PART = 12;
    private static final long BIOS_PART_START = 0xf_0000;
    private static final int READ_RAM = 1;
    private static final int WRITE_RAM = 2;

    private final GuestMemory memory;
    private final Mapping ram;
    private final Optional<Mapping> rom;
    private final @Nullable MemorySlot[] slots = new @Nullable MemorySlot[PARTS];
    private final int[] modes = new int[PARTS];

    /// @param ram the machine's RAM from address 0 up, at least 1 MiB
    /// @param rom the firmware, whose last byte is the last below 4 GiB, at least 128 KiB
    public ShadowRam(GuestMemory memory, Mapping ram, Optional<Mapping> rom) {
        this.memory = memory;
        this.ram = ram;
        this.rom = rom;
        for (int part = 0; part < PARTS; part++) map(part, 0);
    }

    /// Follows PAM0 to PAM6: in register 0 the high half is the part from 0xf0000 up and the low half means nothing; in register n the
    /// low and the high half are two parts of 16 KiB from 0xc0000 + (n - 1) * 32 KiB up.
    public synchronized void set(int register, int value) {
        if (register == 0) {
            change(BIOS_PART, value >> 4 & 3);
        } else {
            change(2 * (register - 1), value & 3);
            change(2 * (register - 1) + 1, value >> 4 & 3);
        }
    }

    @Override
    public synchronized void reset() {
        for (int part = 0; part < PARTS; part++) change(part, 0);
    }

    private void change(int part, int mode) {
        if (mode == modes[part]) return;
        MemorySlot old = slots[part];
        if (old != null) memory.remove(old);
        map(part, mode);
    }

    private void map(int part, int mode) {
        long start = part == BIOS_PART ? BIOS_PART_START : START + part * PART_BYTES;
        long bytes = part == BIOS_PART ? END - BIOS_PART_START : PART_BYTES;
        modes[part] = mode;
        if ((mode & READ_RAM) != 0) {
            slots[part] = memory.add(start, ram.slice(start, bytes), (mode & WRITE_RAM) == 0);
        } else if (rom.isPresent() && start >= MIRROR_START) {
            slots[part] = memory.add(start, rom.get().slice(rom.get().sizeBytes() - (END - start), bytes), true);
        } else {
            slots[part] = null;
        }
    }
}
