package io.kahvem.jvm.semantics.sse;

import static io.kahvem.jvm.semantics.sse.Lanes.half;
import static io.kahvem.jvm.semantics.sse.Lanes.halves;
import static io.kahvem.jvm.semantics.sse.Lanes.put;
import static io.kahvem.jvm.semantics.sse.Lanes.putUpper;
import static io.kahvem.jvm.semantics.sse.Lanes.source;
import static io.kahvem.jvm.semantics.sse.Lanes.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// What AVX and AVX2 have beside the SSE instructions' VEX forms: broadcasts, permutations across 128-bit lanes, masked moves, gathers
/// (SDM Vol. 1, 14.1 and 14.6).
public final class Avx {
    private static final long LOW32 = 0xffff_ffffL;

    private Avx() {}

    /// Only 64-bit code reaches YMM8 to YMM15.
    private static int registers(Cpu c) {
        return c.code64() ? 16 : 8;
    }

    public static void vzeroupper(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        for (int n = 0; n < registers(c); n++) putUpper(c, n, 0, 0);
    }

    public static void vzeroall(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        for (int n = 0; n < registers(c); n++) put(c, i, n, 0, 0);
    }

    // Broadcasts.

    public static void vpbroadcastb(Cpu c, Insn i) {
        if (Lanes.part(c, i, 1)) fill(c, i, (c.t0 & 0xff) * 0x0101_0101_0101_0101L);
    }

    public static void vpbroadcastw(Cpu c, Insn i) {
        if (Lanes.part(c, i, 2)) fill(c, i, (c.t0 & 0xffff) * 0x0001_0001_0001_0001L);
    }

    /// VPBROADCASTD, VBROADCASTSS.
    public static void vpbroadcastd(Cpu c, Insn i) {
        if (Lanes.part(c, i, 4)) fill(c, i, c.t0 & LOW32 | c.t0 << 32);
    }

    /// VPBROADCASTQ, VBROADCASTSD.
    public static void vpbroadcastq(Cpu c, Insn i) {
        if (Lanes.part(c, i, 8)) fill(c, i, c.t0);
    }

    private static void fill(Cpu c, Insn i, long half) {
        put(c, i, half, half);
        if (i.vl256) putUpper(c, i.reg, half, half);
    }

    /// VBROADCASTF128, VBROADCASTI128.
    public static void vbroadcast128(Cpu c, Insn i) {
        if (!Lanes.packed(c, i)) return;
        put(c, i, c.t0, c.t1);
        putUpper(c, i.reg, c.t0, c.t1);
    }

    // Across lanes.

    /// VPERMQ, VPERMPD.
    public static void vpermq(Cpu c, Insn i) {
        if (!Lanes.vexPacked(c, i)) return;
        int order = (int) i.imm;
        put(c, i, source(c, order & 3), source(c, order >> 2 & 3));
        putUpper(c, i.reg, source(c, order >> 4 & 3), source(c, order >> 6 & 3));
    }

    /// VPERMD, VPERMPS.
    public static void vpermd(Cpu c, Insn i) {
        if (!Lanes.vexPacked(c, i)) return;
        long h0 = permuted(c, half(c, i.vvvv, 0));
        long h1 = permuted(c, half(c, i.vvvv, 1));
        long h2 = permuted(c, half(c, i.vvvv, 2));
        long h3 = permuted(c, half(c, i.vvvv, 3));
        put(c, i, h0, h1);
        putUpper(c, i.reg, h2, h3);
    }

    private static long permuted(Cpu c, long order) {
        return dword(c, (int) order & 7) | dword(c, (int) (order >>> 32) & 7) << 32;
    }

    private static long dword(Cpu c, int n) {
        return source(c, n >> 1) >>> 32 * (n & 1) & LOW32;
    }

    /// VPERM2F128, VPERM2I128.
    public static void vperm2x128(Cpu c, Insn i) {
        if (!Lanes.vexPacked(c, i)) return;
        int control = (int) i.imm;
        long h0 = laneHalf(c, i, control, 0);
        long h1 = laneHalf(c, i, control, 1);
        long h2 = laneHalf(c, i, control >> 4, 0);
        long h3 = laneHalf(c, i, control >> 4, 1);
        put(c, i, h0, h1);
        putUpper(c, i.reg, h2, h3);
    }

