package io.kahvem.block.table;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Extent;
import io.kahvem.block.FileLayer;
import io.kahvem.block.FormatInfo;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// A disk that has some sectors of its blocks, and shows its parent's for the others. It is read alone: what is to be written has a layer
/// over it.
public abstract class DifferencingNode extends FileLayer implements IdentifiedNode {
    /// A place: the parent has all of the block.
    protected static final long ABSENT = -1;

    /// A place: zeros, whatever the parent has.
    protected static final long ZERO = -2;

    private final long sizeBytes;
    private final int blockBytes;
    private final int sectorBytes;
    private final Parent parent;
    /// For tables, which subclasses read under it.
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable BlockNode backing;

    protected DifferencingNode(BlockNode file, long sizeBytes, int blockBytes, int sectorBytes, Parent parent) {
        super(file);
        this.sizeBytes = sizeBytes;
        this.blockBytes = blockBytes;
        this.sectorBytes = sectorBytes;
        this.parent = parent;
    }

    /// The refusal of an image that is to be written.
    public static BlockException writeRefused(String name, String format) {
        return new BlockException(Errno.EROFS, ("a differencing disk is read alone\nPut a layer over it to write to: kahvem image create"
                + " -f qcow2 -b '%s' -F %s NEW.qcow2").formatted(name, format));
    }

    /// Where a block is in the file, or [#ABSENT] or [#ZERO]. Under the lock.
    protected abstract long placeOf(long block);

    /// Whether a block that has a place has this sector of it. Under the lock.
    protected abstract boolean isHere(long block, int sector);

    /// A stretch inside a block that has one source: the file from `place` on, or what [#ABSENT] and [#ZERO] say.
    private record Run(long place, long length) {}

    private Run runAt(long offset, long most) {
        lock.lock();
        try {
            long block = offset / blockBytes;
            long within = offset % blockBytes;
            long length = Math.min(most, blockBytes - within);
            long place = placeOf(block);
            if (place < 0) return new Run(place, length);
            int first = (int) (within / sectorBytes);
            boolean here = isHere(block, first);
            long end = (first + 1L) * sectorBytes;
            while (end < within + length && isHere(block, (int) (end / sectorBytes)) == here) end += sectorBytes;
            return new Run(here ? place + within : ABSENT, Math.min(length, end - within));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void read(long offset, MemorySegment into) {
        for (long done = 0; done < into.byteSize(); ) {
            Run run = runAt(offset + done, into.byteSize() - done);
            MemorySegment part = into.asSlice(done, run.length);
            if (run.place == ABSENT) readParent(offset + done, part);
            else if (run.place == ZERO) part.fill((byte) 0);
            else file.read(run.place, part);
            done += run.length;
        }
    }

    private void readParent(long offset, MemorySegment into) {
        BlockNode below = backing;
        long there = below == null ? 0 : Math.clamp(below.sizeBytes() - offset, 0, into.byteSize());
        if (below != null && there > 0) below.read(offset, into.asSlice(0, there));
        if (there < into.byteSize()) into.asSlice(there).fill((byte) 0);
    }

    @Override
    public Extent extentAt(long offset, long length) {
        Run run = runAt(offset, Math.min(length, sizeBytes - offset));
        if (run.place == ABSENT) return Extent.absent(run.length);
        return run.place == ZERO ? Extent.zero(run.length) : Extent.data(run.length, run.place);
    }

    @Override
    public void write(long offset, MemorySegment from) {
        throw refused();
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        throw refused();
    }

    @Override
    public void discard(long offset, long length) {
        throw refused();
    }

    @Override
    public void setReadOnly(boolean readOnly) {
        if (!readOnly) throw refused();
    }

    private BlockException refused() {
        return writeRefused(name(), format());
    }

    @Override
    public boolean isReadOnly() {
        return true;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int clusterSize() {
        return blockBytes;
    }

    @Override
    public FormatInfo info() {
        return new FormatInfo(blockBytes, Map.of(), false);
    }

    @Override
    public String backingFile() {
        return parent.file();
    }

    /// A parent is of the same format.
    @Override
    public String backingFormat() {
        return format();
    }

    @Override
    public @Nullable BlockNode backing() {
        return backing;
    }

    @Override
    public void attachBacking(@Nullable BlockNode below) {
        if (below != null) {
            @Nullable UUID id = below instanceof IdentifiedNode identified ? identified.id() : null;
            if (id == null || !parent.ids().contains(id)) {
                below.close();
                throw BlockException.invalid(("Could not open '%s': its parent '%s' is another disk, or has been written since:"
                        + " its id is %s, and recorded is %s").formatted(name(), below.name(), id, parent.ids()));
            }
        }
        backing = below;
    }

    @Override
    public void close() {
        super.close();
        BlockNode below = backing;
        if (below != null) below.close();
    }
}
