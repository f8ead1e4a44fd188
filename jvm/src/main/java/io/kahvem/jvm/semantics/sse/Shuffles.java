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

/// Operations that move elements across the halves of an XMM register, and insertion, extraction, blending, widening.
public final class Shuffles {
    private static final long LOW32 = 0xffff_ffffL;

    private Shuffles() {}

    public static void punpcklbw(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long a = low(c, i.reg);
        put(c, i.reg, Integers.punpcklbw(a, c.t0), Integers.punpckhbw(a, c.t0));
    }

    public static void punpckhbw(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long a = high(c, i.reg);
        put(c, i.reg, Integers.punpcklbw(a, c.t1), Integers.punpckhbw(a, c.t1));
    }

    public static void punpcklwd(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long a = low(c, i.reg);
        put(c, i.reg, Integers.punpcklwd(a, c.t0), Integers.punpckhwd(a, c.t0));
    }

    public static void punpckhwd(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long a = high(c, i.reg);
        put(c, i.reg, Integers.punpcklwd(a, c.t1), Integers.punpckhwd(a, c.t1));
    }

    /// PUNPCKLDQ, UNPCKLPS.
    public static void punpckldq(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long a = low(c, i.reg);
        put(c, i.reg, Integers.punpckldq(a, c.t0), Integers.punpckhdq(a, c.t0));
    }

    /// PUNPCKHDQ, UNPCKHPS.
    public static void punpckhdq(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long a = high(c, i.reg);
        put(c, i.reg, Integers.punpckldq(a, c.t1), Integers.punpckhdq(a, c.t1));
    }

    /// PUNPCKLQDQ, UNPCKLPD.
    public static void punpcklqdq(Cpu c, Insn i) {
        if (packed(c, i)) c.xmm[2 * i.reg + 1] = c.t0;
    }

    /// PUNPCKHQDQ, UNPCKHPD.
    public static void punpckhqdq(Cpu c, Insn i) {
        if (packed(c, i)) put(c, i.reg, high(c, i.reg), c.t1);
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

    public static void pshufd(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        int order = (int) i.imm;
        long l = c.t0;
        long h = c.t1;
        long low = dword(l, h, order & 3) | dword(l, h, order >> 2 & 3) << 32;
        put(c, i.reg, low, dword(l, h, order >> 4 & 3) | dword(l, h, order >> 6 & 3) << 32);
    }

    public static void pshuflw(Cpu c, Insn i) {
        if (packed(c, i)) put(c, i.reg, shuffleWords(c.t0, (int) i.imm), c.t1);
    }

    public static void pshufhw(Cpu c, Insn i) {
        if (packed(c, i)) put(c, i.reg, c.t0, shuffleWords(c.t1, (int) i.imm));
    }

    public static void pshufw(Cpu c, Insn i) {
        if (Lanes.mmx(c, i)) putMmx(c, i.reg, shuffleWords(c.t0, (int) i.imm));
    }

    private static long shuffleWords(long a, int order) {
        long result = 0;
        for (int n = 0; n < 4; n++) result |= (a >>> 16 * (order >> 2 * n & 3) & 0xffff) << 16 * n;
        return result;
    }

    public static void shufps(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        int order = (int) i.imm;
        long l = low(c, i.reg);
        long h = high(c, i.reg);
        put(c, i.reg, dword(l, h, order & 3) | dword(l, h, order >> 2 & 3) << 32,
                dword(c.t0, c.t1, order >> 4 & 3) | dword(c.t0, c.t1, order >> 6 & 3) << 32);
    }

    public static void shufpd(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        put(c, i.reg, (i.imm & 1) == 0 ? low(c, i.reg) : high(c, i.reg), (i.imm & 2) == 0 ? c.t0 : c.t1);
    }

    public static void pshufb(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long l = low(c, i.reg);
        long h = high(c, i.reg);
        put(c, i.reg, pick(l, h, c.t0), pick(l, h, c.t1));
    }

    private static long pick(long l, long h, long selectors) {
        long result = 0;
        for (int n = 0; n < 64; n += 8) {
            int selector = (int) (selectors >>> n);
            if ((selector & 0x80) == 0) result |= (((selector & 8) == 0 ? l : h) >>> 8 * (selector & 7) & 0xff) << n;
        }
        return result;
    }

    public static void palignr(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        shiftRight(c, i.reg, c.t0, c.t1, low(c, i.reg), high(c, i.reg), (int) i.imm & 0xff);
    }

    /// The 128 bits that start `bytes` bytes into the 256 bits of b0, b1, a0, a1.
    private static void shiftRight(Cpu c, int to, long b0, long b1, long a0, long a1, int bytes) {
        long low = eightBytes(b0, b1, a0, a1, bytes);
        put(c, to, low, eightBytes(b0, b1, a0, a1, bytes + 8));
    }

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
        if (Lanes.immediate(c, i)) shiftRight(c, i.rm, low(c, i.rm), high(c, i.rm), 0, 0, (int) Math.min(c.t0, 16));
    }

