package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RAX;
import static io.kahvem.jvm.cpu.Cpu.RCX;
import static io.kahvem.jvm.cpu.Cpu.RDX;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.cpu.Msrs;
import io.kahvem.jvm.interpret.Insn;

/// RDMSR and WRMSR (registers as SDM Vol. 4 names them), the time-stamp counter, RDRAND. An unknown register is #GP(0).
public final class ModelSpecific {
    public static final int IA32_TSC = 0x10;
    public static final int IA32_PLATFORM_ID = 0x17;
    public static final int IA32_APIC_BASE = 0x1b;
    public static final int IA32_FEATURE_CONTROL = 0x3a;
    public static final int IA32_TSC_ADJUST = 0x3b;
    public static final int IA32_SPEC_CTRL = 0x48;
    public static final int IA32_PRED_CMD = 0x49;
    public static final int IA32_BIOS_SIGN_ID = 0x8b;
    public static final int IA32_MTRRCAP = 0xfe;
    public static final int IA32_ARCH_CAPABILITIES = 0x10a;
    public static final int IA32_SYSENTER_CS = 0x174;
    public static final int IA32_SYSENTER_ESP = 0x175;
    public static final int IA32_SYSENTER_EIP = 0x176;
    public static final int IA32_MCG_CAP = 0x179;
    public static final int IA32_MCG_STATUS = 0x17a;
    public static final int IA32_MISC_ENABLE = 0x1a0;
    public static final int IA32_DEBUGCTL = 0x1d9;
    public static final int IA32_MTRR_PHYSBASE0 = 0x200;
    public static final int IA32_PAT = 0x277;
    public static final int IA32_MTRR_DEF_TYPE = 0x2ff;
    public static final int IA32_TSC_DEADLINE = 0x6e0;
    public static final int X2APIC_FIRST = 0x800;
    public static final int X2APIC_LAST = 0x8ff;
    public static final int IA32_EFER = 0xc000_0080;
    public static final int IA32_STAR = 0xc000_0081;
    public static final int IA32_LSTAR = 0xc000_0082;
    public static final int IA32_CSTAR = 0xc000_0083;
    public static final int IA32_FMASK = 0xc000_0084;
    public static final int IA32_FS_BASE = 0xc000_0100;
    public static final int IA32_GS_BASE = 0xc000_0101;
    public static final int IA32_KERNEL_GS_BASE = 0xc000_0102;
    public static final int IA32_TSC_AUX = 0xc000_0103;

