package io.kahvem.block.table;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.CheckResult;
import io.kahvem.block.Extent;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A disk cut into blocks of one size: a table says where in the file each one is, or that it is nowhere.
///
/// A block's first write gives it a place at the file's end: data first, then, when the disk is flushed and the data are on the medium, its
/// entry in the table. So a crash loses room at most.
public abstract class BlockTableNode implements BlockNode {
    /// A place: the layer has nothing there.
    protected static final long ABSENT = -1;

    /// A place: zeros, whatever a layer below has.
    protected static final long ZERO = -2;

    private static final int MOST_CHANGED_PAGES = 512;
    private static final long MOST_NEW_BYTES = 16 << 20;

    protected final BlockNode file;
    protected final int blockBytes;
    protected final ReentrantLock lock = new ReentrantLock();
    private final long sizeBytes;
    private boolean closed;
    private @Nullable BlockNode below;
    private long belowStart;

    protected BlockTableNode(BlockNode file, long sizeBytes, int blockBytes) {
        this.file = file;
        this.sizeBytes = sizeBytes;
        this.blockBytes = blockBytes;
    }

    /// Where a block is in the file, or [#ABSENT] or [#ZERO]. Under the lock.
    protected abstract long placeOf(long block);

    /// Room for `count` blocks in a row at the file's end, which reads as zeros, and where the first one starts. Under the lock.
    protected abstract long allocate(int count);

    /// Enters a block's place. Under the lock.
    protected abstract void link(long block, long place);

    /// How many blocks may follow each other in the file without anything between them.
    protected int mostNeighbours() {
        return (int) Math.max(1, MOST_NEW_BYTES / blockBytes);
    }

    /// Called before the first change. Under the lock.
    protected void beforeChange() {}

    /// Whether entries wait to be written. Under the lock.
    protected abstract int changedPages();

    /// Writes the entries that wait; the data they speak of are on the medium. Under the lock.
    protected abstract void writeTables();

    /// Whether blocks are kept compressed, so that a place says nothing of its neighbours.
    protected boolean isCompressed() {
        return false;
    }

    /// Fills `into` from a compressed block, from its byte `start` on.
    protected void readCompressed(long place, long start, MemorySegment into) {
        throw new AssertionError(format() + " keeps nothing compressed");
    }

    /// Shows `node` from its byte `start` on where this layer has nothing.
    protected final void showBelow(@Nullable BlockNode node, long start) {
        below = node;
        belowStart = start;
    }

    /// A stretch of the disk that is at one place, or nowhere. The place is that of its first byte.
    private record Run(long place, long length) {}