    public static void pslldq(Cpu c, Insn i) {
        if (Lanes.immediate(c, i)) shiftRight(c, i.rm, 0, 0, low(c, i.rm), high(c, i.rm), (int) (16 - Math.min(c.t0, 16)));
    }

    // Insertion and extraction.

    public static void pinsrw(Cpu c, Insn i) {
        if (sse(c) && generalPart(c, i, 2)) insert(c, i, 2);
    }

    public static void pinsrb(Cpu c, Insn i) {
        if (sse(c) && generalPart(c, i, 1)) insert(c, i, 1);
    }

    /// PINSRD, PINSRQ.
    public static void pinsrd(Cpu c, Insn i) {
        int bytes = i.size() == 3 ? 8 : 4;
        if (sse(c) && generalPart(c, i, bytes)) insert(c, i, bytes);
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
        int at = 2 * i.reg + (offset >> 3);
        long mask = (bytes == 8 ? -1 : (1L << 8 * bytes) - 1) << 8 * offset;
        c.xmm[at] = c.xmm[at] & ~mask | c.t0 << 8 * offset & mask;
    }

    private static long element(Cpu c, int n, long imm, int bytes) {
        int offset = (int) imm * bytes & 15;
        long value = c.xmm[2 * n + (offset >> 3)] >>> 8 * offset;
        return bytes == 8 ? value : value & (1L << 8 * bytes) - 1;
    }

    /// PEXTRW r, xmm, imm8 (0F C5).
    public static void pextrw(Cpu c, Insn i) {
        if (Moves.onlyRegister(c, i) && sse(c)) c.r[i.reg] = element(c, i.rm, i.imm, 2);
    }

    public static void pextrwMmx(Cpu c, Insn i) {
        if (!Moves.onlyRegister(c, i) || !mmxReady(c)) return;
        c.fpu.enterMmx();
        c.r[i.reg] = mmx(c, i.rm) >>> 16 * ((int) i.imm & 3) & 0xffff;
    }

    public static void pextrb(Cpu c, Insn i) {
        if (sse(c)) Lanes.putGeneral(c, i, 1, 8, element(c, i.reg, i.imm, 1));
    }

    /// PEXTRW r/m, xmm, imm8 (0F 3A 15).
    public static void pextrwStore(Cpu c, Insn i) {
        if (sse(c)) Lanes.putGeneral(c, i, 2, 8, element(c, i.reg, i.imm, 2));
    }

    /// PEXTRD, PEXTRQ.
    public static void pextrd(Cpu c, Insn i) {
        int bytes = i.size() == 3 ? 8 : 4;
        if (sse(c)) Lanes.putGeneral(c, i, bytes, 8, element(c, i.reg, i.imm, bytes));
    }

    public static void extractps(Cpu c, Insn i) {
        if (sse(c)) Lanes.putGeneral(c, i, 4, 8, element(c, i.reg, i.imm, 4));
    }

    public static void insertps(Cpu c, Insn i) {
        if (!Lanes.scalar32(c, i)) return;
        int control = (int) i.imm;
        int to = control >> 4 & 3;
        long value = i.memory ? c.t0 : element(c, i.rm, control >> 6 & 3, 4);
        int at = 2 * i.reg + (to >> 1);
        int shift = 32 * (to & 1);
        c.xmm[at] = c.xmm[at] & ~(LOW32 << shift) | (value & LOW32) << shift;
        for (int n = 0; n < 4; n++) {
            if ((control >> n & 1) != 0) c.xmm[2 * i.reg + (n >> 1)] &= ~(LOW32 << 32 * (n & 1));
        }
    }

    // Blending.

    public static void pblendw(Cpu c, Insn i) {
        if (packed(c, i)) blend(c, i, wordMask((int) i.imm), wordMask((int) i.imm >> 4));
    }

    public static void blendps(Cpu c, Insn i) {
        if (packed(c, i)) blend(c, i, dwordMask((int) i.imm), dwordMask((int) i.imm >> 2));
    }

