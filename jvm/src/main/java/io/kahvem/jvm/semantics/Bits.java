package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.Form.bits;
import static io.kahvem.jvm.semantics.Form.flagsLive;
import static io.kahvem.jvm.semantics.Form.zx;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Bit tests, scans, counts and byte swaps.
public final class Bits {
    private Bits() {}

    // BT, BTS, BTR, BTC on a register, or with an immediate: the bit number is taken modulo the operand size; only CF changes.

    public static void bt(Cpu c, int form, long a, long bit) {
        if (flagsLive(form)) Flags.setCarry(c, (a >>> (bit & bits(form) - 1) & 1) != 0);
    }

    public static long bts(Cpu c, int form, long a, long bit) {
        bt(c, form, a, bit);
        return a | 1L << (bit & bits(form) - 1);
    }

    public static long btr(Cpu c, int form, long a, long bit) {
        bt(c, form, a, bit);
        return a & ~(1L << (bit & bits(form) - 1));
    }

    public static long btc(Cpu c, int form, long a, long bit) {
        bt(c, form, a, bit);
        return a ^ 1L << (bit & bits(form) - 1);
    }

    // The same with a register as bit number: on memory it reaches beyond the operand, by whole operands (SDM Vol. 2A, "BT").

    public static void btReg(Cpu c, Insn i) {
        bitString(c, i, 0);
    }

    public static void btsReg(Cpu c, Insn i) {
        bitString(c, i, 1);
    }

    public static void btrReg(Cpu c, Insn i) {
        bitString(c, i, 2);
    }

    public static void btcReg(Cpu c, Insn i) {
        bitString(c, i, 3);
    }

    private static void bitString(Cpu c, Insn i, int operation) {
        long[] r = c.r;
        int size = i.size();
        int bytes = 1 << size;
        long number = Form.sx(i.form, r[i.reg]);
        long mask = 1L << (number & 8L * bytes - 1);
        if (!i.memory) {
            long value = r[i.rm];
            Flags.setCarry(c, (value & mask) != 0);
            if (operation != 0) Registers.put(r, i.rm, size, apply(operation, value, mask));
            return;
        }
        long offset = i.offset(c) + (number >> 3 & -bytes) & i.addressMask();
        long gva = i.address(c, offset, bytes, operation != 0);
        if (c.faulted()) return;
        if (operation == 0) {
            long value = Mmu.load(c, gva, bytes);
            if (!c.faulted()) Flags.setCarry(c, (value & mask) != 0);
            return;
        }
        for (; ; ) {
            long value = Mmu.update(c, gva, bytes);
            if (c.faulted()) return;
            long changed = apply(operation, value, mask);
            if (i.lock) {
                if (!Mmu.compareAndSet(c, gva, bytes, value, changed)) continue;
            } else {
                Mmu.store(c, gva, bytes, changed);
            }
            Flags.setCarry(c, (value & mask) != 0);
            return;
        }
    }

    private static long apply(int operation, long value, long mask) {
        return switch (operation) {
            case 1 -> value | mask;
            case 2 -> value & ~mask;
            default -> value ^ mask;
        };
    }

    /// BSF: a source of 0 sets ZF and leaves the destination, but for the upper half of a 32-bit one, which is cleared on some processors
    /// (SDM Vol. 2A, "BSF")
    /// and here. The other flags are the source's, as processors leave them.
    public static long bsf(Cpu c, int form, long a, long b) {
        long source = zx(form, b);
        if (flagsLive(form)) Logic.flags(c, form, source);
        return source == 0 ? a : Long.numberOfTrailingZeros(source);
    }

    public static long bsr(Cpu c, int form, long a, long b) {
        long source = zx(form, b);
        if (flagsLive(form)) Logic.flags(c, form, source);
        return source == 0 ? a : 63 - Long.numberOfLeadingZeros(source);
    }

    /// POPCNT: ZF by the source, all others clear.
    public static long popcnt(Cpu c, int form, long b) {
        long source = zx(form, b);
        if (flagsLive(form)) {
            c.flagResult = source == 0 ? 0 : 1;
            c.flagAux = source == 0 ? 1 << 8 : 0;
            c.flagCarry = 0;
        }
        return Long.bitCount(source);
    }

    /// BSWAP; a 16-bit one is undefined by the manual and clears the register on processors.
    public static long bswap(Cpu c, int form, long a) {
        return switch (form & Form.SIZE) {
            case 3 -> Long.reverseBytes(a);
            case 2 -> Integer.reverseBytes((int) a);
            default -> 0;
        };
    }
}
