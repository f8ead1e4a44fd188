package io.kahvem.jvm.semantics.sse;

import static io.kahvem.jvm.semantics.sse.Lanes.high;
import static io.kahvem.jvm.semantics.sse.Lanes.low;
import static io.kahvem.jvm.semantics.sse.Lanes.mmx;
import static io.kahvem.jvm.semantics.sse.Lanes.mmxReady;
import static io.kahvem.jvm.semantics.sse.Lanes.packed;
import static io.kahvem.jvm.semantics.sse.Lanes.put;
import static io.kahvem.jvm.semantics.sse.Lanes.putMmx;
import static io.kahvem.jvm.semantics.sse.Lanes.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Operations that move elements across the halves of a 128-bit lane, and insertion, extraction, blending, widening.
///
/// The first are functions that give one `half` of the result from both halves of both operands in its lane; `half` 2 and 3 are those of a
/// YMM register's upper lane.
public final class Shuffles {
    private static final long LOW32 = 0xffff_ffffL;

    private Shuffles() {}

    public static long punpcklbw(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? Integers.punpcklbw(a0, b0) : Integers.punpckhbw(a0, b0);
    }

    public static long punpckhbw(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? Integers.punpcklbw(a1, b1) : Integers.punpckhbw(a1, b1);
    }

    public static long punpcklwd(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? Integers.punpcklwd(a0, b0) : Integers.punpckhwd(a0, b0);
    }

    public static long punpckhwd(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? Integers.punpcklwd(a1, b1) : Integers.punpckhwd(a1, b1);
    }

    /// PUNPCKLDQ, UNPCKLPS.
    public static long punpckldq(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? Integers.punpckldq(a0, b0) : Integers.punpckhdq(a0, b0);
    }

    /// PUNPCKHDQ, UNPCKHPS.
    public static long punpckhdq(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? Integers.punpckldq(a1, b1) : Integers.punpckhdq(a1, b1);
    }

    /// PUNPCKLQDQ, UNPCKLPD.
    public static long punpcklqdq(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? a0 : b0;
    }

    /// PUNPCKHQDQ, UNPCKHPD.
    public static long punpckhqdq(int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? a1 : b1;
    }

    /// VMOVDDUP on 256 bits.
    public static long movddup(int half, long a0, long a1, long b0, long b1) {
        return b0;
    }

    public static long movsldup(long a, long b) {
        return b & LOW32 | b << 32;
    }

    public static long movshdup(long a, long b) {
        return b >>> 32 | b & ~LOW32;
    }

    // The MMX forms that read only 32 bits of memory.

    public static void punpcklbwMmx(Cpu c, Insn i) {
        if (Lanes.mmxPart(c, i, 4)) putMmx(c, i.reg, Integers.punpcklbw(mmx(c, i.reg), c.t0));
    }

    public static void punpcklwdMmx(Cpu c, Insn i) {
        if (Lanes.mmxPart(c, i, 4)) putMmx(c, i.reg, Integers.punpcklwd(mmx(c, i.reg), c.t0));
    }

    public static void punpckldqMmx(Cpu c, Insn i) {
        if (Lanes.mmxPart(c, i, 4)) putMmx(c, i.reg, Integers.punpckldq(mmx(c, i.reg), c.t0));
    }

    /// Doubleword `n` (0 to 3) of a register's halves.
    private static long dword(long low, long high, int n) {
        return ((n & 2) == 0 ? low : high) >>> 32 * (n & 1) & LOW32;
    }

    /// PSHUFD, VPERMILPS by an immediate.
    public static long pshufd(Insn i, int half, long a0, long a1, long b0, long b1) {
        int order = (int) i.imm >> 4 * (half & 1);
        return dword(b0, b1, order & 3) | dword(b0, b1, order >> 2 & 3) << 32;
    }

    public static long pshuflw(Insn i, int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? shuffleWords(b0, (int) i.imm) : b1;
    }

    public static long pshufhw(Insn i, int half, long a0, long a1, long b0, long b1) {
        return (half & 1) == 0 ? b0 : shuffleWords(b1, (int) i.imm);
    }

    public static void pshufw(Cpu c, Insn i) {
        if (Lanes.mmx(c, i)) putMmx(c, i.reg, shuffleWords(c.t0, (int) i.imm));
    }

