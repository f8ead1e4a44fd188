package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;

/// A place where a region can be entered. Shared by the vCPUs, whose counts need not be exact.
public final class Entry {
    private final Region region;
    private final int index;
    private final int offset;
    private final int mode;

    /// Runs until the translator is asked for a larger region that starts here, and what they were at first.
    private int runsToGrow;

    private final int runsAtFirst;

    /// Indirect jumps come here.
    private boolean jumpTarget;

    /// Another region is entered here now.
    private boolean replaced;

    public Entry(Region region, int index, int offset, int mode, int runsToGrow) {
        this.region = region;
        this.index = index;
        this.offset = offset;
        this.mode = mode;
        this.runsToGrow = runsToGrow;
        this.runsAtFirst = runsToGrow;
    }

    public Region region() {
        return region;
    }

    /// Where it is: bytes into the region's first page.
    public int offset() {
        return offset;
    }

    /// The [io.kahvem.jvm.cpu.Mode] its code was decoded for.
    public int mode() {
        return mode;
    }

    public boolean valid() {
        return region.valid() && !replaced;
    }

    /// Enters `newer`, which is at the same place, from now on.
    public void replace(Entry newer) {
        newer.jumpTarget |= jumpTarget;
        replaced = true;
    }

    /// Whether the region is entered here by a good part of those who run it.
    public boolean isFrequent() {
        return (runsAtFirst - runsToGrow) * 64L >= runsAtFirst;
    }

    void jumpTarget() {
        if (!jumpTarget) jumpTarget = true; // shared by the vCPUs, so written once
    }

    public boolean isJumpTarget() {
        return jumpTarget;
    }

    /// Counts work done here as `runs` runs.
    void credit(int runs) {
        if (runsToGrow > 1) runsToGrow = Math.max(1, runsToGrow - runs);
    }

    /// Runs the region, one level deeper; `rip` is the entry's linear address.
    public void run(Cpu c, long rip) {
        if (--runsToGrow == 0) {
            c.grown = this;
            c.grownRip = rip;
        }
        c.depth--;
        region.enter(c.regionTime);
        region.run(c, c.r, rip & -4096, index);
        c.depth++;
    }
}
