package io.kahvem.block.tool;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.CompressingNode;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/// Copies what a disk shows into another, what is zeros as zeros: the work of `convert`.
public final class Copier {
    private static final long PART = 2 << 20;

    private final BlockNode source;
    private final BlockNode target;
    private final long targetOffset;
    private final long sparseBytes;
    private final boolean targetIsZero;
    private final @Nullable CompressingNode compressed;
    private final @Nullable BlockNode base;

    /// @param targetOffset where the source's first byte goes
    /// @param sparseBytes how long zeros must be to be left out; 0: nothing is
    /// @param targetIsZero whether the target reads as zeros, so that zeros need not be written
    /// @param compressed the target, if its clusters are to be compressed
    /// @param base what is below it, the target has below itself too: nothing of it is copied
    public Copier(
            BlockNode source, BlockNode target, long targetOffset, long sparseBytes, boolean targetIsZero,
            @Nullable CompressingNode compressed, @Nullable BlockNode base) {
        this.source = source;
        this.target = target;
        this.targetOffset = targetOffset;
        this.sparseBytes = sparseBytes;
        this.targetIsZero = targetIsZero;
        this.compressed = compressed;
        this.base = base;
    }

    /// Copies all of it, by several threads.
    public void copy(int threads, Progress progress) {
        Parts.each(source.sizeBytes(), Math.max(PART, target.clusterSize()), threads, this::part, progress);
    }

    private void part(long offset, long length) {
        for (long at = offset; at < offset + length; ) {
            Chain.Status status = Chain.statusAt(source, at, offset + length - at, base);
            long end = at + status.length();
            if (compressed != null) end = Math.min(offset + length, end + target.clusterSize() - 1 & -target.clusterSize());
            if (!status.present() && base != null) {
                if (compressed != null && end != at + status.length()) copyData(at, end - at);
            } else if (status.zero() && sparseBytes > 0) {
                if (end != at + status.length()) copyData(at, end - at);
                else zeros(at, status.length());
            } else {
                copyData(at, end - at);
            }
            at = end;
        }
    }

    private void zeros(long at, long length) {
        if (!targetIsZero) target.writeZeroes(targetOffset + at, length, true);
    }

    private void copyData(long offset, long length) {
        MemorySegment memory = Bounce.take(Math.min(length, PART));
        for (long at = offset; at < offset + length; ) {
            MemorySegment part = memory.asSlice(0, Math.min(Math.min(length, PART), offset + length - at));
            source.read(at, part);
            if (compressed != null) writeCompressed(compressed, at, part);
            else writeSparse(at, part);
            at += part.byteSize();
        }
        Bounce.give(memory);
    }

    private void writeCompressed(CompressingNode to, long offset, MemorySegment data) {
        int cluster = to.clusterSize();
        for (long at = 0; at < data.byteSize(); at += cluster) {
            MemorySegment one = data.asSlice(at, Math.min(cluster, data.byteSize() - at));
            if (!Zeros.isZero(one)) to.writeCompressed(targetOffset + offset + at, one);
            else zeros(offset + at, one.byteSize());
        }
    }

    private void writeSparse(long offset, MemorySegment data) {
        if (sparseBytes == 0) {
            target.write(targetOffset + offset, data);
            return;
        }
        for (long at = 0; at < data.byteSize(); ) {
            long zero = Zeros.run(data, at, sparseBytes, true);
            if (zero > 0) zeros(offset + at, zero);
            at += zero;
            long full = Zeros.run(data, at, sparseBytes, false);
            if (full > 0) target.write(targetOffset + offset + at, data.asSlice(at, full));
            at += full;
        }
    }
}
