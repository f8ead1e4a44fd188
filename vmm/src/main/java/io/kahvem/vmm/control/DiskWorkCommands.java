package io.kahvem.vmm.control;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.block.ErrorPolicy;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.job.BlockJob;
import io.kahvem.block.job.JobWork;
import io.kahvem.block.job.LiveBackup;
import io.kahvem.block.job.LiveCommit;
import io.kahvem.block.job.LiveCopy;
import io.kahvem.block.job.LiveSnapshot;
import io.kahvem.block.job.LiveStream;
import io.kahvem.host.Descriptor;
import io.kahvem.host.Errno;
import io.kahvem.host.HostFile;
import io.kahvem.qmp.ErrorClass;
import io.kahvem.qmp.QmpCall;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.BlockJobs.BitmapSyncMode;
import io.kahvem.qmp.schema.BlockJobs.BlockCommit;
import io.kahvem.qmp.schema.BlockJobs.BlockStream;
import io.kahvem.qmp.schema.BlockJobs.BlockdevBackup;
import io.kahvem.qmp.schema.BlockJobs.BlockdevMirror;
import io.kahvem.qmp.schema.BlockJobs.BlockdevOnError;
import io.kahvem.qmp.schema.BlockJobs.BlockdevSnapshotSync;
import io.kahvem.qmp.schema.BlockJobs.DriveBackup;
import io.kahvem.qmp.schema.BlockJobs.DriveMirror;
import io.kahvem.qmp.schema.BlockJobs.MirrorSyncMode;
import io.kahvem.qmp.schema.BlockJobs.NewImageMode;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.vmm.Drive;
import io.kahvem.vmm.Machine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What is done to disks in use: snapshots at once, the rest by jobs. One command after the other; the lock is this object's.
final class DiskWorkCommands {
    private static final long MOST_GRANULARITY = 64 << 20;

    private final Machine machine;
    private final ImageFiles files;
    private final BlockNodes nodes;
    private final JobTable jobs;

    DiskWorkCommands(Machine machine, ImageFiles files, BlockNodes nodes, JobTable jobs) {
        this.machine = machine;
        this.files = files;
        this.nodes = nodes;
        this.jobs = jobs;
    }

    void addTo(QmpService service) {
        service.on(BlockdevSnapshotSync.class, (command, call) -> {
            snapshot(command, call);
            return new Empty();
        });
        service.on(BlockCommit.class, this::commit);
        service.on(BlockStream.class, this::stream);
        service.on(DriveMirror.class, this::mirror);
        service.on(BlockdevMirror.class, this::mirror);
        service.on(DriveBackup.class, (command, call) -> begun(backup(command, call), call));
        service.on(BlockdevBackup.class, (command, call) -> begun(backup(command), call));
    }

    /// A job that a command has entered starts when the reply is on its way.
    private static Empty begun(BlockJob job, QmpCall call) {
        call.afterReply(job::start);
        return new Empty();
    }

    /// The disk of that name. Throws [QmpException] in QEMU's words for names of nodes.
    Disk disk(String name) {
        return disk(name, () -> new QmpException("Cannot find device='%s' nor node-name='%s'".formatted(name, name)));
    }

    private Disk disk(String name, Supplier<QmpException> absent) {
        Drive drive = machine.drives().get(name);
        if (drive == null) throw absent.get();
        return drive.medium().orElseThrow(() -> new QmpException("Device '%s' has no medium".formatted(name)));
    }

    /// Takes a snapshot. What gives it back, until something else is done to the disk.
    synchronized Runnable snapshot(BlockdevSnapshotSync command, QmpCall call) {
        String device = command.device().orElse("");
        String node = command.nodeName().orElse("");
        Disk disk = disk(command.device().orElse(node),
                () -> new QmpException("Cannot find device='%s' nor node-name='%s'".formatted(device, node)));
        jobs.requireIdle(device, disk);
        String name = command.snapshotFile();
        String format = command.format().orElse("qcow2");
        BlockNode top = switch (command.mode().orElse(NewImageMode.ABSOLUTE_PATHS)) {
            case EXISTING -> files.open(name, OpenOptions.writable(format).withBacking(false), call);
            case ABSOLUTE_PATHS -> over(disk.node(), format, name, disk.sizeBytes(), call);
        };
        return asked(() -> {
            LiveSnapshot.take(disk, top);
            return () -> LiveSnapshot.undo(disk, top);
        });
    }

