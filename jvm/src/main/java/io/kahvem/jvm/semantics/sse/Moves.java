package io.kahvem.jvm.semantics.sse;

import static io.kahvem.jvm.semantics.sse.Lanes.high;
import static io.kahvem.jvm.semantics.sse.Lanes.low;
import static io.kahvem.jvm.semantics.sse.Lanes.mmx;
import static io.kahvem.jvm.semantics.sse.Lanes.mmxReady;
import static io.kahvem.jvm.semantics.sse.Lanes.put;
import static io.kahvem.jvm.semantics.sse.Lanes.putMmx;
import static io.kahvem.jvm.semantics.sse.Lanes.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Data movement between XMM, MMX and general registers and memory (SDM Vol. 1, 10.4.1, 11.4.1 and 12.5).
public final class Moves {
    private static final long LOW32 = 0xffff_ffffL;

    private Moves() {}

    /// MOVAPS, MOVAPD, MOVDQA, MOVNTDQA: aligned load.
    public static void loadAligned(Cpu c, Insn i) {
        if (Lanes.alignedPacked(c, i)) Lanes.putSource(c, i, i.reg);
    }

    /// MOVUPS, MOVUPD, MOVDQU, LDDQU.
    public static void load(Cpu c, Insn i) {
        if (Lanes.vexPacked(c, i)) Lanes.putSource(c, i, i.reg);
    }

    /// MOVAPS, MOVAPD, MOVDQA, MOVNTPS, MOVNTPD, MOVNTDQ: aligned store.
    public static void storeAligned(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        if (!i.memory) {
            copy(c, i);
            return;
        }
        long gva = Lanes.aligned(c, i, true);
        if (!c.faulted()) Lanes.store(c, i, gva);
    }

    public static void store(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        if (!i.memory) {
            copy(c, i);
            return;
        }
        long gva = i.address(c, 8 * Lanes.halves(i), true);
        if (!c.faulted()) Lanes.store(c, i, gva);
    }

    private static void copy(Cpu c, Insn i) {
        long upperLow = Lanes.half(c, i.reg, 2);
        long upperHigh = Lanes.half(c, i.reg, 3);
        put(c, i, i.rm, low(c, i.reg), high(c, i.reg));
        if (i.vl256) Lanes.putUpper(c, i.rm, upperLow, upperHigh);
    }

    /// MOVSS load: from memory zero-extends, from a register changes the low 32 bits only.
    public static void movss(Cpu c, Insn i) {
        if (!Lanes.scalar32(c, i)) return;
        if (i.memory) {
            put(c, i, c.t0, 0);
        } else {
            put(c, i, low(c, i.vvvv) & ~LOW32 | c.t0 & LOW32, high(c, i.vvvv));
        }
    }

    public static void movssStore(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        if (i.memory) {
            storePart(c, i, 4, low(c, i.reg));
        } else {
            int first = i.vex ? i.vvvv : i.rm;
            put(c, i, i.rm, low(c, first) & ~LOW32 | low(c, i.reg) & LOW32, high(c, first));
        }
    }

