package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.block.tool.Progress;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Copies what a disk was at one moment while it is written: before a part changes that was not copied yet, it is (QMP's
/// drive-backup). With a bitmap, only what that has marked; the bitmap then notes from that moment on.
public final class LiveBackup implements AutoCloseable {
    private static final int GRANULARITY = 65_536;

    private final Disk disk;
    private final BlockNode target;
    private final @Nullable DirtyBitmap bitmap;
    private final DirtyBitmap left;
    private volatile @Nullable BlockException failure;
    private boolean done;

    private final Disk.Watcher watcher = new Disk.Watcher() {
        @Override
        public void beforeChange(long offset, long length) {
            try {
                for (long at = offset & -GRANULARITY; at < offset + length; at += GRANULARITY) copyIfLeft(at);
            } catch (BlockException e) {
                failure = e; // the backup's matter, not the guest's
            }
        }
    };

    private LiveBackup(Disk disk, BlockNode target, @Nullable DirtyBitmap bitmap) {
        this.disk = disk;
        this.target = target;
        this.bitmap = bitmap;
        left = new DirtyBitmap("backup", GRANULARITY, disk.sizeBytes());
    }

    /// Fixes the moment. Everything is copied, or with a bitmap what it has marked.
    ///
    /// @param target as large as the disk
    public static LiveBackup start(Disk disk, BlockNode target, @Nullable DirtyBitmap bitmap) {
        if (target.sizeBytes() < disk.sizeBytes()) throw new BlockException(Errno.EINVAL, "'%s' is too small".formatted(target.name()));
        if (bitmap != null && bitmap.isInconsistent()) {
            throw new BlockException(Errno.EINVAL, "Bitmap '%s' is inconsistent and cannot be used".formatted(bitmap.name()));
        }
        LiveBackup backup = new LiveBackup(disk, target, bitmap);
        disk.exclusively(() -> {
            if (bitmap == null) {
                backup.left.mark(0, disk.sizeBytes());
            } else {
                backup.left.merge(bitmap);
                bitmap.clear();
            }
            disk.addWatcher(backup.watcher);
        });
        return backup;
    }

    private synchronized void copyIfLeft(long offset) {
        if (offset >= left.sizeBytes() || !left.isDirty(offset)) return;
        long length = Math.min(GRANULARITY, left.sizeBytes() - offset);
        MemorySegment memory = Bounce.take(length);
        disk.node().read(offset, memory.asSlice(0, length));
        target.write(offset, memory.asSlice(0, length));
        Bounce.give(memory);
        left.clear(offset, length);
    }

    /// Copies the rest. Throws [BlockException] where the target fails; the bitmap has what was not copied, then.
    public void run(Progress progress) {
        long size = left.sizeBytes();
        DirtyBitmap all = new DirtyBitmap("all", GRANULARITY, size);
        all.merge(left);
        try {
            for (long at = all.nextDirty(0); at >= 0; at = at + GRANULARITY < size ? all.nextDirty(at + GRANULARITY) : -1) {
                copyIfLeft(at);
                progress.moved(at, size);
                BlockException failed = failure;
                if (failed != null) throw failed;
            }
            target.flush();
            done = true;
        } catch (BlockException e) {
            if (bitmap != null) bitmap.merge(all); // the next backup takes all of it again
            throw e;
        } finally {
            close();
        }
        progress.moved(size, size);
    }

    public boolean isDone() {
        return done;
    }

    @Override
    public void close() {
        disk.removeWatcher(watcher);
    }
}
