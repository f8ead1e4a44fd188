package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.memory.GuestMemory;

/// How operands reach vector operations. A source, register or memory, is left in `c.t0` (low) and `c.t1` (high), the upper half of a
/// 256-bit one in `c.t2` and `c.t3`; the methods that fetch one answer false with the fault noted. They are also what
/// [io.kahvem.jvm.interpret.Spinner] calls before a lane function.
public final class Lanes {
    private Lanes() {}

    /// Whether SSE instructions, or with a VEX prefix AVX instructions, may be used now: #UD or #NM noted if not (SDM Vol. 3A, Table 13-1;
    /// Vol. 2A, 2.4).
    static boolean sse(Cpu c, Insn i) {
        int trap = i.vex ? c.avxTrap : c.sseTrap;
        if (trap == 0) return true;
        c.raise(trap);
        return false;
    }

    /// The same for MMX instructions, which also meet pending x87 exceptions.
    static boolean mmxReady(Cpu c) {
        if (c.mmxTrap == 0 && !c.fpu.exceptionPending()) return true;
        c.raise(c.mmxTrap != 0 ? c.mmxTrap : Exceptions.MF);
        return false;
    }

    static long low(Cpu c, int n) {
        return c.xmm[2 * n];
    }

    static long high(Cpu c, int n) {
        return c.xmm[2 * n + 1];
    }

    /// A half of a YMM register, 0 to 3.
    static long half(Cpu c, int n, int half) {
        return c.xmm[2 * n + (half & 1) + (half >> 1) * Cpu.YMM];
    }

    /// A half of the fetched source.
    static long source(Cpu c, int half) {
        return switch (half) {
            case 0 -> c.t0;
            case 1 -> c.t1;
            case 2 -> c.t2;
            default -> c.t3;
        };
    }

    /// The halves that operands have: two, or with VEX.L four.
    static int halves(Insn i) {
        return i.vl256 ? 4 : 2;
    }

    /// Writes the destination register.
    static void put(Cpu c, Insn i, long low, long high) {
        put(c, i, i.reg, low, high);
    }

    /// Writes register `n`. What is above stays after an SSE instruction and is cleared by a VEX-encoded one.
    static void put(Cpu c, Insn i, int n, long low, long high) {
        c.xmm[2 * n] = low;
        c.xmm[2 * n + 1] = high;
        if (i.vex) putUpper(c, n, 0, 0);
    }

    static void putUpper(Cpu c, int n, long low, long high) {
        c.xmm[2 * n + Cpu.YMM] = low;
        c.xmm[2 * n + Cpu.YMM + 1] = high;
    }

    /// Writes the fetched source, all of it, to register `n`.
    static void putSource(Cpu c, Insn i, int n) {
        put(c, i, n, c.t0, c.t1);
        if (i.vl256) putUpper(c, n, c.t2, c.t3);
    }

    static long mmx(Cpu c, int n) {
        return c.fpu.mmx(n & 7);
    }

    public static void putMmx(Cpu c, int n, long value) {
        c.fpu.enterMmx();
        c.fpu.setMmx(n & 7, value);
    }

    /// The address of an operand of 16 or 32 bytes that must be aligned, or #GP(0).
    static long aligned(Cpu c, Insn i, boolean write) {
        int bytes = 8 * halves(i);
        long gva = i.address(c, bytes, write);
        if ((gva & bytes - 1) != 0 && !c.faulted()) c.generalProtection();
        return gva;
    }

    /// Wx: 16 bytes, aligned in memory unless VEX-encoded.
    public static boolean packed(Cpu c, Insn i) {
        if ((i.vex ? c.avxTrap : c.sseTrap) != 0) return sse(c, i);
        if (!i.memory) {
            c.t0 = c.xmm[2 * i.rm];
            c.t1 = c.xmm[2 * i.rm + 1];
            return true;
        }
        long gva = i.address(c, 16, false);
        if ((gva & 15) != 0 && !i.vex && !c.faulted()) c.generalProtection();
        if (c.faulted()) return false;
        Mmu.loadPair(c, gva);
        return !c.faulted();
    }

    /// Wx: by VEX.L 16 or 32 bytes, at any alignment in memory.
    public static boolean vexPacked(Cpu c, Insn i) {
        if (!i.memory) {
            if (!sse(c, i)) return false;
            c.t0 = c.xmm[2 * i.rm];
            c.t1 = c.xmm[2 * i.rm + 1];
            if (i.vl256) {
                c.t2 = c.xmm[2 * i.rm + Cpu.YMM];
                c.t3 = c.xmm[2 * i.rm + Cpu.YMM + 1];
            }
            return true;
        }
        if (!sse(c, i)) return false;
        long gva = i.address(c, 8 * halves(i), false);
        return !c.faulted() && load(c, i, gva);
    }