    public static void movsd(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) put(c, i, c.t0, i.memory ? 0 : high(c, i.vvvv));
    }

    public static void movsdStore(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        if (i.memory) {
            storePart(c, i, 8, low(c, i.reg));
        } else {
            put(c, i, i.rm, low(c, i.reg), high(c, i.vex ? i.vvvv : i.rm));
        }
    }

    /// MOVQ xmm, xmm/m64.
    public static void movq(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) put(c, i, c.t0, 0);
    }

    /// MOVQ xmm/m64, xmm.
    public static void movqStore(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        if (i.memory) {
            storePart(c, i, 8, low(c, i.reg));
        } else {
            put(c, i, i.rm, low(c, i.reg), 0);
        }
    }

    /// MOVLPS from memory, MOVHLPS from a register.
    public static void movlps(Cpu c, Insn i) {
        if (!Lanes.scalar64(c, i)) return;
        put(c, i, i.memory ? c.t0 : high(c, i.rm), high(c, i.vvvv));
    }

    /// MOVHPS from memory, MOVLHPS from a register.
    public static void movhps(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) put(c, i, low(c, i.vvvv), c.t0);
    }

    /// MOVLPD from memory.
    public static void movlpd(Cpu c, Insn i) {
        if (!onlyMemory(c, i)) return;
        if (Lanes.scalar64(c, i)) put(c, i, c.t0, high(c, i.vvvv));
    }

    public static void movhpd(Cpu c, Insn i) {
        if (!onlyMemory(c, i)) return;
        if (Lanes.scalar64(c, i)) put(c, i, low(c, i.vvvv), c.t0);
    }

    /// MOVLPS, MOVLPD to memory.
    public static void storeLow(Cpu c, Insn i) {
        if (onlyMemory(c, i) && sse(c, i)) storePart(c, i, 8, low(c, i.reg));
    }

    /// MOVHPS, MOVHPD to memory.
    public static void storeHigh(Cpu c, Insn i) {
        if (onlyMemory(c, i) && sse(c, i)) storePart(c, i, 8, high(c, i.reg));
    }

    /// MOVD, MOVQ xmm, r/m.
    public static void movd(Cpu c, Insn i) {
        if (sse(c, i) && Lanes.general(c, i, i.size() == 3 ? 8 : 4)) put(c, i, c.t0, 0);
    }

    /// MOVD, MOVQ r/m, xmm.
    public static void movdStore(Cpu c, Insn i) {
        int bytes = i.size() == 3 ? 8 : 4;
        if (sse(c, i)) Lanes.putGeneral(c, i, bytes, bytes, low(c, i.reg));
    }

    public static void movdMmx(Cpu c, Insn i) {
        if (mmxReady(c) && Lanes.general(c, i, i.size() == 3 ? 8 : 4)) putMmx(c, i.reg, c.t0);
    }

    public static void movdMmxStore(Cpu c, Insn i) {
        int bytes = i.size() == 3 ? 8 : 4;
        if (!mmxReady(c)) return;
        Lanes.putGeneral(c, i, bytes, bytes, mmx(c, i.reg));
        if (!c.faulted()) c.fpu.enterMmx();
    }

    public static void movqMmx(Cpu c, Insn i) {
        if (Lanes.mmx(c, i)) putMmx(c, i.reg, c.t0);
    }

    /// MOVQ mm/m64, mm and MOVNTQ.
    public static void movqMmxStore(Cpu c, Insn i) {
        if (!mmxReady(c)) return;
        if (i.memory) {
            storePart(c, i, 8, mmx(c, i.reg));
            if (!c.faulted()) c.fpu.enterMmx();
        } else {
            putMmx(c, i.rm, mmx(c, i.reg));
        }
    }

    public static void movntq(Cpu c, Insn i) {
        if (onlyMemory(c, i)) movqMmxStore(c, i);
    }

    /// MOVDQ2Q mm, xmm.
    public static void movdq2q(Cpu c, Insn i) {
        if (onlyRegister(c, i) && sse(c, i) && mmxReady(c)) putMmx(c, i.reg, low(c, i.rm));
    }

    /// MOVQ2DQ xmm, mm.
    public static void movq2dq(Cpu c, Insn i) {
        if (!onlyRegister(c, i) || !sse(c, i) || !mmxReady(c)) return;
        c.fpu.enterMmx();
        put(c, i, mmx(c, i.rm), 0);
    }

    public static void movntdqa(Cpu c, Insn i) {
        if (onlyMemory(c, i)) loadAligned(c, i);
    }

    public static void storeNonTemporal(Cpu c, Insn i) {
        if (onlyMemory(c, i)) storeAligned(c, i);
    }

    public static void lddqu(Cpu c, Insn i) {
        if (onlyMemory(c, i)) load(c, i);
    }

    public static void movddup(Cpu c, Insn i) {
        if (Lanes.scalar64(c, i)) put(c, i, c.t0, c.t0);
    }

    public static void movmskps(Cpu c, Insn i) {
        if (!onlyRegister(c, i) || !sse(c, i)) return;
        long signs = 0;
        for (int h = 0; h < Lanes.halves(i); h++) {
            long half = Lanes.half(c, i.rm, h);
            signs |= (half >>> 31 & 1 | half >>> 63 << 1) << 2 * h;
        }
        c.r[i.reg] = signs;
    }

    public static void movmskpd(Cpu c, Insn i) {
        if (!onlyRegister(c, i) || !sse(c, i)) return;
        long signs = 0;
        for (int h = 0; h < Lanes.halves(i); h++) signs |= Lanes.half(c, i.rm, h) >>> 63 << h;
        c.r[i.reg] = signs;
    }

    public static void pmovmskb(Cpu c, Insn i) {
        if (!onlyRegister(c, i) || !sse(c, i)) return;
        long mask = 0;
        for (int h = 0; h < Lanes.halves(i); h++) mask |= signs(Lanes.half(c, i.rm, h)) << 8 * h;
        c.r[i.reg] = mask;
    }

    public static void pmovmskbMmx(Cpu c, Insn i) {
        if (!onlyRegister(c, i) || !mmxReady(c)) return;
        c.fpu.enterMmx();
        c.r[i.reg] = signs(mmx(c, i.rm));
    }

    /// The signs of eight bytes as eight bits: the multiplication gathers bits 7, 15, ... 63 in the top byte.
    static long signs(long a) {
        return ((a >>> 7 & 0x0101_0101_0101_0101L) * 0x0102_0408_1020_4080L) >>> 56;
    }

    /// MASKMOVDQU: the bytes whose mask byte is negative, to DS:rDI.
    public static void maskmovdqu(Cpu c, Insn i) {
        if (!onlyRegister(c, i) || !sse(c, i)) return;
        long mask = signs(low(c, i.rm)) | signs(high(c, i.rm)) << 8;
        storeMasked(c, i, 16, mask, low(c, i.reg), high(c, i.reg));
    }

    public static void maskmovq(Cpu c, Insn i) {
        if (!onlyRegister(c, i) || !mmxReady(c)) return;
        storeMasked(c, i, 8, signs(mmx(c, i.rm)), mmx(c, i.reg), 0);
        if (!c.faulted()) c.fpu.enterMmx();
    }

    private static void storeMasked(Cpu c, Insn i, int bytes, long mask, long low, long high) {
        long offset = c.r[Cpu.RDI] & i.addressMask();
        long gva = i.checked
                ? io.kahvem.jvm.interpret.SegmentCheck.linear(c, i.segment, offset, bytes, true)
                : offset + c.r[i.segmentBase];
        if (c.faulted() || mask == 0) return;
        for (int n = 0; n < bytes; n++) {
            if ((mask >>> n & 1) != 0 && !Mmu.writable(c, gva + n, 1)) return;
        }
        for (int n = 0; n < bytes; n++) {
            if ((mask >>> n & 1) != 0) Mmu.store8(c, gva + n, (n < 8 ? low : high) >>> 8 * n);
        }
    }

    private static void storePart(Cpu c, Insn i, int bytes, long value) {
        long gva = i.address(c, bytes, true);
        if (c.faulted()) return;
        Mmu.store(c, gva, bytes, value);
    }

    static boolean onlyMemory(Cpu c, Insn i) {
        if (!i.memory) c.undefined();
        return i.memory;
    }

    static boolean onlyRegister(Cpu c, Insn i) {
        if (i.memory) c.undefined();
        return !i.memory;
    }
}
