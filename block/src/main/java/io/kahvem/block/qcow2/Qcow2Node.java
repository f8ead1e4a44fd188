package io.kahvem.block.qcow2;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CheckedNode;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.Extent;
import io.kahvem.block.FormatInfo;
import io.kahvem.block.IoVector;
import io.kahvem.block.Preallocation;
import io.kahvem.block.Repair;
import io.kahvem.block.crypto.SectorCipher;
import io.kahvem.block.qcow2.L2Tables.L2;
import io.kahvem.block.qcow2.Mapping.Kind;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A qcow2 image as a disk.
///
/// Locks, in this order: `use`, shared by all that reads or writes clusters, and exclusive for what frees them; [Image#lock] for tables
/// and counts, never held while data are read or written. Two writes that would both allocate a cluster take turns (`allocating`).
public final class Qcow2Node implements CheckedNode, CompressingNode {
    /// A stretch of the disk for which a write is allocating.
    private record Allocation(long start, long end) {}

    /// Data of one allocating write, at most; the tables' lock is let go between.
    private static final long MOST_AT_ONCE = 16 << 20;

    private final Image image;
    private final BlockNode data;
    private final ClusterMap map;
    private final CompressedClusters compressed;
    private final @Nullable SectorCipher cipher;
    private final Zeroing zeroing;
    private final Snapshots snapshots;
    private final Bitmaps bitmaps;
    private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
    private final Condition allocated;
    private final List<Allocation> allocating = new ArrayList<>();
    private volatile @Nullable BlockNode backing;
    private volatile long sizeBytes;
    private boolean closed;

    Qcow2Node(Image image, BlockNode data, @Nullable SectorCipher cipher) {
        this.image = image;
        this.data = data;
        this.cipher = cipher;
        map = new ClusterMap(image);
        compressed = new CompressedClusters(image, map);
        zeroing = new Zeroing(this, image, map, data);
        snapshots = new Snapshots(this, image, map);
        bitmaps = new Bitmaps(image);
        allocated = image.lock.newCondition();
        sizeBytes = image.header.sizeBytes;
    }

    Image image() {
        return image;
    }

    ClusterMap map() {
        return map;
    }

    public Snapshots snapshots() {
        return snapshots;
    }

    public Bitmaps bitmaps() {
        return bitmaps;
    }

    @Override
    public String format() {
        return Qcow2Format.NAME;
    }

    /// Whether it is of version 2, which has no zeros, bitmaps or lazy counts.
    public boolean isVersion2() {
        return image.header.version == 2;
    }

