package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Finds the block at a vCPU's instruction pointer: in a cache by linear address, else by translating the address (an instruction TLB) and
/// looking into the [CodeCache], else by decoding. One a vCPU.
public final class BlockFinder {
    private static final int CACHED_BLOCKS = 4096;
    private static final int CACHED_PAGES = 256;
    private static final long NONE = -1;

    private final CodeCache cache;
    private final BlockBuilder builder;

    // Direct-mapped, by linear address; an entry's mode tells by whom and how the block was reached.
    private final long[] blockAddress = new long[CACHED_BLOCKS];
    private final int[] blockMode = new int[CACHED_BLOCKS];
    private final @Nullable Block[] block = new @Nullable Block[CACHED_BLOCKS];

    // The instruction TLB: linear page with the privilege in bit 0, and the guest-physical page.
    private final long[] pageAddress = new long[CACHED_PAGES];
    private final long[] pageGpa = new long[CACHED_PAGES];

    private int generation = -1;

    public BlockFinder(GuestMemory memory, CodeCache cache, Spinner spinner, OpcodeMap map, Runnable pageBecameCode) {
        this.cache = cache;
        this.builder = new BlockBuilder(memory, cache, spinner, map, pageBecameCode);
    }

    /// The block at RIP, or null with a fault noted.
    public @Nullable Block find(Cpu c) {
        long rip = c.r[Cpu.RIP];
        long gva = c.code64() ? rip : c.segmentBase(Cpu.CS) + rip & 0xffff_ffffL;
        if (generation != c.mmu.codeGeneration()) forget(c);
        int at = (int) (gva ^ gva >>> 12) & CACHED_BLOCKS - 1;
        Block found = block[at];
        if (found == null || blockAddress[at] != gva || blockMode[at] != c.mode || !found.valid) {
            found = search(c, gva);
            if (found == null) {
                c.linkFrom = null;
                return null;
            }
            if ((c.mode & Mode.STEP) == 0) {
                block[at] = found;
                blockAddress[at] = gva;
                blockMode[at] = c.mode;
            }
        }
        if (c.linkFrom instanceof Branch from) {
            // A block of a single step is nobody's to invalidate, so it must not stay reachable.
            if (found.crossesInto < 0 && (found.mode & Mode.STEP) == 0) from.link(c.linkTaken, found);
            c.linkFrom = null;
        }
        return found;
    }

    private void forget(Cpu c) {
        Arrays.fill(block, null);
        Arrays.fill(pageAddress, NONE);
        generation = c.mmu.codeGeneration();
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
        long tag = gva & -GuestMemory.PAGE_SIZE | (c.cpl == 3 ? 1 : 0);
        int at = (int) (gva >>> GuestMemory.PAGE_SHIFT) & CACHED_PAGES - 1;
        if (pageAddress[at] != tag) {
            long gpa = c.mmu.fetch(c, gva);
            if (gpa < 0) return -1;
            pageAddress[at] = tag;
            pageGpa[at] = gpa & -GuestMemory.PAGE_SIZE;
        }
        return pageGpa[at] | gva & GuestMemory.PAGE_SIZE - 1;
    }

    /// Whether the page after `gva`'s is still the one the block's instruction reaches into.
    private boolean stillCrosses(Cpu c, long gva, Block found) {
        long next = (gva & -GuestMemory.PAGE_SIZE) + GuestMemory.PAGE_SIZE;
        return translate(c, c.code64() ? next : next & 0xffff_ffffL) == found.crossesInto;
    }
}