    /// The fixed-range MTRRs in order of their addresses.
    private static final int[] MTRR_FIXED = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f};

    /// Eight variable ranges, fixed ranges, write-combining.
    private static final long MTRRCAP = 8 | 1 << 8 | 1 << 10;

    /// True of an engine that executes nothing speculatively.
    private static final long ARCH_CAPABILITIES = 1 // RDCL_NO
            | 1 << 1 // IBRS_ALL
            | 1 << 3 // SKIP_L1DFL_VMENTRY
            | 1 << 4 // SSB_NO
            | 1 << 5 // MDS_NO
            | 1 << 6 // IF_PSCHANGE_MC_NO
            | 1 << 8 // TAA_NO
            | 1 << 13 // SBDR_SSDP_NO
            | 1 << 14 // FBSDP_NO
            | 1 << 15 // PSDP_NO
            | 1 << 20 // BHI_NO
            | 1 << 24 // PBRSB_NO
            | 1 << 26 // GDS_NO
            | 1 << 27 // RFDS_NO
            | 1L << 62; // ITS_NO

    private static final long BIOS_SIGNATURE = 0x1_0000_0000L;

    private ModelSpecific() {}

    public static void rdmsr(Cpu c, Insn i) {
        if (c.cpl != 0) {
            c.generalProtection();
            return;
        }
        long value = read(c, (int) c.r[RCX]);
        if (c.faulted()) return;
        c.r[RAX] = value & 0xffff_ffffL;
        c.r[RDX] = value >>> 32;
    }

    public static void wrmsr(Cpu c, Insn i) {
        boolean written = c.cpl == 0 && write(c, (int) c.r[RCX], c.r[RDX] << 32 | c.r[RAX] & 0xffff_ffffL);
        if (!written) c.generalProtection();
    }

    /// The value of a register, or a #GP noted.
    public static long read(Cpu c, int msr) {
        Msrs m = c.msrs;
        return switch (msr) {
            case IA32_TSC -> tsc(c);
            case IA32_PLATFORM_ID, IA32_MCG_CAP, IA32_MCG_STATUS, IA32_DEBUGCTL -> 0;
            case IA32_APIC_BASE -> c.apic.base();
            case IA32_FEATURE_CONTROL -> 1; // locked, without VMX
            case IA32_TSC_ADJUST -> m.tscAdjust;
            case IA32_SPEC_CTRL -> m.specCtrl;
            case IA32_BIOS_SIGN_ID -> BIOS_SIGNATURE;
            case IA32_MTRRCAP -> MTRRCAP;
            case IA32_ARCH_CAPABILITIES -> ARCH_CAPABILITIES;
            case IA32_SYSENTER_CS -> m.sysenterCs;
            case IA32_SYSENTER_ESP -> m.sysenterEsp;
            case IA32_SYSENTER_EIP -> m.sysenterEip;
            case IA32_MISC_ENABLE -> m.miscEnable;
            case IA32_PAT -> m.pat;
            case IA32_MTRR_DEF_TYPE -> m.mtrrDefType;
            case IA32_TSC_DEADLINE -> c.apic.tscDeadline();
            case IA32_EFER -> c.efer;
            case IA32_STAR -> m.star;
            case IA32_LSTAR -> m.lstar;
            case IA32_CSTAR -> m.cstar;
            case IA32_FMASK -> m.fmask;
            case IA32_FS_BASE -> c.segmentBase(Cpu.FS);
            case IA32_GS_BASE -> c.segmentBase(Cpu.GS);
            case IA32_KERNEL_GS_BASE -> m.kernelGsBase;
            case IA32_TSC_AUX -> m.tscAux;
            default -> {
                int fixed = fixedMtrr(msr);
                if (fixed >= 0) yield m.mtrrFixed[fixed];
                if (variableMtrr(msr)) yield m.mtrrVariable[msr - IA32_MTRR_PHYSBASE0];
                if (msr >= X2APIC_FIRST && msr <= X2APIC_LAST && c.apic.hasMsr(msr, false)) yield c.apic.readMsr(msr);
                yield c.generalProtection();
            }
        };
    }

    /// Writes a register as WRMSR does. False for a #GP.
    public static boolean write(Cpu c, int msr, long value) {
        Msrs m = c.msrs;
        switch (msr) {
            case IA32_TSC -> {
                long moved = value - tsc(c);
                m.tscAdjust += moved;
                moveTsc(c, moved);
            }
            case IA32_TSC_ADJUST -> {
                moveTsc(c, value - m.tscAdjust);
                m.tscAdjust = value;
            }
            case IA32_BIOS_SIGN_ID, IA32_MCG_STATUS, IA32_DEBUGCTL -> {} // nothing behind them: as a processor that stores zero
            case IA32_APIC_BASE -> {
                return c.apic.setBase(value);
            }
            case IA32_SPEC_CTRL -> {
                if ((value & ~(1L | 1 << 2 | 1 << 10)) != 0) return false; // IBRS, SSBD, BHI_DIS_S
                m.specCtrl = value;
            }
            case IA32_PRED_CMD -> {
                return (value & ~1L) == 0; // IBPB: there is nothing to flush
            }
            case IA32_SYSENTER_CS -> m.sysenterCs = value;
            case IA32_SYSENTER_ESP -> {
                if (!Interrupts.canonical(value)) return false;
                m.sysenterEsp = value;
            }
            case IA32_SYSENTER_EIP -> {
                if (!Interrupts.canonical(value)) return false;
                m.sysenterEip = value;
            }
            case IA32_MISC_ENABLE -> m.miscEnable = value;
            case IA32_PAT -> {
                if (!validPat(value)) return false;
                m.pat = value;
            }
            case IA32_MTRR_DEF_TYPE -> {
                if ((value & ~0xcffL) != 0 || !validMemoryType((int) value & 0xff)) return false;
                m.mtrrDefType = value;
            }
            case IA32_TSC_DEADLINE -> c.apic.setTscDeadline(value, m.tscOffset);
            case IA32_EFER -> {
                if (!ControlRegisters.setEfer(c, value)) return false;
                c.modeChanged();
            }
            case IA32_STAR -> m.star = value;
            case IA32_LSTAR -> {
                if (!Interrupts.canonical(value)) return false;
                m.lstar = value;
            }
            case IA32_CSTAR -> {
                if (!Interrupts.canonical(value)) return false;
                m.cstar = value;
            }
            case IA32_FMASK -> m.fmask = value & 0xffff_ffffL;
            case IA32_FS_BASE, IA32_GS_BASE -> {
                if (!Interrupts.canonical(value)) return false;
                c.r[Cpu.ES_BASE + (msr == IA32_FS_BASE ? Cpu.FS : Cpu.GS)] = value;
            }
            case IA32_KERNEL_GS_BASE -> {
                if (!Interrupts.canonical(value)) return false;
                m.kernelGsBase = value;
            }
            case IA32_TSC_AUX -> {
                if (value >>> 32 != 0) return false;
                m.tscAux = value;
            }
            default -> {
                return writeRanges(c, msr, value);
            }
        }
        return true;
    }

    private static boolean writeRanges(Cpu c, int msr, long value) {
        int fixed = fixedMtrr(msr);
        if (fixed >= 0) {
            for (int n = 0; n < 64; n += 8) {
                if (!validMemoryType((int) (value >>> n) & 0xff)) return false;
            }
            c.msrs.mtrrFixed[fixed] = value;
            return true;
        }
        if (variableMtrr(msr)) {
            boolean mask = (msr & 1) != 0;
            long reserved = -1L << Cpuid.PHYSICAL_BITS | (mask ? 0x7ff : 0xf00);
            if ((value & reserved) != 0 || !mask && !validMemoryType((int) value & 0xff)) return false;
            c.msrs.mtrrVariable[msr - IA32_MTRR_PHYSBASE0] = value;
            return true;
        }
        return msr >= X2APIC_FIRST && msr <= X2APIC_LAST && c.apic.hasMsr(msr, true) && c.apic.writeMsr(msr, value);
    }

    public static int[] fixedMtrrs() {
        return MTRR_FIXED.clone();
    }

    private static int fixedMtrr(int msr) {
        for (int n = 0; n < MTRR_FIXED.length; n++) {
            if (MTRR_FIXED[n] == msr) return n;
        }
        return -1;
    }

    private static boolean variableMtrr(int msr) {
        return msr >= IA32_MTRR_PHYSBASE0 && msr < IA32_MTRR_PHYSBASE0 + 16;
    }

    /// UC, WC, WT, WP, WB.
    private static boolean validMemoryType(int type) {
        return type < 7 && (0b111_0011 >> type & 1) != 0;
    }

    private static boolean validPat(long value) {
        for (int n = 0; n < 64; n += 8) {
            int type = (int) (value >>> n) & 0xff;
            if (type != 7 && !validMemoryType(type)) return false; // 7 is UC-
        }
        return true;
    }

    private static void moveTsc(Cpu c, long ticks) {
        c.msrs.tscOffset += ticks;
        c.apic.tscOffsetChanged(c.msrs.tscOffset);
    }

    static long tsc(Cpu c) {
        return c.tsc.ticks() + c.msrs.tscOffset;
    }

    public static void rdtsc(Cpu c, Insn i) {
        if (c.cpl != 0 && (c.cr4 & ControlBits.CR4_TSD) != 0) {
            c.generalProtection();
            return;
        }
        long tsc = tsc(c);
        c.r[RAX] = tsc & 0xffff_ffffL;
        c.r[RDX] = tsc >>> 32;
    }

    public static void rdtscp(Cpu c, Insn i) {
        rdtsc(c, i);
        if (!c.faulted()) c.r[RCX] = c.msrs.tscAux & 0xffff_ffffL;
    }

    /// There are no performance counters: every index is #GP(0).
    public static void rdpmc(Cpu c, Insn i) {
        c.generalProtection();
    }

    /// RDRAND and RDSEED always have a number: CF is set, the other arithmetic flags are cleared.
    public static void random(Cpu c, Insn i) {
        Registers.put(c.r, i.rm, i.size(), c.entropy.next());
        Flags.setArithmetic(c, Flags.CF);
    }
}
