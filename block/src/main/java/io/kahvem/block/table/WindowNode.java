package io.kahvem.block.table;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Extent;
import io.kahvem.block.IoVector;
import io.kahvem.block.Preallocation;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// A stretch of a file that is a disk, or a part of one, byte for byte.
public class WindowNode implements BlockNode {
    private final BlockNode file;
    private final String format;
    private final long start;
    private final long sizeBytes;

    public WindowNode(BlockNode file, String format, long start, long sizeBytes) {
        this.file = file;
        this.format = format;
        this.start = start;
        this.sizeBytes = sizeBytes;
    }

    @Override
    public String format() {
        return format;
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean isReadOnly() {
        return file.isReadOnly();
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

    @Override
    public void flush() {
        file.flush();
    }

    /// All of it is the layer's own, be it a hole in the file.
    @Override
    public Extent extentAt(long offset, long length) {
        return Extent.data(Math.min(length, sizeBytes - offset), start + offset);
    }

    @Override
    public void resize(long newSizeBytes, Preallocation preallocation) {
        throw new BlockException(Errno.EOPNOTSUPP, "Image format driver does not support resize");
    }

    @Override
    public List<BlockNode> children() {
        return List.of(file);
    }

    @Override
    public int clusterSize() {
        return file.clusterSize();
    }

    @Override
    public void setReadOnly(boolean readOnly) {
        file.setReadOnly(readOnly);
    }

    @Override
    public long allocatedSize() {
        return file.allocatedSize();
    }

    @Override
    public void close() {
        file.close();
    }
}
