package io.kahvem.block;

import java.lang.foreign.MemorySegment;

/// A disk whose writes fail until it is mended.
final class FailingNode implements BlockNode {
    private final long sizeBytes;
    private final int errno;
    private volatile boolean broken = true;

    FailingNode(long sizeBytes, int errno) {
        this.sizeBytes = sizeBytes;
        this.errno = errno;
    }

    void mend() {
        broken = false;
    }

    @Override
    public String format() {
        return "failing";
    }

    @Override
    public String name() {
        return "failing";
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean isReadOnly() {
        return false;
    }

    @Override
    public void read(long offset, MemorySegment into) {
        into.fill((byte) 0);
    }

    @Override
    public void write(long offset, MemorySegment from) {
        if (broken) throw new BlockException(errno, "broken");
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        if (broken) throw new BlockException(errno, "broken");
    }

    @Override
    public void discard(long offset, long length) {
        if (broken) throw new BlockException(errno, "broken");
    }

    @Override
    public void flush() {}

    @Override
    public Extent extentAt(long offset, long length) {
        return Extent.zero(length);
    }

    @Override
    public void resize(long newSizeBytes, Preallocation preallocation) {
        throw new BlockException(errno, "broken");
    }

    @Override
    public int clusterSize() {
        return 1;
    }

    @Override
    public long allocatedSize() {
        return 0;
    }

    @Override
    public void close() {}
}
