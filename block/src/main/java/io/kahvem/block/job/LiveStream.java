package io.kahvem.block.job;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.Disk;
import io.kahvem.block.tool.Chain;
import io.kahvem.block.tool.Progress;
import io.kahvem.block.tool.Zeros;
import java.lang.foreign.MemorySegment;

/// Brings what the layers below have into the layer on top, so that it needs them no more (QMP's block-stream).
public final class LiveStream {
    private static final long PART = 1 << 20;

    private LiveStream() {}

    /// Copies all of it, part by part; the guest's requests wait while a part is copied. Then the layers below are closed.
    public static void run(Disk disk, Progress progress) {
        BlockNode top = disk.node();
        BlockNode below = top.backing();
        if (below == null) return;
        long size = disk.sizeBytes();
        for (long at = 0; at < size; at += PART) {
            long offset = at;
            long length = Math.min(PART, size - at);
            if (needsCopy(top, below, offset, length)) disk.exclusively(() -> part(top, below, offset, length));
            progress.moved(offset + length, size);
        }
        disk.exclusively(() -> {
            top.flush();
            top.changeBackingFile(null, null);
            top.attachBacking(null);
        });
        below.close();
    }

    private static boolean needsCopy(BlockNode top, BlockNode below, long offset, long length) {
        for (long at = offset; at < offset + length; ) {
            Chain.Status own = Chain.statusAt(top, at, offset + length - at, below);
            if (!own.present()) return true;
            at += own.length();
        }
        return false;
    }

    private static void part(BlockNode top, BlockNode below, long offset, long length) {
        for (long at = offset; at < offset + length; ) {
            Chain.Status own = Chain.statusAt(top, at, offset + length - at, below);
            Chain.Status all = Chain.statusAt(top, at, own.length());
            if (!own.present() && !all.zero()) copy(top, at, all.length());
            at += all.length();
        }
    }

    private static void copy(BlockNode top, long offset, long length) {
        MemorySegment memory = Bounce.take(length);
        MemorySegment data = memory.asSlice(0, length);
        top.read(offset, data);
        if (!Zeros.isZero(data)) top.write(offset, data);
        Bounce.give(memory);
    }
}
