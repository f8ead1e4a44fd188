package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// How operands reach vector operations. A source, register or memory, is left in `c.t0` (low) and `c.t1` (high); the methods that fetch
/// one answer false with the fault noted. They are also what [io.kahvem.jvm.interpret.Spinner] calls before a lane function.
public final class Lanes {
    private Lanes() {}

    /// Whether SSE instructions may be used now: #UD or #NM noted if not (SDM Vol. 3A, Table 13-1).
    static boolean sse(Cpu c) {
        if (c.sseTrap == 0) return true;
        c.raise(c.sseTrap);
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

    static void put(Cpu c, int n, long low, long high) {
        c.xmm[2 * n] = low;
        c.xmm[2 * n + 1] = high;
    }

    static long mmx(Cpu c, int n) {
        return c.fpu.mmx(n & 7);
    }

    public static void putMmx(Cpu c, int n, long value) {
        c.fpu.enterMmx();
        c.fpu.setMmx(n & 7, value);
    }

    /// The address of a 16-byte operand that must be aligned, or #GP(0).
    static long aligned(Cpu c, Insn i, boolean write) {
        long gva = i.address(c, 16, write);
        if ((gva & 15) != 0 && !c.faulted()) c.generalProtection();
        return gva;
    }

    /// Wx: 16 bytes, aligned in memory.
    public static boolean packed(Cpu c, Insn i) {
        if (c.sseTrap != 0) return sse(c);
        if (!i.memory) {
            c.t0 = c.xmm[2 * i.rm];
            c.t1 = c.xmm[2 * i.rm + 1];
            return true;
        }
        long gva = aligned(c, i, false);
        if (c.faulted()) return false;
        Mmu.loadPair(c, gva);
        return !c.faulted();
    }

    /// Wx at any alignment.
    static boolean unaligned(Cpu c, Insn i) {
        if (!i.memory) return packed(c, i);
        if (!sse(c)) return false;
        long gva = i.address(c, 16, false);
        if (c.faulted()) return false;
        Mmu.loadPair(c, gva);
        return !c.faulted();
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
        if (c.sseTrap != 0) return sse(c);
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
        return sse(c);
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