    @Override
    public String name() {
        return image.file.name();
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean isReadOnly() {
        return image.isReadOnly();
    }

    // ---- reading

    @Override
    public void read(long offset, MemorySegment into) {
        use.readLock().lock();
        try {
            readMapped(offset, into);
        } finally {
            use.readLock().unlock();
        }
    }

    @Override
    public void readVector(long offset, IoVector into) {
        if (cipher == null && into.count() > 1) {
            use.readLock().lock();
            try {
                Mapping mapping = find(offset, into.lengthBytes());
                if (mapping.kind() == Kind.NORMAL && mapping.length() == into.lengthBytes()) {
                    data.readVector(mapping.hostOffset(), into);
                    return;
                }
            } finally {
                use.readLock().unlock();
            }
        }
        CompressingNode.super.readVector(offset, into);
    }

    @Override
    public boolean readAtOnce(long offset, IoVector into) {
        if (cipher != null || !use.readLock().tryLock()) return false;
        try {
            Mapping mapping = findAtOnce(offset, into.lengthBytes());
            if (mapping == null || mapping.length() != into.lengthBytes()) return false;
            return switch (mapping.kind()) {
                case NORMAL -> data.readAtOnce(mapping.hostOffset(), into);
                case UNALLOCATED -> {
                    BlockNode below = backing;
                    if (below == null) yield into.zero();
                    yield offset + into.lengthBytes() <= below.sizeBytes() && below.readAtOnce(offset, into);
                }
                case ZERO_PLAIN, ZERO_ALLOCATED -> into.zero();
                case COMPRESSED -> false;
            };
        } finally {
            use.readLock().unlock();
        }
    }

    /// Null where it would have to wait for the table, or for others that use the tables.
    private @Nullable Mapping findAtOnce(long offset, long most) {
        if (!image.lock.tryLock()) return null;
        try {
            return image.tables.isAtHand(image.tables.l1Index(offset)) ? map.find(offset, most) : null;
        } catch (BlockException corrupt) {
            return null;
        } finally {
            image.lock.unlock();
        }
    }

    private Mapping find(long offset, long most) {
        image.lock.lock();
        try {
            return map.find(offset, most);
        } finally {
            image.lock.unlock();
        }
    }

    private void readMapped(long offset, MemorySegment into) {
        long length = into.byteSize();
        for (long done = 0; done < length; ) {
            Mapping mapping = find(offset + done, length - done);
            MemorySegment part = into.asSlice(done, mapping.length());
            switch (mapping.kind()) {
                case UNALLOCATED -> readBacking(offset + done, part);
                case ZERO_PLAIN, ZERO_ALLOCATED -> part.fill((byte) 0);
                case NORMAL -> readData(mapping.hostOffset(), part);
                case COMPRESSED -> compressed.read(mapping.entry(), offset + done & image.clusterSize - 1, part);
            }
            done += mapping.length();
        }
    }

    private void readData(long hostOffset, MemorySegment into) {
        if (cipher == null) {
            data.read(hostOffset, into);
            return;
        }
        long start = hostOffset & -512;
        long end = hostOffset + into.byteSize() + 511 & -512;
        MemorySegment sectors = Bounce.take(end - start);
        MemorySegment whole = sectors.asSlice(0, end - start);
        data.read(start, whole);
        cipher.decrypt(start, whole);
        into.copyFrom(whole.asSlice(hostOffset - start, into.byteSize()));
        Bounce.give(sectors);
    }

    private void readBacking(long offset, MemorySegment into) {
        BlockNode below = backing;
        long there = below == null ? 0 : Math.clamp(below.sizeBytes() - offset, 0, into.byteSize());
        if (there > 0 && below != null) below.read(offset, into.asSlice(0, there));
        if (there < into.byteSize()) into.asSlice(there).fill((byte) 0);
    }

    private boolean readsAsZeros(Kind kind, long offset) {
        BlockNode below = backing;
        return kind.isZero() || kind == Kind.UNALLOCATED && (below == null || offset >= below.sizeBytes());
    }

    // ---- writing

    @Override
    public void write(long offset, MemorySegment from) {
        bitmaps.touch(offset, from.byteSize());
        for (long done = 0; done < from.byteSize(); ) {
            use.readLock().lock();
            try {
                done += writePart(offset + done, from.asSlice(done));
            } finally {
                use.readLock().unlock();
            }
        }
    }

    @Override
    public void writeVector(long offset, IoVector from) {
        if (cipher == null && from.count() > 1) {
            use.readLock().lock();
            try {
                long host = wholeInPlace(offset, from.lengthBytes());
                if (host >= 0) {
                    bitmaps.touch(offset, from.lengthBytes());
                    data.writeVector(host, from);
                    return;
                }
            } finally {
                use.readLock().unlock();
            }
        }
        CompressingNode.super.writeVector(offset, from);
    }

    /// Where all of it may be written in place, or -1.
    private long wholeInPlace(long offset, long length) {
        image.lock.lock();
        try {
            if (isAllocating(offset, offset + length)) return -1;
            L2 table = writableTable(offset);
            if (table == null || map.inPlace(table, offset, length) != length) return -1;
            long host = map.hostOffset(table, image.tables.l2Index(offset)) + (offset & image.clusterSize - 1);
            protectMetadata(host, length);
            return host;
        } finally {
            image.lock.unlock();
        }
    }

    private @Nullable L2 writableTable(long offset) {
        int l1Index = image.tables.l1Index(offset);
        L2 table = image.tables.find(l1Index);
        return table != null && (image.tables.l1()[l1Index] & L2Tables.COPIED) != 0 ? table : null;
    }

    private boolean isAllocating(long start, long end) {
        for (int n = 0; n < allocating.size(); n++) if (allocating.get(n).start < end && start < allocating.get(n).end) return true;
        return false;
    }

    /// A table entry that leads to a table would let a guest write the image's own structure.
    private void protectMetadata(long host, long length) {
        if (image.header.hasDataFile()) return;
        for (long at = host & -image.clusterSize; at < host + length; at += image.clusterSize) {
            if (image.refcounts.isMetadata(at)) throw image.corrupt("Preventing invalid write on metadata (cluster offset %#x)"
                    .formatted(at));
        }
    }

    /// Writes the beginning of `from`, as much as one step can. How much.
    private long writePart(long offset, MemorySegment from) {
        long tableBytes = (long) image.tables.entriesPerTable() << image.clusterBits;
        long most = Math.min(Math.min(from.byteSize(), MOST_AT_ONCE), tableBytes - offset % tableBytes);
        Allocating work;
        image.lock.lock();
        try {
            while (isAllocating(image.clusterStart(offset), offset + most)) allocated.awaitUninterruptibly();
            L2 table = writableTable(offset);
            long inPlace = table == null ? 0 : map.inPlace(table, offset, most);
            if (inPlace > 0 && table != null) {
                long host = map.hostOffset(table, image.tables.l2Index(offset)) + (offset & image.clusterSize - 1);
                protectMetadata(host, inPlace);
                work = new Allocating(offset, inPlace, host);
            } else {
                work = beginAllocating(offset, most);
            }
        } finally {
            image.lock.unlock();
        }
        MemorySegment part = from.asSlice(0, work.length);
        if (work.clusters == 0) writeData(work.host, part);
        else finishAllocating(work, part);
        return work.length;
    }

    private void writeData(long host, MemorySegment from) {
        if (cipher == null) {
            data.write(host, from);
            return;
        }
        long start = host & -512;
        long end = host + from.byteSize() + 511 & -512;
        MemorySegment memory = Bounce.take(end - start);
        MemorySegment whole = memory.asSlice(0, end - start);
        if (start != host || end != host + from.byteSize()) readData(start, whole);
        whole.asSlice(host - start, from.byteSize()).copyFrom(from);
        cipher.encrypt(start, whole);
        data.write(start, whole);
        Bounce.give(memory);
    }

    /// A write under way.
    private static final class Allocating {
        final long offset;
        final long length;
        /// Where the data go.
        final long host;
        /// How many clusters it allocates or uses anew, from the one `offset` is in; 0 if it writes in place.
        int clusters;
        /// Whether the host clusters are those the entries have.
        boolean reuses;
        /// Whether they were never written.
        boolean virgin;
        Allocation stretch = new Allocation(0, 0);

        Allocating(long offset, long length, long host) {
            this.offset = offset;
            this.length = length;
            this.host = host;
        }
    }

    private Allocating beginAllocating(long offset, long most) {
        long start = image.clusterStart(offset);
        L2 table = image.tables.findForWriting(image.tables.l1Index(offset));
        int index = image.tables.l2Index(offset);
        int wanted = (int) image.clustersIn(offset + most - start);
        boolean reuses = map.isReusable(table, index);
        int clusters = 1;
        while (clusters < wanted && map.isReusable(table, index + clusters) == reuses) {
            if (reuses && map.hostOffset(table, index + clusters) != map.hostOffset(table,
                    index) + (long) clusters * image.clusterSize) break;
            long at = start + (long) clusters * image.clusterSize;
            if (reuses && map.inPlace(table, at, Math.min(image.clusterSize, offset + most - at)) > 0) break;
            clusters++;
        }
        long virginFrom = image.refcounts.virginFrom();
        long host;
        if (reuses) {
            host = map.hostOffset(table, index);
            protectMetadata(host, (long) clusters * image.clusterSize);
        } else if (image.header.hasDataFile()) {
            host = start;
        } else {
            host = image.refcounts.allocate(clusters);
        }
        long length = Math.min(most, start + (long) clusters * image.clusterSize - offset);
        Allocating work = new Allocating(offset, length, host + (offset - start));
        work.clusters = clusters;
        work.reuses = reuses;
        work.virgin = !reuses && !image.header.hasDataFile() && host >= virginFrom;
        work.stretch = new Allocation(start, start + (long) clusters * image.clusterSize);
        allocating.add(work.stretch);
        return work;
    }

    private void finishAllocating(Allocating work, MemorySegment from) {
        boolean done = false;
        try {
            Covered covered = cover(work);
            writeWithCopies(work, covered, from);
            image.lock.lock();
            try {
                image.needDataBarrier();
                link(work, covered);
                done = true;
            } finally {
                image.lock.unlock();
            }
        } finally {
            image.lock.lock();
            try {
                allocating.remove(work.stretch);
                allocated.signalAll();
                if (!done && !work.reuses && !image.header.hasDataFile()) {
                    image.refcounts.free(work.host & -image.clusterSize, work.clusters);
                }
            } finally {
                image.lock.unlock();
            }
        }
        bound();
    }

    private void bound() {
        image.lock.lock();
        try {
            image.bound(false);
        } finally {
            image.lock.unlock();
        }
    }

    /// The stretch of the disk that is allocated when the write is done.
    ///
    /// @param headZero whether what precedes the data reads as zeros; tailZero what follows it
    private record Covered(long start, long end, boolean headZero, boolean tailZero) {}

    private Covered cover(Allocating work) {
        int unit = map.subclusterSize;
        long end = work.offset + work.length;
        long start = wholeCluster(work.offset) ? image.clusterStart(work.offset) : work.offset & -unit;
        long stop = wholeCluster(end - 1) ? image.clusterStart(end - 1) + image.clusterSize : end + unit - 1 & -unit;
        return new Covered(start, stop, isZero(start, work.offset), isZero(end, stop));
    }

    /// Whether a new cluster takes the place of one that has data: then all of it is copied, of whatever subclusters it had.
    private boolean wholeCluster(long offset) {
        if (!map.isExtended()) return true;
        image.lock.lock();
        try {
            L2 table = image.tables.find(image.tables.l1Index(offset));
            if (table == null) return false;
            int index = image.tables.l2Index(offset);
            return map.hasHost(image.tables.entry(table, index)) && !map.isReusable(table, index);
        } finally {
            image.lock.unlock();
        }
    }

    boolean isZero(long start, long end) {
        for (long at = start; at < end; ) {
            Mapping mapping = find(at, end - at);
            if (!readsAsZeros(mapping.kind(), at)) return false;
            at += mapping.length();
        }
        return true;
    }

    private void writeWithCopies(Allocating work, Covered covered, MemorySegment from) {
        long head = work.offset - covered.start;
        long tail = covered.end - work.offset - work.length;
        boolean skipHead = head == 0 || work.virgin && covered.headZero;
        boolean skipTail = tail == 0 || work.virgin && covered.tailZero;
        if (skipHead && skipTail) {
            writeData(work.host, from);
            return;
        }
        long before = skipHead ? 0 : head;
        long after = skipTail ? 0 : tail;
        if (before + work.length + after <= 4L * image.clusterSize) {
            MemorySegment memory = Bounce.take(before + work.length + after);
            readMapped(work.offset - before, memory.asSlice(0, before));
            memory.asSlice(before, work.length).copyFrom(from);
            readMapped(work.offset + work.length, memory.asSlice(before + work.length, after));
            writeData(work.host - before, memory.asSlice(0, before + work.length + after));
            Bounce.give(memory);
            return;
        }
        copy(work.offset - before, work.host - before, before);
        writeData(work.host, from);
        copy(work.offset + work.length, work.host + work.length, after);
    }

    private void copy(long offset, long host, long length) {
        if (length == 0) return;
        MemorySegment memory = Bounce.take(length);
        readMapped(offset, memory.asSlice(0, length));
        writeData(host, memory.asSlice(0, length));
        Bounce.give(memory);
    }

    /// Enters the clusters into the table. Under the image's lock.
    private void link(Allocating work, Covered covered) {
        L2 table = image.tables.findForWriting(image.tables.l1Index(work.offset));
        int first = image.tables.l2Index(work.offset);
        long host = work.host & -image.clusterSize;
        for (int n = 0; n < work.clusters; n++) {
            long old = image.tables.entry(table, first + n);
            boolean copiedWhole = map.isExtended() && map.hasHost(old) && !work.reuses;
            image.tables.setEntry(table, first + n, host + ((long) n << image.clusterBits) | L2Tables.COPIED);
            if (map.isExtended()) {
                long clusterStart = work.stretch.start + ((long) n << image.clusterBits);
                long bitmap = (old & L2Tables.COMPRESSED) != 0 ? 0 : image.tables.bitmap(table, first + n);
                long bits = copiedWhole ? 0xffff_ffffL : subclusters(covered.start - clusterStart, covered.end - clusterStart);
                image.tables.setBitmap(table, first + n, bitmap & ~(bits << 32) | bits);
            }
            if (!work.reuses) release(old);
        }
    }

    /// A bit for each subcluster between two offsets in a cluster, which may lie outside of it.
    private long subclusters(long start, long end) {
        int from = Math.clamp(start / map.subclusterSize, 0, 32);
        int to = Math.clamp(end / map.subclusterSize, 0, 32);
        return from >= to ? 0 : (1L << to) - (1L << from);
    }

    private void release(long entry) {
        if ((entry & L2Tables.COMPRESSED) != 0) compressed.forget();
        map.eachHostCluster(entry, image.refcounts::release);
    }

    @Override
    public void writeCompressed(long offset, MemorySegment cluster) {
        if (cipher != null || image.header.hasDataFile()) {
            throw new BlockException(Errno.EOPNOTSUPP, name() + ": encrypted images and data files hold no compressed clusters");
        }
        int length = compressed.tryWriting(cluster);
        if (length == 0) {
            write(offset, cluster);
            return;
        }
        bitmaps.touch(offset, cluster.byteSize());
        use.readLock().lock();
        try {
            linkCompressed(offset, length);
        } finally {
            use.readLock().unlock();
        }
        bound();
    }

    private void linkCompressed(long offset, int length) {
        long host;
        image.lock.lock();
        try {
            host = image.refcounts.allocatePacked(length);
        } finally {
            image.lock.unlock();
        }
        compressed.writeTo(host);
        image.lock.lock();
        try {
            image.needDataBarrier();
            L2 table = image.tables.findForWriting(image.tables.l1Index(offset));
            int index = image.tables.l2Index(offset);
            long old = image.tables.entry(table, index);
            image.tables.setEntry(table, index, map.compressedEntry(host, length));
            if (map.isExtended()) image.tables.setBitmap(table, index, 0);
            release(old);
            compressed.forget();
        } finally {
            image.lock.unlock();
        }
    }

    // ---- zeros and discards

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        if (length == 0) return;
        bitmaps.touch(offset, length);
        zeroing.writeZeroes(offset, length, mayUnmap);
    }

