package io.kahvem.jvm.semantics;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;

/// Instructions on RFLAGS: PUSHF, POPF, LAHF, SAHF, CLC to STD, CLI, STI, CLAC, STAC.
public final class FlagControl {
    /// What POPF changes at any privilege.
    private static final long POPF_ALWAYS = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT | Flags.AC | Flags.ID;

    private FlagControl() {}

    /// Takes the bits of `mask` from `flags`, the others stay. The caller tells the CPU of the changed mode.
    static void replace(Cpu c, long flags, long mask) {
        Flags.setRflags(c, Flags.rflags(c) & ~mask | flags & mask);
    }

    public static void pushf(Cpu c, Insn i) {
        if (c.virtual8086() && c.iopl() < 3) {
            c.generalProtection();
        } else {
            Stack.push(c, i.form, Flags.rflags(c) & ~(Flags.VM | Flags.RF));
        }
    }

    public static void popf(Cpu c, Insn i) {
        if (c.virtual8086() && c.iopl() < 3) {
            c.generalProtection();
            return;
        }
        long flags = Stack.pop(c, i.form);
        if (c.faulted()) return;
        long mask = POPF_ALWAYS;
        if (c.cpl <= c.iopl() || c.virtual8086()) mask |= Flags.IF;
        if (c.cpl == 0) mask |= Flags.IOPL;
        if (i.size() == 1) mask &= 0xffff;
        long before = c.rflags;
        replace(c, flags, mask);
        c.rflags &= ~Flags.RF;
        if (((before ^ c.rflags) & (Flags.TF | Flags.AC)) != 0) c.modeChanged();
    }

    public static void lahf(Cpu c, Insn i) {
        Registers.putByte(c.r, 4, false, Flags.arithmetic(c) & 0xff | 2);
    }

    public static void sahf(Cpu c, Insn i) {
        boolean overflow = Flags.of(c);
        Flags.setArithmetic(c, c.r[Cpu.RAX] >>> 8 & 0xff | (overflow ? Flags.OF : 0));
    }

    public static void clc(Cpu c, Insn i) {
        Flags.setCarry(c, false);
    }

    public static void stc(Cpu c, Insn i) {
        Flags.setCarry(c, true);
    }

    public static void cmc(Cpu c, Insn i) {
        Flags.setCarry(c, !Flags.cf(c));
    }

    public static void cld(Cpu c, Insn i) {
        c.rflags &= ~Flags.DF;
    }

    public static void std(Cpu c, Insn i) {
        c.rflags |= Flags.DF;
    }

    public static void cli(Cpu c, Insn i) {
        if (mayChangeIf(c)) c.rflags &= ~Flags.IF;
    }

    /// Interrupts are inhibited for one more instruction (SDM Vol. 2B, "STI").
    public static void sti(Cpu c, Insn i) {
        if (!mayChangeIf(c)) return;
        if ((c.rflags & Flags.IF) == 0) c.interruptShadow = true;
        c.rflags |= Flags.IF;
    }

    private static boolean mayChangeIf(Cpu c) {
        boolean allowed = !c.protectedMode() || (c.virtual8086() ? c.iopl() == 3 : c.cpl <= c.iopl());
        if (!allowed) c.generalProtection();
        return allowed;
    }

    public static void clac(Cpu c, Insn i) {
        setAccess(c, 0);
    }

    public static void stac(Cpu c, Insn i) {
        setAccess(c, Flags.AC);
    }

    private static void setAccess(Cpu c, long ac) {
        if (c.cpl != 0) {
            c.undefined();
            return;
        }
        c.rflags = c.rflags & ~Flags.AC | ac;
        c.mmu.modeChanged(c);
    }
}
