package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;

/// A place where a region can be entered.
public record Entry(Region region, int index) {
    public boolean valid() {
        return region.valid();
    }

    /// Runs the region, one level deeper; `rip` is the entry's linear address.
    public void run(Cpu c, long rip) {
        c.depth--;
        region.enter(c.regionTime);
        region.run(c, c.r, rip & -4096, index);
        c.depth++;
    }
}
