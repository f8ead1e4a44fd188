package io.kahvem.block;

import java.util.List;

/// A layer over one file that holds nothing of its own in memory: what concerns the file as a whole is the file's.
public abstract class FileLayer implements BlockNode {
    protected final BlockNode file;

    protected FileLayer(BlockNode file) {
        this.file = file;
    }

    @Override
    public String name() {
        return file.name();
    }

    @Override
    public boolean isReadOnly() {
        return file.isReadOnly();
    }

    @Override
    public void flush() {
        file.flush();
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
