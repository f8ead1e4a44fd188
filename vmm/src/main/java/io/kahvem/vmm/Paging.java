package io.kahvem.vmm;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.memory.GuestMemory;

/// Where a vCPU's linear addresses are in guest-physical memory: a walk of its page tables that sets no bits and checks no rights (SDM
/// Vol. 3, 4.3 to 4.5).
final class Paging {
    /// What [#physical] gives where nothing is mapped.
    static final long NOT_MAPPED = -1;

    private static final long CR0_PG = 1L << 31;
    private static final long CR4_PSE = 1L << 4;
    private static final long CR4_PAE = 1L << 5;
    private static final long CR4_LA57 = 1L << 12;
    private static final int EFER = 0xc000_0080;
    private static final long EFER_LMA = 1L << 10;
    private static final long PRESENT = 1;
    private static final long PAGE_SIZE_BIT = 1L << 7;
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

    private final GuestMemory memory;
    private final CpuState state;

    Paging(GuestMemory memory, CpuState state) {
        this.memory = memory;
        this.state = state;
    }

    static boolean isLongMode(CpuState state) {
        return (state.msrs.getOrDefault(EFER, 0L) & EFER_LMA) != 0;
    }

    /// The guest-physical address, or [#NOT_MAPPED].
    long physical(long linear) {
        if ((state.cr0 & CR0_PG) == 0) return linear & 0xffff_ffffL;
        if (isLongMode(state)) return walk(state.cr3 & ADDRESS, linear, (state.cr4 & CR4_LA57) != 0 ? 5 : 4);
        if ((state.cr4 & CR4_PAE) == 0) return walk32(linear & 0xffff_ffffL);
        long pdpte = memory.read64((state.cr3 & 0xffff_ffe0L) + (linear >>> 30 & 3) * 8);
        return (pdpte & PRESENT) == 0 ? NOT_MAPPED : walk(pdpte & ADDRESS, linear & 0xffff_ffffL, 2);
    }

    /// Tables of 512 entries of 8 bytes; `level` 1 is the one that maps pages of 4 KiB.
    private long walk(long root, long linear, int levels) {
        long table = root;
        for (int level = levels; ; level--) {
            int shift = 12 + 9 * (level - 1);
            long entry = memory.read64(table + (linear >>> shift & 511) * 8);
            if ((entry & PRESENT) == 0) return NOT_MAPPED;
            boolean large = (level == 2 || level == 3) && (entry & PAGE_SIZE_BIT) != 0;
            if (level == 1 || large) {
                long offset = (1L << shift) - 1;
                return entry & ADDRESS & ~offset | linear & offset;
            }
            table = entry & ADDRESS;
        }
    }

    private long walk32(long linear) {
        long pde = memory.read32((state.cr3 & 0xffff_f000L) + (linear >>> 22) * 4) & 0xffff_ffffL;
        if ((pde & PRESENT) == 0) return NOT_MAPPED;
        if ((pde & PAGE_SIZE_BIT) != 0 && (state.cr4 & CR4_PSE) != 0) {
            long high = (pde >>> 13 & 0xff) << 32; // PSE-36
            return high | pde & 0xffc0_0000L | linear & 0x3f_ffff;
        }
        long pte = memory.read32((pde & 0xffff_f000L) + (linear >>> 12 & 1023) * 4) & 0xffff_ffffL;
        return (pte & PRESENT) == 0 ? NOT_MAPPED : pte & 0xffff_f000L | linear & 0xfff;
    }
}
