package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.ControlBits.*;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.semantics.sse.SaveArea;

/// CR0, CR2, CR3, CR4, CR8, EFER and XCR0, with the rules of SDM Vol. 3A, 2.5, 2.6, 4.1.1 and 10.8.5: which changes are #GP, when long mode
/// begins and ends, what
/// the TLB forgets.
public final class ControlRegisters {
    private static final long CR0_BITS = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
    private static final long CR4_BITS = CR4_TSD | CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_PCE | CR4_OSFXSR
            | CR4_OSXMMEXCPT | CR4_UMIP | CR4_FSGSBASE | CR4_OSXSAVE | CR4_SMEP | CR4_SMAP;
    private static final long CR4_FLUSHES = CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP | CR4_SMAP;
    private static final long EFER_BITS = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;

    /// Bits above MAXPHYADDR.
    private static final long CR3_RESERVED = -1L << Cpuid.PHYSICAL_BITS;

    private ControlRegisters() {}

    public static void movFromControl(Cpu c, Insn i) {
        long value = switch (i.reg) {
            case 0 -> c.cr0;
            case 2 -> c.cr2;
            case 3 -> c.cr3;
            case 4 -> c.cr4;
            case 8 -> c.apic.cr8();
            default -> c.undefined();
        };
        if (c.faulted()) return;
        if (c.cpl != 0) {
            c.generalProtection();
        } else {
            Registers.put(c.r, i.rm, c.code64() ? 3 : 2, value);
        }
    }

    public static void movToControl(Cpu c, Insn i) {
        boolean known = i.reg == 0 || i.reg == 8 || i.reg >= 2 && i.reg <= 4;
        if (!known) {
            c.undefined();
            return;
        }
        if (c.cpl != 0) {
            c.generalProtection();
            return;
        }
        long value = c.code64() ? c.r[i.rm] : c.r[i.rm] & 0xffff_ffffL;
        switch (i.reg) {
            case 0 -> setCr0(c, value);
            case 2 -> c.cr2 = value;
            case 3 -> setCr3(c, value);
            case 4 -> setCr4(c, value);
            default -> setCr8(c, value);
        }
    }

    static void setCr0(Cpu c, long value) {
        boolean paging = (value & CR0_PG) != 0;
        boolean wrong = value >>> 32 != 0 || paging && (value & CR0_PE) == 0 || (value & (CR0_NW | CR0_CD)) == CR0_NW;
        if (wrong) {
            c.generalProtection();
            return;
        }
        boolean wasPaging = (c.cr0 & CR0_PG) != 0;
        if (paging && !wasPaging && (c.efer & EFER_LME) != 0) {
            boolean codeLong = (c.attributes[Cpu.CS] & Descriptors.LONG) != 0;
            if ((c.cr4 & CR4_PAE) == 0 || codeLong) {
                c.generalProtection();
                return;
            }
            c.efer |= EFER_LMA;
        } else if (!paging && wasPaging) {
            if (c.code64()) {
                c.generalProtection();
                return;
            }
            c.efer &= ~EFER_LMA;
        }
        long before = c.cr0;
        c.cr0 = value & CR0_BITS | CR0_ET;
        if (((before ^ c.cr0) & (CR0_PG | CR0_PE | CR0_WP)) != 0) c.mmu.flush();
        if (before != c.cr0) c.modeChanged();
    }

    private static void setCr3(Cpu c, long value) {
        if (c.longMode() && (value & CR3_RESERVED) != 0) {
            c.generalProtection();
            return;
        }
        c.cr3 = value;
        c.mmu.flushNonGlobal();
    }

    private static void setCr4(Cpu c, long value) {
        if ((value & ~CR4_BITS) != 0 || c.longMode() && (value & CR4_PAE) == 0) {
            c.generalProtection();
            return;
        }
        long changed = c.cr4 ^ value;
        c.cr4 = value;
        if ((changed & CR4_FLUSHES) != 0) c.mmu.flush();
        if (changed != 0) c.modeChanged();
    }

    private static void setCr8(Cpu c, long value) {
        if ((value & ~0xfL) != 0) {
            c.generalProtection();
        } else {
            c.apic.setCr8((int) value);
        }
    }