    @Override
    public void discard(long offset, long length) {
        zeroing.discard(offset, length);
    }

    /// Takes whole clusters out of this layer, so that the layer below shows: for tools that moved them there.
    public void forget(long start, long end) {
        zeroing.forget(start, end);
    }

    // ---- the rest

    @Override
    public CheckResult check(Repair what, Consumer<String> lines) {
        return new Checker(this).check(what, lines);
    }

    @Override
    public void flush() {
        image.lock.lock();
        boolean frees = image.refcounts.deferredCount() > 0;
        try {
            if (!frees) image.writeMetadata(false);
        } finally {
            image.lock.unlock();
        }
        if (frees) exclusively(() -> image.writeMetadata(true));
        if (image.header.hasDataFile()) data.flush();
        image.file.flush();
    }

    @Override
    public Extent extentAt(long offset, long length) {
        use.readLock().lock();
        try {
            Mapping mapping = find(offset, length);
            return switch (mapping.kind()) {
                case UNALLOCATED -> Extent.absent(mapping.length());
                case ZERO_PLAIN -> Extent.zero(mapping.length());
                case ZERO_ALLOCATED -> new Extent(mapping.length(), Extent.Kind.ZERO, mapping.hostOffset(), false, true);
                case NORMAL -> Extent.data(mapping.length(), cipher == null ? mapping.hostOffset() : -1);
                case COMPRESSED -> new Extent(mapping.length(), Extent.Kind.DATA, -1, true, true);
            };
        } finally {
            use.readLock().unlock();
        }
    }