    /// A new image over `base`.
    private BlockNode over(BlockNode base, String formatName, String name, long sizeBytes, QmpCall call) {
        ImageFormat format = ImageFiles.format(formatName);
        CreateOptions options;
        try {
            options = LiveSnapshot.over(base, format);
        } catch (BlockException e) {
            throw new QmpException("Backing file not supported for file format '%s'".formatted(formatName));
        }
        return files.make(format, name, sizeBytes, options, call);
    }

    private synchronized Empty commit(BlockCommit command, QmpCall call) {
        String device = command.device();
        Disk disk = disk(device, () -> new QmpException(ErrorClass.DeviceNotFound, "Device '%s' not found".formatted(device)));
        BlockJob.Options options = options(command.jobId().orElse(device), command.speed(), command.onError(), Optional.empty(),
                command.autoFinalize(), command.autoDismiss());
        jobs.requireRoom(options.id(), device, disk);
        BlockNode active = disk.node();
        BlockNode top = command.top().map(name -> layer(active, name,
                () -> new QmpException("Top image file %s not found".formatted(name)))).orElse(active);
        BlockNode base = command.base().map(name -> layer(top.backing(), name, () -> notInChain(name))).orElseGet(() -> lowest(top));
        if (base.equals(top)) throw new QmpException("cannot commit an image into itself");
        List<BlockNode> written = new ArrayList<>(List.of(base));
        for (BlockNode layer = active.backing(); layer != null; layer = layer.backing()) {
            if (top.equals(layer.backing())) written.add(layer); // where another layer below is recorded at the end
        }
        takeFiles(disk, written, call);
        return begun(enter(options, disk, () -> top.equals(active) ? LiveCopy.commit(disk, base) : new LiveCommit(disk, top, base),
                pivoted -> { }), call);
    }

    /// A confined machine cannot open layers for writing: their descriptors come with the command, the first layer's first.
    private static void takeFiles(Disk disk, List<BlockNode> layers, QmpCall call) {
        for (BlockNode layer : layers) {
            Optional<Descriptor> passed = call.takeDescriptor();
            if (passed.isEmpty()) return;
            HostFile file = HostFile.of(passed.get(), Path.of(layer.name()));
            asked(() -> {
                disk.exclusively(() -> Images.giveFile(layer, file));
                return layer;
            });
        }
    }

    private synchronized Empty stream(BlockStream command, QmpCall call) {
        String device = command.device();
        Disk disk = disk(device);
        BlockJob.Options options = options(command.jobId().orElse(device), command.speed(), command.onError(), Optional.empty(),
                command.autoFinalize(), command.autoDismiss());
        jobs.requireRoom(options.id(), device, disk);
        BlockNode base = command.base().map(name -> layer(disk.node().backing(), name, () -> notInChain(name))).orElse(null);
        return begun(enter(options, disk, () -> new LiveStream(disk, base), pivoted -> { }), call);
    }

    private static QmpException notInChain(String name) {
        return new QmpException("Can't find '%s' in the backing chain".formatted(name));
    }

    private static BlockNode layer(@Nullable BlockNode from, String name, Supplier<QmpException> absent) {
        for (BlockNode layer = from; layer != null; layer = layer.backing()) if (layer.name().equals(name)) return layer;
        throw absent.get();
    }

    private static BlockNode lowest(BlockNode top) {
        BlockNode lowest = top;
        for (BlockNode layer = top; layer != null; layer = layer.backing()) lowest = layer;
        return lowest;
    }

    private synchronized Empty mirror(DriveMirror command, QmpCall call) {
        Disk disk = disk(command.device());
        BlockJob.Options options = options(command.jobId().orElse(command.device()), command.speed(), command.onSourceError(),
                command.onTargetError(), command.autoFinalize(), command.autoDismiss());
        jobs.requireRoom(options.id(), command.device(), disk);
        requireGranularity(command.granularity());
        LiveCopy.Sync sync = sync(command.sync());
        NewImageMode mode = command.mode().orElse(NewImageMode.ABSOLUTE_PATHS);
        BlockNode below = switch (sync) {
            case FULL -> null;
            case TOP -> disk.node().backing();
            case NONE -> disk.node();
        };
        BlockNode target = target(disk, command.target(), command.format(), mode, below, call);
        return begun(enter(options, disk, target,
                () -> LiveCopy.mirror(disk, target, sync, mode == NewImageMode.EXISTING)), call);
    }

