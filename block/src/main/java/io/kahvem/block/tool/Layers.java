package io.kahvem.block.tool;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.Preallocation;
import io.kahvem.block.qcow2.Qcow2Node;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Moves data between the layers of a chain: the work of `commit` and `rebase`.
public final class Layers {
    private static final long PART = 2 << 20;

    private Layers() {}

    /// Writes what the layers from `top` down to, and without, `base` have into `base`, which grows if it is smaller.
    public static void commit(BlockNode top, BlockNode base, Progress progress) {
        if (base.isReadOnly()) throw new BlockException(Errno.EROFS, "'%s' is read-only".formatted(base.name()));
        if (base.sizeBytes() < top.sizeBytes()) base.resize(top.sizeBytes(), Preallocation.OFF);
        copyOwn(top, base, base, top.sizeBytes(), progress);
        base.flush();
    }

    /// Takes everything out of the layer on top, so that it shows the one below.
    public static void empty(BlockNode top) {
        if (top instanceof Qcow2Node qcow2) qcow2.forget(0, top.sizeBytes());
        top.flush();
    }

    /// Copies into `target` what the layers above `base` have; zeros as zeros.
    static void copyOwn(BlockNode top, @Nullable BlockNode base, BlockNode target, long sizeBytes, Progress progress) {
        for (long at = 0; at < sizeBytes; ) {
            Chain.Status status = Chain.statusAt(top, at, Math.min(PART, sizeBytes - at), base);
            if (status.present()) {
                if (status.zero()) target.writeZeroes(at, status.length(), true);
                else copy(top, target, at, status.length());
            }
            at += status.length();
            progress.moved(at, sizeBytes);
        }
    }

    static void copy(BlockNode from, BlockNode to, long offset, long length) {
        MemorySegment memory = Bounce.take(length);
        from.read(offset, memory.asSlice(0, length));
        to.write(offset, memory.asSlice(0, length));
        Bounce.give(memory);
    }

    /// Writes into `top` what the layers below it show, wherever `newBase` shows something else; so `newBase` may take their place.
    public static void prepareRebase(BlockNode top, @Nullable BlockNode newBase, Progress progress) {
        BlockNode oldBase = top.backing();
        long size = top.sizeBytes();
        for (long at = 0; at < size; ) {
            Chain.Status own = Chain.statusAt(top, at, Math.min(PART, size - at), oldBase);
            if (!own.present()) keep(top, oldBase, newBase, at, own.length());
            at += own.length();
            progress.moved(at, size);
        }
        top.flush();
    }

    private static void keep(BlockNode top, @Nullable BlockNode oldBase, @Nullable BlockNode newBase, long offset, long length) {
        MemorySegment memory = Bounce.take(2 * length);
        MemorySegment before = memory.asSlice(0, length);
        MemorySegment after = memory.asSlice(length, length);
        read(oldBase, offset, before);
        read(newBase, offset, after);
        int unit = Math.max(4096, Math.min(top.clusterSize(), 65_536));
        for (long at = 0; at < length; ) {
            long end = Math.min(length, at + unit - (offset + at) % unit);
            MemorySegment old = before.asSlice(at, end - at);
            if (old.mismatch(after.asSlice(at, end - at)) >= 0) {
                if (Zeros.isZero(old)) top.writeZeroes(offset + at, end - at, true);
                else top.write(offset + at, old);
            }
            at = end;
        }
        Bounce.give(memory);
    }

    private static void read(@Nullable BlockNode node, long offset, MemorySegment into) {
        long there = node == null ? 0 : Math.clamp(node.sizeBytes() - offset, 0, into.byteSize());
        if (there > 0 && node != null) node.read(offset, into.asSlice(0, there));
        if (there < into.byteSize()) into.asSlice(there).fill((byte) 0);
    }
}