    @Override
    public void resize(long newSizeBytes, Preallocation preallocation) {
        Lock exclusive = use.writeLock();
        long old = sizeBytes;
        exclusive.lock();
        try {
            new Resizer(this, image).resize(newSizeBytes);
            sizeBytes = newSizeBytes;
            bitmaps.resize(newSizeBytes);
        } finally {
            exclusive.unlock();
        }
        if (newSizeBytes > old && preallocation != Preallocation.OFF) preallocate(old, newSizeBytes, preallocation);
    }

    /// Gives every cluster of a stretch a place.
    void preallocate(long from, long to, Preallocation preallocation) {
        Preallocator.run(this, image, map, data, from, to, preallocation);
    }

    /// Does something that changes which clusters are whose, alone.
    void exclusively(Runnable action) {
        Lock exclusive = use.writeLock();
        exclusive.lock();
        image.lock.lock();
        try {
            action.run();
        } finally {
            image.lock.unlock();
            exclusive.unlock();
        }
    }

    void sizeChanged() {
        sizeBytes = image.header.sizeBytes;
        bitmaps.resize(sizeBytes);
    }

    void releaseEntry(long entry) {
        release(entry);
    }

    @Override
    public @Nullable BlockNode backing() {
        return backing;
    }

    @Override
    public @Nullable String backingFile() {
        return image.header.backingFile;
    }

