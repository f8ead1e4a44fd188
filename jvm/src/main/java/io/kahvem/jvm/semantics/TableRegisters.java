package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.Descriptors.UNUSABLE;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// GDTR, IDTR, LDTR and TR, and instructions that inspect descriptors (SDM Vol. 3A, 5.10): LAR, LSL, VERR, VERW, ARPL.
public final class TableRegisters {
    private TableRegisters() {}

    public static void sgdt(Cpu c, Insn i) {
        store(c, i, c.gdtrLimit, c.gdtrBase);
    }

    public static void sidt(Cpu c, Insn i) {
        store(c, i, c.idtrLimit, c.idtrBase);
    }

    private static void store(Cpu c, Insn i, int limit, long base) {
        if (hidden(c)) return;
        int bytes = c.code64() ? 8 : 4;
        long gva = i.address(c, 2 + bytes, true);
        if (c.faulted() || !Mmu.writable(c, gva, 2 + bytes)) return;
        Mmu.store16(c, gva, limit);
        Mmu.store(c, gva + 2, bytes, base);
    }

    /// UMIP: user code may not see where the system's tables are. Notes the #GP.
    private static boolean hidden(Cpu c) {
        boolean hidden = c.cpl != 0 && (c.cr4 & ControlBits.CR4_UMIP) != 0;
        if (hidden) c.generalProtection();
        return hidden;
    }

    public static void lgdt(Cpu c, Insn i) {
        long base = tableBase(c, i);
        if (c.faulted()) return;
        c.gdtrLimit = (int) tableLimit(c, i);
        c.gdtrBase = base;
    }

    public static void lidt(Cpu c, Insn i) {
        long base = tableBase(c, i);
        if (c.faulted()) return;
        c.idtrLimit = (int) tableLimit(c, i);
        c.idtrBase = base;
    }

    private static long tableBase(Cpu c, Insn i) {
        if (c.cpl != 0) return c.generalProtection();
        int bytes = c.code64() ? 8 : 4;
        long gva = i.address(c, 2 + bytes, false);
        if (c.faulted()) return 0;
        Mmu.load16(c, gva);
        if (c.faulted()) return 0;
        long base = Mmu.load(c, gva + 2, bytes);
        if (bytes == 8) return Interrupts.canonical(base) ? base : c.generalProtection();
        return i.size() == 1 ? base & 0xff_ffff : base;
    }

    private static long tableLimit(Cpu c, Insn i) {
        return Mmu.load16(c, i.address(c, 2, false));
    }

    /// LLDT, LTR, SLDT and STR exist in protected mode only. Notes the #UD.
    private static boolean noSelectors(Cpu c) {
        boolean none = !c.protectedMode() || c.virtual8086();
        if (none) c.undefined();
        return none;
    }

    /// The r/m16 operand.
    private static int selector(Cpu c, Insn i) {
        if (!i.memory) return (int) c.r[i.rm] & 0xffff;
        long gva = i.address(c, 2, false);
        return c.faulted() ? 0 : (int) Mmu.load16(c, gva);
    }

    private static void putSelector(Cpu c, Insn i, long value) {
        if (!i.memory) {
            Registers.put(c.r, i.rm, i.size(), value);
            return;
        }
        long gva = i.address(c, 2, true);
        if (!c.faulted()) Mmu.store16(c, gva, value);
    }

    public static void sldt(Cpu c, Insn i) {
        if (!noSelectors(c) && !hidden(c)) putSelector(c, i, c.ldtrSelector);
    }

    public static void str(Cpu c, Insn i) {
        if (!noSelectors(c) && !hidden(c)) putSelector(c, i, c.trSelector);
    }

    public static void lldt(Cpu c, Insn i) {
        if (noSelectors(c)) return;
        if (c.cpl != 0) {
            c.generalProtection();
            return;
        }
        int selector = selector(c, i);
        if (!c.faulted()) setLdt(c, selector, Exceptions.GP);
    }

    static void setLdt(Cpu c, int selector, int invalid) {
        if (Descriptors.isNull(selector)) {
            c.ldtrSelector = selector;
            c.ldtrBase = 0;
            c.ldtrLimit = 0;
            c.ldtrAttributes = UNUSABLE;
            return;
        }
        long d = systemDescriptor(c, selector, invalid);
        if (c.faulted()) return;
        if (Descriptors.type(d) != Descriptors.LDT) {
            c.raise(invalid, selector & 0xfffc);
            return;
        }
        if (!Descriptors.present(d)) {
            c.raise(Exceptions.NP, selector & 0xfffc);
            return;
        }
        long base = systemBase(c, selector, d);
        if (c.faulted()) return;
        c.ldtrSelector = selector;
        c.ldtrBase = base;
        c.ldtrLimit = Descriptors.limit(d);
        c.ldtrAttributes = Descriptors.attributes(d);
    }

    public static void ltr(Cpu c, Insn i) {
        if (noSelectors(c)) return;
        if (c.cpl != 0) {
            c.generalProtection();
            return;
        }
        int selector = selector(c, i);
        if (c.faulted()) return;
        if (Descriptors.isNull(selector)) {
            c.generalProtection();
            return;
        }
        long d = systemDescriptor(c, selector, Exceptions.GP);
        if (c.faulted()) return;
        int type = Descriptors.type(d);
        if (type != Descriptors.TSS_32 && (type != Descriptors.TSS_16 || c.longMode())) {
            c.raise(Exceptions.GP, selector & 0xfffc);
            return;
        }
        if (!Descriptors.present(d)) {
            c.raise(Exceptions.NP, selector & 0xfffc);
            return;
        }
        long base = systemBase(c, selector, d);
        if (c.faulted()) return;
        long busy = d >>> 40 & 0xff | Descriptors.TSS_BUSY;
        Mmu.systemStore(c, Descriptors.address(c, selector, 8) + 5, 1, busy);
        if (c.faulted()) return;
        c.trSelector = selector;
        c.trBase = base;
        c.trLimit = Descriptors.limit(d);
        c.trAttributes = Descriptors.attributes(d) | Descriptors.TSS_BUSY;
    }

