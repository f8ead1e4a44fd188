package io.kahvem.vmm;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockException;
import io.kahvem.block.BlockStatistics;
import io.kahvem.block.CacheMode;
import io.kahvem.block.FileOpener;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Throttle;
import io.kahvem.config.ConfigException;
import io.kahvem.config.Disk;
import io.kahvem.config.MachineConfig;
import io.kahvem.devices.ahci.AhciController;
import io.kahvem.devices.ahci.SataCdRom;
import io.kahvem.devices.ahci.SataDevice;
import io.kahvem.devices.ahci.SataDisk;
import io.kahvem.devices.chipset.PcChipset;
import io.kahvem.devices.nvme.NvmeController;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.scsi.ScsiCdRom;
import io.kahvem.devices.scsi.ScsiDisk;
import io.kahvem.devices.scsi.ScsiUnit;
import io.kahvem.devices.virtio.blk.VirtioBlk;
import io.kahvem.devices.virtio.scsi.VirtioScsi;
import io.kahvem.devices.virtio.transport.VirtioPci;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/// The images of a machine's disks, open, and their controllers.
///
/// Closed after the vCPUs have stopped and before guest memory goes: closing waits for requests and flushes.
final class Disks implements AutoCloseable {
    /// Below are the host bridge and what has a place of its own.
    static final int FIRST_SLOT = 3;

    /// Where the ICH9 has its SATA controller.
    private static final int SOUTHBRIDGE_SLOT = 31;

    private static final int SATA_FUNCTION = 2;

    /// Request queues of a virtio device, of which each vCPU uses one.
    private static final int MOST_QUEUES = 16;

    private final List<Disk> disks;
    private final List<Optional<BlockBackend>> media = new ArrayList<>();
    private final Map<Integer, ScsiCdRom> drives = new HashMap<>();
    private final BiConsumer<String, Boolean> trayMoved;
    /// Where firmware finds those that have a boot index, by it (QEMU's fw_cfg file "bootorder": Open Firmware's paths).
    private final Map<Integer, String> bootPaths = new TreeMap<>();

