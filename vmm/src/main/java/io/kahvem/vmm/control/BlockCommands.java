package io.kahvem.vmm.control;

import io.kahvem.block.BlockBackend;
import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.BlockStatistics;
import io.kahvem.block.Disk;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Throttle;
import io.kahvem.config.ConfigException;
import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.host.HostFile;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Blocks;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.qmp.schema.Jobs;
import io.kahvem.vmm.Drive;
import io.kahvem.vmm.Machine;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// Disks' counters and limits, and the media of drives. A machine in its sandbox opens no file: a client passes the medium's descriptor
/// with the command.
final class BlockCommands {
    private final Machine machine;

    private final PassedDescriptors files;

    BlockCommands(Machine machine, PassedDescriptors files) {
        this.machine = machine;
        this.files = files;
    }

    void addTo(QmpService service) {
        service.on(Blocks.QueryBlockstats.class, command -> statistics());
        service.on(Blocks.BlockdevChangeMedium.class, this::change);
        service.on(Blocks.BlockSetIoThrottle.class, this::throttle);
        service.on(Blocks.BlockResize.class, this::resize);
        service.on(Blocks.QueryBlock.class, command -> machine.drives().entrySet().stream()
                .map(drive -> info(drive.getKey(), drive.getValue())).toList());
        service.on(Jobs.QueryJobs.class, command -> List.of()); // nothing here runs in the background
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
        if (command.bpsRd() != 0 || command.bpsWr() != 0 || command.iopsRd() != 0 || command.iopsWr() != 0) {
            throw new QmpException("limits for reads or writes alone are not supported; give bps or iops");
        }
        try {
            machine.throttle(named(command.device().or(command::id)), new Throttle(command.bps(), command.iops()));
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
        try {
            machine.resizeDisk(device, command.size());
            return new Empty();
        } catch (ConfigException | BlockException e) {
            throw new QmpException(String.valueOf(e.getMessage()));
        }
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
        return new Blocks.BlockDeviceInfo(node.name(), disk.isReadOnly(), node.format(), Optional.ofNullable(node.backingFile()), depth,
                false, Blocks.DetectZeroes.OFF, limits.bytesPerSecond(), 0, 0, limits.requestsPerSecond(), 0, 0,
                new Blocks.ImageInfo(node.name(), node.format(), disk.sizeBytes()), new Blocks.BlockdevCacheInfo(true, false, false), 0);
    }

    private static String named(Optional<String> device) {
        return device.orElseThrow(() -> new QmpException("Parameter 'device' is missing"));
    }

    private Empty change(Blocks.BlockdevChangeMedium command, QmpCall call) {
        OpenOptions options = OpenOptions.readOnly(command.format().orElse(null));
        Optional<Descriptor> passed = files.named(command.filename(), call);
        try {
            BlockBackend disc = passed.isPresent()
                    ? Images.openDisk(HostFile.of(passed.get(), Path.of(command.filename())), command.filename(), options)
                    : Images.openDisk(command.filename(), options);
            try {
                return change(command.device().or(command::id), Optional.of(disc));
            } catch (QmpException e) {
                disc.close();
                throw e;
            }
        } catch (BlockException | HostException e) {
            throw new QmpException(String.valueOf(e.getMessage()));
        }
    }

    private Empty change(Optional<String> drive, Optional<BlockBackend> disc) {
        try {
            machine.changeMedium(named(drive), disc);
            return new Empty();
        } catch (ConfigException e) {
            throw new QmpException(String.valueOf(e.getMessage()));
        }
    }
}
