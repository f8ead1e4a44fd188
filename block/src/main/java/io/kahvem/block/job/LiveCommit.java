package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Disk;
import io.kahvem.block.Preallocation;
import io.kahvem.block.tool.Chain;
import io.kahvem.host.Errno;

/// Brings what layers in the middle have into one below them, and takes them out (QMP's block-commit with `top` below the layer that is
/// written). The guest goes on: what these layers show does not change.
public final class LiveCommit implements JobWork {
    private static final long PART = 1 << 20;

    private final Disk disk;
    private final BlockNode over;
    private final BlockNode top;
    private final BlockNode base;

    /// @param top the highest layer to take out, below the disk's own
    /// @param base below `top`. Opened for writing; throws [BlockException] where that cannot be
    public LiveCommit(Disk disk, BlockNode top, BlockNode base) {
        BlockNode above = Layering.layerOver(disk.node(), top);
        if (above == null || !Layering.isBelow(top, base)) {
            throw new BlockException(Errno.EINVAL, "Did not find '%s' in the backing chain".formatted(base.name()));
        }
        Layering.requireNoneShorter(above, top, base);
        this.disk = disk;
        this.over = above;
        this.top = top;
        this.base = base;
        disk.exclusively(() -> base.setReadOnly(false));
        if (base.sizeBytes() < top.sizeBytes()) base.resize(top.sizeBytes(), Preallocation.OFF);
    }

    @Override
    public Type type() {
        return Type.COMMIT;
    }

    @Override
    public void run(JobControl control) {
        long size = top.sizeBytes();
        control.moved(0, size);
        for (long at = 0; at < size; ) {
            Chain.Status status = Chain.statusAt(top, at, Math.min(size - at, PART), base);
            long offset = at;
            if (status.present()) {
                Part.attempt(control, () -> Part.copy(top, base, offset, status.length()));
                disk.bitmaps().mark(base, offset, status.length());
            }
            at += status.length();
            control.moved(at, size);
        }
    }

    @Override
    public void conclude(boolean pivot) {
        base.flush();
        boolean written = over.equals(disk.node());
        disk.exclusively(() -> {
            if (!written) over.setReadOnly(false);
            over.changeBackingFile(base.name(), base.format());
            if (!written) over.setReadOnly(true);
            Layering.detach(top, base);
            over.attachBacking(base);
            base.setReadOnly(true);
        });
        top.close();
    }

    @Override
    public void abort() {
        disk.exclusively(() -> base.setReadOnly(true));
    }
}
