package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RBP;
import static io.kahvem.jvm.cpu.Cpu.RSP;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.SegmentCheck;
import io.kahvem.jvm.mmu.Mmu;

/// PUSH, POP, ENTER, LEAVE and what else uses the stack.
public final class Stack {
    private Stack() {}

    /// Pushes `value` of the form's operand size.
    public static void push(Cpu c, int form, long value) {
        if ((form & Form.CODE64) != 0) {
            long sp = c.r[RSP] - ((form & Form.SIZE) == 3 ? 8 : 2);
            if ((form & Form.SIZE) == 3) {
                Mmu.store64(c, sp, value);
            } else {
                Mmu.store16(c, sp, value);
            }
            if (!c.faulted()) c.r[RSP] = sp;
            return;
        }
        int bytes = Form.bytes(form);
        long mask = mask(c);
        long sp = c.r[RSP] - bytes & mask;
        long gva = SegmentCheck.linear(c, Cpu.SS, sp, bytes, true);
        if (c.faulted()) return;
        Mmu.store(c, gva, bytes, value);
        if (!c.faulted()) c.r[RSP] = c.r[RSP] & ~mask | sp;
    }

    /// Pops a value of the form's operand size.
    public static long pop(Cpu c, int form) {
        if ((form & Form.CODE64) != 0) {
            long sp = c.r[RSP];
            boolean quad = (form & Form.SIZE) == 3;
            long value = quad ? Mmu.load64(c, sp) : Mmu.load16(c, sp);
            if (!c.faulted()) c.r[RSP] = sp + (quad ? 8 : 2);
            return value;
        }
        int bytes = Form.bytes(form);
        long mask = mask(c);
        long sp = c.r[RSP] & mask;
        long gva = SegmentCheck.linear(c, Cpu.SS, sp, bytes, false);
        if (c.faulted()) return 0;
        long value = Mmu.load(c, gva, bytes);
        if (!c.faulted()) c.r[RSP] = c.r[RSP] & ~mask | sp + bytes & mask;
        return value;
    }

    /// Drops `bytes` from the stack.
    public static void release(Cpu c, long bytes) {
        long mask = mask(c);
        c.r[RSP] = c.r[RSP] & ~mask | c.r[RSP] + bytes & mask;
    }

    /// The part of RSP that is the stack pointer.
    public static long mask(Cpu c) {
        return c.code64() ? -1 : (c.mode & Mode.STACK32) != 0 ? 0xffff_ffffL : 0xffff;
    }

    /// POP to memory: the address is computed with RSP already incremented.
    public static void popMemory(Cpu c, Insn i) {
        long sp = c.r[RSP];
        long value = pop(c, i.form);
        if (c.faulted()) return;
        long gva = i.address(c, 1 << i.size(), true);
        if (!c.faulted()) Mmu.store(c, gva, 1 << i.size(), value);
        if (c.faulted()) c.r[RSP] = sp;
    }

    public static void pusha(Cpu c, Insn i) {
        int bytes = 1 << i.size();
        long mask = mask(c);
        long sp = c.r[RSP] & mask;
        long lowest = sp - 8L * bytes & mask;
        long gva = SegmentCheck.linear(c, Cpu.SS, lowest, 8 * bytes, true);
        if (c.faulted()) return;
        for (int n = 0; n < 8; n++) { // the push that faults is the first in order
            if (!Mmu.writable(c, gva + (7L - n) * bytes, bytes)) return;
        }
        for (int n = 0; n < 8; n++) Mmu.store(c, gva + (7L - n) * bytes, bytes, n == RSP ? sp : c.r[n]);
        c.r[RSP] = c.r[RSP] & ~mask | lowest;
    }

    public static void popa(Cpu c, Insn i) {
        int bytes = 1 << i.size();
        long mask = mask(c);
        long sp = c.r[RSP] & mask;
        long gva = SegmentCheck.linear(c, Cpu.SS, sp, 8 * bytes, false);
        if (c.faulted() || !Mmu.readable(c, gva, 8 * bytes)) return;
        for (int n = 0; n < 8; n++) {
            long value = Mmu.load(c, gva + (7L - n) * bytes, bytes);
            if (n != RSP) Registers.put(c.r, n, i.size(), value);
        }
        c.r[RSP] = c.r[RSP] & ~mask | sp + 8L * bytes & mask;
    }

    public static void leave(Cpu c, Insn i) {
        long sp = c.r[RSP];
        long mask = mask(c);
        c.r[RSP] = sp & ~mask | c.r[RBP] & mask;
        long value = pop(c, i.form);
        if (c.faulted()) {
            c.r[RSP] = sp;
        } else {
            Registers.put(c.r, RBP, i.size(), value);
        }
    }

    /// ENTER (SDM Vol. 2A): `imm` bytes of locals, nesting level `imm2`.
    public static void enter(Cpu c, Insn i) {
        long[] r = c.r;
        long sp = r[RSP];
        long mask = mask(c);
        int bytes = 1 << i.size();
        int level = i.imm2 & 31;
        push(c, i.form, r[RBP]);
        long frame = r[RSP];
        long bp = r[RBP];
        for (int n = 1; n < level && !c.faulted(); n++) {
            bp = bp & ~mask | bp - bytes & mask;
            long gva = stackAddress(c, bp & mask, bytes);
            if (c.faulted()) break;
            long link = Mmu.load(c, gva, bytes);
            if (!c.faulted()) push(c, i.form, link);
        }
        if (level > 0 && !c.faulted()) push(c, i.form, frame);
        if (!c.faulted()) {
            long top = r[RSP] - (i.imm & 0xffff) & mask;
            long gva = stackAddress(c, top, 1);
            if (!c.faulted() && Mmu.writable(c, gva, 1)) {
                r[RSP] = r[RSP] & ~mask | top;
                Registers.put(r, RBP, i.size(), frame);
                return;
            }
        }
        r[RSP] = sp;
    }

    private static long stackAddress(Cpu c, long offset, int bytes) {
        return c.code64() ? offset : SegmentCheck.linear(c, Cpu.SS, offset, bytes, true);
    }
}
