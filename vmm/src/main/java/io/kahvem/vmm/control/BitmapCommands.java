package io.kahvem.vmm.control;

import io.kahvem.block.BlockException;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.BlockJobs.BlockDirtyBitmapAdd;
import io.kahvem.qmp.schema.BlockJobs.BlockDirtyBitmapClear;
import io.kahvem.qmp.schema.BlockJobs.BlockDirtyBitmapDisable;
import io.kahvem.qmp.schema.BlockJobs.BlockDirtyBitmapEnable;
import io.kahvem.qmp.schema.BlockJobs.BlockDirtyBitmapMerge;
import io.kahvem.qmp.schema.BlockJobs.BlockDirtyBitmapRemove;
import io.kahvem.qmp.schema.Empty;
import java.util.List;

/// The bitmaps of disks in use, which note what changes for backups to come. Each change gives what takes it back.
final class BitmapCommands {
    private static final int MOST_GRANULARITY = 1 << 30;

    private final DiskWorkCommands disks;

    BitmapCommands(DiskWorkCommands disks) {
        this.disks = disks;
    }

    void addTo(QmpService service) {
        service.on(BlockDirtyBitmapAdd.class, command -> {
            add(command);
            return new Empty();
        });
        service.on(BlockDirtyBitmapRemove.class, command -> {
            Disk disk = disks.disk(command.node());
            requireFree(needed(disk, command.name()));
            disk.bitmaps().remove(command.name());
            return new Empty();
        });
        service.on(BlockDirtyBitmapClear.class, command -> {
            clear(command);
            return new Empty();
        });
        service.on(BlockDirtyBitmapEnable.class, command -> {
            enable(command.node(), command.name(), true);
            return new Empty();
        });
        service.on(BlockDirtyBitmapDisable.class, command -> {
            enable(command.node(), command.name(), false);
            return new Empty();
        });
        service.on(BlockDirtyBitmapMerge.class, command -> {
            merge(command);
            return new Empty();
        });
    }

    Runnable add(BlockDirtyBitmapAdd command) {
        Disk disk = disks.disk(command.node());
        long granularity = command.granularity().orElse(0L);
        boolean sane = granularity >= 512 && granularity <= MOST_GRANULARITY && Long.bitCount(granularity) == 1;
        if (command.granularity().isPresent() && !sane) {
            throw new QmpException("Granularity must be power of 2 and at least 512");
        }
        try {
            disk.bitmaps().add(command.name(), (int) granularity, command.persistent().orElse(false), !command.disabled().orElse(false));
        } catch (BlockException e) {
            throw ImageFiles.refused(e);
        }
        return () -> disk.bitmaps().remove(command.name());
    }

    Runnable clear(BlockDirtyBitmapClear command) {
        Disk disk = disks.disk(command.node());
        DirtyBitmap bitmap = needed(disk, command.name());
        requireFree(bitmap);
        DirtyBitmap before = copy(bitmap);
        disk.exclusively(bitmap::clear);
        return () -> bitmap.merge(before);
    }

    Runnable enable(String node, String name, boolean enabled) {
        DirtyBitmap bitmap = needed(disks.disk(node), name);
        requireFree(bitmap);
        boolean before = bitmap.isEnabled();
        bitmap.setEnabled(enabled);
        return () -> bitmap.setEnabled(before);
    }

    Runnable merge(BlockDirtyBitmapMerge command) {
        Disk disk = disks.disk(command.node());
        DirtyBitmap target = needed(disk, command.target());
        requireFree(target);
        List<DirtyBitmap> sources = command.bitmaps().stream().map(name -> needed(disk, name)).toList();
        DirtyBitmap before = copy(target);
        sources.forEach(target::merge);
        return () -> {
            target.clear();
            target.merge(before);
        };
    }

    private static DirtyBitmap copy(DirtyBitmap bitmap) {
        DirtyBitmap copy = new DirtyBitmap(bitmap.name(), bitmap.granularity(), bitmap.sizeBytes());
        copy.merge(bitmap);
        return copy;
    }

    private static DirtyBitmap needed(Disk disk, String name) {
        try {
            return disk.bitmaps().needed(name);
        } catch (BlockException e) {
            throw ImageFiles.refused(e);
        }
    }

    /// Throws [QmpException] in QEMU's words where a job has it.
    static void requireFree(DirtyBitmap bitmap) {
        if (!bitmap.isBusy()) return;
        throw new QmpException("Bitmap '%s' is currently in use by another operation and cannot be used".formatted(bitmap.name()));
    }
}
