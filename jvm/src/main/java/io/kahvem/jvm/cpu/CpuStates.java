package io.kahvem.jvm.cpu;

import io.kahvem.hypervisor.CpuState;

/// Between [Cpu] and the engine-neutral [CpuState].
public final class CpuStates {
    private static final int IA32_EFER = 0xc000_0080;

    private CpuStates() {}

    public static void reset(Cpu c) {
        set(c, new CpuState());
    }

    public static void init(Cpu c) {
        set(c, new CpuState());
        c.apic.init();
    }

    /// SIPI: real mode at page `vector`.
    public static void startup(Cpu c, int vector) {
        c.selector[Cpu.CS] = vector << 8;
        c.r[Cpu.ES_BASE + Cpu.CS] = (long) vector << 12;
        c.r[Cpu.RIP] = 0;
        c.modeChanged();
    }

    public static CpuState get(Cpu c) {
        CpuState s = new CpuState();
        System.arraycopy(c.r, 0, s.gpr, 0, 16);
        s.rip = c.r[Cpu.RIP];
        s.rflags = Flags.rflags(c);
        return s;
    }

    public static void set(Cpu c, CpuState s) {
        System.arraycopy(s.gpr, 0, c.r, 0, 16);
        c.r[Cpu.RIP] = s.rip;
        Flags.setRflags(c, s.rflags);
        for (int i = 0; i < 6; i++) {
            CpuState.Segment segment = s.segments[i];
            c.selector[i] = segment.selector();
            c.r[Cpu.ES_BASE + i] = segment.base();
            c.limit[i] = segment.limit() & 0xffff_ffffL;
            c.attributes[i] = segment.attributes();
        }
        c.gdtrBase = s.gdtr.base();
        c.gdtrLimit = s.gdtr.limit();
        c.idtrBase = s.idtr.base();
        c.idtrLimit = s.idtr.limit();
        c.trLimit = 0xffff;
        c.trAttributes = 0x8b;
        c.cr0 = s.cr0;
        c.cr2 = s.cr2;
        c.cr3 = s.cr3;
        c.cr4 = s.cr4;
        c.efer = s.msrs.getOrDefault(IA32_EFER, 0L);
        c.cpl = 0;
        c.stop = Cpu.NONE;
        c.halted = false;
        c.shutdown = null;
        System.arraycopy(s.dr, 0, c.dr, 0, 4);
        c.dr[6] = s.dr[4];
        c.dr[7] = s.dr[5];
        c.mmu.flush();
        c.modeChanged();
    }
}