    /// Opens the images. Throws ConfigException where one cannot be opened; none is left open then.
    ///
    /// @param files opens them
    /// @param trayMoved hears, on a vCPU's thread, which drive's tray the guest moves, and whether it is open then
    Disks(MachineConfig config, FileOpener files, BiConsumer<String, Boolean> trayMoved) {
        disks = config.disks();
        this.trayMoved = trayMoved;
        try {
            for (Disk disk : disks) media.add(disk.file().isEmpty() ? Optional.empty() : Optional.of(open(disk, files)));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static BlockBackend open(Disk disk, FileOpener files) {
        String name = disk.file().orElseThrow().toString();
        try {
            if (disk.snapshot()) return DiskFiles.openSnapshot(disk, files);
            OpenOptions options = disk.readOnly()
                    ? OpenOptions.readOnly(disk.format().orElse(null))
                    : OpenOptions.writable(disk.format().orElse(null));
            return Images.openDisk(name, options.withCache(CacheMode.of(disk.cache())).withFiles(files));
        } catch (BlockException e) {
            throw new ConfigException("%s %s: %s".formatted(option(disk), name, e.getMessage()));
        }
    }

    private static String option(Disk disk) {
        return switch (disk.kind()) {
            case DISK -> "--disk";
            case CDROM -> "--cdrom";
        };
    }

    /// Gives each its place on a board without PCI; the configuration has seen to it that there is room.
    void plugIn(PcChipset chipset, GuestMemory memory, int cpus) {
        List<ScsiUnit> scsi = new ArrayList<>();
        for (int n = 0; n < disks.size(); n++) {
            Optional<BlockBackend> medium = media.get(n);
            String serial = serial(n);
            switch (disks.get(n).bus()) {
                case VIRTIO -> chipset.addVirtio(new VirtioBlk(medium.orElseThrow(), serial, queues(cpus)), memory);
                case SCSI -> scsi.add(scsiUnit(n, serial));
                case SATA, NVME -> throw new AssertionError("these are on PCI");
            }
        }
        if (!scsi.isEmpty()) chipset.addVirtio(new VirtioScsi(scsi, queues(cpus)), memory);
    }

    private String serial(int n) {
        return disks.get(n).serial().orElse("KAHVEM%04d".formatted(n));
    }

    private ScsiUnit scsiUnit(int n, String serial) {
        return switch (disks.get(n).kind()) {
            case DISK -> new ScsiDisk(media.get(n).orElseThrow(), serial);
            case CDROM -> drive(n, serial);
        };
    }

    /// Puts the controllers on the bus.
    void plugIn(PciBus pci, GuestMemory memory, int cpus) {
        List<SataDevice> sata = new ArrayList<>();
        List<ScsiUnit> scsi = new ArrayList<>();
        List<Disk> onSata = new ArrayList<>();
        List<Disk> onScsi = new ArrayList<>();
        for (int n = 0; n < disks.size(); n++) {
            Disk disk = disks.get(n);
            Optional<BlockBackend> medium = media.get(n);
            String serial = serial(n);
            switch (disk.bus()) {
                case VIRTIO -> {
                    VirtioBlk blk = new VirtioBlk(medium.orElseThrow(), serial, queues(cpus));
                    int slot = pci.addToFreeSlot(FIRST_SLOT, new VirtioPci(blk, memory));
                    boots(disk, "scsi@%x/disk@0,0".formatted(slot));
                }
                case NVME -> {
                    int slot = pci.addToFreeSlot(FIRST_SLOT, new NvmeController(medium.orElseThrow(), serial, memory));
                    boots(disk, "pci8086,5845@%x/namespace@1,0".formatted(slot));
                }
                case SATA -> {
                    sata.add(switch (disk.kind()) {
                        case DISK -> new SataDisk(medium.orElseThrow(), serial);
                        case CDROM -> new SataCdRom(drive(n, serial));
                    });
                    onSata.add(disk);
                }
                case SCSI -> {
                    scsi.add(scsiUnit(n, serial));
                    onScsi.add(disk);
                }
            }
        }
        if (!scsi.isEmpty()) {
            int slot = pci.addToFreeSlot(FIRST_SLOT, new VirtioPci(new VirtioScsi(scsi, queues(cpus)), memory));
            for (int n = 0; n < onScsi.size(); n++) boots(onScsi.get(n), "scsi@%x/channel@0/disk@%x,0".formatted(slot, n));
        }
        for (int n = 0; n < sata.size(); n += AhciController.PORTS) {
            AhciController hba = new AhciController(sata.subList(n, Math.min(sata.size(), n + AhciController.PORTS)), memory);
            boolean southbridge = pci.function(SOUTHBRIDGE_SLOT, 0) != null && pci.function(SOUTHBRIDGE_SLOT, SATA_FUNCTION) == null;
            if (southbridge) pci.add(SOUTHBRIDGE_SLOT, SATA_FUNCTION, hba);
            String place = southbridge
                    ? "%x,%d".formatted(SOUTHBRIDGE_SLOT, SATA_FUNCTION) : "%x".formatted(pci.addToFreeSlot(FIRST_SLOT, hba));
            for (int port = 0; port < AhciController.PORTS && n + port < sata.size(); port++) {
                boots(onSata.get(n + port), "pci8086,2922@%s/drive@%x/disk@0".formatted(place, port));
            }
        }
    }

    /// Notes where a disk is that is to be booted from. Throws ConfigException where another has its index.
    private void boots(Disk disk, String path) {
        disk.bootIndex().ifPresent(index -> {
            if (bootPaths.put(index, "/pci@i0cf8/" + path) == null) return;
            throw new ConfigException("%s %s: another has bootindex=%d; give each its own"
                    .formatted(option(disk), disk.file().map(Object::toString).orElse(""), index));
        });
    }

    /// The places that firmware is to boot from, first to last; empty where nothing is said.
    List<String> bootOrder() {
        return List.copyOf(bootPaths.values());
    }

    private ScsiCdRom drive(int n, String serial) {
        ScsiCdRom drive = new ScsiCdRom(media.get(n).orElse(null), serial, open -> trayMoved.accept(name(n), open));
        drives.put(n, drive);
        return drive;
    }

    /// What the control socket calls a disk: by its place among the options.
    private static String name(int n) {
        return "drive" + n;
    }

    private int number(String name) {
        for (int n = 0; n < disks.size(); n++) {
            if (name(n).equals(name)) return n;
        }
        throw new ConfigException("Device '%s' not found".formatted(name));
    }

    /// What each has done, by its name; nothing of drives that are empty.
    synchronized Map<String, BlockStatistics> statistics() {
        Map<String, BlockStatistics> statistics = new LinkedHashMap<>();
        for (int n = 0; n < media.size(); n++) {
            String name = name(n);
            media.get(n).ifPresent(medium -> statistics.put(name, medium.statistics()));
        }
        return statistics;
    }

    /// Limits how fast a disk may be used. Throws ConfigException where there is none of that name, or nothing in it.
    synchronized void throttle(String name, Throttle throttle) {
        if (!(media.get(number(name)).orElse(null) instanceof io.kahvem.block.Disk disk)) {
            throw new ConfigException("Device '%s' has no medium".formatted(name));
        }
        disk.setThrottle(throttle);
    }

    /// All of them, by the names the control socket has for them.
    synchronized Map<String, Drive> drives() {
        Map<String, Drive> all = new LinkedHashMap<>();
        for (int n = 0; n < media.size(); n++) {
            Optional<io.kahvem.block.Disk> medium = media.get(n).map(io.kahvem.block.Disk.class::cast);
            all.put(name(n), new Drive(disks.get(n).kind() == Disk.Kind.CDROM, medium));
        }
        return all;
    }

    /// Gives a disk another size and tells the guest. Throws ConfigException where there is none of that name, or nothing in it,
    /// BlockException where the image cannot be so large.
    synchronized void resize(String name, long sizeBytes) {
        if (!(media.get(number(name)).orElse(null) instanceof io.kahvem.block.Disk disk)) {
            throw new ConfigException("Device '%s' has no medium".formatted(name));
        }
        disk.resize(sizeBytes);
    }

    /// Puts a disc into a drive, or takes out what is in it. Throws ConfigException for what is no drive.
    synchronized void change(String name, Optional<BlockBackend> disc) {
        int n = number(name);
        ScsiCdRom drive = drives.get(n);
        if (drive == null) throw new ConfigException("Device '%s' is not removable".formatted(name));
        BlockBackend old = drive.change(disc.orElse(null));
        media.set(n, disc);
        if (old != null) old.close();
    }

    /// How many queues a disk has for so many vCPUs.
    static int queues(int cpus) {
        return Math.min(cpus, MOST_QUEUES);
    }

    /// Throws BlockException where an image could not be flushed; the others are closed all the same.
    @Override
    public void close() {
        BlockException failure = null;
        for (Optional<BlockBackend> medium : media) {
            try {
                medium.ifPresent(BlockBackend::close);
            } catch (BlockException e) {
                failure = e;
            }
        }
        media.clear();
        if (failure != null) throw failure;
    }
}
