package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RAX;
import static io.kahvem.jvm.cpu.Cpu.RBX;
import static io.kahvem.jvm.cpu.Cpu.RCX;
import static io.kahvem.jvm.cpu.Cpu.RDX;
import static io.kahvem.jvm.semantics.Form.SIZE;
import static io.kahvem.jvm.semantics.Form.zx;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Exclusive;
import io.kahvem.jvm.mmu.Mmu;

/// Moves, extensions and exchanges.
public final class Move {
    private Move() {}

    public static long mov(Cpu c, int form, long b) {
        return b;
    }

    public static long movzx8(Cpu c, int form, long b) {
        return b & 0xff;
    }

    public static long movzx16(Cpu c, int form, long b) {
        return b & 0xffff;
    }

    public static long movsx8(Cpu c, int form, long b) {
        return (byte) b;
    }

    public static long movsx16(Cpu c, int form, long b) {
        return (short) b;
    }

    public static long movsx32(Cpu c, int form, long b) {
        return (int) b;
    }

    /// CBW, CWDE, CDQE: the accumulator's lower half sign-extended.
    public static long extend(Cpu c, int form, long a) {
        return switch (form & SIZE) {
            case 1 -> (byte) a;
            case 2 -> (short) a;
            default -> (int) a;
        };
    }

    /// CWD, CDQ, CQO: the accumulator's sign throughout the data register.
    public static void extendDouble(Cpu c, int form, long a) {
        Registers.put(c.r, RDX, form & SIZE, Form.sx(form, a) >> 63);
    }

    /// XCHG of registers, or of a register and memory, which is locked whether LOCK is there or not.
    public static void xchg(Cpu c, Insn i) {
        int size = i.size();
        if (!i.memory) {
            long a = size == 0 ? Registers.getByte(c.r, i.rm, i.rex) : c.r[i.rm];
            long b = register(c, i, size);
            putRm(c, i, size, b);
            putRegister(c, i, size, a);
            return;
        }
        long gva = i.address(c, 1 << size, true);
        if (c.faulted()) return;
        long old;
        do {
            old = Mmu.update(c, gva, 1 << size);
            if (c.faulted()) return;
        } while (!Mmu.compareAndSet(c, gva, 1 << size, old, register(c, i, size)));
        putRegister(c, i, size, old);
    }

    /// XCHG of the accumulator and an opcode register (90H + n). 90H itself is NOP: it does not zero-extend EAX as an exchange would.
    public static void xchgAccumulator(Cpu c, Insn i) {
        if (i.op0 == RAX) return;
        long[] r = c.r;
        long a = r[RAX];
        Registers.put(r, RAX, i.size(), r[i.op0]);
        Registers.put(r, i.op0, i.size(), a);
    }

    public static void xadd(Cpu c, Insn i) {
        int size = i.size();
        long b = register(c, i, size);
        if (!i.memory) {
            long a = size == 0 ? Registers.getByte(c.r, i.rm, i.rex) : c.r[i.rm];
            long sum = Arith.add(c, i.form & SIZE, a, b);
            putRegister(c, i, size, a);
            putRm(c, i, size, sum);
            return;
        }
        long gva = i.address(c, 1 << size, true);
        if (c.faulted()) return;
        long old;
        for (; ; ) {
            old = Mmu.update(c, gva, 1 << size);
            if (c.faulted()) return;
            if (!i.lock) {
                Mmu.store(c, gva, 1 << size, old + b);
                break;
            }
            if (Mmu.compareAndSet(c, gva, 1 << size, old, zx(i.form, old + b))) break;
        }
        Arith.add(c, i.form & SIZE, old, b);
        putRegister(c, i, size, old);
    }

