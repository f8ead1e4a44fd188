package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.Disk;
import io.kahvem.block.Preallocation;
import io.kahvem.block.tool.Chain;
import io.kahvem.block.tool.Progress;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Copies a disk while it is written, and copies again what was, until both are the same; then the disk can go on in the copy. QMP's
/// drive-mirror, and block-commit of the layer on top.
public final class LiveCopy implements AutoCloseable {
    private static final int GRANULARITY = 65_536;

    /// How much may be left before the guest is held up for the rest.
    private static final long SMALL_BYTES = 4 << 20;

    private static final int MOST_ROUNDS = 30;

    private final Disk disk;
    private final BlockNode target;
    private final @Nullable BlockNode base;
    private final DirtyBitmap dirty;
    private final Disk.Watcher watcher;

    private LiveCopy(Disk disk, BlockNode target, @Nullable BlockNode base) {
        this.disk = disk;
        this.target = target;
        this.base = base;
        dirty = new DirtyBitmap("copy", GRANULARITY, disk.sizeBytes());
        watcher = new Disk.Watcher() {
            @Override
            public void afterChange(long offset, long length) {
                dirty.mark(offset, length);
            }
        };
    }

    /// A copy of all the disk shows into `target`, which is as large and reads as zeros.
    public static LiveCopy mirror(Disk disk, BlockNode target) {
        if (target.sizeBytes() < disk.sizeBytes()) throw new BlockException(Errno.EINVAL, "'%s' is too small".formatted(target.name()));
        return new LiveCopy(disk, target, null);
    }

    /// A copy of what the layers above `base` have into it. It is opened for writing.
    public static LiveCopy commit(Disk disk, BlockNode base) {
        boolean below = false;
        for (BlockNode layer = disk.node().backing(); layer != null; layer = layer.backing()) below |= layer.equals(base);
        if (!below) throw new BlockException(Errno.EINVAL, "Did not find '%s' in the backing chain".formatted(base.name()));
        disk.exclusively(() -> base.setReadOnly(false));
        if (base.sizeBytes() < disk.sizeBytes()) base.resize(disk.sizeBytes(), Preallocation.OFF);
        return new LiveCopy(disk, base, base);
    }

    /// Copies until little is left that the guest has written meanwhile.
    public void run(Progress progress) {
        disk.addWatcher(watcher);
        long size = disk.sizeBytes();
        for (long at = 0; at < size; ) {
            Chain.Status status = Chain.statusAt(disk.node(), at, Math.min(size - at, 16L * GRANULARITY), base);
            if (status.present() && !(status.zero() && base == null)) copy(at, status.length());
            at += status.length();
            progress.moved(at, size);
        }
        for (int round = 0; round < MOST_ROUNDS && dirty.dirtyBytes() > SMALL_BYTES; round++) copyDirty();
    }

    private void copyDirty() {
        for (long at = dirty.nextDirty(0); at >= 0; at = dirty.nextDirty(at)) {
            long length = Math.min(GRANULARITY, disk.sizeBytes() - at);
            dirty.clear(at, length); // first: what is written from here on is copied again
            copy(at, length);
        }
    }

    private void copy(long offset, long length) {
        MemorySegment memory = Bounce.take(length);
        disk.node().read(offset, memory.asSlice(0, length));
        target.write(offset, memory.asSlice(0, length));
        Bounce.give(memory);
    }

    /// Copies the rest while the guest's requests wait, and lets the disk go on in the copy. The layers that are not needed any more are
    /// closed.
    public void complete() {
        BlockNode[] old = new BlockNode[1];
        disk.exclusively(() -> {
            copyDirty();
            target.flush();
            old[0] = disk.node();
            if (base != null) detach(old[0], base);
            disk.replaceNode(target);
        });
        disk.removeWatcher(watcher);
        old[0].close();
    }

    /// The same, and the disk goes on where it was: the copy is what it was at this moment.
    public void finish() {
        disk.exclusively(() -> {
            copyDirty();
            target.flush();
        });
        disk.removeWatcher(watcher);
    }

    private static void detach(BlockNode top, BlockNode base) {
        for (BlockNode layer = top; layer != null; layer = layer.backing()) {
            if (base.equals(layer.backing())) {
                layer.attachBacking(null);
                return;
            }
        }
    }

    /// Gives up, if it was not completed; the disk goes on where it was.
    @Override
    public void close() {
        disk.removeWatcher(watcher);
    }
}
