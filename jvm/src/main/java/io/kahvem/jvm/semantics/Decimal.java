package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RAX;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;

/// Decimal adjustments of legacy code (SDM Vol. 2A).
public final class Decimal {
    private Decimal() {}

    public static void daa(Cpu c, Insn i) {
        adjust(c, 1);
    }

    public static void das(Cpu c, Insn i) {
        adjust(c, -1);
    }

    private static void adjust(Cpu c, int sign) {
        int old = (int) c.r[RAX] & 0xff;
        int al = old;
        boolean carry = Flags.cf(c);
        boolean low = (old & 15) > 9 || Flags.af(c);
        boolean newCarry = false;
        if (low) {
            al += sign * 6;
            newCarry = carry || al != (al & 0xff);
        }
        if (old > 0x99 || carry) {
            al += sign * 0x60;
            newCarry = true;
        }
        setAl(c, al);
        flags(c, al, newCarry, low);
    }

    public static void aaa(Cpu c, Insn i) {
        unpacked(c, 0x106);
    }

    public static void aas(Cpu c, Insn i) {
        unpacked(c, -0x106);
    }

    private static void unpacked(Cpu c, int correction) {
        int ax = (int) c.r[RAX] & 0xffff;
        boolean correct = (ax & 15) > 9 || Flags.af(c);
        if (correct) ax += correction;
        c.r[RAX] = c.r[RAX] & ~0xffffL | ax & 0xff0f;
        flags(c, ax & 15, correct, correct);
    }

    public static void aam(Cpu c, Insn i) {
        int base = (int) i.imm & 0xff;
        if (base == 0) {
            c.raise(Exceptions.DE);
            return;
        }
        int al = (int) c.r[RAX] & 0xff;
        c.r[RAX] = c.r[RAX] & ~0xffffL | (long) (al / base) << 8 | al % base;
        flags(c, al % base, false, false);
    }

    public static void aad(Cpu c, Insn i) {
        int ax = (int) c.r[RAX];
        int al = (ax & 0xff) + (ax >> 8 & 0xff) * (int) i.imm & 0xff;
        c.r[RAX] = c.r[RAX] & ~0xffffL | al;
        flags(c, al, false, false);
    }

    private static void setAl(Cpu c, int al) {
        c.r[RAX] = c.r[RAX] & ~0xffL | al & 0xff;
    }

    private static void flags(Cpu c, int al, boolean carry, boolean aux) {
        c.flagResult = (byte) al;
        c.flagAux = aux ? Flags.AF : 0;
        Flags.setCarryOverflow(c, carry, false);
    }
}
