package io.kahvem.jvm.mmu;

import io.kahvem.host.Words;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;

/// Address translation (SDM Vol. 3A, chapter 4): none, 32-bit with 4 MiB pages, PAE, and 4-level paging; rights, and accessed and dirty
/// bits.
///
/// Results are in fields so that nothing is allocated.
final class PageWalk {
    static final int OK = -1;

    /// Physical address width, as CPUID 80000008H tells.
    static final int MAX_PHYSICAL_BITS = 40;

    // Page-fault error code (SDM Vol. 3A, 4.7).
    private static final int ERR_P = 1;
    private static final int ERR_W = 1 << 1;
    private static final int ERR_U = 1 << 2;
    private static final int ERR_RSVD = 1 << 3;
    private static final int ERR_I = 1 << 4;

    private static final long P = 1;
    private static final long RW = 1 << 1;
    private static final long US = 1 << 2;
    private static final long A = 1 << 5;
    private static final long D = 1 << 6;
    private static final long PS = 1 << 7;
    private static final long G = 1 << 8;
    private static final long NX = 1L << 63;
    private static final long ADDRESS = (1L << MAX_PHYSICAL_BITS) - 1 & -GuestMemory.PAGE_SIZE;
    private static final long RESERVED = (1L << 52) - (1L << MAX_PHYSICAL_BITS);

    private final GuestMemory memory;

    /// The translation found.
    long gpa;

    boolean global;
    boolean large;

    private long rights;
    private boolean reserved;
    private final long[] entryGpa = new long[4];
    private final long[] entry = new long[4];
    private int levels;
    private int entryBytes;

    PageWalk(GuestMemory memory) {
        this.memory = memory;
    }

    /// Translates for one access and sets accessed and dirty bits. Returns OK, or the page-fault error code.
    int access(Cpu c, long gva, boolean write, boolean fetch, boolean user) {
        int cause = (write ? ERR_W : 0) | (user ? ERR_U : 0)
                | (fetch && ((c.efer & ControlBits.EFER_NXE) != 0 || (c.cr4 & ControlBits.CR4_SMEP) != 0) ? ERR_I : 0);
        for (; ; ) {
            if (!walk(c, gva)) return reserved ? cause | ERR_P | ERR_RSVD : cause & ~ERR_P;
            if ((c.cr0 & ControlBits.CR0_PG) == 0) return OK;
            if (!permitted(c, write, fetch, user)) return cause | ERR_P;
            if (setAccessed(write)) return OK;
        }
    }

    private boolean permitted(Cpu c, boolean write, boolean fetch, boolean user) {
        boolean userPage = (rights & US) != 0;
        if (user && !userPage) return false;
        if (fetch) {
            if ((rights & NX) != 0 && (c.efer & ControlBits.EFER_NXE) != 0) return false;
            return user || !userPage || (c.cr4 & ControlBits.CR4_SMEP) == 0;
        }
        if (!user && userPage && (c.cr4 & ControlBits.CR4_SMAP) != 0 && (c.rflags & Flags.AC) == 0) return false;
        return !write || (rights & RW) != 0 || !user && (c.cr0 & ControlBits.CR0_WP) == 0;
    }

    /// Sets A in every entry used and D in the last for a write. False if an entry changed meanwhile: walk again.
    private boolean setAccessed(boolean write) {
        for (int i = 0; i < levels; i++) {
            long wanted = entry[i] | A | (write && i == levels - 1 ? D : 0);
            if (wanted == entry[i]) continue;
            MemorySlot slot = memory.slotAt(entryGpa[i]);
            if (slot == null || slot.readOnly()) continue;
            long hva = slot.hva(entryGpa[i]);
            boolean set = entryBytes == 8
                    ? Words.compareAndSet64(hva, entry[i], wanted)
                    : Words.compareAndSet32(hva, (int) entry[i], (int) wanted);
            if (!set) return false;
            slot.markDirty(entryGpa[i]);
        }
        return true;
    }

    /// Finds the translation without checking rights or touching the tables. False where an entry is not present or has reserved bits set.
    boolean walk(Cpu c, long gva) {
        reserved = false;
        global = false;
        large = false;
        levels = 0;
        rights = RW | US;
        if ((c.cr0 & ControlBits.CR0_PG) == 0) {
            gpa = gva & 0xffff_ffffL;
            return true;
        }
        if ((c.cr4 & ControlBits.CR4_PAE) == 0) return walk32(c, gva & 0xffff_ffffL);
        entryBytes = 8;
        if (c.longMode()) {
            return walkLong(c, c.cr3 & ADDRESS, gva, 39);
        }
        // PAE: the four page-directory-pointer entries have neither rights nor an accessed bit.
        long linear = gva & 0xffff_ffffL;
        long pdpte = memory.read64((c.cr3 & 0xffff_ffe0L) + (linear >>> 30) * 8);
        if ((pdpte & P) == 0) return false;
        if ((pdpte & (RESERVED | 0x1e6 | 0xfffL << 52)) != 0) return reservedBit();
        return walkLong(c, pdpte & ADDRESS, linear, 21);
    }

    private boolean walkLong(Cpu c, long table, long gva, int shift) {
        boolean nxEnabled = (c.efer & ControlBits.EFER_NXE) != 0;
        for (; ; shift -= 9) {
            long at = table + (gva >>> shift & 511) * 8;
            long e = memory.read64(at);
            if ((e & P) == 0) return false;
            if ((e & RESERVED) != 0 || !nxEnabled && e < 0) return reservedBit();
            entryGpa[levels] = at;
            entry[levels++] = e;
            rights = rights & (e | ~(RW | US)) | e & NX;
            boolean page = shift == 12 || (e & PS) != 0;
            if (!page) {
                table = e & ADDRESS;
                continue;
            }
            long offset = (1L << shift) - 1;
            if (shift > 12 && (shift == 39 || (e & ADDRESS & offset & ~0x1fffL) != 0)) return reservedBit();
            gpa = e & ADDRESS & ~offset | gva & offset;
            global = (e & G) != 0 && (c.cr4 & ControlBits.CR4_PGE) != 0;
            large = shift > 12;
            return true;
        }
    }

    private boolean walk32(Cpu c, long gva) {
        entryBytes = 4;
        long at = (c.cr3 & 0xffff_f000L) + (gva >>> 22) * 4;
        long e = memory.read32(at) & 0xffff_ffffL;
        if ((e & P) == 0) return false;
        entryGpa[levels] = at;
        entry[levels++] = e;
        rights &= e | ~(RW | US);
        if ((e & PS) != 0 && (c.cr4 & ControlBits.CR4_PSE) != 0) {
            if ((e & 1 << 21) != 0) return reservedBit();
            // PSE-36: bits 20-13 are physical address bits 39-32.
            gpa = e & 0xffc0_0000L | (e >>> 13 & 0xff) << 32 | gva & 0x3f_ffff;
            large = true;
        } else {
            at = (e & 0xffff_f000L) + (gva >>> 12 & 1023) * 4;
            e = memory.read32(at) & 0xffff_ffffL;
            if ((e & P) == 0) return false;
            entryGpa[levels] = at;
            entry[levels++] = e;
            rights &= e | ~(RW | US);
            gpa = e & 0xffff_f000L | gva & 0xfff;
        }
        global = (e & G) != 0 && (c.cr4 & ControlBits.CR4_PGE) != 0;
        return true;
    }

    private boolean reservedBit() {
        reserved = true;
        return false;
    }
}
