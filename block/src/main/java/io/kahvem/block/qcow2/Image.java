package io.kahvem.block.qcow2;

import static io.kahvem.block.qcow2.BigEndian.U32;
import static io.kahvem.block.qcow2.BigEndian.U64;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;

/// An open image's metadata: what the header, tables and reference counts say, and the order in which their changes reach the file.
///
/// Changes are kept in memory until [#flush] (or until there are many). A crash between leaves what the last flush left, and at most
/// clusters that are counted and not used. For that, whatever order the host writes in:
///
/// 1. counts that grow are on the medium before a table refers to the cluster; so are copied data;
/// 2. a table is on the medium before the entry above it that refers to it;
/// 3. a reference is gone from the medium before its cluster's count falls, and the cluster is not used anew before that.
///
/// All methods are called under [#lock].
final class Image {
    private static final int MOST_DEFERRED = 65_536;

    final ReentrantLock lock = new ReentrantLock();
    final BlockNode file;
    final Header header;
    final int clusterBits;
    final int clusterSize;
    final Refcounts refcounts;
    final L2Tables tables;
    private volatile boolean readOnly;

    /// Whether data has been written that tables must not show before it is on the medium: copies, and clusters that held something else.
    private boolean dataBarrier;

    Image(BlockNode file, Header header, boolean readOnly) {
        this.file = file;
        this.header = header;
        this.readOnly = readOnly;
        clusterBits = header.clusterBits;
        clusterSize = 1 << clusterBits;
        refcounts = new Refcounts(this);
        tables = new L2Tables(this);
    }

    boolean isReadOnly() {
        return readOnly;
    }

    void setReadOnly(boolean readOnly) {
        this.readOnly = readOnly;
    }

    void needDataBarrier() {
        dataBarrier = true;
    }

    /// Writes if so much has changed that memory would fill.
    ///
    /// @param alone whether nothing reads or writes clusters meanwhile
    void bound(boolean alone) {
        if (tables.isCrowded() || refcounts.isCrowded() || alone && refcounts.deferredCount() > MOST_DEFERRED) writeMetadata(alone);
    }

    boolean isDirty() {
        return refcounts.isDirty() || tables.isDirty() || refcounts.deferredCount() > 0;
    }

    /// Brings all changes of metadata into the file, in order. The last of them may not be on the medium yet.
    ///
    /// @param alone whether nothing reads or writes clusters meanwhile: else those that were released stay, for somebody may still read
    /// them
    void writeMetadata(boolean alone) {
        boolean lazy = header.isLazy() && (header.incompatible & Header.INCOMPAT_DIRTY) != 0;
        if (refcounts.isDirty() && !lazy) {
            refcounts.write();
            dataBarrier = true;
        }
        if (tables.isDirty()) {
            if (dataBarrier) file.flush();
            dataBarrier = false;
            tables.writeTables();
            if (tables.isL1Dirty()) {
                file.flush();
                tables.writeL1();
            }
        }
        if (alone && refcounts.deferredCount() > 0) {
            file.flush();
            refcounts.applyDeferred();
            if (!lazy) refcounts.write();
        }
    }

    /// With lazy reference counts, the first change marks the image: the counts are rebuilt when it was not closed in order.
    void beforeFirstChange() {
        if (readOnly) throw new BlockException(Errno.EROFS, file.name() + " is read-only");
        if (header.isLazy() && (header.incompatible & Header.INCOMPAT_DIRTY) == 0) {
            header.incompatible |= Header.INCOMPAT_DIRTY;
            writeIncompatible();
            file.flush();
        }
    }

    /// In order at the end: counts written, the mark removed.
    void close() {
        if (readOnly) return;
        writeMetadata(true);
        settleCounts();
        file.flush();
    }

    /// Counts that were postponed are in the file afterwards, and the mark is gone.
    void settleCounts() {
        if ((header.incompatible & Header.INCOMPAT_DIRTY) == 0) return;
        refcounts.write();
        file.flush();
        clearDirty();
    }

    void clearDirty() {
        header.incompatible &= ~Header.INCOMPAT_DIRTY;
        writeIncompatible();
        file.flush();
    }

    void clearCorrupt() {
        header.incompatible &= ~Header.INCOMPAT_CORRUPT;
        writeIncompatible();
        file.flush();
    }

    private void writeIncompatible() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment field = arena.allocate(8, 8);
            field.set(U64, 0, header.incompatible);
            file.write(72, field);
        }
    }

    /// Fields of the header that lie side by side change at once: one write within a sector.
    void writeHeaderField(long at, long value, int value2) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment field = arena.allocate(12, 8);
            field.set(U64, 0, value);
            field.set(U32, 8, value2);
            file.write(at, field);
        }
    }

    void writeSize() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment field = arena.allocate(8, 8);
            field.set(U64, 0, header.sizeBytes);
            file.write(24, field);
        }
    }

    /// Metadata that cannot be true: the image is marked, so that nobody writes it before it was repaired, and the request fails.
    BlockException corrupt(String message) {
        if (!readOnly && (header.incompatible & Header.INCOMPAT_CORRUPT) == 0 && header.version >= 3) {
            header.incompatible |= Header.INCOMPAT_CORRUPT;
            writeIncompatible();
            file.flush();
        }
        return new BlockException(Errno.EIO, ("%s: the qcow2 image is corrupt: %s\n"
                + "  See what is wrong with: kahvem image check %1$s; repair a copy of it with -r all").formatted(file.name(), message));
    }

    long clusterStart(long offset) {
        return offset & -clusterSize;
    }

    long clustersIn(long bytes) {
        return (bytes + clusterSize - 1) >>> clusterBits;
    }
}
