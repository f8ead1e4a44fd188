package io.kahvem.block.tool;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/// Compares what two disks show: the work of `compare`.
public final class Comparer {
    private static final long PART = 1 << 20;

    private Comparer() {}

    /// Where they first differ, or -1. Where one of them is longer, the rest must be zeros.
    public static long firstDifference(BlockNode a, BlockNode b, int threads, Progress progress) {
        AtomicLong first = new AtomicLong(Long.MAX_VALUE);
        Parts.each(Math.max(a.sizeBytes(), b.sizeBytes()), 8 * PART, threads, (offset, length) -> {
            for (long at = offset; at < offset + length && at < first.get(); at += PART) {
                long found = compare(a, b, at, Math.min(PART, offset + length - at));
                if (found >= 0) first.accumulateAndGet(found, Math::min);
            }
        }, progress);
        return first.get() == Long.MAX_VALUE ? -1 : first.get();
    }

    private static long compare(BlockNode a, BlockNode b, long offset, long length) {
        if (isZero(a, offset, length) && isZero(b, offset, length)) return -1;
        MemorySegment memory = Bounce.take(2 * length);
        MemorySegment left = memory.asSlice(0, length);
        MemorySegment right = memory.asSlice(length, length);
        read(a, offset, left);
        read(b, offset, right);
        long found = left.mismatch(right);
        Bounce.give(memory);
        return found < 0 ? -1 : offset + found;
    }

    private static boolean isZero(BlockNode node, long offset, long length) {
        if (offset >= node.sizeBytes()) return true;
        Chain.Status status = Chain.statusAt(node, offset, Math.min(length, node.sizeBytes() - offset));
        return status.zero() && status.length() >= Math.min(length, node.sizeBytes() - offset);
    }

    private static void read(BlockNode node, long offset, MemorySegment into) {
        long there = Math.clamp(node.sizeBytes() - offset, 0, into.byteSize());
        if (there > 0) node.read(offset, into.asSlice(0, there));
        if (there < into.byteSize()) into.asSlice(there).fill((byte) 0);
    }
}
