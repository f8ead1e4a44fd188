package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.jvm.translate.CodePages;
import io.kahvem.jvm.translate.Entry;
import io.kahvem.jvm.translate.Region;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Finds the block at a vCPU's instruction pointer: in a cache by linear address, else by translating the address (an instruction TLB) and
/// looking into the [CodeCache], else by decoding. One a vCPU.
///
/// What was learnt of global pages outlives a change of address space; the rest is logged, so that forgetting it costs what there is of it.
public final class BlockFinder implements Region.Entries {
    private static final int CACHED_BLOCKS = 4096;

    private final CodeCache cache;
    private final BlockBuilder builder;

    // Direct-mapped, by linear address; an entry's mode tells by whom and how the block was reached.
    private final long[] blockAddress = new long[CACHED_BLOCKS];
    private final int[] blockMode = new int[CACHED_BLOCKS];
    private final @Nullable Block[] block = new @Nullable Block[CACHED_BLOCKS];

    /// Where in `block` and in the instruction TLB there are entries of pages that are not global.
    private final Log blocks = new Log(CACHED_BLOCKS);

    private final Log pages = new Log(CodePages.ENTRIES);

    private int generation = -1;
    private int globalGeneration = -1;

    /// Distinct places that were written, up to a number; beyond it, all of them.
    private static final class Log {
        final int[] places;
        int count;

        Log(int size) {
            places = new int[size];
        }

        void add(int place) {
            if (count < places.length) places[count] = place;
            count++;
        }

        boolean overflowed() {
            return count > places.length;
        }
    }

    public BlockFinder(GuestMemory memory, CodeCache cache, Spinner spinner, OpcodeMap map, Runnable pageBecameCode) {
        this.cache = cache;
        this.builder = new BlockBuilder(memory, cache, spinner, map, pageBecameCode);
    }

    /// The block at RIP, or null with a fault noted.
    public @Nullable Block find(Cpu c) {
        long rip = c.r[Cpu.RIP];
        long gva = c.code64() ? rip : c.segmentBase(Cpu.CS) + rip & 0xffff_ffffL;
        if (generation != c.mmu.codeGeneration()) forget(c);
        int at = slot(gva);
        Block found = block[at];
        if (found == null || blockAddress[at] != gva || blockMode[at] != c.mode || !found.valid) {
            found = search(c, gva);
            if (found == null) {
                c.linkFrom = null;
                return null;
            }
            if ((c.mode & Mode.STEP) == 0) put(c, at, gva, found);
        }
        if (c.linkFrom instanceof Branch from) {
            // A block of a single step is nobody's to invalidate, so it must not stay reachable.
            if (found.crossesInto < 0 && (found.mode & Mode.STEP) == 0) from.link(c.linkTaken, found);
            c.linkFrom = null;
        }
        return found;
    }

    @Override
    public @Nullable Entry find(Cpu c, long rip) {
        if ((c.mode & (Mode.SIZE | Mode.STEP)) != Mode.CODE64) return null;
        if (generation != c.mmu.codeGeneration()) forget(c);
        int at = slot(rip);
        Block found = block[at];
        if (found == null || blockAddress[at] != rip || blockMode[at] != c.mode || !found.valid) {
            long page = learn(c, rip);
            if (page < 0) return null;
            found = cache.page(page).find((int) rip & GuestMemory.PAGE_SIZE - 1, CodePage.key(c.mode));
            if (found == null || found.crossesInto >= 0) return null;
            put(c, at, rip, found);
        }
        Entry entry = found.entry;
        return entry != null && entry.valid() && mapped(c, entry.region(), rip) ? entry : null;
    }

    private void put(Cpu c, int at, long gva, Block found) {
        block[at] = found;
        blockAddress[at] = gva;
        blockMode[at] = c.mode;
        blocks.add(at);
    }

    /// Whether the region that is entered at linear address `rip` lies there whole; learns where its pages are.
    public boolean mapped(Cpu c, Region region, long rip) {
        long base = rip & -GuestMemory.PAGE_SIZE;
        if (region.mapped(c, base)) return true;
        for (int offset : region.offsets()) learn(c, base + offset);
        if (region.mapped(c, base)) return true;
        if (region.misplaced()) region.discard();
        return false;
    }

    /// The guest-physical page after the one at `gva` in linear memory, or -1.
    public long pageAfter(Cpu c, long gva) {
        return learn(c, (gva & -GuestMemory.PAGE_SIZE) + GuestMemory.PAGE_SIZE);
    }

    /// How many blocks were decoded. Any thread; approximate while the vCPU runs.
    public long decoded() {
        return builder.built();
    }

    private long learn(Cpu c, long gva) {
        long known = CodePages.find(c, gva);
        if (known >= 0) return known;
        long gpa = c.mmu.fetchQuietly(c, gva);
        if (gpa < 0) return -1;
        remember(c, gva, gpa);
        return gpa & -GuestMemory.PAGE_SIZE;
    }

    private void remember(Cpu c, long gva, long gpa) {
        boolean global = c.mmu.fetchedGlobal();
        int at = CodePages.put(c, gva, gpa, global);
        if (!global) pages.add(at);
    }

    private static int slot(long gva) {
        return (int) (gva ^ gva >>> 12) & CACHED_BLOCKS - 1;
    }

    private void forget(Cpu c) {
        boolean all = globalGeneration != c.mmu.globalGeneration();
        if (all || pages.overflowed()) {
            CodePages.clear(c);
        } else {
            for (int i = 0; i < pages.count; i++) CodePages.remove(c, pages.places[i]);
        }
        if (all || blocks.overflowed()) {
            Arrays.fill(block, null);
        } else {
            for (int i = 0; i < blocks.count; i++) block[blocks.places[i]] = null;
        }
        pages.count = 0;
        blocks.count = 0;
        generation = c.mmu.codeGeneration();
        globalGeneration = c.mmu.globalGeneration();
    }

    private @Nullable Block search(Cpu c, long gva) {
        if (!c.code64() && c.r[Cpu.RIP] > c.limit[Cpu.CS]) {
            c.generalProtection();
            return null;
        }
        long gpa = translate(c, gva);
        if (gpa < 0) return null;
        Block found = cache.page(gpa).find((int) gpa & GuestMemory.PAGE_SIZE - 1, CodePage.key(c.mode));
        if (found != null && (found.crossesInto < 0 || stillCrosses(c, gva, found))) return found;
        if (c.faulted()) return null;
        return builder.build(c, gva, gpa);
    }

    private long translate(Cpu c, long gva) {
        long page = CodePages.find(c, gva);
        if (page < 0) {
            long gpa = c.mmu.fetch(c, gva);
            if (gpa < 0) return -1;
            remember(c, gva, gpa);
            page = gpa & -GuestMemory.PAGE_SIZE;
        }
        return page | gva & GuestMemory.PAGE_SIZE - 1;
    }

    /// Whether the page after `gva`'s is still the one the block's instruction reaches into.
    private boolean stillCrosses(Cpu c, long gva, Block found) {
        long next = (gva & -GuestMemory.PAGE_SIZE) + GuestMemory.PAGE_SIZE;
        return translate(c, c.code64() ? next : next & 0xffff_ffffL) == found.crossesInto;
    }
}
