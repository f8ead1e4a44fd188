package io.kahvem.vmm;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockException;
import io.kahvem.block.CacheMode;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.config.ConfigException;
import io.kahvem.config.Disk;
import io.kahvem.config.MachineConfig;
import io.kahvem.devices.ahci.AhciController;
import io.kahvem.devices.ahci.SataCdRom;
import io.kahvem.devices.ahci.SataDevice;
import io.kahvem.devices.ahci.SataDisk;
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
import java.util.List;
import java.util.Optional;

/// The images of a machine's disks, open, and their controllers.
///
/// Closed after the vCPUs have stopped and before guest memory goes: closing waits for requests and flushes.
final class Disks implements AutoCloseable {
    /// Below are the host bridge and what has a place of its own.
    private static final int FIRST_SLOT = 3;

    /// Where the ICH9 has its SATA controller.
    private static final int SOUTHBRIDGE_SLOT = 31;

    private static final int SATA_FUNCTION = 2;

    /// Request queues of a virtio device, of which each vCPU uses one.
    private static final int MOST_QUEUES = 16;

    private final List<Disk> disks;
    private final List<Optional<BlockBackend>> media = new ArrayList<>();

    /// Opens the images. Throws ConfigException where one cannot be opened; none is left open then.
    Disks(MachineConfig config) {
        disks = config.disks();
        try {
            for (Disk disk : disks) media.add(disk.file().isEmpty() ? Optional.empty() : Optional.of(open(disk)));
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static BlockBackend open(Disk disk) {
        String name = disk.file().orElseThrow().toString();
        try {
            if (disk.snapshot()) return DiskFiles.openSnapshot(disk);
            OpenOptions options = disk.readOnly()
                    ? OpenOptions.readOnly(disk.format().orElse(null))
                    : OpenOptions.writable(disk.format().orElse(null));
            return Images.openDisk(name, options.withCache(CacheMode.of(disk.cache())));
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

    /// Puts the controllers on the bus.
    void plugIn(PciBus pci, GuestMemory memory, int cpus) {
        List<SataDevice> sata = new ArrayList<>();
        List<ScsiUnit> scsi = new ArrayList<>();
        for (int n = 0; n < disks.size(); n++) {
            Disk disk = disks.get(n);
            Optional<BlockBackend> medium = media.get(n);
            String serial = disk.serial().orElse("KAHVEM%04d".formatted(n));
            switch (disk.bus()) {
                case VIRTIO -> {
                    VirtioBlk blk = new VirtioBlk(medium.orElseThrow(), serial, queues(cpus));
                    pci.addToFreeSlot(FIRST_SLOT, new VirtioPci(blk, memory));
                }
                case NVME -> pci.addToFreeSlot(FIRST_SLOT, new NvmeController(medium.orElseThrow(), serial, memory));
                case SATA -> sata.add(switch (disk.kind()) {
                    case DISK -> new SataDisk(medium.orElseThrow(), serial);
                    case CDROM -> new SataCdRom(new ScsiCdRom(medium.orElse(null), serial, open -> {}));
                });
                case SCSI -> scsi.add(switch (disk.kind()) {
                    case DISK -> new ScsiDisk(medium.orElseThrow(), serial);
                    case CDROM -> new ScsiCdRom(medium.orElse(null), serial, open -> {});
                });
            }
        }
        if (!scsi.isEmpty()) pci.addToFreeSlot(FIRST_SLOT, new VirtioPci(new VirtioScsi(scsi, queues(cpus)), memory));
        for (int n = 0; n < sata.size(); n += AhciController.PORTS) {
            AhciController hba = new AhciController(sata.subList(n, Math.min(sata.size(), n + AhciController.PORTS)), memory);
            boolean southbridge = pci.function(SOUTHBRIDGE_SLOT, 0) != null && pci.function(SOUTHBRIDGE_SLOT, SATA_FUNCTION) == null;
            if (southbridge) {
                pci.add(SOUTHBRIDGE_SLOT, SATA_FUNCTION, hba);
            } else {
                pci.addToFreeSlot(FIRST_SLOT, hba);
            }
        }
    }

    private static int queues(int cpus) {
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