    private static long laneHalf(Cpu c, Insn i, int control, int half) {
        if ((control & 8) != 0) return 0;
        int at = (control & 1) * 2 + half;
        return (control & 2) == 0 ? half(c, i.vvvv, at) : source(c, at);
    }

    /// VINSERTF128, VINSERTI128.
    public static void vinsertx128(Cpu c, Insn i) {
        if (!Lanes.packed(c, i)) return;
        boolean upper = (i.imm & 1) != 0;
        long h0 = upper ? half(c, i.vvvv, 0) : c.t0;
        long h1 = upper ? half(c, i.vvvv, 1) : c.t1;
        long h2 = upper ? c.t0 : half(c, i.vvvv, 2);
        long h3 = upper ? c.t1 : half(c, i.vvvv, 3);
        put(c, i, h0, h1);
        putUpper(c, i.reg, h2, h3);
    }

    /// VEXTRACTF128, VEXTRACTI128.
    public static void vextractx128(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        int lane = ((int) i.imm & 1) * 2;
        putOrStore(c, i, half(c, i.reg, lane), half(c, i.reg, lane + 1), 16);
    }

    /// To r/m: a register, or 8 or 16 bytes of memory.
    private static void putOrStore(Cpu c, Insn i, long low, long high, int bytes) {
        if (!i.memory) {
            put(c, i, i.rm, low, high);
            return;
        }
        long gva = i.address(c, bytes, true);
        if (c.faulted()) return;
        if (bytes == 16) {
            Mmu.storePair(c, gva, low, high);
        } else {
            Mmu.store64(c, gva, low);
        }
    }

    // Masked moves: only elements whose mask is negative are accessed.

    public static void maskedLoad32(Cpu c, Insn i) {
        if (sse(c, i)) maskedLoad(c, i, 4);
    }

    public static void maskedLoad64(Cpu c, Insn i) {
        if (sse(c, i)) maskedLoad(c, i, 8);
    }

    private static void maskedLoad(Cpu c, Insn i, int bytes) {
        c.t0 = c.t1 = c.t2 = c.t3 = 0;
        for (int h = 0; h < halves(i); h++) {
            long mask = half(c, i.vvvv, h);
            long value = 0;
            for (int at = 0; at < 8; at += bytes) {
                if (mask << 64 - 8 * (at + bytes) >= 0) continue;
                long gva = element(c, i, 8 * h + at, bytes, false);
                if (c.faulted()) return;
                value |= Mmu.load(c, gva, bytes) << 8 * at;
                if (c.faulted()) return;
            }
            switch (h) {
                case 0 -> c.t0 = value;
                case 1 -> c.t1 = value;
                case 2 -> c.t2 = value;
                default -> c.t3 = value;
            }
        }
        Lanes.putSource(c, i, i.reg);
    }

    public static void maskedStore32(Cpu c, Insn i) {
        if (sse(c, i) && maskedStore(c, i, 4, false)) maskedStore(c, i, 4, true);
    }

    public static void maskedStore64(Cpu c, Insn i) {
        if (sse(c, i) && maskedStore(c, i, 8, false)) maskedStore(c, i, 8, true);
    }

    /// First without `store`, to find whether all of it can be stored.
    private static boolean maskedStore(Cpu c, Insn i, int bytes, boolean store) {
        for (int h = 0; h < halves(i); h++) {
            long mask = half(c, i.vvvv, h);
            for (int at = 0; at < 8; at += bytes) {
                if (mask << 64 - 8 * (at + bytes) >= 0) continue;
                long gva = element(c, i, 8 * h + at, bytes, true);
                if (c.faulted()) return false;
                if (store) {
                    Mmu.store(c, gva, bytes, half(c, i.reg, h) >>> 8 * at);
                } else if (!Mmu.writable(c, gva, bytes)) {
                    return false;
                }
            }
        }
        return true;
    }

    /// The address of the element `at` bytes into the memory operand.
    private static long element(Cpu c, Insn i, int at, int bytes, boolean write) {
        return i.address(c, i.offset(c) + at & i.addressMask(), bytes, write);
    }