    @Override
    public @Nullable String backingFormat() {
        return image.header.backingFormat;
    }

    @Override
    public void attachBacking(@Nullable BlockNode below) {
        backing = below;
    }

    @Override
    public void changeBackingFile(@Nullable String name, @Nullable String format) {
        image.lock.lock();
        try {
            image.beforeFirstChange();
            image.header.backingFile = name;
            image.header.backingFormat = name == null ? null : format;
            image.header.write(image.file);
            image.file.flush();
        } finally {
            image.lock.unlock();
        }
    }

    /// Raises the version to 3, and switches lazy reference counts, if asked to.
    public void amend(boolean version3, @Nullable Boolean lazyRefcounts) {
        exclusively(() -> {
            image.beforeFirstChange();
            image.writeMetadata(true);
            if (version3) image.header.version = 3;
            if (lazyRefcounts != null) {
                if (image.header.version < 3) throw BlockException.invalid(
                        "Lazy refcounts only supported with compatibility level 1.1 and above");
                image.settleCounts();
                if (lazyRefcounts) image.header.compatible |= Header.COMPAT_LAZY_REFCOUNTS;
                else image.header.compatible &= ~Header.COMPAT_LAZY_REFCOUNTS;
            }
            image.header.write(image.file);
            image.file.flush();
        });
    }

