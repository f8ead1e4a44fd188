package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.block.tool.Chain;
import io.kahvem.host.Errno;
import org.jspecify.annotations.Nullable;

/// Copies what a disk was at one moment while it is written: before a part changes that was not copied yet, it is (QMP's
/// drive-backup). With a bitmap, only what that has marked; the bitmap then notes from that moment on.
public final class LiveBackup implements JobWork {
    private static final int GRANULARITY = 65_536;

    /// What becomes of the bitmap's marks, as in QEMU's BitmapSyncMode.
    public enum BitmapMode {
        /// They are those since this backup if it succeeds, else they stay.
        ON_SUCCESS,
        /// They stay, and those since come to them.
        NEVER,
        /// They are those since this backup and those of parts that it has not copied.
        ALWAYS
    }

    private final Disk disk;
    private final BlockNode source;
    private final BlockNode target;
    private final @Nullable DirtyBitmap bitmap;
    private final BitmapMode mode;
    /// What is to be copied, and what of it is left. Under the backup's lock.
    private final DirtyBitmap all;
    private final DirtyBitmap left;
    private volatile @Nullable BlockException failure;

    private final Disk.Watcher watcher = new Disk.Watcher() {
        @Override
        public void beforeChange(long offset, long length) {
            try {
                for (long at = offset & -left.granularity(); at < offset + length; at += left.granularity()) copyIfLeft(at);
            } catch (Part.Failure e) {
                failure = e.what(); // the backup's matter, not the guest's
            }
        }
    };

    private LiveBackup(Disk disk, BlockNode target, @Nullable DirtyBitmap bitmap, BitmapMode mode) {
        this.disk = disk;
        this.source = disk.node();
        this.target = target;
        this.bitmap = bitmap;
        this.mode = mode;
        // A cluster of the target is written whole: what is below it is not there to fill it up.
        int granularity = Math.max(GRANULARITY, target.clusterSize());
        all = new DirtyBitmap("all", granularity, disk.sizeBytes());
        left = new DirtyBitmap("left", granularity, disk.sizeBytes());
    }

    /// Fixes the moment. Everything is copied, or with a bitmap what it has marked.
    ///
    /// @param target as large as the disk
    public static LiveBackup start(Disk disk, BlockNode target, @Nullable DirtyBitmap bitmap) {
        return start(disk, target, bitmap, BitmapMode.ON_SUCCESS, false);
    }

    /// @param top what the layer on top has is copied, and nothing else; not with a bitmap
    public static LiveBackup start(Disk disk, BlockNode target, @Nullable DirtyBitmap bitmap, BitmapMode mode, boolean top) {
        if (target.sizeBytes() != disk.sizeBytes()) throw BlockException.invalid("Source and target image have different sizes");
        if (bitmap != null && bitmap.isInconsistent()) {
            throw new BlockException(Errno.EINVAL, "Bitmap '%s' is inconsistent and cannot be used".formatted(bitmap.name()));
        }
        LiveBackup backup = new LiveBackup(disk, target, bitmap, mode);
        disk.exclusively(() -> {
            backup.markAll(top);
            disk.addWatcher(backup.watcher);
        });
        return backup;
    }

    private void markAll(boolean top) {
        if (bitmap != null) {
            all.merge(bitmap);
            bitmap.setBusy(true);
            bitmap.clear();
        } else if (top) {
            for (long at = 0; at < disk.sizeBytes(); ) {
                Chain.Status status = Chain.statusAt(source, at, disk.sizeBytes() - at, source.backing());
                if (status.present()) all.mark(at, status.length());
                at += status.length();
            }
        } else {
            all.mark(0, disk.sizeBytes());
        }
        left.merge(all);
    }

    @Override
    public Type type() {
        return Type.BACKUP;
    }

    private synchronized void copyIfLeft(long offset) {
        if (offset >= left.sizeBytes() || !left.isDirty(offset)) return;
        long length = Math.min(left.granularity(), left.sizeBytes() - offset);
        Part.copy(source, target, offset, length);
        left.clear(offset, length);
    }

    /// Copies the rest. Throws [BlockException] where the target fails.
    @Override
    public void run(JobControl control) {
        long total = all.markedBytes();
        control.moved(0, total);
        for (long at = all.nextDirty(0); at >= 0; at = left.nextDirty(at)) {
            long offset = at;
            Part.attempt(control, () -> copyIfLeft(offset));
            control.moved(total - left.markedBytes(), total);
            BlockException lost = failure; // the guest has overwritten what could not be copied
            if (lost != null) throw lost;
        }
    }

    @Override
    public void conclude(boolean pivot) {
        target.flush();
        end(true);
    }

    @Override
    public void abort() {
        end(false);
    }

    private void end(boolean succeeded) {
        disk.removeWatcher(watcher);
        if (bitmap == null) return;
        switch (mode) {
            case ON_SUCCESS -> {
                if (!succeeded) bitmap.merge(all); // the next backup takes all of it again
            }
            case NEVER -> bitmap.merge(all);
            case ALWAYS -> bitmap.merge(left);
        }
        bitmap.setBusy(false);
    }
}