    private synchronized Empty mirror(BlockdevMirror command, QmpCall call) {
        Disk disk = disk(command.device());
        if (command.target().equals(command.device())) throw new QmpException("Can't mirror node into itself");
        BlockJob.Options options = options(command.jobId().orElse(command.device()), command.speed(), command.onSourceError(),
                command.onTargetError(), command.autoFinalize(), command.autoDismiss());
        jobs.requireRoom(options.id(), command.device(), disk);
        requireGranularity(command.granularity());
        LiveCopy.Sync sync = sync(command.sync());
        String node = command.target();
        BlockNode target = nodes.use(node, options.id());
        return begun(enter(options, disk, () -> LiveCopy.mirror(disk, target, sync, true), pivoted -> {
            if (pivoted) nodes.takeOut(node);
            else nodes.giveBack(node);
        }), call);
    }

    private static void requireGranularity(Optional<Long> granularity) {
        if (granularity.isEmpty() || granularity.get() == 0) return;
        long given = granularity.get();
        if (given < 512 || given > MOST_GRANULARITY) {
            throw new QmpException("Parameter 'granularity' expects a value in range [512B, 64MB]");
        }
        if (Long.bitCount(given) != 1) throw new QmpException("Parameter 'granularity' expects a power of 2");
    }

    private static LiveCopy.Sync sync(MirrorSyncMode mode) {
        return switch (mode) {
            case FULL -> LiveCopy.Sync.FULL;
            case TOP -> LiveCopy.Sync.TOP;
            case NONE -> LiveCopy.Sync.NONE;
            case INCREMENTAL -> throw new QmpException("Sync mode 'incremental' not supported");
            case BITMAP -> throw new QmpException("Sync mode 'bitmap' not supported");
        };
    }

    /// A copy's target: made as large as the disk, or there.
    ///
    /// @param below what a new image is over
    private BlockNode target(Disk disk, String name, Optional<String> format, NewImageMode mode, @Nullable BlockNode below, QmpCall call) {
        return switch (mode) {
            case EXISTING -> files.open(name, OpenOptions.writable(format.orElse(null)).withBacking(false), call);
            case ABSOLUTE_PATHS -> {
                String named = format.orElse(disk.node().format());
                if (below != null) yield over(below, named, name, disk.sizeBytes(), call);
                ImageFormat plain = ImageFiles.format(named);
                yield files.make(plain, name, disk.sizeBytes(), new CreateOptions(plain), call);
            }
        };
    }

    /// Enters a backup, whose moment is fixed then; the job is to be started.
    synchronized BlockJob backup(DriveBackup command, QmpCall call) {
        Disk disk = disk(command.device());
        BlockJob.Options options = options(command.jobId().orElse(command.device()), command.speed(), command.onSourceError(),
                command.onTargetError(), command.autoFinalize(), command.autoDismiss());
        jobs.requireRoom(options.id(), command.device(), disk);
        LiveBackup.BitmapMode mode = bitmapMode(command.sync(), command.bitmap(), command.bitmapMode());
        DirtyBitmap bitmap = command.bitmap().map(name -> bitmap(disk, name)).orElse(null);
        boolean top = command.sync() == MirrorSyncMode.TOP;
        BlockNode target = target(disk, command.target(), command.format(), command.mode().orElse(NewImageMode.ABSOLUTE_PATHS),
                top ? disk.node().backing() : null, call);
        return enter(options, disk, target, () -> LiveBackup.start(disk, target, bitmap, mode, top));
    }

    synchronized BlockJob backup(BlockdevBackup command) {
        Disk disk = disk(command.device());
        if (command.target().equals(command.device())) throw new QmpException("Source and target cannot be the same");
        BlockJob.Options options = options(command.jobId().orElse(command.device()), command.speed(), command.onSourceError(),
                command.onTargetError(), command.autoFinalize(), command.autoDismiss());
        jobs.requireRoom(options.id(), command.device(), disk);
        LiveBackup.BitmapMode mode = bitmapMode(command.sync(), command.bitmap(), command.bitmapMode());
        DirtyBitmap bitmap = command.bitmap().map(name -> bitmap(disk, name)).orElse(null);
        String node = command.target();
        BlockNode target = nodes.use(node, options.id());
        return enter(options, disk, () -> LiveBackup.start(disk, target, bitmap, mode, command.sync() == MirrorSyncMode.TOP),
                pivoted -> nodes.giveBack(node));
    }

