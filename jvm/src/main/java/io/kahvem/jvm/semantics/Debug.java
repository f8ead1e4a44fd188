package io.kahvem.jvm.semantics;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.interpret.Insn;

/// Debug registers, breakpoints and single step (SDM Vol. 3B, 18.2 and 18.3). The run loop calls [#instructionBreakpoint] and
/// [#afterInstruction] around every instruction in [Mode#STEP].
public final class Debug {
    static final long DR7_GD = 1 << 13;
    private static final long DR6_BD = 1 << 13;
    private static final long DR6_BS = 1 << 14;
    static final long DR6_BT = 1 << 15;

    /// DR6 bits that read as one; writable are the status bits.
    private static final long DR6_FIXED = 0xffff_0ff0L;

    private static final long DR6_STATUS = 0xe00f;
    private static final long DR7_FIXED = 0x400;
    private static final long DR7_WRITABLE = 0xffff_23ffL;

    private Debug() {}

    /// Before an instruction: notes whether it is single-stepped, and raises #DB (a fault; returns true) at an instruction breakpoint.
    /// RFLAGS.RF lets this one instruction pass.
    public static boolean instructionBreakpoint(Cpu c) {
        c.stepping = (c.rflags & Flags.TF) != 0;
        c.watchHits = 0;
        c.resumed = (c.rflags & Flags.RF) != 0;
        c.rflags &= ~Flags.RF; // not after the instruction: IRET may set it for the next
        if (c.resumed || (c.dr[7] & 0xff) == 0) return false;
        long at = c.r[Cpu.RIP] + (c.code64() ? 0 : c.segmentBase(Cpu.CS));
        int hits = 0;
        for (int i = 0; i < 4; i++) {
            boolean execution = (c.dr[7] >>> 16 + 4 * i & 3) == 0;
            if (execution && (c.dr[7] >>> 2 * i & 3) != 0 && c.dr[i] == at) hits |= 1 << i;
        }
        if (hits == 0) return false;
        c.dr[6] |= hits;
        c.raise(Exceptions.DB);
        return true;
    }

    /// After an instruction that did not fault: the trap for a single step and for data breakpoints it hit.
    public static void afterInstruction(Cpu c) {
        if (!c.stepping && c.watchHits == 0) return;
        c.dr[6] |= (c.stepping ? DR6_BS : 0) | c.watchHits;
        c.watchHits = 0;
        Interrupts.deliver(c, Exceptions.DB, Interrupts.Kind.EXCEPTION, 0, false);
    }

    public static void movFromDebug(Cpu c, Insn i) {
        int n = register(c, i);
        if (c.faulted()) return;
        Registers.put(c.r, i.rm, c.code64() ? 3 : 2, c.dr[n]);
    }

    public static void movToDebug(Cpu c, Insn i) {
        int n = register(c, i);
        if (c.faulted()) return;
        long value = c.code64() ? c.r[i.rm] : c.r[i.rm] & 0xffff_ffffL;
        if (n >= 6 && value >>> 32 != 0) {
            c.generalProtection();
            return;
        }
        switch (n) {
            case 6 -> c.dr[6] = DR6_FIXED | value & DR6_STATUS;
            case 7 -> c.dr[7] = DR7_FIXED | value & DR7_WRITABLE;
            default -> c.dr[n] = value;
        }
        c.modeChanged();
    }

    /// The register of MOV DR, or a fault.
    private static int register(Cpu c, Insn i) {
        int n = i.reg;
        if (n > 7 || (n == 4 || n == 5) && (c.cr4 & ControlBits.CR4_DE) != 0) return (int) c.undefined();
        if (c.cpl != 0) return (int) c.generalProtection();
        if ((c.dr[7] & DR7_GD) != 0) {
            c.dr[6] |= DR6_BD;
            return (int) c.raise(Exceptions.DB);
        }
        return n == 4 || n == 5 ? n + 2 : n;
    }
}
