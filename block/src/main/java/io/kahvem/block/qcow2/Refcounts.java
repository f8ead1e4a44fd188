package io.kahvem.block.qcow2;

import static io.kahvem.block.qcow2.BigEndian.U64;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// How often each cluster of the file is used (qcow2.txt, "Host cluster management"), and which are free. Under the image's lock.
final class Refcounts {
    private static final long OFFSET_MASK = 0xffff_ffff_ffff_fe00L;

    /// Blocks kept in memory: 32 MiB of them.
    private static final int MOST_BLOCK_BYTES = 32 << 20;

    private static final long MOST_TABLE_BYTES = 8 << 20;

    /// Clusters that were given a place and not written yet may lie beyond the file's end: not more than these, in a sane image.
    private static final long MOST_BEYOND = 1 << 22;

    private static final class Block {
        final MemorySegment memory;

        /// The same, big-endian.
        final ByteBuffer entries;

        boolean dirty;

        Block(MemorySegment memory) {
            this.memory = memory;
            entries = memory.asByteBuffer();
        }
    }

    private final Image image;
    private final int order;
    private final int entriesPerBlock;
    private final long mostCount;
    private final int mostBlocks;
    private long[] table;
    private final Map<Long, Block> blocks = new HashMap<>();
    private final TreeSet<Long> dirtyTableSectors = new TreeSet<>();
    private int dirtyBlocks;

    /// Clusters to be counted down once no table on the medium refers to them.
    private long[] deferred = new long[64];
    private int deferredCount;

    /// Where tables are: data must not be written there, whatever an entry says.
    private final Set<Long> metadata = new HashSet<>();

    /// No free cluster is before this one.
    private long firstFree;

    /// The file reads as zeros from here on, for nothing was ever written there.
    private long virginFrom;

    /// Where the next compressed cluster may go, within a cluster that has others; 0 nowhere.
    private long packedAt;

    Refcounts(Image image) {
        this.image = image;
        order = image.header.refcountOrder;
        entriesPerBlock = image.clusterSize * 8 >> order;
        mostCount = order == 6 ? Long.MAX_VALUE : (1L << (1 << order)) - 1;
        mostBlocks = Math.max(4, MOST_BLOCK_BYTES / image.clusterSize);
        table = new long[0];
    }

