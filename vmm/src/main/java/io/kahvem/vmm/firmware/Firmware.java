package io.kahvem.vmm.firmware;

import io.kahvem.config.Boot;
import io.kahvem.config.Display;
import io.kahvem.config.MachineConfig;
import io.kahvem.devices.Device;
import io.kahvem.devices.acpi.AcpiTables;
import io.kahvem.devices.acpi.TableLoader;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.chipset.PcChipset;
import io.kahvem.devices.firmware.FlashChip;
import io.kahvem.devices.firmware.FwCfg;
import io.kahvem.devices.firmware.Smbios;
import io.kahvem.host.HostMemory;
import io.kahvem.host.Mapping;
import io.kahvem.host.Words;
import io.kahvem.memory.GuestMemory;
import io.kahvem.vmm.boot.BootException;
import io.kahvem.vmm.boot.MemoryLayout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/// The firmware that a machine starts with: its ROM below 4 GiB, and what fw_cfg tells it of the machine.
public final class Firmware implements Device, AutoCloseable {
    private static final long ROM_END = 1L << 32;
    private static final int MIN_BYTES = 128 << 10;
    private static final int MAX_BYTES = 8 << 20;

    private final Mapping rom;
    private final int variablesBytes;
    private final Optional<VariablesFile> kept;
    private Optional<FlashChip> flash = Optional.empty();

    private Firmware(Mapping rom, int variablesBytes, Optional<VariablesFile> kept) {
        this.rom = rom;
        this.variablesBytes = variablesBytes;
        this.kept = kept;
    }

    /// Reads the image. Throws BootException where it is not there or cannot be firmware.
    public static Firmware open(Boot.Firmware config, HostMemory memory) {
        FirmwareFiles files = FirmwareFiles.find(config);
        byte[] code = read("firmware", files.code());
        if (code.length < MIN_BYTES || code.length > MAX_BYTES || code.length % 4096 != 0) {
            throw new BootException("firmware %s: has %d bytes; an image has 128 KiB to 8 MiB, in whole pages of 4 KiB"
                    .formatted(files.code(), code.length));
        }
        Optional<byte[]> template = files.variables().map(file -> read("firmware", file));
        Optional<VariablesFile> kept = config.variables().map(file -> VariablesFile.open(file, template));
        try {
            byte[] variables = kept.map(VariablesFile::content).or(() -> template).orElse(new byte[0]);
            Mapping rom = memory.map(variables.length + code.length);
            Words.copyIn(variables, 0, rom.address(), variables.length);
            Words.copyIn(code, 0, rom.address() + variables.length, code.length);
            return new Firmware(rom, variables.length, kept);
        } catch (RuntimeException e) {
            kept.ifPresent(VariablesFile::close);
            throw e;
        }
    }

    /// The image.
    public Mapping rom() {
        return rom;
    }

    /// Puts the ROM where the processor starts, and flash memory for the variables below it where they are kept.
    public void map(GuestMemory memory, IoBus mmio) {
        long start = ROM_END - rom.sizeBytes();
        int flashBytes = kept.isPresent() ? variablesBytes : 0;
        memory.add(start + flashBytes, rom.slice(flashBytes, rom.sizeBytes() - flashBytes), true);
        if (kept.isEmpty()) return;
        FlashChip chip = new FlashChip(memory, start, rom.slice(0, flashBytes), kept.get());
        mmio.add("flash memory", start, flashBytes, chip);
        flash = Optional.of(chip);
    }

    @Override
    public void reset() {
        flash.ifPresent(FlashChip::reset);
    }

    /// Keeps what the guest changed last. The guest no longer runs.
    @Override
    public void close() {
        try {
            flash.ifPresent(FlashChip::save);
        } finally {
            kept.ifPresent(VariablesFile::close);
            rom.close();
        }
    }

    /// Tells of the machine. `tables` makes ACPI's for where the firmware has put configuration space.
    public static void describe(
            FwCfg fwCfg, MachineConfig config, MemoryLayout layout, Supplier<Long> ecamBase, Function<Long, AcpiTables.Layout> tables) {
        fwCfg.number(FwCfg.RAM_SIZE, 8, layout.lowBytes() + layout.highBytes());
        fwCfg.number(FwCfg.CPUS, 2, config.cpus());
        fwCfg.number(FwCfg.MAX_CPUS, 2, config.cpus());
        fwCfg.number(FwCfg.BOOT_MENU, 2, 0);
        fwCfg.file("etc/boot-fail-wait", 4, -1);
        if (config.display() == Display.NONE) fwCfg.file("etc/sercon-port", 4, PcChipset.COM1_PORT); // SeaBIOS shows its screen there too
        fwCfg.file("etc/e820", e820(layout));
        TableLoader sizes = TableLoader.of(tables.apply(ecamBase.get()));
        fwCfg.file(TableLoader.TABLES_FILE, sizes.tables().length, () -> TableLoader.of(tables.apply(ecamBase.get())).tables());
        fwCfg.file(TableLoader.RSDP_FILE, sizes.rsdp());
        fwCfg.file(TableLoader.COMMANDS_FILE, sizes.commands());
        Smbios smbios = Smbios.of(config.cpus(), layout.lowBytes(), layout.highBytes());
        fwCfg.file("etc/smbios/smbios-anchor", smbios.anchor());
        fwCfg.file("etc/smbios/smbios-tables", smbios.tables());
    }

    /// Says what to boot from, first to last; firmware decides where there is nothing.
    public static void order(FwCfg fwCfg, List<String> paths) {
        if (!paths.isEmpty()) fwCfg.file("bootorder", (String.join("\n", paths) + "\0").getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] e820(MemoryLayout layout) {
        int usable = MemoryLayout.Type.USABLE.code;
        ByteBuffer b = ByteBuffer.allocate(layout.highBytes() > 0 ? 40 : 20).order(ByteOrder.LITTLE_ENDIAN);
        b.putLong(0).putLong(layout.lowBytes()).putInt(usable);
        if (layout.highBytes() > 0) b.putLong(MemoryLayout.HIGH_BASE).putLong(layout.highBytes()).putInt(usable);
        return b.array();
    }

    /// A file of at most 8 MiB. Throws BootException, naming its `role`, where it cannot be read.
    public static byte[] read(String role, Path path) {
        try {
            if (!Files.exists(path)) throw new BootException("%s %s: there is no such file".formatted(role, path));
            if (!Files.isRegularFile(path)) throw new BootException("%s %s: is not a regular file".formatted(role, path));
            if (Files.size(path) > MAX_BYTES) throw new BootException("%s %s: is larger than 8 MiB".formatted(role, path));
            return Files.readAllBytes(path);
        } catch (IOException e) {
            throw new BootException("%s %s: cannot be read: %s".formatted(role, path, e), e);
        }
    }
}
