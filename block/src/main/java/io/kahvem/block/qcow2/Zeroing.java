package io.kahvem.block.qcow2;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.qcow2.L2Tables.L2;
import java.lang.foreign.MemorySegment;

/// Zeros and discards: whole clusters by their entries, the rest by writing.
final class Zeroing {
    private final Qcow2Node node;
    private final Image image;
    private final ClusterMap map;
    private final BlockNode data;

    Zeroing(Qcow2Node node, Image image, ClusterMap map, BlockNode data) {
        this.node = node;
        this.image = image;
        this.map = map;
        this.data = data;
    }

    void writeZeroes(long offset, long length, boolean mayUnmap) {
        if (image.header.version < 3 && node.backing() != null) {
            writeZeroBytes(offset, length);
            return;
        }
        long end = offset + length;
        long start = offset + image.clusterSize - 1 & -image.clusterSize;
        long stop = end == node.sizeBytes() ? end + image.clusterSize - 1 & -image.clusterSize : image.clusterStart(end);
        if (start > stop) {
            zeroPart(offset, length, mayUnmap);
            return;
        }
        if (offset < start) zeroPart(offset, start - offset, mayUnmap);
        eachTable(start, stop, (table, from, to) -> zeroEntries(table, from, to, mayUnmap));
        if (image.header.hasDataFile() && start < stop) data.writeZeroes(start, Math.min(stop, node.sizeBytes()) - start, mayUnmap);
        if (stop < end) zeroPart(stop, end - stop, mayUnmap);
    }

    /// Zeros a part of a cluster: the whole of it, if the rest is zeros too.
    private void zeroPart(long offset, long length, boolean mayUnmap) {
        long start = image.clusterStart(offset);
        long stop = start + image.clusterSize;
        boolean[] done = new boolean[1];
        node.exclusively(() -> {
            if (!node.isZero(start, offset) || !node.isZero(offset + length, Math.max(offset + length, Math.min(stop,
                    node.sizeBytes())))) return;
            zeroCluster(start, mayUnmap);
            done[0] = !image.header.hasDataFile();
        });
        if (!done[0]) writeZeroBytes(offset, length);
    }

    private void zeroCluster(long start, boolean mayUnmap) {
        if (isAbsent(start)) return;
        L2 table = image.tables.findForWriting(image.tables.l1Index(start));
        zeroEntries(table, image.tables.l2Index(start), image.tables.l2Index(start) + 1, mayUnmap);
    }

    private void writeZeroBytes(long offset, long length) {
        long most = Math.min(length, 1 << 20);
        MemorySegment zeros = Bounce.take(most);
        zeros.fill((byte) 0);
        for (long done = 0; done < length; done += most) node.write(offset + done, zeros.asSlice(0, Math.min(most, length - done)));
        Bounce.give(zeros);
    }

    private interface TablePart {
        void change(L2 table, int from, int to);
    }

    /// Changes whole clusters of the disk, a table at a time, while nothing reads or writes them.
    private void eachTable(long start, long stop, TablePart part) {
        long tableBytes = (long) image.tables.entriesPerTable() << image.clusterBits;
        for (long at = start; at < stop; ) {
            long from = at;
            long end = Math.min(stop, at / tableBytes * tableBytes + tableBytes);
            node.exclusively(() -> {
                if (isAbsent(from)) return;
                L2 table = image.tables.findForWriting(image.tables.l1Index(from));
                part.change(table, image.tables.l2Index(from), image.tables.l2Index(end - 1) + 1);
                image.bound(true);
            });
            at = end;
        }
    }

    /// Whether neither this layer nor one below has anything in the table that `offset` belongs to.
    private boolean isAbsent(long offset) {
        return image.tables.find(image.tables.l1Index(offset)) == null && node.backing() == null;
    }

    private void zeroEntries(L2 table, int from, int to, boolean mayUnmap) {
        long whole = map.isExtended() ? 0 : L2Tables.ZERO;
        for (int index = from; index < to; index++) {
            long old = image.tables.entry(table, index);
            boolean absent = node.backing() == null && !map.hasHost(old) && (!map.isExtended() || image.tables.bitmap(table, index) == 0);
            if (absent) continue;
            boolean keep = !mayUnmap && map.isReusable(table, index);
            if (image.header.version < 3) {
                image.tables.setEntry(table, index, 0);
                node.releaseEntry(old);
                continue;
            }
            image.tables.setEntry(table, index, keep ? old | whole : whole);
            if (map.isExtended()) image.tables.setBitmap(table, index, 0xffff_ffffL << 32);
            if (!keep) node.releaseEntry(old);
        }
    }

    void discard(long offset, long length) {
        long start = offset + image.clusterSize - 1 & -image.clusterSize;
        long end = offset + length;
        long stop = end == node.sizeBytes() ? end + image.clusterSize - 1 & -image.clusterSize : image.clusterStart(end);
        if (start >= stop) return;
        if (image.header.version < 3 && node.backing() != null) return; // what is below would show
        node.bitmaps().touch(start, stop - start);
        eachTable(start, stop, (table, from, to) -> zeroEntries(table, from, to, true));
        if (image.header.hasDataFile()) data.discard(start, Math.min(stop, node.sizeBytes()) - start);
    }

    /// Takes whole clusters out of this layer, so that the layer below shows: for tools that moved them there.
    void forget(long start, long end) {
        eachTable(start, end + image.clusterSize - 1 & -image.clusterSize, (table, from, to) -> {
            for (int index = from; index < to; index++) {
                long old = image.tables.entry(table, index);
                image.tables.setEntry(table, index, 0);
                if (map.isExtended()) image.tables.setBitmap(table, index, 0);
                node.releaseEntry(old);
            }
        });
    }
}