    private static long shuffleWords(long a, int order) {
        long result = 0;
        for (int n = 0; n < 4; n++) result |= (a >>> 16 * (order >> 2 * n & 3) & 0xffff) << 16 * n;
        return result;
    }

    public static long shufps(Insn i, int half, long a0, long a1, long b0, long b1) {
        int order = (int) i.imm >> 4 * (half & 1);
        long l = (half & 1) == 0 ? a0 : b0;
        long h = (half & 1) == 0 ? a1 : b1;
        return dword(l, h, order & 3) | dword(l, h, order >> 2 & 3) << 32;
    }

    public static long shufpd(Insn i, int half, long a0, long a1, long b0, long b1) {
        boolean high = (i.imm >> half & 1) != 0;
        return (half & 1) == 0 ? high ? a1 : a0 : high ? b1 : b0;
    }

    public static long pshufb(int half, long a0, long a1, long b0, long b1) {
        return pick(a0, a1, (half & 1) == 0 ? b0 : b1);
    }

    /// VPERMILPS by a register.
    public static long permilps(int half, long a0, long a1, long b0, long b1) {
        long order = (half & 1) == 0 ? b0 : b1;
        return dword(a0, a1, (int) order & 3) | dword(a0, a1, (int) (order >>> 32) & 3) << 32;
    }

    /// VPERMILPD by a register.
    public static long permilpd(int half, long a0, long a1, long b0, long b1) {
        long order = (half & 1) == 0 ? b0 : b1;
        return (order & 2) == 0 ? a0 : a1;
    }

    public static long permilpdImmediate(Insn i, int half, long a0, long a1, long b0, long b1) {
        return (i.imm >> half & 1) == 0 ? b0 : b1;
    }

    private static long pick(long l, long h, long selectors) {
        long result = 0;
        for (int n = 0; n < 64; n += 8) {
            int selector = (int) (selectors >>> n);
            if ((selector & 0x80) == 0) result |= (((selector & 8) == 0 ? l : h) >>> 8 * (selector & 7) & 0xff) << n;
        }
        return result;
    }

    public static long palignr(Insn i, int half, long a0, long a1, long b0, long b1) {
        return eightBytes(b0, b1, a0, a1, ((int) i.imm & 0xff) + 8 * (half & 1));
    }

    /// The 64 bits that start `bytes` bytes into the 256 bits of b0, b1, a0, a1.
    private static long eightBytes(long b0, long b1, long a0, long a1, int bytes) {
        int word = bytes >> 3;
        int shift = (bytes & 7) * 8;
        long first = word(b0, b1, a0, a1, word);
        return shift == 0 ? first : first >>> shift | word(b0, b1, a0, a1, word + 1) << 64 - shift;
    }

    private static long word(long b0, long b1, long a0, long a1, int n) {
        return switch (n) {
            case 0 -> b0;
            case 1 -> b1;
            case 2 -> a0;
            case 3 -> a1;
            default -> 0;
        };
    }

    public static void palignrMmx(Cpu c, Insn i) {
        if (!Lanes.mmx(c, i)) return;
        int bits = 8 * ((int) i.imm & 0xff);
        long a = mmx(c, i.reg);
        long b = c.t0;
        putMmx(c, i.reg, bits == 0 ? b : bits < 64 ? b >>> bits | a << 64 - bits : bits < 128 ? a >>> bits - 64 : 0);
    }

    public static void psrldq(Cpu c, Insn i) {
        if (Lanes.immediate(c, i)) shiftBytes(c, i, (int) Math.min(c.t0, 16));
    }

    public static void pslldq(Cpu c, Insn i) {
        if (Lanes.immediate(c, i)) shiftBytes(c, i, -(int) Math.min(c.t0, 16));
    }

    /// Shifts the lanes of r/m right by `bytes`, or left by -`bytes`, into VEX.vvvv, without VEX into r/m.
    private static void shiftBytes(Cpu c, Insn i, int bytes) {
        int to = i.vex ? i.vvvv : i.rm;
        long upperLow = Lanes.half(c, i.rm, 2);
        long upperHigh = Lanes.half(c, i.rm, 3);
        long low = low(c, i.rm);
        long high = high(c, i.rm);
        put(c, i, to, shifted(low, high, bytes, 0), shifted(low, high, bytes, 8));
        if (i.vl256) Lanes.putUpper(c, to, shifted(upperLow, upperHigh, bytes, 0), shifted(upperLow, upperHigh, bytes, 8));
    }

