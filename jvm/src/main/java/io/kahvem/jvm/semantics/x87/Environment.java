package io.kahvem.jvm.semantics.x87;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Images of the x87 state in memory: FNSTENV, FNSAVE and their inverses (SDM Vol. 1, figures 8-9 to 8-12).
///
/// Callers have probed the whole range, so no access here faults. FCS and FDS are saved as 0 and ignored when
/// loaded, as CPUID.7.0:EBX bit 13 tells.
final class Environment {
    static final int STACK_BYTES = 80;

    private static final long RESERVED_ONES = 0xffff_0000L;
    private static final int OPCODE_MASK = 0x7ff;

    private Environment() {}

    /// The size of an environment by operand size: seven words or seven doublewords.
    static int bytes(Insn i) {
        return i.size() == 1 ? 14 : 28;
    }

    private static boolean realFormat(Cpu c) {
        return !c.protectedMode() || c.virtual8086();
    }

    static void store(Cpu c, Insn i, long gva) {
        X87 x = c.fpu;
        int control = x.control();
        int status = x.statusWord();
        int tags = x.tagWord();
        long rip = x.lastInstruction;
        long data = x.lastData;
        int opcode = x.lastOpcode & OPCODE_MASK;
        boolean real = realFormat(c);
        if (i.size() == 1) {
            Mmu.store16(c, gva, control);
            Mmu.store16(c, gva + 2, status);
            Mmu.store16(c, gva + 4, tags);
            Mmu.store16(c, gva + 6, rip);
            Mmu.store16(c, gva + 8, real ? rip >>> 4 & 0xf000 | opcode : 0);
            Mmu.store16(c, gva + 10, data);
            Mmu.store16(c, gva + 12, real ? data >>> 4 & 0xf000 : 0);
            return;
        }
        Mmu.store32(c, gva, control | RESERVED_ONES);
        Mmu.store32(c, gva + 4, status | RESERVED_ONES);
        Mmu.store32(c, gva + 8, tags | RESERVED_ONES);
        if (real) {
            Mmu.store32(c, gva + 12, rip & 0xffff | RESERVED_ONES);
            Mmu.store32(c, gva + 16, rip >>> 4 & 0x0fff_f000L | opcode);
            Mmu.store32(c, gva + 20, data & 0xffff | RESERVED_ONES);
            Mmu.store32(c, gva + 24, data >>> 4 & 0x0fff_f000L);
        } else {
            Mmu.store32(c, gva + 12, rip);
            Mmu.store32(c, gva + 16, (long) opcode << 16);
            Mmu.store32(c, gva + 20, data);
            Mmu.store32(c, gva + 24, RESERVED_ONES);
        }
    }

    static void load(Cpu c, Insn i, long gva) {
        X87 x = c.fpu;
        int step = i.size() == 1 ? 2 : 4;
        x.setControl((int) Mmu.load16(c, gva));
        x.setStatusWord((int) Mmu.load16(c, gva + step));
        x.setTagWord((int) Mmu.load16(c, gva + 2 * step));
        long rip = Mmu.load(c, gva + 3 * step, step);
        long above = Mmu.load(c, gva + 4 * step, step);
        long data = Mmu.load(c, gva + 5 * step, step);
        long dataAbove = Mmu.load(c, gva + 6 * step, step);
        if (realFormat(c)) {
            long high = step == 2 ? 0xf000 : 0x0fff_f000L;
            x.lastInstruction = rip & 0xffff | (above & high) << 4;
            x.lastData = data & 0xffff | (dataAbove & high) << 4;
            x.lastOpcode = (int) above & OPCODE_MASK;
        } else {
            x.lastInstruction = rip;
            x.lastData = data;
            x.lastOpcode = step == 2 ? 0 : (int) (above >>> 16) & OPCODE_MASK;
        }
    }

    static void storeStack(Cpu c, long gva) {
        for (int n = 0; n < 8; n++) {
            Mmu.store64(c, gva + 10 * n, c.fpu.stackMantissa(n));
            Mmu.store16(c, gva + 10 * n + 8, c.fpu.stackSignExponent(n));
        }
    }

    static void loadStack(Cpu c, long gva) {
        for (int n = 0; n < 8; n++) {
            c.fpu.setStack(n, Mmu.load64(c, gva + 10 * n), (int) Mmu.load16(c, gva + 10 * n + 8));
        }
    }
}
