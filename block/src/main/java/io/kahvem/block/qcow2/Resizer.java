package io.kahvem.block.qcow2;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import java.util.Arrays;

/// Changes a disk's size, while nothing reads or writes it.
final class Resizer {
    private final Qcow2Node node;
    private final Image image;

    Resizer(Qcow2Node node, Image image) {
        this.node = node;
        this.image = image;
    }

    void resize(long sizeBytes) {
        image.lock.lock();
        try {
            if (sizeBytes < 0 || sizeBytes % 512 != 0) throw BlockException.invalid("The new size must be a multiple of 512");
            if (image.header.version < 3 && !node.snapshots().list().isEmpty()) {
                throw new BlockException(Errno.EOPNOTSUPP, "Can't resize a v2 image which has snapshots");
            }
            image.beforeFirstChange();
            image.writeMetadata(true);
            long entries = image.header.l1EntriesFor(sizeBytes);
            if (entries * 8 > Header.MOST_L1_BYTES) throw new BlockException(Errno.EFBIG,
                    "Image size too large: the L1 table has no room for it");
            if (sizeBytes < image.header.sizeBytes) cutOff(sizeBytes);
            if (entries > image.header.l1Size) grow((int) entries, sizeBytes);
            image.header.sizeBytes = sizeBytes;
            image.writeSize();
            image.file.flush();
        } finally {
            image.lock.unlock();
        }
    }

    private void grow(int entries, long sizeBytes) {
        long[] l1 = Arrays.copyOf(image.tables.l1(), entries);
        long oldOffset = image.header.l1TableOffset;
        long oldClusters = image.clustersIn(8L * image.header.l1Size);
        long offset = image.refcounts.allocate(image.clustersIn(8L * entries));
        image.writeMetadata(true);
        image.tables.writeL1At(offset, l1);
        image.file.flush();
        node.snapshots().switchL1(offset, l1, sizeBytes);
        image.refcounts.free(oldOffset, oldClusters);
        image.writeMetadata(true);
    }

    /// Frees what is beyond the new end.
    private void cutOff(long sizeBytes) {
        long first = image.clustersIn(sizeBytes);
        int entriesPerTable = image.tables.entriesPerTable();
        for (int n = (int) (first / entriesPerTable); n < image.tables.l1().length; n++) {
            if (image.tables.find(n) == null) continue;
            L2Tables.L2 table = image.tables.findForWriting(n);
            int from = n == first / entriesPerTable ? (int) (first % entriesPerTable) : 0;
            for (int k = from; k < entriesPerTable; k++) {
                long old = image.tables.entry(table, k);
                image.tables.setEntry(table, k, 0);
                if (image.tables.entryBytes == 16) image.tables.setBitmap(table, k, 0);
                node.releaseEntry(old);
            }
            if (from == 0) {
                image.refcounts.release(table.offset >>> image.clusterBits);
                image.tables.dropTable(n);
            }
        }
        image.writeMetadata(true);
    }
}
