package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Disk;
import io.kahvem.block.tool.Chain;
import io.kahvem.host.Errno;
import org.jspecify.annotations.Nullable;

/// Brings what layers below have into the layer on top, so that it needs them no more (QMP's block-stream).
public final class LiveStream implements JobWork {
    private static final long PART = 1 << 20;

    private final Disk disk;
    private final BlockNode top;
    private final @Nullable BlockNode base;

    /// @param base the layer that stays below, or null: none does. Throws [BlockException] where it is none of the disk's
    public LiveStream(Disk disk, @Nullable BlockNode base) {
        this.disk = disk;
        this.base = base;
        top = disk.node();
        if (base == null) return;
        if (!Layering.isBelow(top, base)) {
            throw new BlockException(Errno.EINVAL, "Did not find '%s' in the backing chain".formatted(base.name()));
        }
        Layering.requireNoneShorter(top, top.backing(), base);
    }

    @Override
    public Type type() {
        return Type.STREAM;
    }

    /// Copies part by part; the guest's requests wait while a part is copied.
    @Override
    public void run(JobControl control) {
        BlockNode below = top.backing();
        if (below == null || below.equals(base)) return;
        long size = disk.sizeBytes();
        control.moved(0, size);
        for (long at = 0; at < size; at += PART) {
            long offset = at;
            long length = Math.min(PART, size - at);
            if (needsCopy(below, offset, length)) Part.attempt(control, () -> disk.exclusively(() -> part(below, offset, length)));
            control.moved(offset + length, size);
        }
    }

    private boolean needsCopy(BlockNode below, long offset, long length) {
        for (long at = offset; at < offset + length; ) {
            Chain.Status own = Chain.statusAt(top, at, offset + length - at, below);
            if (!own.present()) return true;
            at += own.length();
        }
        return false;
    }

    private void part(BlockNode below, long offset, long length) {
        for (long at = offset; at < offset + length; ) {
            Chain.Status own = Chain.statusAt(top, at, offset + length - at, below);
            Chain.Status above = Chain.statusAt(top, at, own.length(), base);
            boolean zero = above.zero() && (base == null || !above.present());
            if (!own.present() && !zero) Part.copy(top, top, at, above.length());
            at += above.length();
        }
    }

    /// Closes the layers that are needed no more.
    @Override
    public void conclude(boolean pivot) {
        BlockNode below = top.backing();
        if (below == null || below.equals(base)) return;
        disk.exclusively(() -> {
            top.flush();
            top.changeBackingFile(base == null ? null : base.name(), base == null ? null : base.format());
            if (base != null) Layering.detach(below, base);
            top.attachBacking(base);
        });
        below.close();
    }

    @Override
    public void abort() {}
}
