package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.memory.GuestMemory;
import org.jspecify.annotations.Nullable;

/// Where a vCPU has found translated code, and in which state of its instruction TLB: whoever is in that state may go there at once.
///
/// What is in pages that are the same in all address spaces stays found when these change. All that a transition needs is one step from
/// here, since each step to colder data is a wait for memory.
///
/// @param global whether all of the region's pages are such
/// @param when see [CodePages#state]
public record Found(Entry entry, Region region, int index, long rip, boolean global, long when) {
    private static final int KEPT = 1024;

    /// What a vCPU keeps by address.
    public static @Nullable Found[] none() {
        return new @Nullable Found[KEPT];
    }

    static Found of(Cpu c, Entry entry, long rip) {
        Region region = entry.region();
        boolean global = region.isGlobal(c, rip & -GuestMemory.PAGE_SIZE);
        return new Found(entry, region, entry.index(), rip, global, CodePages.state(c, global));
    }

    /// The entry at `rip`, as far as there is one that is known to be mapped.
    static @Nullable Found find(Cpu c, long rip) {
        int at = (int) (rip ^ rip >>> 10) & KEPT - 1;
        Found found = c.found[at];
        if (found != null && found.holds(c, rip)) return found;
        Entry entry = c.entries.find(c, rip);
        if (entry == null) return null;
        found = of(c, entry, rip);
        c.found[at] = found;
        return found;
    }

    boolean holds(Cpu c, long address) {
        return rip == address && when == CodePages.state(c, global) && entry.valid();
    }

    /// Whether it was this vCPU that found it.
    boolean isOf(Cpu c) {
        return CodePages.isStateOf(c, when);
    }

    void run(Cpu c) {
        entry.count(c, rip);
        region.enter(c, rip, index);
    }
}
