package io.kahvem.jvm.cpu;

import static io.kahvem.jvm.semantics.ModelSpecific.*;

import io.kahvem.hypervisor.CpuState;
import io.kahvem.hypervisor.CpuState.DescriptorTable;
import io.kahvem.hypervisor.CpuState.Segment;
import io.kahvem.jvm.semantics.Cpuid;
import io.kahvem.jvm.semantics.ModelSpecific;
import io.kahvem.jvm.semantics.sse.SaveArea;
import java.util.Arrays;
import java.util.Map;

/// A CPU's state in the form all engines share, and its states after reset, INIT and SIPI (SDM Vol. 3A, 10.1.1 and Table 10-1).
public final class CpuStates {
    /// Registers of RDMSR that [#get] saves besides the MTRRs.
    private static final int[] MSRS = {
        IA32_TSC, IA32_TSC_ADJUST, IA32_APIC_BASE, IA32_SPEC_CTRL, IA32_SYSENTER_CS, IA32_SYSENTER_ESP, IA32_SYSENTER_EIP,
        IA32_MISC_ENABLE, IA32_PAT, IA32_MTRR_DEF_TYPE, IA32_TSC_DEADLINE, IA32_EFER, IA32_STAR, IA32_LSTAR, IA32_CSTAR, IA32_FMASK,
        IA32_FS_BASE, IA32_GS_BASE, IA32_KERNEL_GS_BASE, IA32_TSC_AUX
    };

    private CpuStates() {}

    /// Power-on reset. The bootstrap processor starts at FFFFFFF0H, the others wait for INIT and SIPI.
    public static void reset(Cpu c) {
        c.apic.reset();
        CpuState state = new CpuState();
        state.gpr[Cpu.RDX] = Cpuid.SIGNATURE;
        if (!c.apic.bootstrap()) state.activity = CpuState.Activity.WAIT_FOR_SIPI;
        set(c, state);
    }

    /// INIT: as reset, but caches, x87 and SSE state, most MSRs and the TSC stay.
    public static void init(Cpu c) {
        c.apic.init();
        CpuState state = new CpuState();
        state.gpr[Cpu.RDX] = Cpuid.SIGNATURE;
        state.cr0 = c.cr0 & (ControlBits.CR0_CD | ControlBits.CR0_NW) | ControlBits.CR0_ET;
        state.xcr0 = c.xcr0;
        if (!c.apic.bootstrap()) state.activity = CpuState.Activity.WAIT_FOR_SIPI;
        registers(c, state);
        c.efer = 0;
        finish(c);
    }

    /// SIPI: real mode at the page the vector names.
    public static void startup(Cpu c, int vector) {
        c.selector[Cpu.CS] = vector << 8;
        c.r[Cpu.ES_BASE + Cpu.CS] = (long) vector << 12;
        c.r[Cpu.RIP] = 0;
        c.waitForSipi = false;
        c.halted = false;
        c.modeChanged();
    }

    public static void set(Cpu c, CpuState state) {
        registers(c, state);
        c.msrs.reset();
        c.efer = state.msrs.getOrDefault(IA32_EFER, 0L);
        c.apic.restoreBase(state.msrs.getOrDefault(IA32_APIC_BASE, c.apic.resetBase()));
        for (Map.Entry<Integer, Long> msr : state.msrs.entrySet()) {
            switch (msr.getKey()) {
                case IA32_EFER, IA32_APIC_BASE, IA32_TSC_DEADLINE -> {} // before, and after the APIC's page
                case IA32_TSC -> c.msrs.tscOffset = msr.getValue() - c.tsc.ticks();
                case IA32_TSC_ADJUST -> c.msrs.tscAdjust = msr.getValue();
                default -> ModelSpecific.write(c, msr.getKey(), msr.getValue());
            }
        }
        SaveArea.restore(c, state.xsave);
        c.apic.restore(state.apicPage);
        if (state.msrs.containsKey(IA32_TSC_DEADLINE)) c.apic.setTscDeadline(state.msrs.get(IA32_TSC_DEADLINE), c.msrs.tscOffset);
        finish(c);
    }

