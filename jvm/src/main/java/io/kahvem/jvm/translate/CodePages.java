package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import java.util.Arrays;
import java.util.function.IntToLongFunction;

/// A vCPU's instruction TLB, in [Cpu#codePages]: pairs of a linear page with the privilege in bit 0, and its guest-physical page, in whose
/// bit 0 it says whether it is global.
public final class CodePages {
    public static final int ENTRIES = 2048;
    private static final long PAGE = -4096;

    private CodePages() {}

    /// A new, empty one.
    public static long[] empty() {
        long[] pages = new long[2 * ENTRIES];
        Arrays.fill(pages, -1);
        return pages;
    }

    /// Whether `gva`'s page is known to be at `gpa`.
    public static boolean maps(Cpu c, long gva, long gpa) {
        long[] pages = c.codePages;
        int at = slot(gva);
        return pages[at] == tag(c, gva) && (pages[at + 1] & PAGE) == gpa;
    }

    static boolean isGlobal(Cpu c, long gva) {
        int at = slot(gva);
        return c.codePages[at] == tag(c, gva) && (c.codePages[at + 1] & 1) != 0;
    }

    /// Stands for what the vCPU knows here, and for its mode: as long as it is the same, what was found is still so. With `global` for what
    /// it knows of global pages alone.
    static long state(Cpu c, boolean global) {
        int generation = global ? c.mmu.globalGeneration() : c.mmu.codeGeneration();
        return (long) generation << 32 | (global ? 1L << 31 : 0) | (long) c.apicId << 8 | c.mode & 0xff;
    }

    static boolean isStateOf(Cpu c, long state) {
        return (state >>> 8 & 0x7f_ffff) == c.apicId;
    }

    /// The guest-physical page of `gva`, or -1 if it is not known.
    public static long find(Cpu c, long gva) {
        int at = slot(gva);
        return c.codePages[at] == tag(c, gva) ? c.codePages[at + 1] & PAGE : -1;
    }

    /// What is known now of the guest-physical pages around the one at `base`, by their offsets from it: -1 where nothing is.
    static IntToLongFunction around(Cpu c, long base) {
        long[] pages = c.codePages.clone();
        long privilege = tag(c, 0);
        return offset -> {
            int at = slot(base + offset);
            return pages[at] == (base + offset | privilege) ? pages[at + 1] & PAGE : -1;
        };
    }

    /// Remembers a translation; returns its place, for [#remove].
    public static int put(Cpu c, long gva, long gpa, boolean global) {
        int at = slot(gva);
        c.codePages[at] = tag(c, gva);
        c.codePages[at + 1] = gpa & PAGE | (global ? 1 : 0);
        return at;
    }

    public static void remove(Cpu c, int place) {
        c.codePages[place] = -1;
    }

    public static void clear(Cpu c) {
        Arrays.fill(c.codePages, -1);
    }

    private static int slot(long gva) {
        return (int) (gva >>> 11) & 2 * ENTRIES - 2;
    }

    private static long tag(Cpu c, long gva) {
        return gva & PAGE | (c.cpl == 3 ? 1 : 0);
    }
}