    // Gathers: elements are loaded in order, each clears its mask, so that after a fault the instruction goes on where it was.

    public static void gatherDwordIndex32(Cpu c, Insn i) {
        gather(c, i, false, 4);
    }

    public static void gatherDwordIndex64(Cpu c, Insn i) {
        gather(c, i, false, 8);
    }

    public static void gatherQwordIndex32(Cpu c, Insn i) {
        gather(c, i, true, 4);
    }

    public static void gatherQwordIndex64(Cpu c, Insn i) {
        gather(c, i, true, 8);
    }

    private static void gather(Cpu c, Insn i, boolean qwordIndex, int bytes) {
        int index = i.imm2;
        if (i.reg == i.vvvv || i.reg == index || i.vvvv == index) {
            c.undefined();
            return;
        }
        if (!sse(c, i)) return;
        int count = qwordIndex || bytes == 8 ? halves(i) : 2 * halves(i);
        for (int n = 0; n < count; n++) {
            int h = n * bytes >> 3;
            int shift = 8 * (n * bytes & 7);
            long mask = (bytes == 8 ? -1 : LOW32) << shift;
            if (half(c, i.vvvv, h) << 64 - 8 * bytes - shift >= 0) {
                replace(c, i.vvvv, h, mask, 0);
                continue;
            }
            long distance = qwordIndex ? half(c, index, n) : (int) (half(c, index, n >> 1) >>> 32 * (n & 1));
            long gva = i.address(c, i.offset(c) + (distance << i.scale) & i.addressMask(), bytes, false);
            if (c.faulted()) return;
            long value = Mmu.load(c, gva, bytes);
            if (c.faulted()) return;
            replace(c, i.reg, h, mask, value << shift);
            replace(c, i.vvvv, h, mask, 0);
        }
        int used = count * bytes >> 3;
        for (int h = used; h < 4; h++) replace(c, i.reg, h, -1, 0);
        put(c, i, i.vvvv, 0, 0);
    }

    private static void replace(Cpu c, int register, int half, long mask, long value) {
        int at = 2 * register + (half & 1) + (half >> 1) * Cpu.YMM;
        c.xmm[at] = c.xmm[at] & ~mask | value & mask;
    }

    // F16C.

    public static void vcvtph2ps(Cpu c, Insn i) {
        if (!(i.vl256 ? Lanes.packed(c, i) : Lanes.scalar64(c, i))) return;
        long low = c.t0;
        long high = c.t1;
        long h0 = widenedHalves(c, low);
        long h1 = widenedHalves(c, low >>> 32);
        long h2 = i.vl256 ? widenedHalves(c, high) : 0;
        long h3 = i.vl256 ? widenedHalves(c, high >>> 32) : 0;
        if (!Mxcsr.settle(c)) return;
        put(c, i, h0, h1);
        putUpper(c, i.reg, h2, h3);
    }

    private static long widenedHalves(Cpu c, long two) {
        return SoftFloat.fromHalf(c, two & 0xffff) | SoftFloat.fromHalf(c, two >>> 16 & 0xffff) << 32;
    }

    /// Immediate bits 0 and 1 are the rounding mode unless bit 2 asks for MXCSR's.
    public static void vcvtps2ph(Cpu c, Insn i) {
        if (!sse(c, i)) return;
        int bytes = 4 * halves(i);
        if (i.memory) {
            long gva = i.address(c, bytes, true);
            if (c.faulted() || !Mmu.writable(c, gva, bytes)) return;
        }
        int mode = (i.imm & 4) != 0 ? Mxcsr.rounding(c.mxcsr) : (int) i.imm & 3;
        long low = narrowed(c, half(c, i.reg, 0), mode) | narrowed(c, half(c, i.reg, 1), mode) << 32;
        long high = i.vl256 ? narrowed(c, half(c, i.reg, 2), mode) | narrowed(c, half(c, i.reg, 3), mode) << 32 : 0;
        if (Mxcsr.settle(c)) putOrStore(c, i, low, high, bytes);
    }

    private static long narrowed(Cpu c, long two, int mode) {
        return SoftFloat.toHalf(c, two & LOW32, mode) | SoftFloat.toHalf(c, two >>> 32, mode) << 16;
    }
}
