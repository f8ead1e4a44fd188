package io.kahvem.vmm.boot;

import io.kahvem.hypervisor.CpuState;

/// The memory type range registers as firmware leaves them on every processor (SDM Vol. 3A, 13.11): write-back, but for the legacy video
/// memory and for the devices from [MemoryLayout#LOW_LIMIT] up to 4 GiB. Linux uses PAT only where it finds them enabled.
public final class MemoryTypes {
    private static final int MTRR_PHYSBASE0 = 0x200;
    private static final int MTRR_PHYSMASK0 = 0x201;
    private static final int MTRR_FIX64K_00000 = 0x250;
    private static final int MTRR_FIX16K_80000 = 0x258;
    private static final int MTRR_FIX16K_A0000 = 0x259;
    private static final int MTRR_FIX4K_C0000 = 0x268;
    private static final int MTRR_FIX4K_REGISTERS = 8;
    private static final int MTRR_DEF_TYPE = 0x2ff;

    private static final long UNCACHEABLE = 0;
    private static final long WRITE_BACK = 6;

    /// Eight fixed ranges of one register, all write-back.
    private static final long WRITE_BACK_8 = 0x0606_0606_0606_0606L;

    private static final long FIXED_ENABLE = 1 << 10;
    private static final long ENABLE = 1 << 11;
    private static final long MASK_VALID = 1 << 11;

    /// MAXPHYADDR of the engine in Java; the mask must cover it, or the range would repeat above.
    private static final int PHYSICAL_BITS = 40;

    private MemoryTypes() {}

    public static void set(CpuState state) {
        long deviceBytes = (1L << 32) - MemoryLayout.LOW_LIMIT;
        state.msrs.put(MTRR_PHYSBASE0, MemoryLayout.LOW_LIMIT | UNCACHEABLE);
        state.msrs.put(MTRR_PHYSMASK0, (1L << PHYSICAL_BITS) - deviceBytes | MASK_VALID);
        state.msrs.put(MTRR_FIX64K_00000, WRITE_BACK_8);
        state.msrs.put(MTRR_FIX16K_80000, WRITE_BACK_8);
        state.msrs.put(MTRR_FIX16K_A0000, UNCACHEABLE);
        for (int n = 0; n < MTRR_FIX4K_REGISTERS; n++) state.msrs.put(MTRR_FIX4K_C0000 + n, WRITE_BACK_8);
        state.msrs.put(MTRR_DEF_TYPE, ENABLE | FIXED_ENABLE | WRITE_BACK);
    }
}