    public static void cmpxchg(Cpu c, Insn i) {
        int size = i.size();
        long wanted = zx(i.form, c.r[RAX]);
        long value = register(c, i, size);
        long old;
        if (!i.memory) {
            old = zx(i.form, size == 0 ? Registers.getByte(c.r, i.rm, i.rex) : c.r[i.rm]);
            Arith.cmp(c, i.form & SIZE, wanted, old);
            if (old == wanted) {
                putRm(c, i, size, value);
            } else {
                Registers.put(c.r, RAX, size, old);
            }
            return;
        }
        long gva = i.address(c, 1 << size, true);
        if (c.faulted()) return;
        for (; ; ) {
            old = Mmu.update(c, gva, 1 << size);
            if (c.faulted()) return;
            if (old != wanted) {
                // The destination is written in any case (SDM Vol. 2A, "CMPXCHG"); writing the value read is not visible.
                Registers.put(c.r, RAX, size, old);
                break;
            }
            if (!i.lock) {
                Mmu.store(c, gva, 1 << size, value);
                break;
            }
            if (Mmu.compareAndSet(c, gva, 1 << size, old, zx(i.form, value))) break;
        }
        Arith.cmp(c, i.form & SIZE, wanted, old);
    }

    /// CMPXCHG8B, with REX.W CMPXCHG16B.
    public static void cmpxchg8b(Cpu c, Insn i) {
        if (i.size() == 3) {
            cmpxchg16b(c, i);
            return;
        }
        long[] r = c.r;
        long gva = i.address(c, 8, true);
        if (c.faulted()) return;
        long wanted = r[RDX] << 32 | r[RAX] & 0xffff_ffffL;
        long value = r[RCX] << 32 | r[RBX] & 0xffff_ffffL;
        for (; ; ) {
            long old = Mmu.update64(c, gva);
            if (c.faulted()) return;
            boolean equal = old == wanted;
            if (equal && !Mmu.compareAndSet(c, gva, 8, old, value)) continue;
            setZero(c, equal);
            if (!equal) {
                r[RAX] = old & 0xffff_ffffL;
                r[RDX] = old >>> 32;
            }
            return;
        }
    }

    /// CMPXCHG16B: the operand must be 16-byte aligned.
    private static void cmpxchg16b(Cpu c, Insn i) {
        long gva = i.address(c, 16, true);
        if (c.faulted()) return;
        if ((gva & 15) != 0) {
            c.generalProtection();
            return;
        }
        if (!i.lock) {
            compareAndSet16(c, gva);
            return;
        }
        Exclusive exclusive = c.mmu.exclusive();
        exclusive.begin();
        try {
            compareAndSet16(c, gva);
        } finally {
            exclusive.end();
        }
    }

    private static void compareAndSet16(Cpu c, long gva) {
        long[] r = c.r;
        if (!Mmu.writable(c, gva, 16)) return;
        long low = Mmu.load64(c, gva);
        long high = Mmu.load64(c, gva + 8);
        boolean equal = low == r[RAX] && high == r[RDX];
        setZero(c, equal);
        if (equal) {
            Mmu.store64(c, gva, r[RBX]);
            Mmu.store64(c, gva + 8, r[RCX]);
        } else {
            r[RAX] = low;
            r[RDX] = high;
        }
    }

    private static void setZero(Cpu c, boolean zero) {
        int flags = Flags.arithmetic(c);
        Flags.setArithmetic(c, zero ? flags | Flags.ZF : flags & ~Flags.ZF);
    }

    /// XLAT: AL = [rBX + AL].
    public static void xlat(Cpu c, Insn i) {
        long offset = c.r[RBX] + (c.r[RAX] & 0xff) & i.addressMask();
        long gva = i.address(c, offset, 1, false);
        if (c.faulted()) return;
        long value = Mmu.load8(c, gva);
        if (!c.faulted()) Registers.put(c.r, RAX, 0, value);
    }

    public static void nop(Cpu c, Insn i) {}

    private static long register(Cpu c, Insn i, int size) {
        return size == 0 ? Registers.getByte(c.r, i.reg, i.rex) : c.r[i.reg];
    }

    private static void putRegister(Cpu c, Insn i, int size, long value) {
        if (size == 0) {
            Registers.putByte(c.r, i.reg, i.rex, value);
        } else {
            Registers.put(c.r, i.reg, size, value);
        }
    }

    private static void putRm(Cpu c, Insn i, int size, long value) {
        if (size == 0) {
            Registers.putByte(c.r, i.rm, i.rex, value);
        } else {
            Registers.put(c.r, i.rm, size, value);
        }
    }
}