    private static long shifted(long low, long high, int bytes, int at) {
        return bytes >= 0 ? eightBytes(low, high, 0, 0, at + bytes) : eightBytes(0, 0, low, high, 16 + at + bytes);
    }

    // Insertion and extraction.

    public static void pinsrw(Cpu c, Insn i) {
        if (sse(c, i) && generalPart(c, i, 2)) insert(c, i, 2);
    }

    public static void pinsrb(Cpu c, Insn i) {
        if (sse(c, i) && generalPart(c, i, 1)) insert(c, i, 1);
    }

    /// PINSRD, PINSRQ.
    public static void pinsrd(Cpu c, Insn i) {
        int bytes = i.size() == 3 ? 8 : 4;
        if (sse(c, i) && generalPart(c, i, bytes)) insert(c, i, bytes);
    }

    public static void pinsrwMmx(Cpu c, Insn i) {
        if (!mmxReady(c) || !generalPart(c, i, 2)) return;
        int shift = 16 * ((int) i.imm & 3);
        putMmx(c, i.reg, mmx(c, i.reg) & ~(0xffffL << shift) | (c.t0 & 0xffff) << shift);
    }

    private static boolean generalPart(Cpu c, Insn i, int bytes) {
        if (!i.memory) {
            c.t0 = c.r[i.rm];
            return true;
        }
        return Lanes.general(c, i, bytes);
    }

    private static void insert(Cpu c, Insn i, int bytes) {
        int offset = (int) i.imm * bytes & 15;
        long mask = (bytes == 8 ? -1 : (1L << 8 * bytes) - 1) << 8 * offset;
        long value = c.t0 << 8 * offset & mask;
        long low = low(c, i.vvvv);
        long high = high(c, i.vvvv);
        put(c, i, offset < 8 ? low & ~mask | value : low, offset < 8 ? high : high & ~mask | value);
    }

    private static long element(Cpu c, int n, long imm, int bytes) {
        int offset = (int) imm * bytes & 15;
        long value = c.xmm[2 * n + (offset >> 3)] >>> 8 * offset;
        return bytes == 8 ? value : value & (1L << 8 * bytes) - 1;
    }

    /// PEXTRW r, xmm, imm8 (0F C5).
    public static void pextrw(Cpu c, Insn i) {
        if (Moves.onlyRegister(c, i) && sse(c, i)) c.r[i.reg] = element(c, i.rm, i.imm, 2);
    }

    public static void pextrwMmx(Cpu c, Insn i) {
        if (!Moves.onlyRegister(c, i) || !mmxReady(c)) return;
        c.fpu.enterMmx();
        c.r[i.reg] = mmx(c, i.rm) >>> 16 * ((int) i.imm & 3) & 0xffff;
    }

    public static void pextrb(Cpu c, Insn i) {
        if (sse(c, i)) Lanes.putGeneral(c, i, 1, 8, element(c, i.reg, i.imm, 1));
    }

    /// PEXTRW r/m, xmm, imm8 (0F 3A 15).
    public static void pextrwStore(Cpu c, Insn i) {
        if (sse(c, i)) Lanes.putGeneral(c, i, 2, 8, element(c, i.reg, i.imm, 2));
    }

    /// PEXTRD, PEXTRQ.
    public static void pextrd(Cpu c, Insn i) {
        int bytes = i.size() == 3 ? 8 : 4;
        if (sse(c, i)) Lanes.putGeneral(c, i, bytes, 8, element(c, i.reg, i.imm, bytes));
    }

    public static void extractps(Cpu c, Insn i) {
        if (sse(c, i)) Lanes.putGeneral(c, i, 4, 8, element(c, i.reg, i.imm, 4));
    }

    public static void insertps(Cpu c, Insn i) {
        if (!Lanes.scalar32(c, i)) return;
        int control = (int) i.imm;
        int to = control >> 4 & 3;
        long value = i.memory ? c.t0 : element(c, i.rm, control >> 6 & 3, 4);
        long[] halves = c.xmm;
        long result = 0;
        long low = 0;
        for (int n = 0; n < 4; n++) {
            long dword = n == to ? value : halves[2 * i.vvvv + (n >> 1)] >>> 32 * (n & 1);
            if ((control >> n & 1) == 0) result |= (dword & LOW32) << 32 * (n & 1);
            if (n == 1) {
                low = result;
                result = 0;
            }
        }
        put(c, i, low, result);
    }

