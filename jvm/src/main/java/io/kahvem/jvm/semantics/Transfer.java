package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RCX;
import static io.kahvem.jvm.cpu.Cpu.RIP;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Near jumps, calls, returns and loops. Far ones are in their own class, with segments.
public final class Transfer {
    private Transfer() {}

    public static boolean always(Cpu c) {
        return true;
    }

    /// CALL rel: pushes the next RIP.
    public static boolean call(Cpu c, Insn i) {
        Stack.push(c, i.form, i.nextRip(c));
        return true;
    }

    /// LOOP, LOOPE, LOOPNE, JrCXZ count in CX, ECX or RCX by the address size.
    public static boolean loop(Cpu c, Insn i) {
        return decrement(c, i) != 0;
    }

    public static boolean loope(Cpu c, Insn i) {
        return decrement(c, i) != 0 && Flags.zf(c);
    }

    public static boolean loopne(Cpu c, Insn i) {
        return decrement(c, i) != 0 && !Flags.zf(c);
    }

    public static boolean jcxz(Cpu c, Insn i) {
        return (c.r[RCX] & i.addressMask()) == 0;
    }

    private static long decrement(Cpu c, Insn i) {
        long count = c.r[RCX] - 1 & i.addressMask();
        Registers.put(c.r, RCX, i.addressSize, count);
        return count;
    }

    /// JMP and CALL through a register or memory.
    public static void jmpIndirect(Cpu c, Insn i) {
        long target = target(c, i);
        if (!c.faulted()) c.r[RIP] = target;
    }

    public static void callIndirect(Cpu c, Insn i) {
        long target = target(c, i);
        if (c.faulted()) return;
        Stack.push(c, i.form, c.r[RIP]);
        if (!c.faulted()) c.r[RIP] = target;
    }

    private static long target(Cpu c, Insn i) {
        long target;
        if (i.memory) {
            long gva = i.address(c, 1 << i.size(), false);
            if (c.faulted()) return 0;
            target = Mmu.load(c, gva, 1 << i.size());
            if (c.faulted()) return 0;
        } else {
            target = c.r[i.rm];
        }
        return checked(c, Form.zx(i.form, target));
    }

    /// RET, with or without parameters to drop.
    public static void ret(Cpu c, Insn i) {
        long sp = c.r[Cpu.RSP];
        long target = checked(c, Form.zx(i.form, Stack.pop(c, i.form)));
        if (c.faulted()) {
            c.r[Cpu.RSP] = sp;
            return;
        }
        if (i.imm != 0) Stack.release(c, i.imm & 0xffff);
        c.r[RIP] = target;
    }

    /// A target outside the canonical range or the code segment is #GP(0) at the transfer (SDM Vol. 2A, "JMP", "CALL").
    private static long checked(Cpu c, long target) {
        if (c.faulted()) return 0;
        boolean outside = c.code64() ? target << 16 >> 16 != target : Long.compareUnsigned(target, c.limit[Cpu.CS]) > 0;
        return outside ? c.generalProtection() : target;
    }
}
