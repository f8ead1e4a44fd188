package io.kahvem.block.table;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Extent;
import io.kahvem.block.FileLayer;
import io.kahvem.block.IoVector;
import java.lang.foreign.MemorySegment;

/// A stretch of a file that is a disk, or a part of one, byte for byte.
public class WindowNode extends FileLayer {
    private final String format;
    private final long start;
    private final long sizeBytes;

    public WindowNode(BlockNode file, String format, long start, long sizeBytes) {
        super(file);
        this.format = format;
        this.start = start;
        this.sizeBytes = sizeBytes;
    }

    @Override
    public String format() {
        return format;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long offset, MemorySegment into) {
        file.read(start + offset, into);
    }

    @Override
    public void readVector(long offset, IoVector into) {
        file.readVector(start + offset, into);
    }

    @Override
    public void write(long offset, MemorySegment from) {
        file.write(start + offset, from);
    }

    @Override
    public void writeVector(long offset, IoVector from) {
        file.writeVector(start + offset, from);
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        file.writeZeroes(start + offset, length, mayUnmap);
    }

    @Override
    public void discard(long offset, long length) {
        file.discard(start + offset, length);
    }

    /// All of it is the layer's own, be it a hole in the file.
    @Override
    public Extent extentAt(long offset, long length) {
        return Extent.data(Math.min(length, sizeBytes - offset), start + offset);
    }
}