    /// Reads the table; entries are checked when they are used.
    void load() {
        Header h = image.header;
        long bytes = (long) h.refcountTableClusters << image.clusterBits;
        if (h.refcountTableOffset >= image.file.sizeBytes()) throw BlockException.invalid("Reference count table offset invalid");
        table = new long[(int) (bytes / 8)];
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment m = arena.allocate(bytes, 4096);
            image.file.read(h.refcountTableOffset, m);
            for (int n = 0; n < table.length; n++) table[n] = m.getAtIndex(U64, n);
        }
        noteMetadata(0, 1);
        noteMetadata(h.refcountTableOffset, h.refcountTableClusters);
        for (long entry : table) if ((entry & OFFSET_MASK) != 0) noteMetadata(entry & OFFSET_MASK, 1);
        virginFrom = image.file.format().equals("host_device")
                ? Long.MAX_VALUE : image.clustersIn(image.file.sizeBytes()) << image.clusterBits;
    }

    /// For a new image: a table of `clusters` clusters at `offset`, empty.
    void start(long offset, int clusters) {
        image.header.refcountTableOffset = offset;
        image.header.refcountTableClusters = clusters;
        table = new long[(int) (((long) clusters << image.clusterBits) / 8)];
        virginFrom = 0;
        for (int sector = 0; sector < table.length / 64; sector++) dirtyTableSectors.add((long) sector);
    }

    /// Counts the first clusters of a new image.
    void countFirst(int clusters) {
        for (long n = 0; n < clusters; n++) put(n, 1);
        used(0, clusters);
    }

    void noteMetadata(long offset, long clusters) {
        for (long n = 0; n < clusters; n++) metadata.add((offset >>> image.clusterBits) + n);
    }

    void forgetMetadata(long offset, long clusters) {
        for (long n = 0; n < clusters; n++) metadata.remove((offset >>> image.clusterBits) + n);
    }

    boolean isMetadata(long offset) {
        return metadata.contains(offset >>> image.clusterBits);
    }

    // ---- counts

    private Block block(long index) {
        Block block = blocks.get(index);
        if (block != null) return block;
        long offset = table[(int) index] & OFFSET_MASK;
        if (offset < 0 || offset % image.clusterSize != 0 || (table[(int) index] & ~OFFSET_MASK) != 0) {
            throw image.corrupt("Refblock offset %#x unaligned (reftable index: %#x)".formatted(table[(int) index], index));
        }
        if (offset >= image.file.sizeBytes()) {
            throw image.corrupt("Refblock offset %#x beyond the end of the file (reftable index: %#x)".formatted(offset, index));
        }
        evict();
        MemorySegment entries = Arena.ofAuto().allocate(image.clusterSize, 4096);
        image.file.read(offset, entries);
        block = new Block(entries);
        blocks.put(index, block);
        return block;
    }

    private void evict() {
        if (blocks.size() < mostBlocks) return;
        blocks.values().removeIf(block -> !block.dirty);
    }

    boolean isCrowded() {
        return dirtyBlocks >= mostBlocks;
    }

    long get(long cluster) {
        long index = cluster / entriesPerBlock;
        if (index >= table.length || (table[(int) index] & OFFSET_MASK) == 0) return 0;
        return get(block(index).entries, order, (int) (cluster % entriesPerBlock));
    }

    /// Entry `n` of a block whose entries have 1 << order bits.
    static long get(ByteBuffer block, int order, int n) {
        return switch (order) {
            case 0, 1, 2 -> block.get(n >> (3 - order)) >> ((n & (8 >> order) - 1) << order) & (1 << (1 << order)) - 1;
            case 3 -> block.get(n) & 0xffL;
            case 4 -> block.getShort(2 * n) & 0xffffL;
            case 5 -> block.getInt(4 * n) & 0xffff_ffffL;
            default -> block.getLong(8 * n);
        };
    }

    static void set(ByteBuffer block, int order, int n, long count) {
        switch (order) {
            case 0, 1, 2 -> {
                int shift = (n & (8 >> order) - 1) << order;
                int mask = (1 << (1 << order)) - 1 << shift;
                int at = n >> (3 - order);
                block.put(at, (byte) (block.get(at) & ~mask | (int) count << shift));
            }
            case 3 -> block.put(n, (byte) count);
            case 4 -> block.putShort(2 * n, (short) count);
            case 5 -> block.putInt(4 * n, (int) count);
            default -> block.putLong(8 * n, count);
        }
    }

    private void put(long cluster, long count) {
        Block block = blockForWriting(cluster / entriesPerBlock);
        set(block.entries, order, (int) (cluster % entriesPerBlock), count);
        if (count == 0) firstFree = Math.min(firstFree, cluster);
    }

    private Block blockForWriting(long index) {
        if (index >= table.length) growTable(index);
        Block block = (table[(int) index] & OFFSET_MASK) == 0 ? newBlock(index) : block(index);
        markDirty(block);
        return block;
    }

    private void markDirty(Block block) {
        if (!block.dirty) {
            block.dirty = true;
            dirtyBlocks++;
        }
    }

    /// Clusters whose block is missing are all free: a new block takes the first of them, and counts itself.
    private Block newBlock(long index) {
        long cluster = index * entriesPerBlock;
        while (metadata.contains(cluster)) cluster++; // the first tables of a new image
        Block block = newBlockAt(index, cluster);
        set(block.entries, order, (int) (cluster % entriesPerBlock), 1);
        return block;
    }

    private Block newBlockAt(long index, long cluster) {
        evict();
        Block block = new Block(Arena.ofAuto().allocate(image.clusterSize, 4096));
        blocks.put(index, block);
        table[(int) index] = cluster << image.clusterBits;
        dirtyTableSectors.add(index / 64);
        metadata.add(cluster);
        used(cluster, 1);
        return block;
    }

    /// The table moves to where it has room for entry `index` and as many again. It lies in the range that the new entries count, after the
    /// blocks that count it.
    private void growTable(long index) {
        long newBlocks = 1;
        long clusters = tableClusters(index, newBlocks);
        while (newBlocks * entriesPerBlock < newBlocks + clusters) clusters = tableClusters(index, ++newBlocks);
        if (clusters << image.clusterBits > MOST_TABLE_BYTES) {
            throw new BlockException(Errno.EFBIG, image.file.name() + ": no more clusters of this size can be counted (8 MiB of table)");
        }
        long oldOffset = image.header.refcountTableOffset;
        long oldClusters = image.header.refcountTableClusters;
        long base = index * entriesPerBlock;
        long first = base + newBlocks;
        table = Arrays.copyOf(table, (int) ((clusters << image.clusterBits) / 8));
        noteMetadata(first << image.clusterBits, clusters);
        for (long n = 0; n < newBlocks; n++) markDirty(newBlockAt(index + n, base + n));
        for (long n = 0; n < newBlocks + clusters; n++) put(base + n, 1);
        used(first, clusters);
        moveTable(first << image.clusterBits, clusters);
        forgetMetadata(oldOffset, oldClusters);
        for (long n = 0; n < oldClusters; n++) release((oldOffset >>> image.clusterBits) + n);
    }

    private long tableClusters(long index, long newBlocks) {
        long entries = index + newBlocks + Math.min(table.length, 1 << 16);
        return image.clustersIn(8 * entries);
    }

    // ---- allocation

    /// `clusters` free clusters in a row, now counted once. Their offset. Under a read-only image or a full host it throws.
    long allocate(long clusters) {
        image.beforeFirstChange();
        long run = 0;
        long cluster = firstFree;
        boolean fromFirst = true;
        while (run < clusters) {
            if (isFree(cluster)) {
                run++;
            } else {
                run = 0;
                if (fromFirst) firstFree = cluster + 1;
            }
            if (run > 0) fromFirst = false;
            cluster++;
        }
        long first = cluster - clusters;
        if (cluster << image.clusterBits < 0 || cluster << image.clusterBits > 1L << 56) {
            throw new BlockException(Errno.EFBIG, image.file.name() + ": the image file is too large");
        }
        // A block that comes into being meanwhile may take the very cluster.
        for (long n = 0; n < clusters; n++) blockForWriting((first + n) / entriesPerBlock);
        for (long n = 0; n < clusters; n++) if (get(first + n) != 0) return allocate(clusters);
        for (long n = 0; n < clusters; n++) put(first + n, 1);
        if (first == firstFree) firstFree = first + clusters;
        used(first, clusters);
        return first << image.clusterBits;
    }

    /// As many clusters, at `offset`, if they are free: how many could be had.
    long allocateAt(long offset, long clusters) {
        long first = offset >>> image.clusterBits;
        long n = 0;
        while (n < clusters && isFree(first + n)) n++;
        for (long k = 0; k < n; k++) blockForWriting((first + k) / entriesPerBlock);
        for (long k = 0; k < n; k++) {
            if (get(first + k) != 0) return k;
            put(first + k, 1);
            used(first + k, 1);
        }
        return n;
    }

    private boolean isFree(long cluster) {
        if (get(cluster) != 0) return false;
        if (!metadata.contains(cluster)) return true;
        long index = cluster / entriesPerBlock;
        if (index >= table.length || (table[(int) index] & OFFSET_MASK) == 0) return false; // a table that is being placed
        throw image.corrupt("cluster %#x holds metadata and is counted as free".formatted(cluster << image.clusterBits));
    }

    private void used(long cluster, long clusters) {
        if (virginFrom != Long.MAX_VALUE) virginFrom = Math.max(virginFrom, cluster + clusters << image.clusterBits);
    }

    /// From where on the file was never written; asked before an allocation, it tells whether what that got reads as zeros.
    long virginFrom() {
        return virginFrom;
    }

    /// Room for `bytes` bytes of compressed data, which share clusters. The offset.
    long allocatePacked(int bytes) {
        image.beforeFirstChange();
        if (packedAt != 0) {
            long used = packedAt & image.clusterSize - 1;
            long cluster = packedAt >>> image.clusterBits;
            long room = image.clusterSize - used;
            if (used != 0 && get(cluster) > 0 && get(cluster) < mostCount) {
                if (bytes <= room) {
                    put(cluster, get(cluster) + 1);
                    return packed(packedAt, bytes);
                }
                if (allocateAt(cluster + 1 << image.clusterBits, 1) == 1) {
                    put(cluster, get(cluster) + 1);
                    return packed(packedAt, bytes);
                }
            }
        }
        return packed(allocate(1), bytes);
    }

    private long packed(long offset, int bytes) {
        packedAt = offset + bytes;
        if ((packedAt & image.clusterSize - 1) == 0) packedAt = 0;
        return offset;
    }

    /// Counts one more user. Throws where the entry has no room for it.
    void increment(long cluster) {
        long count = get(cluster);
        if (count == 0) throw image.corrupt("cluster %#x is used and counted as free".formatted(cluster << image.clusterBits));
        if (count >= mostCount) {
            throw new BlockException(Errno.EINVAL, "%s: a cluster can be used %d times at most with refcount_bits=%d"
                    .formatted(image.file.name(), mostCount, 1 << order));
        }
        put(cluster, count + 1);
    }

    /// One user less, once the reference is gone from the medium.
    void release(long cluster) {
        if (deferredCount == deferred.length) deferred = Arrays.copyOf(deferred, 2 * deferredCount);
        deferred[deferredCount++] = cluster;
        if (packedAt != 0 && packedAt >>> image.clusterBits == cluster) packedAt = 0;
    }

    int deferredCount() {
        return deferredCount;
    }

    /// Counts down what was released, and gives what is free now back to the host's file system.
    void applyDeferred() {
        long[] clusters = Arrays.copyOf(deferred, deferredCount);
        deferredCount = 0;
        Arrays.sort(clusters);
        long freeFrom = 0;
        long freeTo = 0;
        for (long cluster : clusters) {
            long count = get(cluster);
            if (count == 0) throw image.corrupt("cluster %#x is used and counted as free".formatted(cluster << image.clusterBits));
            put(cluster, count - 1);
            if (count > 1) continue;
            metadata.remove(cluster);
            if (cluster != freeTo) {
                giveBack(freeFrom, freeTo);
                freeFrom = cluster;
            }
            freeTo = cluster + 1;
        }
        giveBack(freeFrom, freeTo);
    }

    private void giveBack(long from, long to) {
        if (to > from) image.file.discard(from << image.clusterBits, to - from << image.clusterBits);
    }

    // ---- repair

    /// Sets a count. False where there is no block for it, and no room for one.
    boolean repair(long cluster, long count) {
        long index = cluster / entriesPerBlock;
        if (count > mostCount || index >= table.length || (table[(int) index] & OFFSET_MASK) == 0) return false;
        put(cluster, count);
        return true;
    }

    /// Writes all counts anew, in blocks and a table after the end of the file.
    void rebuild(ReferenceCounts counts, long fileClusters) {
        long[] old = table;
        long base = Math.max(fileClusters, counts.end());
        if (base > fileClusters + MOST_BEYOND) {
            throw image.corrupt("tables refer to clusters far beyond the end of the file");
        }
        long blockCount = 1;
        long tableClusters = 1;
        while (blockCount * entriesPerBlock < base + tableClusters + blockCount) {
            blockCount = (base + tableClusters + blockCount + entriesPerBlock - 1) / entriesPerBlock;
            tableClusters = image.clustersIn(8 * blockCount);
        }
        long tableOffset = base << image.clusterBits;
        Set<Long> tablesBefore = new HashSet<>();
        for (long entry : old) if ((entry & OFFSET_MASK) != 0) tablesBefore.add((entry & OFFSET_MASK) >>> image.clusterBits);
        for (long n = 0; n < image.header.refcountTableClusters; n++) {
            tablesBefore.add((image.header.refcountTableOffset >>> image.clusterBits) + n);
        }
        blocks.clear();
        dirtyBlocks = 0;
        deferredCount = 0;
        firstFree = 0;
        metadata.removeAll(tablesBefore);
        table = new long[(int) ((tableClusters << image.clusterBits) / 8)];
        noteMetadata(tableOffset, tableClusters);
        for (long n = 0; n < blockCount; n++) markDirty(newBlockAt(n, base + tableClusters + n));
        for (long cluster = 0; cluster < base; cluster++) {
            int references = counts.get(cluster) - (tablesBefore.contains(cluster) ? 1 : 0);
            if (references > 0) put(cluster, Math.min(references, mostCount));
        }
        for (long n = 0; n < tableClusters + blockCount; n++) put(base + n, 1);
        moveTable(tableOffset, tableClusters);
    }

    /// Brings blocks and a whole new table into the file, and then the header to it.
    private void moveTable(long offset, long clusters) {
        writeBlocks();
        image.file.flush();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment m = arena.allocate(clusters << image.clusterBits, 4096);
            for (int n = 0; n < table.length; n++) m.setAtIndex(U64, n, table[n]);
            image.file.write(offset, m);
        }
        image.file.flush();
        dirtyTableSectors.clear();
        image.header.refcountTableOffset = offset;
        image.header.refcountTableClusters = (int) clusters;
        image.writeHeaderField(48, offset, (int) clusters);
        image.file.flush();
    }

    // ---- the file

    boolean isDirty() {
        return dirtyBlocks > 0 || !dirtyTableSectors.isEmpty();
    }

    /// Writes what has changed: blocks, and then the table's entries for new ones.
    void write() {
        writeBlocks();
        if (dirtyTableSectors.isEmpty()) return;
        image.file.flush();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sector = arena.allocate(512, 512);
            for (long index : dirtyTableSectors) {
                for (int n = 0; n < 64; n++) sector.setAtIndex(U64, n, table[(int) index * 64 + n]);
                image.file.write(image.header.refcountTableOffset + index * 512, sector);
            }
        }
        dirtyTableSectors.clear();
    }

    private void writeBlocks() {
        if (dirtyBlocks == 0) return;
        for (Map.Entry<Long, Block> entry : blocks.entrySet()) {
            Block block = entry.getValue();
            if (!block.dirty) continue;
            image.file.write(table[Math.toIntExact(entry.getKey())] & OFFSET_MASK, block.memory);
            block.dirty = false;
        }
        dirtyBlocks = 0;
    }

    long[] table() {
        return table;
    }

    int entriesPerBlock() {
        return entriesPerBlock;
    }

    void free(long offset, long clusters) {
        for (long n = 0; n < clusters; n++) release((offset >>> image.clusterBits) + n);
    }
}
