package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.block.Preallocation;
import io.kahvem.block.tool.Chain;
import io.kahvem.host.Errno;
import org.jspecify.annotations.Nullable;

/// Copies a disk while it is written, and copies again what was, until both are the same; then the disk can go on in the copy. QMP's
/// drive-mirror, and block-commit of the layer on top.
public final class LiveCopy implements JobWork {
    private static final int GRANULARITY = 65_536;
    private static final long MOST_AT_ONCE = 1 << 20;

    /// How much may be left before the guest is held up for the rest.
    private static final long SMALL_BYTES = 4 << 20;

    private static final int MOST_ROUNDS = 30;

    /// What of a disk is copied, as in QEMU's MirrorSyncMode.
    public enum Sync {
        /// All that it shows.
        FULL,
        /// What the layer on top has; the copy is over the same layers.
        TOP,
        /// What is written from here on; the copy is over the disk as it is.
        NONE
    }

    private final Disk disk;
    private final BlockNode source;
    private final BlockNode target;
    private final Type type;
    private final Sync sync;
    /// Of what the copy is over, nothing is copied.
    private final @Nullable BlockNode base;
    private final boolean zeroFirst;
    private final DirtyBitmap dirty;
    private final Disk.Watcher watcher;
    private long copiedBytes;

    private LiveCopy(Disk disk, BlockNode target, Type type, Sync sync, @Nullable BlockNode base, boolean zeroFirst) {
        this.disk = disk;
        this.source = disk.node();
        this.target = target;
        this.type = type;
        this.sync = sync;
        this.base = base;
        this.zeroFirst = zeroFirst;
        // A cluster of the target is written whole: what is below it is not there to fill it up.
        dirty = new DirtyBitmap("copy", Math.max(GRANULARITY, target.clusterSize()), disk.sizeBytes());
        watcher = new Disk.Watcher() {
            @Override
            public void afterChange(long offset, long length) {
                dirty.mark(offset, length);
            }
        };
    }

    /// A copy of all the disk shows into `target`, which is as large and reads as zeros.
    public static LiveCopy mirror(Disk disk, BlockNode target) {
        return mirror(disk, target, Sync.FULL, false);
    }

    /// @param target as large as the disk; with nothing attached below it
    /// @param zeroFirst whether it may have something other than zeros where nothing is copied
    public static LiveCopy mirror(Disk disk, BlockNode target, Sync sync, boolean zeroFirst) {
        BlockNode base = switch (sync) {
            case FULL -> null;
            case TOP -> disk.node().backing();
            case NONE -> disk.node();
        };
        if (base != null && !target.format().equals("qcow2")) {
            throw new BlockException(Errno.EOPNOTSUPP, "Backing file not supported for file format '%s'".formatted(target.format()));
        }
        return new LiveCopy(disk, target, Type.MIRROR, sync, base, zeroFirst && sync == Sync.FULL);
    }

    /// A copy of what the layers above `base` have into it. It is opened for writing.
    public static LiveCopy commit(Disk disk, BlockNode base) {
        if (!Layering.isBelow(disk.node(), base)) {
            throw new BlockException(Errno.EINVAL, "Did not find '%s' in the backing chain".formatted(base.name()));
        }
        disk.exclusively(() -> base.setReadOnly(false));
        if (base.sizeBytes() < disk.sizeBytes()) base.resize(disk.sizeBytes(), Preallocation.OFF);
        return new LiveCopy(disk, base, Type.COMMIT, Sync.FULL, base, false);
    }

    @Override
    public Type type() {
        return type;
    }

    @Override
    public boolean follows() {
        return true;
    }

    /// Copies until little is left that the guest has written meanwhile.
    @Override
    public void run(JobControl control) {
        long size = disk.sizeBytes();
        if (type == Type.MIRROR && target.sizeBytes() != size) {
            throw new BlockException(Errno.EINVAL, "Source and target image have different sizes");
        }
        if (zeroFirst) target.writeZeroes(0, size, true);
        disk.addWatcher(watcher);
        for (long at = 0; at < size && sync != Sync.NONE; ) {
            Chain.Status status = Chain.statusAt(source, at, size - at, base);
            if (status.present() && !(status.zero() && base == null)) dirty.mark(at, status.length());
            at += status.length();
        }
        copyDirty(control);
        for (int round = 0; round < MOST_ROUNDS && dirty.dirtyBytes() > SMALL_BYTES; round++) copyDirty(control);
    }

    @Override
    public void follow(JobControl control) {
        copyDirty(control);
    }

    private void copyDirty(JobControl control) {
        int granularity = dirty.granularity();
        control.moved(copiedBytes, copiedBytes + dirty.dirtyBytes());
        for (long at = dirty.nextDirty(0); at >= 0; at = dirty.nextDirty(at)) {
            long offset = at;
            long end = Math.min(at + granularity, dirty.sizeBytes());
            while (end < dirty.sizeBytes() && end - at < MOST_AT_ONCE && dirty.isDirty(end)) {
                end = Math.min(end + granularity, dirty.sizeBytes());
            }
            long length = end - at;
            dirty.clear(offset, length); // first: what is written from here on is copied again
            try {
                Part.attempt(control, () -> Part.copy(source, target, offset, length));
            } catch (RuntimeException e) {
                dirty.mark(offset, length);
                throw e;
            }
            disk.bitmaps().mark(target, offset, length);
            copiedBytes += length;
            control.moved(copiedBytes, copiedBytes + dirty.dirtyBytes());
        }
    }

    /// Copies the rest while the guest's requests wait. With `pivot` the disk goes on in the copy, and layers that are not needed any more
    /// are closed; else it goes on where it was, and the copy is what it was at this moment.
    @Override
    public void conclude(boolean pivot) {
        disk.exclusively(() -> {
            copyDirty(JobControl.NONE);
            target.flush();
            if (pivot) pivot();
            else if (type == Type.COMMIT) target.setReadOnly(true);
        });
        disk.removeWatcher(watcher);
        if (pivot && sync != Sync.NONE) source.close();
    }

    private void pivot() {
        switch (sync) {
            case FULL -> {
                if (base != null) Layering.detach(source, base);
            }
            case TOP -> {
                if (base != null) {
                    source.attachBacking(null);
                    target.attachBacking(base);
                }
            }
            case NONE -> {
                source.setReadOnly(true);
                target.attachBacking(source);
            }
        }
        disk.replaceNode(target);
    }

    @Override
    public void abort() {
        disk.removeWatcher(watcher);
        if (type == Type.COMMIT) disk.exclusively(() -> target.setReadOnly(true));
    }
}