    /// WRMSR to EFER. False for a #GP.
    static boolean setEfer(Cpu c, long value) {
        if ((value & ~EFER_BITS) != 0) return false;
        boolean paging = (c.cr0 & CR0_PG) != 0;
        if (paging && ((c.efer ^ value) & EFER_LME) != 0) return false;
        long before = c.efer;
        c.efer = value & ~EFER_LMA | c.efer & EFER_LMA;
        if (((before ^ c.efer) & EFER_NXE) != 0) c.mmu.flush();
        return true;
    }

    public static void clts(Cpu c, Insn i) {
        if (c.cpl != 0) {
            c.generalProtection();
        } else {
            c.cr0 &= ~CR0_TS;
            c.modeChanged();
        }
    }

    public static void xgetbv(Cpu c, Insn i) {
        if ((c.cr4 & CR4_OSXSAVE) == 0) {
            c.undefined();
        } else if (((int) c.r[Cpu.RCX] & ~1) != 0) {
            c.generalProtection();
        } else {
            // With ECX = 1, those components that are not in their initial state.
            c.r[Cpu.RAX] = (int) c.r[Cpu.RCX] == 0 ? c.xcr0 : c.xcr0 & SaveArea.inUse(c);
            c.r[Cpu.RDX] = 0;
        }
    }

    public static void xsetbv(Cpu c, Insn i) {
        if ((c.cr4 & CR4_OSXSAVE) == 0) {
            c.undefined();
            return;
        }
        long value = c.r[Cpu.RDX] << 32 | c.r[Cpu.RAX] & 0xffff_ffffL;
        boolean wrong = (int) c.r[Cpu.RCX] != 0 || (value & XCR0_X87) == 0 || (value & ~(XCR0_X87 | XCR0_AVX_STATE)) != 0
                || (value & XCR0_AVX_STATE) == XCR0_AVX;
        if (c.cpl != 0 || wrong) {
            c.generalProtection();
        } else {
            c.xcr0 = value;
            c.modeChanged();
        }
    }

    public static void invlpg(Cpu c, Insn i) {
        if (c.cpl != 0) {
            c.generalProtection();
            return;
        }
        long gva = i.offset(c) + (c.code64() && i.segment < Cpu.FS ? 0 : c.segmentBase(i.segment));
        c.mmu.invalidatePage(c.code64() ? gva : gva & 0xffff_ffffL);
    }

    /// INVD, WBINVD: there is no cache, but they are the system's.
    public static void flushCaches(Cpu c, Insn i) {
        if (c.cpl != 0) c.generalProtection();
    }

    public static void hlt(Cpu c, Insn i) {
        if (c.cpl != 0) {
            c.generalProtection();
        } else {
            c.halted = true;
        }
    }

    // SYSCALL, SYSENTER and their returns (SDM Vol. 2B, Vol. 3A, 5.8.7 and 5.8.8)

    private static final int FLAT_CODE_64 = 0xa09b;
    private static final int FLAT_CODE_32 = 0xc09b;
    private static final int FLAT_DATA = 0xc093;
    private static final int DPL_3 = 0x60;

    public static void syscall(Cpu c, Insn i) {
        if (!c.code64() || (c.efer & EFER_SCE) == 0) {
            c.undefined();
            return;
        }
        c.r[Cpu.RCX] = c.r[Cpu.RIP];
        c.r[11] = Flags.rflags(c) & ~Flags.RF;
        c.r[Cpu.RIP] = c.msrs.lstar;
        Flags.setRflags(c, Flags.rflags(c) & ~(c.msrs.fmask | Flags.RF));
        int cs = (int) (c.msrs.star >>> 32) & 0xfffc;
        Segments.setFlat(c, Cpu.CS, cs, FLAT_CODE_64);
        Segments.setFlat(c, Cpu.SS, cs + 8, FLAT_DATA);
        c.cpl = 0;
        c.stepping = (c.rflags & Flags.TF) != 0;
        c.modeChanged();
    }

