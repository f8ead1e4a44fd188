package io.kahvem.vmm.control;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.BlockStatistics;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Throttle;
import io.kahvem.config.ConfigException;
import io.kahvem.qmp.ErrorClass;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Blocks;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.vmm.Drive;
import io.kahvem.vmm.Machine;
import java.util.List;
import java.util.Optional;

/// Disks' counters and limits, and the media of drives. A machine in its sandbox opens no file: a client passes the medium's descriptor
/// with the command.
final class BlockCommands {
    private final Machine machine;
    private final ImageFiles files;
    private final JobTable jobs;

    BlockCommands(Machine machine, ImageFiles files, JobTable jobs) {
        this.machine = machine;
        this.files = files;
        this.jobs = jobs;
    }

    void addTo(QmpService service) {
        service.on(Blocks.QueryBlockstats.class, command -> statistics());
        service.on(Blocks.BlockdevChangeMedium.class, this::change);
        service.on(Blocks.BlockSetIoThrottle.class, this::throttle);
        service.on(Blocks.BlockResize.class, this::resize);
        service.on(Blocks.QueryBlock.class, command -> machine.drives().entrySet().stream()
                .map(drive -> info(drive.getKey(), drive.getValue())).toList());
        service.on(Blocks.Eject.class, command -> change(command.device().or(command::id), Optional.empty()));
    }

    private List<Blocks.BlockStats> statistics() {
        return machine.diskStatistics().entrySet().stream()
                .map(disk -> new Blocks.BlockStats(Optional.of(disk.getKey()), Optional.empty(), stats(disk.getValue()))).toList();
    }

    private static Blocks.BlockDeviceStats stats(BlockStatistics s) {
        return new Blocks.BlockDeviceStats(s.readBytes(), s.writtenBytes(), s.reads(), s.writes(), s.flushes(), s.flushNanos(),
                s.writeNanos(), s.readNanos(), s.failedReads(), s.failedWrites());
    }

    private Empty throttle(Blocks.BlockSetIoThrottle command) {
        String device = named(command.device().or(command::id));
        if (!machine.drives().containsKey(device)) {
            throw new QmpException(ErrorClass.DeviceNotFound, "Device '%s' not found".formatted(device));
        }
        try {
            machine.throttle(device, Throttles.of(command));
            return new Empty();
        } catch (ConfigException | BlockException e) {
            throw new QmpException(String.valueOf(e.getMessage()));
        }
    }

    private Empty resize(Blocks.BlockResize command) {
        String device = command.device().orElse("");
        if (!machine.drives().containsKey(device)) {
            throw new QmpException("Cannot find device='%s' nor node-name='%s'".formatted(device, command.nodeName().orElse("")));
        }
        if (command.size() < 0) throw new QmpException("Parameter 'size' expects a >0 size");
        if (isAtWork(device)) throw new QmpException("Device '%s' is in use".formatted(device));
        try {
            machine.resizeDisk(device, command.size());
            return new Empty();
        } catch (ConfigException | BlockException e) {
            throw new QmpException(String.valueOf(e.getMessage()));
        }
    }

    private boolean isAtWork(String device) {
        return Optional.ofNullable(machine.drives().get(device)).flatMap(Drive::medium).flatMap(jobs::working).isPresent();
    }

    private static Blocks.BlockInfo info(String name, Drive drive) {
        return new Blocks.BlockInfo(name, Optional.empty(), "unknown", drive.removable(), false,
                drive.medium().map(BlockCommands::inserted),
                drive.removable() ? Optional.of(drive.medium().isEmpty()) : Optional.empty(), Optional.of(Blocks.BlockDeviceIoStatus.OK));
    }

    private static Blocks.BlockDeviceInfo inserted(Disk disk) {
        BlockNode node = disk.node();
        int depth = 0;
        for (BlockNode layer = node.backing(); layer != null; layer = layer.backing()) depth++;
        Throttle limits = disk.throttle();
        Throttle.Rate all = limits.all();
        Throttle.Rate reads = limits.reads();
        Throttle.Rate writes = limits.writes();
        List<Blocks.BlockDirtyInfo> bitmaps = disk.bitmaps().list().stream().map(bitmap -> bitmap(disk, bitmap)).toList();
        return new Blocks.BlockDeviceInfo(node.name(), disk.isReadOnly(), node.format(), Optional.ofNullable(node.backingFile()), depth,
                false, Blocks.DetectZeroes.OFF, all.bytes().perSecond(), reads.bytes().perSecond(), writes.bytes().perSecond(),
                all.requests().perSecond(), reads.requests().perSecond(), writes.requests().perSecond(),
                new Blocks.ImageInfo(node.name(), node.format(), disk.sizeBytes()),
                burst(all.bytes()), burst(reads.bytes()), burst(writes.bytes()),
                burst(all.requests()), burst(reads.requests()), burst(writes.requests()),
                length(all.bytes()), length(reads.bytes()), length(writes.bytes()),
                length(all.requests()), length(reads.requests()), length(writes.requests()),
                Optional.of(limits.requestBytes()).filter(size -> size != 0),
                new Blocks.BlockdevCacheInfo(true, false, false), 0, bitmaps.isEmpty() ? Optional.empty() : Optional.of(bitmaps));
    }

    private static Optional<Long> burst(Throttle.Limit limit) {
        return Optional.of(limit.burst()).filter(burst -> burst != 0);
    }

    private static Optional<Long> length(Throttle.Limit limit) {
        return burst(limit).map(burst -> limit.burstSeconds());
    }

    private static Blocks.BlockDirtyInfo bitmap(Disk disk, DirtyBitmap bitmap) {
        Optional<Boolean> inconsistent = bitmap.isInconsistent() ? Optional.of(true) : Optional.empty();
        return new Blocks.BlockDirtyInfo(bitmap.name(), bitmap.markedBytes(), bitmap.granularity(),
                bitmap.isEnabled() && !bitmap.isInconsistent(), bitmap.isBusy(), disk.bitmaps().isPersistent(bitmap), inconsistent);
    }

    private static String named(Optional<String> device) {
        return device.orElseThrow(() -> new QmpException("Parameter 'device' is missing"));
    }

    private Empty change(Blocks.BlockdevChangeMedium command, QmpCall call) {
        OpenOptions options = OpenOptions.readOnly(command.format().orElse(null));
        BlockBackend disc = new Disk(files.open(command.filename(), options, call));
        try {
            return change(command.device().or(command::id), Optional.of(disc));
        } catch (QmpException e) {
            disc.close();
            throw e;
        }
    }

    private Empty change(Optional<String> drive, Optional<BlockBackend> disc) {
        if (drive.isPresent() && isAtWork(drive.get())) throw new QmpException("Device '%s' is in use".formatted(drive.get()));
        try {
            machine.changeMedium(named(drive), disc);
            return new Empty();
        } catch (ConfigException e) {
            throw new QmpException(String.valueOf(e.getMessage()));
        }
    }
}
