package io.kahvem.guest.engine;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.DescriptorTable;
import io.kahvem.hypervisor.CpuState.Segment;
import io.kahvem.memory.GuestMemory;

/// The states that payloads start in, and the tables in memory that they need.
final class States {
    static final int GDT = 0x1000;
    static final int IDT = 0x2000;
    static final int PML4 = 0x10_0000;
    static final int STACK = 0x9000;

    static final int CODE64 = 0x08;
    static final int CODE32 = 0x18;
    static final int DATA = 0x10;
    static final int TSS = 0x30;

    private static final int EFER = 0xc000_0080;
    private static final long EFER_SCE_LME_LMA = 0x501;
    private static final long CR0_REAL = 0x6000_0010L;

    private States() {}

    /// Real mode at `address`, all segments at 0, the interrupt vector table at 0.
    static CpuState real(long address) {
        CpuState state = new CpuState();
        for (int n = 0; n < 6; n++) state.segments[n] = new Segment(0, 0, 0xffff, 0x93);
        state.segments[CpuState.CS] = new Segment(0, 0, 0xffff, 0x9b);
        state.idtr = new DescriptorTable(0, 0x3ff);
        state.gpr[4] = 0x7000;
        state.rip = address;
        return state;
    }

    /// 32-bit protected mode without paging, flat segments.
    static CpuState protected32(GuestMemory memory, long address) {
        descriptors(memory);
        CpuState state = real(address);
        flat(state, CODE32, 0xc09b);
        state.cr0 = CR0_REAL | 1;
        state.gpr[4] = STACK;
        return state;
    }

    /// 64-bit mode; the first 1 GiB mapped to itself in pages of 2 MiB, the APIC's page among 4 GiB of 1 GiB-wide tables.
    static CpuState long64(GuestMemory memory, long address) {
        descriptors(memory);
        pageTables(memory);
        CpuState state = real(address);
        flat(state, CODE64, 0xa09b);
        state.cr0 = 0x8000_0033L;
        state.cr3 = PML4;
        state.cr4 = 0x620; // PAE, OSFXSR, OSXMMEXCPT
        state.msrs.put(EFER, EFER_SCE_LME_LMA);
        state.gpr[4] = STACK;
        return state;
    }

    /// 64-bit mode, CPL 3, with IOPL 3.
    static CpuState user64(GuestMemory memory, long address) {
        CpuState state = long64(memory, address);
        for (int n = 0; n < 6; n++) state.segments[n] = new Segment(0x20 | 3, 0, -1, 0xc0f3);
        state.segments[CpuState.CS] = new Segment(0x28 | 3, 0, -1, 0xa0fb);
        state.rflags = 0x3002;
        return state;
    }

    private static void flat(CpuState state, int code, int codeAttributes) {
        for (int n = 0; n < 6; n++) state.segments[n] = new Segment(DATA, 0, -1, 0xc093);
        state.segments[CpuState.CS] = new Segment(code, 0, -1, codeAttributes);
        state.gdtr = new DescriptorTable(GDT, 0x3f);
        state.idtr = new DescriptorTable(IDT, 0xfff);
        state.tr = new Segment(TSS, 0x3000, 0x67, 0x8b);
        state.ldtr = new Segment(0, 0, 0, 0x1_0000);
    }

    private static void descriptors(GuestMemory memory) {
        long[] gdt = {
            0,
            0x00af_9b00_0000_ffffL, // 08: 64-bit code
            0x00cf_9300_0000_ffffL, // 10: data
            0x00cf_9b00_0000_ffffL, // 18: 32-bit code
            0x00cf_f300_0000_ffffL, // 20: user data
            0x00af_fb00_0000_ffffL, // 28: 64-bit user code
            0x0000_8b00_3000_0067L, // 30: task state segment at 3000H
            0
        };
        for (int n = 0; n < gdt.length; n++) memory.write64(GDT + 8L * n, gdt[n]);
        memory.write64(0x3004, STACK - 0x800); // RSP0; in 32-bit code ESP0
    }

    /// User pages, writable, neither accessed nor dirty.
    private static void pageTables(GuestMemory memory) {
        memory.write64(PML4, PML4 + 0x1000 | 7);
        for (int gib = 0; gib < 4; gib++) {
            long directory = PML4 + 0x2000 + 0x1000L * gib;
            memory.write64(PML4 + 0x1000 + 8L * gib, directory | 7);
            for (int n = 0; n < 512; n++) memory.write64(directory + 8L * n, (long) gib << 30 | (long) n << 21 | 0x87);
        }
    }

    /// A gate of the 64-bit interrupt descriptor table.
    static void gate64(GuestMemory memory, int vector, long handler) {
        memory.write64(IDT + 16L * vector, handler & 0xffff | CODE64 << 16 | 0x8e00L << 32 | (handler >> 16 & 0xffff) << 48);
        memory.write64(IDT + 16L * vector + 8, handler >>> 32);
    }

    static void gate32(GuestMemory memory, int vector, long handler) {
        memory.write64(IDT + 8L * vector, handler & 0xffff | CODE32 << 16 | 0x8e00L << 32 | (handler >> 16 & 0xffff) << 48);
    }

    static void vectorReal(GuestMemory memory, int vector, int handler) {
        memory.write32(4L * vector, handler);
    }
}