    private static DirtyBitmap bitmap(Disk disk, String name) {
        DirtyBitmap bitmap = disk.bitmaps().find(name)
                .orElseThrow(() -> new QmpException("Bitmap '%s' could not be found".formatted(name)));
        BitmapCommands.requireFree(bitmap);
        return bitmap;
    }

    private static LiveBackup.BitmapMode bitmapMode(MirrorSyncMode sync, Optional<String> bitmap, Optional<BitmapSyncMode> mode) {
        if (sync == MirrorSyncMode.NONE) {
            throw new QmpException("Sync mode 'none' not supported; take 'full' or 'top', or a snapshot");
        }
        boolean incremental = sync == MirrorSyncMode.INCREMENTAL;
        if (bitmap.isEmpty()) {
            if (incremental) throw new QmpException("must provide a valid bitmap name for 'incremental' sync mode");
            if (sync == MirrorSyncMode.BITMAP) throw new QmpException("must provide a valid bitmap name for 'bitmap' sync mode");
            if (mode.isPresent()) throw new QmpException("Cannot specify bitmap sync mode without a bitmap");
            return LiveBackup.BitmapMode.ON_SUCCESS;
        }
        if (incremental && mode.orElse(BitmapSyncMode.ON_SUCCESS) != BitmapSyncMode.ON_SUCCESS) {
            throw new QmpException("Bitmap sync mode must be 'on-success' when using sync mode 'incremental'");
        }
        if (!incremental && mode.isEmpty()) throw new QmpException("Bitmap sync mode must be given when providing a bitmap");
        if (!incremental && sync != MirrorSyncMode.BITMAP) {
            throw new QmpException("a bitmap goes with the sync modes 'incremental' and 'bitmap' alone");
        }
        return LiveBackup.BitmapMode.valueOf(mode.orElse(BitmapSyncMode.ON_SUCCESS).name());
    }

    private static BlockJob.Options options(String id, Optional<Long> speed, Optional<BlockdevOnError> onSourceError,
            Optional<BlockdevOnError> onTargetError, Optional<Boolean> autoFinalize, Optional<Boolean> autoDismiss) {
        long bytesPerSecond = speed.orElse(0L);
        if (bytesPerSecond < 0) throw new QmpException("Parameter 'speed' expects a non-negative value");
        ErrorPolicy source = policy(onSourceError);
        return new BlockJob.Options(id, bytesPerSecond, source, onTargetError.isPresent() ? policy(onTargetError) : source,
                autoFinalize.orElse(true), autoDismiss.orElse(true));
    }

    private static ErrorPolicy policy(Optional<BlockdevOnError> given) {
        return switch (given.orElse(BlockdevOnError.REPORT)) {
            case REPORT -> ErrorPolicy.REPORT;
            case IGNORE -> ErrorPolicy.IGNORE;
            case STOP -> ErrorPolicy.STOP;
            case ENOSPC, AUTO -> ErrorPolicy.ENOSPC;
        };
    }

    /// Work into an image of the job's own.
    private BlockJob enter(BlockJob.Options options, Disk disk, BlockNode target, Supplier<JobWork> work) {
        try {
            return enter(options, disk, work, pivoted -> {
                if (!pivoted) target.close();
            });
        } catch (QmpException e) {
            target.close();
            throw e;
        }
    }

    private BlockJob enter(BlockJob.Options options, Disk disk, Supplier<JobWork> work, BlockJob.Ending ending) {
        JobWork made;
        try {
            made = asked(work);
        } catch (QmpException e) {
            ending.ended(false);
            throw e;
        }
        return jobs.enter(options, disk, made, ending);
    }

    private static <T> T asked(Supplier<T> something) {
        try {
            return something.get();
        } catch (BlockException e) {
            if (e.errno() != Errno.EACCES && e.errno() != Errno.EPERM) throw ImageFiles.refused(e);
            throw new QmpException(e.getMessage() + PassedDescriptors.REMEDY);
        }
    }
}
