package io.kahvem.block.tool;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.file.FileNode;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Copies what a disk shows into another, what is zeros as zeros: the work of `convert`.
public final class Copier {
    private static final long PART = 2 << 20;
    private static final int SECTOR = 512;

    private final BlockNode source;
    private final BlockNode target;
    private final long targetOffset;
    private final long sparseBytes;
    private final boolean targetIsZero;
    private final @Nullable CompressingNode compressed;
    private final @Nullable BlockNode base;
    private Pace pace = new Pace(0);
    private @Nullable Consumer<String> salvage;
    private @Nullable FileNode offloaded;

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

    /// Moves no more than this many bytes a second.
    public Copier atMost(long bytesPerSecond) {
        pace = new Pace(bytesPerSecond);
        return this;
    }

    /// What cannot be read is zeros in the target; `lost` hears of each sector, on any thread, not two at once.
    public Copier salvaging(Consumer<String> lost) {
        salvage = lost;
        return this;
    }

    /// Lets the host copy from file to file where both hold the bytes as they are: data are not looked at for zeros then, and may share
    /// their place on the medium.
    public Copier offloading() {
        boolean plain = compressed == null && target.format().equals("raw");
        offloaded = plain && target.fileAt(0) instanceof FileNode file ? file : null;
        return this;
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
            } else if (!copyByHost(status, at, end - at)) {
                copyData(at, end - at);
            }
            at = end;
        }
    }

    private boolean copyByHost(Chain.Status status, long offset, long length) {
        FileNode to = offloaded;
        if (to == null || status.fileOffset() < 0) return false;
        BlockNode from = status.layer().fileAt(offset);
        if (!(from instanceof FileNode file)) return false;
        pace.take(length);
        return file.copyTo(status.fileOffset(), to, targetOffset + offset, length);
    }

    private void zeros(long at, long length) {
        if (!targetIsZero) target.writeZeroes(targetOffset + at, length, true);
    }

    private void copyData(long offset, long length) {
        MemorySegment memory = Bounce.take(Math.min(length, PART));
        for (long at = offset; at < offset + length; ) {
            MemorySegment part = memory.asSlice(0, Math.min(Math.min(length, PART), offset + length - at));
            pace.take(part.byteSize());
            read(at, part);
            if (compressed != null) writeCompressed(compressed, at, part);
            else writeSparse(at, part);
            at += part.byteSize();
        }
        Bounce.give(memory);
    }

    private void read(long offset, MemorySegment into) {
        try {
            source.read(offset, into);
        } catch (BlockException e) {
            Consumer<String> lost = salvage;
            if (lost == null) throw e;
            for (long at = 0; at < into.byteSize(); at += SECTOR) {
                readSector(offset + at, into.asSlice(at, Math.min(SECTOR, into.byteSize() - at)), lost);
            }
        }
    }

    private void readSector(long offset, MemorySegment into, Consumer<String> lost) {
        try {
            source.read(offset, into);
        } catch (BlockException e) {
            into.fill((byte) 0);
            synchronized (this) {
                lost.accept("warning: error while reading offset %d: %s".formatted(offset, e.getMessage()));
            }
        }
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
