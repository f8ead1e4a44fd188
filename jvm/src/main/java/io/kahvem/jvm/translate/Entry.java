package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;

/// A place where a region can be entered. Shared by the vCPUs, whose counts need not be exact.
public final class Entry {
    private final Region region;
    private final int index;
    private final int offset;
    private final int mode;

    /// How often the region was entered here, work counted as runs included.
    private int runs;

    /// At how many runs the translator is asked for a larger region that starts here; 0 for never.
    private int growAt;

    private final int frequent;

    /// Indirect jumps come here.
    private boolean jumpTarget;

    /// Another region is entered here now.
    private boolean replaced;

    /// @param growAt runs until the translator is asked for a larger region; 0 for never
    /// @param frequent runs from which on it [is frequent][#isFrequent]
    public Entry(Region region, int index, int offset, int mode, int growAt, int frequent) {
        this.region = region;
        this.index = index;
        this.offset = offset;
        this.mode = mode;
        this.growAt = growAt;
        this.frequent = frequent;
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
        return runs > frequent;
    }

    void jumpTarget() {
        if (!jumpTarget) jumpTarget = true; // shared by the vCPUs, so written once
    }

    public boolean isJumpTarget() {
        return jumpTarget;
    }

    /// Counts work done here as `runs` runs.
    void credit(int more) {
        if (runs + more < growAt) {
            runs += more;
        } else if (runs < growAt) {
            runs = growAt - 1; // the run that comes now is the one that tells
        }
    }

    int runs() {
        return runs;
    }

    /// Has the translator asked again after so many more runs.
    void growLater(int more) {
        growAt = runs + more;
    }

    int index() {
        return index;
    }

    /// Runs the region; `rip` is the entry's linear address.
    public void run(Cpu c, long rip) {
        count(c, rip);
        region.enter(c, rip, index);
    }

    /// Counts a run.
    void count(Cpu c, long rip) {
        if (++runs == growAt) {
            if (c.grown == null) {
                c.grown = this;
                c.grownRip = rip;
            } else {
                growAt++; // after the one that is noted
            }
        }
    }
}