    /// Wx, in memory aligned to its size.
    static boolean alignedPacked(Cpu c, Insn i) {
        if (!i.memory) return vexPacked(c, i);
        if (!sse(c, i)) return false;
        long gva = aligned(c, i, false);
        return !c.faulted() && load(c, i, gva);
    }

    private static boolean load(Cpu c, Insn i, long gva) {
        Mmu.loadPair(c, gva);
        if (i.vl256 && !c.faulted()) {
            long low = c.t0;
            long high = c.t1;
            Mmu.loadPair(c, gva + 16);
            c.t2 = c.t0;
            c.t3 = c.t1;
            c.t0 = low;
            c.t1 = high;
        }
        return !c.faulted();
    }

    /// Stores the register ModRM.reg names, 16 or 32 bytes, all or none.
    static void store(Cpu c, Insn i, long gva) {
        if (!i.vl256) {
            Mmu.storePair(c, gva, low(c, i.reg), high(c, i.reg));
            return;
        }
        if ((gva & GuestMemory.PAGE_SIZE - 1) > GuestMemory.PAGE_SIZE - 32 && !Mmu.writable(c, gva, 32)) return;
        Mmu.storePair(c, gva, low(c, i.reg), high(c, i.reg));
        if (!c.faulted()) Mmu.storePair(c, gva + 16, half(c, i.reg, 2), half(c, i.reg, 3));
    }

    /// Wsd, Wq: a register's low half or 8 bytes of memory, in `t0`.
    public static boolean scalar64(Cpu c, Insn i) {
        return part(c, i, 8);
    }

    /// Wss, Wd: the low 4 bytes; of a register all 8 are given.
    public static boolean scalar32(Cpu c, Insn i) {
        return part(c, i, 4);
    }

    /// The low `bytes` bytes of memory, or a register's whole low half.
    static boolean part(Cpu c, Insn i, int bytes) {
        if ((i.vex ? c.avxTrap : c.sseTrap) != 0) return sse(c, i);
        if (!i.memory) {
            c.t0 = c.xmm[2 * i.rm];
            return true;
        }
        long gva = i.address(c, bytes, false);
        if (c.faulted()) return false;
        c.t0 = Mmu.load(c, gva, bytes);
        return !c.faulted();
    }

    /// Qq: an MMX register or 8 bytes of memory.
    public static boolean mmx(Cpu c, Insn i) {
        return mmxPart(c, i, 8);
    }

    /// Qd: an MMX register, whole, or 4 bytes of memory.
    static boolean mmxPart(Cpu c, Insn i, int bytes) {
        if (!mmxReady(c)) return false;
        if (!i.memory) {
            c.t0 = mmx(c, i.rm);
            return true;
        }
        long gva = i.address(c, bytes, false);
        if (c.faulted()) return false;
        c.t0 = Mmu.load(c, gva, bytes);
        return !c.faulted();
    }

    /// A shift count for both halves: the low half of Wx.
    public static boolean count(Cpu c, Insn i) {
        if (!packed(c, i)) return false;
        c.t1 = c.t0;
        return true;
    }

    /// An immediate shift count.
    public static boolean immediate(Cpu c, Insn i) {
        if (i.memory) {
            c.undefined();
            return false;
        }
        c.t0 = i.imm & 0xff;
        c.t1 = c.t0;
        return sse(c, i);
    }

    public static boolean immediateMmx(Cpu c, Insn i) {
        if (i.memory) {
            c.undefined();
            return false;
        }
        c.t0 = i.imm & 0xff;
        return mmxReady(c);
    }

    /// A general register or memory of 4 or 8 bytes (Ey), in `t0`. The caller has checked that SSE or MMX may be used.
    static boolean general(Cpu c, Insn i, int bytes) {
        if (!i.memory) {
            c.t0 = bytes == 8 ? c.r[i.rm] : c.r[i.rm] & 0xffff_ffffL;
            return true;
        }
        long gva = i.address(c, bytes, false);
        if (c.faulted()) return false;
        c.t0 = Mmu.load(c, gva, bytes);
        return !c.faulted();
    }

    /// Stores the low `bytes` bytes of `value` in a general register, zero-extended, or in memory.
    static void putGeneral(Cpu c, Insn i, int bytes, int registerBytes, long value) {
        if (!i.memory) {
            c.r[i.rm] = registerBytes == 8 ? value : value & 0xffff_ffffL;
            return;
        }
        long gva = i.address(c, bytes, true);
        if (c.faulted()) return;
        Mmu.store(c, gva, bytes, value);
    }
}
