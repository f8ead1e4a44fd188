package io.kahvem.block.qcow2;

import static io.kahvem.block.qcow2.BigEndian.U64;

import io.kahvem.block.Bounce;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// The active L1 table, and the L2 tables in memory (qcow2.txt, "Cluster mapping"). Under the image's lock.
final class L2Tables {
    static final long COPIED = 1L << 63;
    static final long COMPRESSED = 1L << 62;
    static final long OFFSET_MASK = 0x00ff_ffff_ffff_fe00L;
    static final long ZERO = 1;

    private static final int CACHE_BYTES = 32 << 20;

    /// One table. `offset` is where it belongs in the file, `words` what is there.
    static final class L2 {
        final int l1Index;
        final long[] words;
        long offset;
        boolean dirty;

        L2(int l1Index, long offset, long[] words) {
            this.l1Index = l1Index;
            this.offset = offset;
            this.words = words;
        }
    }

    private final Image image;
    final int entryBytes;
    private final int entryWords;
    final int l2Bits;
    private long[] l1 = new long[0];
    private final TreeSet<Integer> dirtyL1 = new TreeSet<>();
    private final Map<Integer, L2> cache = new LinkedHashMap<>(64, 0.75f, true);
    private final int mostCached;
    private int dirtyCount;

    L2Tables(Image image) {
        this.image = image;
        entryBytes = image.header.l2EntryBytes();
        entryWords = entryBytes / 8;
        l2Bits = image.clusterBits - (entryWords == 2 ? 4 : 3);
        mostCached = Math.max(4, CACHE_BYTES / image.clusterSize);
    }

    void load() {
        l1 = readL1(image.header.l1TableOffset, image.header.l1Size);
        image.refcounts.noteMetadata(image.header.l1TableOffset, image.clustersIn(8L * l1.length));
        for (long entry : l1) if ((entry & OFFSET_MASK) != 0) image.refcounts.noteMetadata(entry & OFFSET_MASK, 1);
    }

