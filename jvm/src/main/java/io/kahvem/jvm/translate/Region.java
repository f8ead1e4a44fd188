package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import org.jspecify.annotations.Nullable;

/// Translated code of one physical page, or of two that follow each other in linear memory: a loop or a function with what it reaches by
/// direct jumps. Subclasses are generated ([RegionEmitter]) and shared by all vCPUs of a virtual machine.
public abstract class Region {
    /// What a region was made from.
    ///
    /// @param gpa the guest-physical address of its first page
    /// @param granules which 64-byte parts of the first page, a bit each
    /// @param secondGpa the same for its second page; -1 if there is none
    public record Extent(long gpa, long granules, long secondGpa, long secondGranules) {}

    private long gpa;
    private long secondGpa = -1;

    /// Cleared when its bytes are overwritten. Looked at before every entry and after every call it makes; a vCPU inside goes on until
    /// then, as the architecture allows for code modified by another processor (SDM Vol. 3A, 9.1.3).
    private boolean valid = true;

    void place(Extent extent) {
        gpa = extent.gpa;
        secondGpa = extent.secondGpa;
    }

    public boolean valid() {
        return valid;
    }

    public void invalidate() {
        valid = false;
    }

    /// Executes from entry number `entry` until something leaves it; then `r[RIP]` and all other state are where the guest is.
    ///
    /// @param base linear address of the first byte of its first page
    public abstract void run(Cpu c, long[] r, long base, int entry);

    /// Whether the region is still what lies at `base`, as far as the vCPU has learnt.
    public final boolean mapped(Cpu c, long base) {
        return CodePages.maps(c, base, gpa) && (secondGpa < 0 || CodePages.maps(c, base + 4096, secondGpa));
    }

    /// After a call this region made: whether it goes on at the return address `rip`. If the callee left to somewhere else, what is there
    /// is run first.
    protected final boolean returned(Cpu c, long rip, int epoch) {
        return (c.r[Cpu.RIP] == rip || resume(c, rip, epoch)) && c.stop == Cpu.NONE && c.budget > 0 && c.epoch == epoch && valid;
    }

    private static boolean resume(Cpu c, long rip, int epoch) {
        while (c.r[Cpu.RIP] != rip) {
            if (c.stop != Cpu.NONE || c.budget <= 0 || c.epoch != epoch || c.interpretNext || c.depth <= 0) return false;
            Entry entry = c.entries.find(c, c.r[Cpu.RIP]);
            if (entry == null) return false;
            Link.resolve(c, entry, c.r[Cpu.RIP]);
            entry.run(c, c.r[Cpu.RIP]);
        }
        return true;
    }

    /// After a control operation with `r[RIP]` at the next instruction, `length` bytes on: back to it if it did not complete.
    public static void stepBack(Cpu c, int length) {
        c.epoch++;
        if (c.stop == Cpu.FAULT || c.stop == Cpu.REPEAT) {
            c.r[Cpu.RIP] -= length;
            c.budget++;
        }
    }

    /// Finds translated code by linear address; each vCPU has its own.
    public interface Entries {
        /// The entry for the vCPU's mode, or null if there is none that is known to be mapped.
        @Nullable Entry find(Cpu c, long rip);
    }
}