    @Override
    public List<BlockNode> children() {
        return image.header.hasDataFile() ? List.of(image.file, data) : List.of(image.file);
    }

    @Override
    public int clusterSize() {
        return image.clusterSize;
    }

    @Override
    public FormatInfo info() {
        return Qcow2Info.of(image.header, this);
    }

    @Override
    public void setReadOnly(boolean readOnly) {
        if (readOnly == isReadOnly()) return;
        exclusively(() -> {
            if (readOnly) {
                bitmaps.store();
                image.close();
                image.setReadOnly(true);
            }
            image.file.setReadOnly(readOnly);
            if (image.header.hasDataFile()) data.setReadOnly(readOnly);
            if (!readOnly) {
                image.setReadOnly(false);
                Qcow2Format.prepareForWriting(this, image);
            }
        });
    }

    @Override
    public long allocatedSize() {
        return image.file.allocatedSize();
    }

    @Override
    public void close() {
        image.lock.lock();
        try {
            if (closed) return;
            closed = true;
            try {
                bitmaps.store();
                if (image.header.hasDataFile() && !isReadOnly()) data.flush();
                image.close();
            } finally {
                image.file.close();
                if (image.header.hasDataFile()) data.close();
                BlockNode below = backing;
                if (below != null) below.close();
            }
        } finally {
            image.lock.unlock();
        }
    }
}