    private static void registers(Cpu c, CpuState state) {
        System.arraycopy(state.gpr, 0, c.r, 0, 16);
        c.r[Cpu.ZERO] = 0;
        c.r[Cpu.RIP] = state.rip;
        Flags.setRflags(c, state.rflags);
        for (int n = Cpu.ES; n <= Cpu.GS; n++) {
            Segment s = state.segments[n];
            c.selector[n] = s.selector();
            c.r[Cpu.ES_BASE + n] = s.base();
            c.limit[n] = Integer.toUnsignedLong(s.limit());
            c.attributes[n] = s.attributes();
        }
        c.ldtrSelector = state.ldtr.selector();
        c.ldtrBase = state.ldtr.base();
        c.ldtrLimit = Integer.toUnsignedLong(state.ldtr.limit());
        c.ldtrAttributes = state.ldtr.attributes();
        c.trSelector = state.tr.selector();
        c.trBase = state.tr.base();
        c.trLimit = Integer.toUnsignedLong(state.tr.limit());
        c.trAttributes = state.tr.attributes();
        c.gdtrBase = state.gdtr.base();
        c.gdtrLimit = state.gdtr.limit();
        c.idtrBase = state.idtr.base();
        c.idtrLimit = state.idtr.limit();
        c.cr0 = state.cr0;
        c.cr2 = state.cr2;
        c.cr3 = state.cr3;
        c.cr4 = state.cr4;
        c.xcr0 = state.xcr0;
        System.arraycopy(state.dr, 0, c.dr, 0, 4);
        c.dr[6] = state.dr[4];
        c.dr[7] = state.dr[5];
        c.nmiBlocked = state.nmiBlocked;
        c.interruptShadow = state.interruptShadow;
        c.halted = state.activity == CpuState.Activity.HALTED;
        c.waitForSipi = state.activity == CpuState.Activity.WAIT_FOR_SIPI;
    }

    private static void finish(Cpu c) {
        c.stop = Cpu.NONE;
        c.shutdown = null;
        c.stepping = false;
        c.watchHits = 0;
        // As in a VMCS, CPL is the DPL of SS, which the null selector of 64-bit code has too.
        c.cpl = !c.protectedMode() ? 0 : c.virtual8086() ? 3 : c.attributes[Cpu.SS] >> 5 & 3;
        c.mmu.flush();
        c.modeChanged();
    }

    public static CpuState get(Cpu c) {
        CpuState state = new CpuState();
        System.arraycopy(c.r, 0, state.gpr, 0, 16);
        state.rip = c.r[Cpu.RIP];
        state.rflags = Flags.rflags(c);
        for (int n = Cpu.ES; n <= Cpu.GS; n++) {
            state.segments[n] = new Segment(c.selector[n], c.segmentBase(n), (int) c.limit[n], c.attributes[n]);
        }
        state.ldtr = new Segment(c.ldtrSelector, c.ldtrBase, (int) c.ldtrLimit, c.ldtrAttributes);
        state.tr = new Segment(c.trSelector, c.trBase, (int) c.trLimit, c.trAttributes);
        state.gdtr = new DescriptorTable(c.gdtrBase, c.gdtrLimit);
        state.idtr = new DescriptorTable(c.idtrBase, c.idtrLimit);
        state.cr0 = c.cr0;
        state.cr2 = c.cr2;
        state.cr3 = c.cr3;
        state.cr4 = c.cr4;
        state.xcr0 = c.xcr0;
        System.arraycopy(c.dr, 0, state.dr, 0, 4);
        state.dr[4] = c.dr[6];
        state.dr[5] = c.dr[7];
        state.nmiBlocked = c.nmiBlocked;
        state.interruptShadow = c.interruptShadow;
        for (int msr : MSRS) state.msrs.put(msr, ModelSpecific.read(c, msr));
        for (int msr : mtrrs()) state.msrs.put(msr, ModelSpecific.read(c, msr));
        state.xsave = SaveArea.save(c);
        state.apicPage = c.apic.save();
        state.activity = c.waitForSipi
                ? CpuState.Activity.WAIT_FOR_SIPI
                : c.halted ? CpuState.Activity.HALTED : CpuState.Activity.RUNNING;
        return state;
    }

    private static int[] mtrrs() {
        int[] fixed = ModelSpecific.fixedMtrrs();
        int[] all = Arrays.copyOf(fixed, fixed.length + 16);
        for (int n = 0; n < 16; n++) all[fixed.length + n] = IA32_MTRR_PHYSBASE0 + n;
        return all;
    }
}
