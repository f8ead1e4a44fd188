package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.translate.Entry;
import io.kahvem.jvm.translate.Region;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The decoded blocks that start in one physical page, and those that reach into it. Looked up by any vCPU without a lock; changed under
/// the page's own.
final class CodePage {
    final long gpa;

    /// Open addressing by offset and mode; replaced by a bigger one when half full, never shrunk.
    private volatile @Nullable Block[] table = new @Nullable Block[32];

    private int used;

    /// Blocks that start in the page before and end in this one.
    private final List<Block> incoming = new ArrayList<>();

    CodePage(long gpa) {
        this.gpa = gpa;
    }

    /// Regions made from bytes of this page, with the bits of its 64-byte parts that each was made from; null when there are none.
    private @Nullable Map<Region, Long> regions;

    /// Entries of valid regions by mode and offset, for blocks that are decoded later.
    private final Map<Integer, Entry> entries = new HashMap<>();

    synchronized void addRegion(Region region, long granules) {
        if (regions == null) regions = new HashMap<>();
        regions.keySet().removeIf(r -> !r.valid());
        regions.merge(region, granules, (a, b) -> a | b);
    }

    synchronized void addEntry(Entry entry) {
        Entry before = entries.put(entry.offset() << 8 | entry.mode(), entry);
        if (before != null) before.replace(entry);
        Block block = find(entry.offset(), entry.mode());
        if (block != null && block.crossesInto < 0) block.entry = entry;
    }

    synchronized @Nullable Entry entry(int offset, int mode) {
        Entry entry = entries.get(offset << 8 | mode);
        return entry != null && entry.valid() ? entry : null;
    }

    /// The offsets of this page that indirect jumps have gone to, as far as translated code is entered there.
    synchronized int[] jumpTargets(int mode) {
        return entries.values().stream()
                .filter(entry -> entry.mode() == mode && entry.valid() && entry.isJumpTarget())
                .mapToInt(Entry::offset)
                .toArray();
    }

    /// See [Region#callee].
    synchronized long callee(long at) {
        if (regions == null) return 0;
        for (Region region : regions.keySet()) {
            long callee = region.valid() ? region.callee(at) : 0;
            if (callee != 0) return callee;
        }
        return 0;
    }

    /// Forgets a region and all that leads to it.
    synchronized void removeRegion(Region region) {
        if (regions != null && regions.remove(region) != null && regions.isEmpty()) regions = null;
        entries.values().removeIf(entry -> entry.region().equals(region));
        for (Block block : table) {
            if (block == null) continue;
            Entry entry = block.entry;
            if (entry == null || !entry.region().equals(region)) continue;
            block.entry = null;
            block.heat = 0;
        }
    }

    /// Invalidates the regions made from bytes in `[from, to)`; returns whether any valid one is left.
    private boolean invalidateRegions(int from, int to) {
        if (regions == null) return false;
        long touched = -1L >>> 63 - (to - 1 >> 6) & -1L << (from >> 6);
        regions.forEach((region, granules) -> {
            if ((granules & touched) != 0) region.invalidate();
        });
        regions.keySet().removeIf(r -> !r.valid());
        entries.values().removeIf(entry -> !entry.valid());
        if (regions.isEmpty()) regions = null;
        return regions != null;
    }

    @Nullable Block find(int offset, int mode) {
        @Nullable Block[] blocks = table;
        int mask = blocks.length - 1;
        for (int at = hash(offset) & mask; ; at = at + 1 & mask) {
            Block b = blocks[at];
            if (b == null) return null;
            if (b.offset == offset && b.mode == mode && b.valid) return b;
        }
    }

    synchronized void add(Block block) {
        if (2 * ++used > table.length) rehash();
        insert(table, block);
    }

    synchronized void addIncoming(Block block) {
        incoming.removeIf(b -> !b.valid);
        incoming.add(block);
    }

    /// Invalidates the blocks that overlap `[from, to)` of this page; returns whether any valid block is left.
    synchronized boolean invalidate(int from, int to) {
        boolean left = invalidateRegions(from, to);
        for (Block b : table) {
            if (b == null || !b.valid) continue;
            if (b.offset < to && from < b.offset + b.length) {
                b.valid = false;
            } else {
                left = true;
            }
        }
        for (Block b : incoming) {
            if (!b.valid) continue;
            if (from < b.offset + b.length - 4096) {
                b.valid = false;
            } else {
                left = true;
            }
        }
        if (!left) {
            table = new @Nullable Block[32];
            used = 0;
            incoming.clear();
        }
        return left;
    }

    private void rehash() {
        @Nullable Block[] old = table;
        int live = 0;
        for (Block b : old) {
            if (b != null && b.valid) live++;
        }
        int size = old.length;
        while (size < 4 * live) size *= 2;
        @Nullable Block[] grown = new @Nullable Block[size];
        for (Block b : old) {
            if (b != null && b.valid) insert(grown, b);
        }
        used = live + 1;
        table = grown;
    }

    private static void insert(@Nullable Block[] blocks, Block block) {
        int mask = blocks.length - 1;
        int at = hash(block.offset) & mask;
        while (blocks[at] != null) at = at + 1 & mask;
        blocks[at] = block;
    }

    private static int hash(int offset) {
        return offset * 0x9e37_79b1 >>> 15;
    }

    /// A mode as blocks are keyed by it: who may execute is not a matter of decoding.
    static int key(int mode) {
        return mode & ~Mode.USER;
    }
}