    private Run runAt(long offset, long most) {
        lock.lock();
        try {
            long block = offset / blockBytes;
            long within = offset % blockBytes;
            long place = placeOf(block);
            long length = blockBytes - within;
            while (length < most && !(place >= 0 && isCompressed())) {
                long next = placeOf(++block);
                if (place < 0 ? next != place : next != place + within + length) break;
                length += blockBytes;
            }
            return new Run(place < 0 || isCompressed() ? place : place + within, Math.min(length, most));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void read(long offset, MemorySegment into) {
        for (long done = 0; done < into.byteSize(); ) {
            Run run = runAt(offset + done, into.byteSize() - done);
            MemorySegment part = into.asSlice(done, run.length);
            if (run.place == ABSENT) readBelow(offset + done, part);
            else if (run.place == ZERO) part.fill((byte) 0);
            else if (isCompressed()) readCompressed(run.place, (offset + done) % blockBytes, part);
            else file.read(run.place, part);
            done += run.length;
        }
    }

    private void readBelow(long offset, MemorySegment into) {
        BlockNode node = below;
        long there = node == null ? 0 : Math.clamp(node.sizeBytes() - belowStart - offset, 0, into.byteSize());
        if (node != null && there > 0) node.read(belowStart + offset, into.asSlice(0, there));
        if (there < into.byteSize()) into.asSlice(there).fill((byte) 0);
    }

    @Override
    public void write(long offset, MemorySegment from) {
        if (isCompressed()) {
            throw new BlockException(Errno.EOPNOTSUPP, name() + " takes whole compressed blocks alone, as `convert` writes them");
        }
        changes();
        for (long done = 0; done < from.byteSize(); ) {
            Run run = runAt(offset + done, from.byteSize() - done);
            if (run.place >= 0) {
                file.write(run.place, from.asSlice(done, run.length));
                done += run.length;
            } else {
                done += writeNew(offset + done, from.asSlice(done));
            }
        }
    }

    private void changes() {
        if (isReadOnly()) throw new BlockException(Errno.EROFS, "'%s' is read-only".formatted(name()));
        lock.lock();
        try {
            beforeChange();
        } finally {
            lock.unlock();
        }
    }

    /// Writes into blocks that had no place; how many bytes that was, 0 if another thread came first.
    private long writeNew(long offset, MemorySegment from) {
        boolean full;
        long written;
        lock.lock();
        try {
            long first = offset / blockBytes;
            long head = offset % blockBytes;
            int count = 0;
            boolean absent = false;
            while (count < mostNeighbours() && count * (long) blockBytes < head + from.byteSize() && placeOf(first + count) < 0) {
                absent |= placeOf(first + count) == ABSENT;
                count++;
            }
            if (count == 0) return 0;
            written = Math.min(from.byteSize(), count * (long) blockBytes - head);
            long place = allocate(count);
            if (absent && below != null) copyEdges(first, place, offset, head, written);
            file.write(place + head, from.asSlice(0, written));
            for (int n = 0; n < count; n++) link(first + n, place + n * (long) blockBytes);
            full = changedPages() > MOST_CHANGED_PAGES;
        } finally {
            lock.unlock();
        }
        if (full) flush();
        return written;
    }

    /// What the layer below shows around the data, in the first and last of the new blocks.
    private void copyEdges(long first, long place, long offset, long head, long length) {
        if (head > 0 && placeOf(first) == ABSENT) copyBelow(offset - head, place, head);
        long end = offset + length;
        long tail = Math.min(sizeBytes, (end + blockBytes - 1) / blockBytes * blockBytes) - end;
        if (tail > 0 && placeOf(end / blockBytes) == ABSENT) copyBelow(end, place + head + length, tail);
    }

    private void copyBelow(long offset, long place, long length) {
        MemorySegment memory = Bounce.take(length);
        MemorySegment part = memory.asSlice(0, length);
        readBelow(offset, part);
        file.write(place, part);
        Bounce.give(memory);
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        if (length == 0) return;
        changes();
        for (long done = 0; done < length; ) {
            Run run = runAt(offset + done, length - done);
            if (run.place >= 0 && !isCompressed()) {
                file.writeZeroes(run.place, run.length, mayUnmap);
            } else if (run.place >= 0 || run.place == ABSENT && below != null) {
                zerosOverOther(offset + done, run.length);
            }
            done += run.length;
        }
    }

    /// Makes what is compressed, or below, read as zeros.
    private void zerosOverOther(long offset, long length) {
        for (long at = offset; at < offset + length; ) {
            long end = Math.min(offset + length, (at / blockBytes + 1) * blockBytes);
            boolean whole = at % blockBytes == 0 && (end % blockBytes == 0 || end == sizeBytes);
            if (!whole || !linkZero(at / blockBytes)) {
                MemorySegment zeros = Bounce.take(end - at);
                zeros.fill((byte) 0);
                write(at, zeros.asSlice(0, end - at));
                Bounce.give(zeros);
            }
            at = end;
        }
    }

    private boolean linkZero(long block) {
        lock.lock();
        try {
            if (!hasZeroEntries()) return false;
            link(block, ZERO);
            return true;
        } finally {
            lock.unlock();
        }
    }

    /// Whether the table can say that a block is zeros over what is below.
    protected boolean hasZeroEntries() {
        return false;
    }

    @Override
    public void discard(long offset, long length) {
        changes();
        for (long done = 0; done < length; ) {
            Run run = runAt(offset + done, length - done);
            if (run.place >= 0 && !isCompressed()) file.discard(run.place, run.length);
            done += run.length;
        }
    }

    @Override
    public Extent extentAt(long offset, long length) {
        long most = Math.min(length, sizeBytes - offset);
        Run run = runAt(offset, most);
        if (run.place == ABSENT) return Extent.absent(run.length);
        if (run.place == ZERO) return Extent.zero(run.length);
        return isCompressed() ? new Extent(run.length, Extent.Kind.DATA, -1, true, true) : Extent.data(run.length, run.place);
    }

    @Override
    public void flush() {
        file.flush();
        lock.lock();
        try {
            if (changedPages() > 0) {
                file.flush(); // what was linked meanwhile
                writeTables();
                file.flush();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Looks for blocks that are outside of the file, or lie in one another.
    protected final CheckResult checkTable(Consumer<String> lines) {
        lock.lock();
        try {
            long blocks = (sizeBytes + blockBytes - 1) / blockBytes;
            long end = file.sizeBytes();
            long[] places = new long[64];
            int count = 0;
            long errors = 0;
            for (long block = 0; block < blocks; block++) {
                long place = placeOf(block);
                if (place < 0) continue;
                if (place >= end) {
                    lines.accept("ERROR: block %d is at %d, and the file ends at %d".formatted(block, place, end));
                    errors++;
                    continue;
                }
                if (count == places.length) places = Arrays.copyOf(places, 2 * count);
                places[count++] = place;
            }
            return new CheckResult(0, errors + overlaps(places, count, lines), 0, 0, 0, 0, 0, 0, 0, 0);
        } finally {
            lock.unlock();
        }
    }

    private long overlaps(long[] places, int count, Consumer<String> lines) {
        Arrays.sort(places, 0, count);
        long errors = 0;
        for (int n = 1; n < count; n++) {
            if (places[n] - places[n - 1] >= (isCompressed() ? 1 : blockBytes)) continue;
            lines.accept("ERROR: two blocks overlap at %d of the file".formatted(places[n]));
            errors++;
        }
        return errors;
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
    public List<BlockNode> children() {
        return List.of(file);
    }

    @Override
    public int clusterSize() {
        return blockBytes;
    }

    @Override
    public long allocatedSize() {
        return file.allocatedSize();
    }

    /// What must be written when the image is closed, beyond tables. Under the lock.
    protected void closing() {}

    @Override
    public void close() {
        lock.lock();
        try {
            if (closed) return;
            closed = true;
            try {
                if (!isReadOnly()) {
                    flush();
                    closing();
                }
            } finally {
                file.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
