package io.kahvem.block.qcow2;

import io.kahvem.block.qcow2.L2Tables.L2;
import io.kahvem.block.qcow2.Mapping.Kind;
import java.util.function.LongConsumer;

/// What L2 entries mean. Under the image's lock.
final class ClusterMap {
    private static final int SUBCLUSTERS = 32;

    private final Image image;
    private final L2Tables tables;
    private final boolean extended;
    private final boolean dataFile;
    final int subclusterSize;

    ClusterMap(Image image) {
        this.image = image;
        tables = image.tables;
        extended = image.header.isExtendedL2();
        dataFile = image.header.hasDataFile();
        subclusterSize = extended ? image.clusterSize / SUBCLUSTERS : image.clusterSize;
    }

    boolean isExtended() {
        return extended;
    }

    /// Whether the entry has a cluster of its own, compressed or not.
    boolean hasHost(long entry) {
        return (entry & L2Tables.COMPRESSED) != 0 || isPlain(entry);
    }

    /// Whether the entry has a whole cluster. Offset 0 is one in a data file of its own.
    boolean isPlain(long entry) {
        if ((entry & L2Tables.COMPRESSED) != 0) return false;
        return (entry & L2Tables.OFFSET_MASK) != 0 || dataFile && (entry & L2Tables.COPIED) != 0;
    }

    long hostOffset(L2 table, int index) {
        long host = tables.entry(table, index) & L2Tables.OFFSET_MASK;
        if ((host & image.clusterSize - 1) != 0) {
            throw image.corrupt("Data cluster offset %#x unaligned (L2 offset: %#x, L2 index: %#x)".formatted(host, table.offset, index));
        }
        return host;
    }

    Kind kind(L2 table, int index, int subcluster) {
        long entry = tables.entry(table, index);
        if ((entry & L2Tables.COMPRESSED) != 0) return Kind.COMPRESSED;
        boolean host = isPlain(entry);
        if (!extended) {
            if (image.header.version >= 3 && (entry & L2Tables.ZERO) != 0) return host ? Kind.ZERO_ALLOCATED : Kind.ZERO_PLAIN;
            return host ? Kind.NORMAL : Kind.UNALLOCATED;
        }
        long bits = tables.bitmap(table, index) >>> subcluster;
        boolean allocated = (bits & 1) != 0;
        boolean zero = (bits >>> SUBCLUSTERS & 1) != 0;
        if (allocated && (zero || !host)) {
            throw image.corrupt("L2 bitmap %#x contradicts its entry (L2 offset: %#x, L2 index: %#x)"
                    .formatted(tables.bitmap(table, index), table.offset, index));
        }
        if (zero) return host ? Kind.ZERO_ALLOCATED : Kind.ZERO_PLAIN;
        return allocated ? Kind.NORMAL : Kind.UNALLOCATED;
    }

    /// The longest stretch from `offset` on, at most `most` bytes, that one table says one thing of.
    Mapping find(long offset, long most) {
        long inTable = ((long) tables.entriesPerTable() << image.clusterBits) - offset % ((long) tables.entriesPerTable(
                ) << image.clusterBits);
        long end = Math.min(most, inTable);
        L2 table = tables.find(tables.l1Index(offset));
        if (table == null) return new Mapping(Kind.UNALLOCATED, end, -1, 0);
        int index = tables.l2Index(offset);
        long inCluster = offset & image.clusterSize - 1;
        int subcluster = (int) (inCluster / subclusterSize);
        Kind kind = kind(table, index, subcluster);
        if (kind == Kind.COMPRESSED) {
            return new Mapping(kind, Math.min(end, image.clusterSize - inCluster), -1, tables.entry(table, index));
        }
        boolean hosted = kind == Kind.NORMAL || kind == Kind.ZERO_ALLOCATED;
        long host = hosted ? hostOffset(table, index) + inCluster : -1;
        long length = subclusterSize - inCluster % subclusterSize;
        while (length < end) {
            long at = inCluster + length;
            int nextIndex = index + (int) (at >>> image.clusterBits);
            int nextSubcluster = (int) ((at & image.clusterSize - 1) / subclusterSize);
            if (kind(table, nextIndex, nextSubcluster) != kind) break;
            if (hosted && (at & image.clusterSize - 1) == 0 && hostOffset(table, nextIndex) != host + length) break;
            length += subclusterSize;
        }
        return new Mapping(kind, Math.min(length, end), host, 0);
    }

    /// How much from `offset` on, at most `most` bytes, may be written where it is: allocated, used once, in a row.
    long inPlace(L2 table, long offset, long most) {
        int index = tables.l2Index(offset);
        long host = 0;
        long length = 0;
        long inCluster = offset & image.clusterSize - 1;
        while (length < most && index < tables.entriesPerTable()) {
            long part = Math.min(most - length, image.clusterSize - inCluster);
            if (!isWritable(table, index, inCluster, part)) break;
            if (length == 0) host = hostOffset(table, index);
            else if (hostOffset(table, index) != host) break;
            length += part;
            host += image.clusterSize;
            inCluster = 0;
            index++;
        }
        return length;
    }

    private boolean isWritable(L2 table, int index, long inCluster, long length) {
        if (!isReusable(table, index)) return false;
        int last = (int) ((inCluster + length - 1) / subclusterSize);
        for (int s = (int) (inCluster / subclusterSize); s <= last; s++) if (kind(table, index, s) != Kind.NORMAL) return false;
        return true;
    }

    /// Whether the entry's cluster may take other data: whole, and used by this entry alone.
    boolean isReusable(L2 table, int index) {
        long entry = tables.entry(table, index);
        return isPlain(entry) && (entry & L2Tables.COPIED) != 0;
    }

    // ---- compressed clusters: qcow2.txt, "Compressed Clusters Descriptor"

    private int sectorShift() {
        return 62 - (image.clusterBits - 8);
    }

    long compressedOffset(long entry) {
        return entry & (1L << sectorShift()) - 1;
    }

    /// Bytes from the offset to the end of the last sector the data touch.
    int compressedLength(long entry) {
        long sectors = (entry >>> sectorShift() & (1L << image.clusterBits - 8) - 1) + 1;
        return (int) (sectors * 512 - (compressedOffset(entry) & 511));
    }

    long compressedEntry(long offset, int length) {
        long sectors = (offset + length - 1 >>> 9) - (offset >>> 9);
        return L2Tables.COMPRESSED | offset | sectors << sectorShift();
    }

    /// Does something with each host cluster of an entry.
    void eachHostCluster(long entry, LongConsumer action) {
        if ((entry & L2Tables.COMPRESSED) != 0) {
            long offset = compressedOffset(entry);
            long last = offset + compressedLength(entry) - 1 >>> image.clusterBits;
            for (long cluster = offset >>> image.clusterBits; cluster <= last; cluster++) action.accept(cluster);
        } else if (isPlain(entry) && !dataFile) {
            action.accept((entry & L2Tables.OFFSET_MASK) >>> image.clusterBits);
        }
    }
}