    /// A system descriptor of the GDT (16 bytes in long mode); `invalid` where it is none.
    private static long systemDescriptor(Cpu c, int selector, int invalid) {
        int error = selector & 0xfffc;
        long at = Descriptors.address(c, selector, c.longMode() ? 16 : 8);
        if ((selector & 4) != 0 || at == Descriptors.OUTSIDE) return c.raise(invalid, error);
        long d = Descriptors.load(c, selector, invalid, 0);
        if (!c.faulted() && !Descriptors.system(d)) return c.raise(invalid, error);
        return d;
    }

    private static long systemBase(Cpu c, int selector, long d) {
        if (!c.longMode()) return Descriptors.base(d);
        long upper = Mmu.systemLoad(c, Descriptors.address(c, selector, 16) + 8, 8);
        if (c.faulted()) return 0;
        long base = Descriptors.base(d) | upper << 32;
        boolean bad = (upper >>> 40 & 0x1f) != 0 || !Interrupts.canonical(base);
        return bad ? c.raise(Exceptions.GP, selector & 0xfffc) : base;
    }

    // Inspection: ZF tells the answer, and there is no fault but of the operand's own access.

    public static void lar(Cpu c, Insn i) {
        if (noSelectors(c)) return;
        int selector = selector(c, i);
        if (c.faulted()) return;
        long d = visible(c, selector, true);
        if (c.faulted()) return;
        setZero(c, d != 0);
        if (d != 0) Registers.put(c.r, i.reg, i.size(), d >>> 32 & 0x00f0_ff00L);
    }

    public static void lsl(Cpu c, Insn i) {
        if (noSelectors(c)) return;
        int selector = selector(c, i);
        if (c.faulted()) return;
        long d = visible(c, selector, false);
        if (c.faulted()) return;
        setZero(c, d != 0);
        if (d != 0) Registers.put(c.r, i.reg, i.size(), Descriptors.limit(d));
    }

    /// The descriptor if its type is one LAR (or LSL) knows and the privilege allows, else 0.
    private static long visible(Cpu c, int selector, boolean lar) {
        if (Descriptors.isNull(selector)) return 0;
        long at = Descriptors.address(c, selector, 8);
        if (at == Descriptors.OUTSIDE) return 0;
        long d = Mmu.systemLoad(c, at, 8);
        if (c.faulted()) return 0;
        if (Descriptors.system(d)) {
            boolean known = switch (Descriptors.type(d)) {
                case 2, 9, 11 -> true;
                case 1, 3 -> !c.longMode();
                case 4, 5 -> lar && !c.longMode();
                case 12 -> lar;
                default -> false;
            };
            if (!known) return 0;
        }
        boolean conforming = Descriptors.code(d) && Descriptors.conforming(d);
        return conforming || Descriptors.dpl(d) >= Math.max(c.cpl, selector & 3) ? d : 0;
    }

    public static void verr(Cpu c, Insn i) {
        verify(c, i, false);
    }

    public static void verw(Cpu c, Insn i) {
        verify(c, i, true);
    }

    private static void verify(Cpu c, Insn i, boolean write) {
        if (noSelectors(c)) return;
        int selector = selector(c, i);
        if (c.faulted()) return;
        long d = visible(c, selector, false);
        if (c.faulted()) return;
        setZero(c, d != 0 && !Descriptors.system(d) && (write ? Descriptors.writableData(d) : Descriptors.readable(d)));
    }

    public static void arpl(Cpu c, Insn i) {
        if (noSelectors(c)) return;
        long gva = i.memory ? i.address(c, 2, true) : 0;
        if (c.faulted()) return;
        long selector = i.memory ? Mmu.update16(c, gva) : c.r[i.rm];
        if (c.faulted()) return;
        long rpl = c.r[i.reg] & 3;
        boolean raised = (selector & 3) < rpl;
        if (raised && i.memory) {
            Mmu.store16(c, gva, selector & ~3L | rpl);
        } else if (raised) {
            Registers.put(c.r, i.rm, 1, selector & ~3L | rpl);
        }
        setZero(c, raised);
    }

    private static void setZero(Cpu c, boolean zero) {
        Flags.setArithmetic(c, Flags.arithmetic(c) & ~Flags.ZF | (zero ? Flags.ZF : 0));
    }

    /// SMSW: the low word of CR0 (a 32- or 64-bit register takes more of it).
    public static void smsw(Cpu c, Insn i) {
        if (!hidden(c)) putSelector(c, i, c.cr0);
    }

    public static void lmsw(Cpu c, Insn i) {
        if (c.cpl != 0) {
            c.generalProtection();
            return;
        }
        int value = selector(c, i);
        if (c.faulted()) return;
        long cleared = ControlBits.CR0_MP | ControlBits.CR0_EM | ControlBits.CR0_TS;
        ControlRegisters.setCr0(c, c.cr0 & ~cleared | value & (cleared | ControlBits.CR0_PE));
    }
}