    public static void blendpd(Cpu c, Insn i) {
        if (packed(c, i)) blend(c, i, -(i.imm & 1), -(i.imm >> 1 & 1));
    }

    /// PBLENDVB by the signs of XMM0's bytes.
    public static void pblendvb(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        blend(c, i, Integers.pcmpgtb(0, low(c, 0)), Integers.pcmpgtb(0, high(c, 0)));
    }

    public static void blendvps(Cpu c, Insn i) {
        if (packed(c, i)) blend(c, i, Integers.psrad(low(c, 0), 31), Integers.psrad(high(c, 0), 31));
    }

    public static void blendvpd(Cpu c, Insn i) {
        if (packed(c, i)) blend(c, i, low(c, 0) >> 63, high(c, 0) >> 63);
    }

    private static void blend(Cpu c, Insn i, long lowMask, long highMask) {
        put(c, i.reg, low(c, i.reg) & ~lowMask | c.t0 & lowMask, high(c, i.reg) & ~highMask | c.t1 & highMask);
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

    // Widening: `c.t0` holds the narrow elements.

    public static void pmovsxbw(Cpu c, Insn i) {
        if (Lanes.part(c, i, 8)) widen(c, i, 8, 16, true);
    }

    public static void pmovsxbd(Cpu c, Insn i) {
        if (Lanes.part(c, i, 4)) widen(c, i, 8, 32, true);
    }

    public static void pmovsxbq(Cpu c, Insn i) {
        if (Lanes.part(c, i, 2)) widen(c, i, 8, 64, true);
    }

    public static void pmovsxwd(Cpu c, Insn i) {
        if (Lanes.part(c, i, 8)) widen(c, i, 16, 32, true);
    }

    public static void pmovsxwq(Cpu c, Insn i) {
        if (Lanes.part(c, i, 4)) widen(c, i, 16, 64, true);
    }

    public static void pmovsxdq(Cpu c, Insn i) {
        if (Lanes.part(c, i, 8)) widen(c, i, 32, 64, true);
    }

    public static void pmovzxbw(Cpu c, Insn i) {
        if (Lanes.part(c, i, 8)) widen(c, i, 8, 16, false);
    }

    public static void pmovzxbd(Cpu c, Insn i) {
        if (Lanes.part(c, i, 4)) widen(c, i, 8, 32, false);
    }

    public static void pmovzxbq(Cpu c, Insn i) {
        if (Lanes.part(c, i, 2)) widen(c, i, 8, 64, false);
    }

    public static void pmovzxwd(Cpu c, Insn i) {
        if (Lanes.part(c, i, 8)) widen(c, i, 16, 32, false);
    }

    public static void pmovzxwq(Cpu c, Insn i) {
        if (Lanes.part(c, i, 4)) widen(c, i, 16, 64, false);
    }

    public static void pmovzxdq(Cpu c, Insn i) {
        if (Lanes.part(c, i, 8)) widen(c, i, 32, 64, false);
    }

    private static void widen(Cpu c, Insn i, int from, int to, boolean signed) {
        long elements = c.t0;
        int each = 64 / to;
        long low = widened(elements, from, to, signed);
        put(c, i.reg, low, widened(elements >>> each * from, from, to, signed));
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
        put(c, i.reg, best | (long) at << 16, 0);
    }

    public static void mpsadbw(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        int control = (int) i.imm;
        int a = (control & 4) != 0 ? 4 : 0;
        int b = (control & 3) * 4;
        long l = low(c, i.reg);
        long h = high(c, i.reg);
        long resultLow = 0;
        long resultHigh = 0;
        for (int n = 0; n < 8; n++) {
            long sum = 0;
            for (int k = 0; k < 4; k++) sum += Math.abs(byteAt(l, h, a + n + k) - byteAt(c.t0, c.t1, b + k));
            if (n < 4) {
                resultLow |= sum << 16 * n;
            } else {
                resultHigh |= sum << 16 * n;
            }
        }
        put(c, i.reg, resultLow, resultHigh);
    }

    private static int byteAt(long low, long high, int n) {
        return (int) ((n < 8 ? low : high) >>> 8 * n) & 0xff;
    }

    public static void ptest(Cpu c, Insn i) {
        if (!packed(c, i)) return;
        long l = low(c, i.reg);
        long h = high(c, i.reg);
        boolean zero = (c.t0 & l | c.t1 & h) == 0;
        boolean carry = (c.t0 & ~l | c.t1 & ~h) == 0;
        Flags.setArithmetic(c, (zero ? Flags.ZF : 0) | (carry ? Flags.CF : 0));
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