    // Blending.

    public static long pblendw(Insn i, int half, long a, long b) {
        return select(wordMask((int) i.imm >> 4 * (half & 1)), a, b);
    }

    /// BLENDPS, VPBLENDD.
    public static long blendps(Insn i, int half, long a, long b) {
        return select(dwordMask((int) i.imm >> 2 * half), a, b);
    }

    public static long blendpd(Insn i, int half, long a, long b) {
        return (i.imm >> half & 1) == 0 ? a : b;
    }

    private static long select(long mask, long a, long b) {
        return a & ~mask | b & mask;
    }

    /// PBLENDVB by the signs of bytes of XMM0, with VEX of the register that the immediate names.
    public static void pblendvb(Cpu c, Insn i) {
        if (!fetch(c, i)) return;
        for (int h = 0; h < Lanes.halves(i); h++) blendInto(c, i, h, Integers.pcmpgtb(0, blendMask(c, i, h)));
        Lanes.putSource(c, i, i.reg);
    }

    public static void blendvps(Cpu c, Insn i) {
        if (!fetch(c, i)) return;
        for (int h = 0; h < Lanes.halves(i); h++) blendInto(c, i, h, Integers.psrad(blendMask(c, i, h), 31));
        Lanes.putSource(c, i, i.reg);
    }

    public static void blendvpd(Cpu c, Insn i) {
        if (!fetch(c, i)) return;
        for (int h = 0; h < Lanes.halves(i); h++) blendInto(c, i, h, blendMask(c, i, h) >> 63);
        Lanes.putSource(c, i, i.reg);
    }

    private static boolean fetch(Cpu c, Insn i) {
        return i.vex ? Lanes.vexPacked(c, i) : packed(c, i);
    }

    private static long blendMask(Cpu c, Insn i, int half) {
        int register = i.vex ? (int) i.imm >> 4 & (c.code64() ? 15 : 7) : 0;
        return Lanes.half(c, register, half);
    }

    /// Half `half` of the fetched source becomes the first operand's where `mask` is clear.
    private static void blendInto(Cpu c, Insn i, int half, long mask) {
        long first = Lanes.half(c, i.vvvv, half);
        switch (half) {
            case 0 -> c.t0 = select(mask, first, c.t0);
            case 1 -> c.t1 = select(mask, first, c.t1);
            case 2 -> c.t2 = select(mask, first, c.t2);
            default -> c.t3 = select(mask, first, c.t3);
        }
    }

    private static long wordMask(int bits) {
        long mask = 0;
        for (int n = 0; n < 4; n++) {
            if ((bits >> n & 1) != 0) mask |= 0xffffL << 16 * n;
        }
        return mask;
    }

    private static long dwordMask(int bits) {
        return ((bits & 1) != 0 ? LOW32 : 0) | ((bits & 2) != 0 ? LOW32 << 32 : 0);
    }

    // Widening.

    public static void pmovsxbw(Cpu c, Insn i) {
        widen(c, i, 8, 16, true);
    }

    public static void pmovsxbd(Cpu c, Insn i) {
        widen(c, i, 8, 32, true);
    }

    public static void pmovsxbq(Cpu c, Insn i) {
        widen(c, i, 8, 64, true);
    }

    public static void pmovsxwd(Cpu c, Insn i) {
        widen(c, i, 16, 32, true);
    }

    public static void pmovsxwq(Cpu c, Insn i) {
        widen(c, i, 16, 64, true);
    }

    public static void pmovsxdq(Cpu c, Insn i) {
        widen(c, i, 32, 64, true);
    }

    public static void pmovzxbw(Cpu c, Insn i) {
        widen(c, i, 8, 16, false);
    }

    public static void pmovzxbd(Cpu c, Insn i) {
        widen(c, i, 8, 32, false);
    }

    public static void pmovzxbq(Cpu c, Insn i) {
        widen(c, i, 8, 64, false);
    }

    public static void pmovzxwd(Cpu c, Insn i) {
        widen(c, i, 16, 32, false);
    }

    public static void pmovzxwq(Cpu c, Insn i) {
        widen(c, i, 16, 64, false);
    }

    public static void pmovzxdq(Cpu c, Insn i) {
        widen(c, i, 32, 64, false);
    }