    public static void sysret(Cpu c, Insn i) {
        if (!c.code64() || (c.efer & EFER_SCE) == 0) {
            c.undefined();
            return;
        }
        boolean to64 = i.size() == 3;
        long rip = to64 ? c.r[Cpu.RCX] : c.r[Cpu.RCX] & 0xffff_ffffL;
        if (c.cpl != 0 || !Interrupts.canonical(rip)) {
            c.generalProtection();
            return;
        }
        int base = (int) (c.msrs.star >>> 48);
        Flags.setRflags(c, c.r[11] & 0x3c_7fd7);
        c.r[Cpu.RIP] = rip;
        Segments.setFlat(c, Cpu.CS, to64 ? base + 16 | 3 : base | 3, (to64 ? FLAT_CODE_64 : FLAT_CODE_32) | DPL_3);
        Segments.setFlat(c, Cpu.SS, base + 8 | 3, FLAT_DATA | DPL_3);
        c.cpl = 3;
        c.modeChanged();
    }

    public static void sysenter(Cpu c, Insn i) {
        int cs = (int) c.msrs.sysenterCs & 0xfffc;
        if (!c.protectedMode() || cs == 0) {
            c.generalProtection();
            return;
        }
        boolean longMode = c.longMode();
        c.rflags &= ~(Flags.VM | Flags.IF | Flags.RF);
        c.r[Cpu.RSP] = longMode ? c.msrs.sysenterEsp : c.msrs.sysenterEsp & 0xffff_ffffL;
        c.r[Cpu.RIP] = longMode ? c.msrs.sysenterEip : c.msrs.sysenterEip & 0xffff_ffffL;
        Segments.setFlat(c, Cpu.CS, cs, longMode ? FLAT_CODE_64 : FLAT_CODE_32);
        Segments.setFlat(c, Cpu.SS, cs + 8, FLAT_DATA);
        c.cpl = 0;
        c.modeChanged();
    }

    public static void sysexit(Cpu c, Insn i) {
        int cs = (int) c.msrs.sysenterCs & 0xfffc;
        boolean to64 = i.size() == 3;
        boolean canonical = !to64 || Interrupts.canonical(c.r[Cpu.RCX]) && Interrupts.canonical(c.r[Cpu.RDX]);
        if (!c.protectedMode() || cs == 0 || c.cpl != 0 || c.virtual8086() || !canonical) {
            c.generalProtection();
            return;
        }
        c.r[Cpu.RSP] = to64 ? c.r[Cpu.RCX] : c.r[Cpu.RCX] & 0xffff_ffffL;
        c.r[Cpu.RIP] = to64 ? c.r[Cpu.RDX] : c.r[Cpu.RDX] & 0xffff_ffffL;
        Segments.setFlat(c, Cpu.CS, cs + (to64 ? 32 : 16) | 3, (to64 ? FLAT_CODE_64 : FLAT_CODE_32) | DPL_3);
        Segments.setFlat(c, Cpu.SS, cs + (to64 ? 40 : 24) | 3, FLAT_DATA | DPL_3);
        c.cpl = 3;
        c.modeChanged();
    }

    // Segment bases

    public static void swapgs(Cpu c, Insn i) {
        if (!c.code64()) {
            c.undefined();
        } else if (c.cpl != 0) {
            c.generalProtection();
        } else {
            long base = c.segmentBase(Cpu.GS);
            c.r[Cpu.ES_BASE + Cpu.GS] = c.msrs.kernelGsBase;
            c.msrs.kernelGsBase = base;
        }
    }

    private static boolean noBases(Cpu c) {
        boolean none = !c.code64() || (c.cr4 & CR4_FSGSBASE) == 0;
        if (none) c.undefined();
        return none;
    }

    public static void rdfsbase(Cpu c, Insn i) {
        if (!noBases(c)) Registers.put(c.r, i.rm, i.size() == 3 ? 3 : 2, c.segmentBase(Cpu.FS));
    }

    public static void rdgsbase(Cpu c, Insn i) {
        if (!noBases(c)) Registers.put(c.r, i.rm, i.size() == 3 ? 3 : 2, c.segmentBase(Cpu.GS));
    }

    public static void wrfsbase(Cpu c, Insn i) {
        writeBase(c, i, Cpu.FS);
    }

    public static void wrgsbase(Cpu c, Insn i) {
        writeBase(c, i, Cpu.GS);
    }

    private static void writeBase(Cpu c, Insn i, int segment) {
        if (noBases(c)) return;
        long base = i.size() == 3 ? c.r[i.rm] : c.r[i.rm] & 0xffff_ffffL;
        if (Interrupts.canonical(base)) {
            c.r[Cpu.ES_BASE + segment] = base;
        } else {
            c.generalProtection();
        }
    }
}