    long[] readL1(long offset, int size) {
        long[] entries = new long[size];
        if (size == 0) return entries;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment m = arena.allocate(8L * size, 4096);
            image.file.read(offset, m);
            for (int n = 0; n < size; n++) entries[n] = m.getAtIndex(U64, n);
        }
        return entries;
    }

    void writeL1At(long offset, long[] entries) {
        if (entries.length == 0) return;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment m = arena.allocate(8L * entries.length, 4096);
            for (int n = 0; n < entries.length; n++) m.setAtIndex(U64, n, entries[n]);
            image.file.write(offset, m);
        }
    }

    long[] l1() {
        return l1;
    }

    /// The whole active table has changed: it is this one from here on, and nothing of it is in memory.
    void replaceL1(long[] entries) {
        l1 = entries;
        cache.clear();
        dirtyCount = 0;
        dirtyL1.clear();
        for (long entry : l1) if ((entry & OFFSET_MASK) != 0) image.refcounts.noteMetadata(entry & OFFSET_MASK, 1);
    }

    int l1Index(long guestOffset) {
        return (int) (guestOffset >>> (image.clusterBits + l2Bits));
    }

    int l2Index(long guestOffset) {
        return (int) (guestOffset >>> image.clusterBits) & (1 << l2Bits) - 1;
    }

    int entriesPerTable() {
        return 1 << l2Bits;
    }

    /// The table for this L1 entry, or null where there is none.
    @Nullable L2 find(int l1Index) {
        L2 cached = cache.get(l1Index);
        if (cached != null) return cached;
        if (l1Index >= l1.length || (l1[l1Index] & OFFSET_MASK) == 0) return null;
        long offset = l1[l1Index] & OFFSET_MASK;
        if (offset % image.clusterSize != 0) {
            throw image.corrupt("L2 table offset %#x unaligned (L1 index: %#x)".formatted(offset, l1Index));
        }
        return read(l1Index, offset);
    }

    /// Whether [#find] needs no file.
    boolean isAtHand(int l1Index) {
        return cache.containsKey(l1Index) || l1Index >= l1.length || (l1[l1Index] & OFFSET_MASK) == 0;
    }

    private L2 read(int l1Index, long offset) {
        long[] words = newWords();
        MemorySegment memory = Bounce.take(image.clusterSize);
        image.file.read(offset, memory.asSlice(0, image.clusterSize));
        MemorySegment.copy(memory, U64, 0, words, 0, words.length);
        Bounce.give(memory);
        return keep(new L2(l1Index, offset, words));
    }

    private long[] newWords() {
        return new long[image.clusterSize / 8];
    }

    private L2 keep(L2 table) {
        if (cache.size() >= mostCached) {
            Iterator<L2> oldest = cache.values().iterator();
            while (oldest.hasNext() && cache.size() >= mostCached) if (!oldest.next().dirty) oldest.remove();
        }
        cache.put(table.l1Index, table);
        return table;
    }

    /// The table, made or copied so that it may be changed.
    L2 findForWriting(int l1Index) {
        image.beforeFirstChange();
        L2 table = find(l1Index);
        if (table != null && (l1[l1Index] & COPIED) != 0) return table;
        long offset = image.refcounts.allocate(1);
        image.refcounts.noteMetadata(offset, 1);
        if (table == null) {
            table = keep(new L2(l1Index, offset, newWords()));
        } else {
            image.refcounts.release(table.offset >>> image.clusterBits);
            table.offset = offset;
        }
        l1[l1Index] = offset | COPIED;
        dirtyL1.add(l1Index);
        markDirty(table);
        return table;
    }

    void markDirty(L2 table) {
        if (!table.dirty) {
            table.dirty = true;
            dirtyCount++;
        }
    }

    long entry(L2 table, int index) {
        return table.words[index * entryWords];
    }

    /// Of extended entries: a bit for each subcluster that is allocated, and in the upper half for each that is zeros.
    long bitmap(L2 table, int index) {
        return table.words[index * entryWords + 1];
    }

    void setEntry(L2 table, int index, long entry) {
        table.words[index * entryWords] = entry;
        markDirty(table);
    }

    void setBitmap(L2 table, int index, long bitmap) {
        table.words[index * entryWords + 1] = bitmap;
        markDirty(table);
    }

    /// Sets an L1 entry, for snapshots and repairs.
    void setL1(int index, long entry) {
        l1[index] = entry;
        dirtyL1.add(index);
    }

    /// The table is gone from L1: so is what is in memory of it.
    void dropTable(int l1Index) {
        L2 table = cache.remove(l1Index);
        if (table != null && table.dirty) dirtyCount--;
        setL1(l1Index, 0);
    }

    /// Room for more entries; the new table's place in the file is the caller's matter.
    void growL1(int size) {
        l1 = Arrays.copyOf(l1, size);
    }

    void shrinkL1(int size) {
        l1 = Arrays.copyOf(l1, size);
        dirtyL1.tailSet(size, true).clear();
    }

    boolean isCrowded() {
        return dirtyCount > mostCached / 2;
    }

    boolean isDirty() {
        return dirtyCount > 0 || !dirtyL1.isEmpty();
    }

    boolean isL1Dirty() {
        return !dirtyL1.isEmpty();
    }

    void writeTables() {
        if (dirtyCount == 0) return;
        MemorySegment memory = Bounce.take(image.clusterSize);
        for (L2 table : cache.values()) {
            if (!table.dirty) continue;
            MemorySegment.copy(table.words, 0, memory, U64, 0, table.words.length);
            image.file.write(table.offset, memory.asSlice(0, image.clusterSize));
            table.dirty = false;
        }
        Bounce.give(memory);
        dirtyCount = 0;
    }

    void writeL1() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sector = arena.allocate(512, 512);
            int done = -1;
            for (int index : dirtyL1) {
                if (index / 64 == done) continue;
                done = index / 64;
                int count = Math.min(64, l1.length - done * 64);
                for (int n = 0; n < count; n++) sector.setAtIndex(U64, n, l1[done * 64 + n]);
                image.file.write(image.header.l1TableOffset + done * 512L, sector.asSlice(0, count * 8L));
            }
        }
        dirtyL1.clear();
    }
}