    private static void widen(Cpu c, Insn i, int from, int to, boolean signed) {
        int bytes = 8 * Lanes.halves(i) * from / to;
        if (!(bytes == 16 ? packed(c, i) : Lanes.part(c, i, bytes))) return;
        int each = 64 * from / to;
        // With 16 bytes the low ones are those of the low lane.
        long upper = bytes == 16 ? c.t1 : c.t0 >>> 2 * each;
        long lower = c.t0;
        put(c, i, widened(lower, from, to, signed), widened(lower >>> each, from, to, signed));
        if (i.vl256) Lanes.putUpper(c, i.reg, widened(upper, from, to, signed), widened(upper >>> each, from, to, signed));
    }

    private static long widened(long elements, int from, int to, boolean signed) {
        long result = 0;
        for (int n = 0; n < 64 / to; n++) {
            long raw = elements >>> n * from << 64 - from;
            long value = signed ? raw >> 64 - from : raw >>> 64 - from;
            result |= (to == 64 ? value : value & (1L << to) - 1) << n * to;
        }
        return result;
    }

    // The rest of SSE4.1's integers.

    public static void phminposuw(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long best = 0x1_0000;
        int at = 0;
        for (int n = 0; n < 8; n++) {
            long w = (n < 4 ? c.t0 : c.t1) >>> 16 * n & 0xffff;
            if (w < best) {
                best = w;
                at = n;
            }
        }
        put(c, i, best | (long) at << 16, 0);
    }

    public static long mpsadbw(Insn i, int half, long a0, long a1, long b0, long b1) {
        int control = (int) i.imm >> 3 * (half >> 1);
        int a = ((control & 4) != 0 ? 4 : 0) + 4 * (half & 1);
        int b = (control & 3) * 4;
        long result = 0;
        for (int n = 0; n < 4; n++) {
            long sum = 0;
            for (int k = 0; k < 4; k++) sum += Math.abs(byteAt(a0, a1, a + n + k) - byteAt(b0, b1, b + k));
            result |= sum << 16 * n;
        }
        return result;
    }

    private static int byteAt(long low, long high, int n) {
        return (int) ((n < 8 ? low : high) >>> 8 * n) & 0xff;
    }

    public static void ptest(Cpu c, Insn i) {
        if (fetch(c, i)) test(c, i, -1);
    }

    /// VTESTPS: as PTEST on the elements' signs.
    public static void testps(Cpu c, Insn i) {
        if (fetch(c, i)) test(c, i, Integers.H32);
    }

    public static void testpd(Cpu c, Insn i) {
        if (fetch(c, i)) test(c, i, Long.MIN_VALUE);
    }

    private static void test(Cpu c, Insn i, long mask) {
        long and = 0;
        long andNot = 0;
        for (int h = 0; h < Lanes.halves(i); h++) {
            long first = Lanes.half(c, i.reg, h);
            and |= Lanes.source(c, h) & first;
            andNot |= Lanes.source(c, h) & ~first;
        }
        Flags.setArithmetic(c, ((and & mask) == 0 ? Flags.ZF : 0) | ((andNot & mask) == 0 ? Flags.CF : 0));
    }

    /// CRC32 r, r/m: Castagnoli's polynomial, bit-reflected, over 1, 2, 4 or 8 bytes.
    public static void crc32(Cpu c, Insn i) {
        crc32(c, i, 1 << i.size());
    }

    public static void crc32Byte(Cpu c, Insn i) {
        crc32(c, i, 1);
    }

    private static void crc32(Cpu c, Insn i, int bytes) {
        long value;
        if (i.memory) {
            long gva = i.address(c, bytes, false);
            if (c.faulted()) return;
            value = Mmu.load(c, gva, bytes);
            if (c.faulted()) return;
        } else {
            value = bytes == 1 ? io.kahvem.jvm.semantics.Registers.getByte(c.r, i.rm, i.rex) : c.r[i.rm];
        }
        int crc = (int) c.r[i.reg];
        for (int n = 0; n < bytes; n++) {
            crc ^= (int) (value >>> 8 * n) & 0xff;
            for (int bit = 0; bit < 8; bit++) crc = crc >>> 1 ^ 0x82f6_3b78 & -(crc & 1);
        }
        c.r[i.reg] = crc & LOW32;
    }
}
