package io.kahvem.vmm.boot;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.Segment;
import java.util.Arrays;

/// The states in which boot protocols want the bootstrap processor.
final class EntryState {
    /// __BOOT_CS and __BOOT_DS of Linux; PVH and Multiboot don't care.
    private static final int CODE = 0x10;
    private static final int DATA = 0x18;

    private static final long CR0_PE = 1;
    private static final long CR0_ET = 1 << 4;
    private static final long CR0_NE = 1 << 5;
    private static final long CR0_PG = 1L << 31;
    private static final long CR4_PAE = 1 << 5;
    private static final int MSR_EFER = 0xc000_0080;
    private static final long EFER_LME = 1 << 8;
    private static final long EFER_LMA = 1 << 10;

    private static final long PRESENT_WRITABLE = 3;
    private static final long LARGE = 1 << 7;
    private static final int PAGE = 4096;

    private EntryState() {}

    /// Flat 32-bit protected mode without paging, interrupts off.
    static CpuState protectedMode(BootArea area, long entry) {
        CpuState state = new CpuState();
        segments(state, area, 0x00cf_9b00_0000_ffffL, new Segment(CODE, 0, -1, 0xc09b));
        state.cr0 = CR0_PE | CR0_ET | CR0_NE;
        state.rip = entry;
        return state;
    }

    /// 64-bit mode with the first 4 GiB mapped to themselves, interrupts off.
    static CpuState longMode(BootArea area, long entry) {
        CpuState state = new CpuState();
        segments(state, area, 0x00af_9b00_0000_ffffL, new Segment(CODE, 0, -1, 0xa09b));
        state.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
        state.cr4 = CR4_PAE;
        state.cr3 = identityMap(area);
        state.msrs.put(MSR_EFER, EFER_LME | EFER_LMA);
        state.rip = entry;
        return state;
    }

    private static void segments(CpuState state, BootArea area, long codeDescriptor, Segment code) {
        byte[] gdt = new byte[32];
        Bytes.put64(gdt, CODE, codeDescriptor);
        Bytes.put64(gdt, DATA, 0x00cf_9300_0000_ffffL);
        state.gdtr = new CpuState.DescriptorTable(area.put(gdt, 16), gdt.length - 1);
        state.idtr = new CpuState.DescriptorTable(0, 0);
        Arrays.fill(state.segments, new Segment(DATA, 0, -1, 0xc093));
        state.segments[CpuState.CS] = code;
        state.gpr[2] = 0; // RDX: the reset value is the processor's signature
    }

    /// SDM Vol. 3A, 4.5: one PML4, one page-directory-pointer table, four page directories of 2 MiB pages.
    private static long identityMap(BootArea area) {
        byte[] directory = new byte[4 * PAGE];
        for (int i = 0; i < 4 * 512; i++) Bytes.put64(directory, 8 * i, (long) i << 21 | LARGE | PRESENT_WRITABLE);
        long directories = area.put(directory, PAGE);
        byte[] pointers = new byte[PAGE];
        for (int i = 0; i < 4; i++) Bytes.put64(pointers, 8 * i, directories + (long) i * PAGE | PRESENT_WRITABLE);
        byte[] pml4 = new byte[PAGE];
        Bytes.put64(pml4, 0, area.put(pointers, PAGE) | PRESENT_WRITABLE);
        return area.put(pml4, PAGE);
    }
}
