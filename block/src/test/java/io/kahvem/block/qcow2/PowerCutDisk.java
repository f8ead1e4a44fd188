package io.kahvem.block.qcow2;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Extent;
import io.kahvem.block.Preallocation;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// A file on a disk with a cache, whose power goes after a number of writes: then all that was not flushed may have reached the medium or
/// not, in any order and torn between sectors.
final class PowerCutDisk implements BlockNode {
    private static final int SECTOR = 512;
    private static final int LARGEST = 1 << 27;

    /// A write that was not flushed yet; null is what makes the file longer.
    private record Pending(long offset, byte[] bytes) {}

    private byte[] durable;
    private byte[] seen;
    private final List<Pending> pending = new ArrayList<>();
    private int writesLeft;
    private int writes;

    PowerCutDisk(byte[] content, int writesLeft) {
        durable = content.clone();
        seen = content.clone();
        this.writesLeft = writesLeft;
    }

    int writes() {
        return writes;
    }

    /// What the medium holds if everything written has reached it.
    byte[] everything() {
        return seen.clone();
    }

    /// What the medium may hold after the power has gone.
    byte[] afterCut(Random random) {
        byte[] content = durable.clone();
        List<Pending> sectors = new ArrayList<>();
        for (Pending write : pending) {
            for (int at = 0; at < write.bytes.length; at += SECTOR) {
                int end = Math.min(write.bytes.length, at + SECTOR);
                sectors.add(new Pending(write.offset + at, Arrays.copyOfRange(write.bytes, at, end)));
            }
        }
        // Writes of one sector keep their order; which of them is the last to arrive is open.
        int chance = random.nextInt(5);
        for (Pending sector : sectors) {
            if (random.nextInt(4) >= chance) continue;
            int end = (int) sector.offset + sector.bytes.length;
            if (content.length < end) content = Arrays.copyOf(content, end);
            System.arraycopy(sector.bytes, 0, content, (int) sector.offset, sector.bytes.length);
        }
        return content;
    }

    @Override
    public String format() {
        return "file";
    }

    @Override
    public String name() {
        return "power-cut";
    }

    @Override
    public long sizeBytes() {
        return seen.length;
    }

    @Override
    public boolean isReadOnly() {
        return false;
    }

    @Override
    public void read(long offset, MemorySegment into) {
        into.fill((byte) 0);
        long there = Math.clamp(seen.length - offset, 0, into.byteSize());
        if (there > 0) MemorySegment.copy(seen, (int) offset, into, JAVA_BYTE, 0, (int) there);
    }

    @Override
    public void write(long offset, MemorySegment from) {
        if (writesLeft-- <= 0) throw new BlockException(Errno.EIO, "the power is gone");
        if (offset < 0 || offset > LARGEST) throw new BlockException(Errno.EFBIG, "a file cannot be as long as that");
        writes++;
        byte[] bytes = from.toArray(JAVA_BYTE);
        int end = (int) offset + bytes.length;
        if (seen.length < end) seen = Arrays.copyOf(seen, end);
        System.arraycopy(bytes, 0, seen, (int) offset, bytes.length);
        pending.add(new Pending(offset, bytes));
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        write(offset, MemorySegment.ofArray(new byte[(int) length]));
    }

    @Override
    public void discard(long offset, long length) {
        long end = Math.min(seen.length, offset + length);
        if (offset < end) write(offset, MemorySegment.ofArray(new byte[(int) (end - offset)]));
    }

    @Override
    public void flush() {
        if (writesLeft <= 0) throw new BlockException(Errno.EIO, "the power is gone");
        durable = seen.clone();
        pending.clear();
    }

    @Override
    public Extent extentAt(long offset, long length) {
        return Extent.data(length, offset);
    }

    @Override
    public void resize(long sizeBytes, Preallocation preallocation) {
        if (sizeBytes < 0 || sizeBytes > LARGEST) throw new BlockException(Errno.EFBIG, "a file cannot be as long as that");
        seen = Arrays.copyOf(seen, (int) sizeBytes);
    }

    @Override
    public int clusterSize() {
        return 1;
    }

    @Override
    public long allocatedSize() {
        return seen.length;
    }

    @Override
    public void close() {}
}
