package io.kahvem.jvm.semantics.sse;

/// Packed integer arithmetic, comparison and shifts as functions on 64-bit lanes, used for MMX and XMM alike (SDM Vol. 1, 9.4 and 11.4.2).
///
/// Most work on all elements of a lane at once: `H` has the sign bits of the elements, and a sign bit spreads to its element by `(bits
/// >>> w - 1) * (2^w - 1)`.
public final class Integers {
    static final long H8 = 0x8080_8080_8080_8080L;
    static final long H16 = 0x8000_8000_8000_8000L;
    static final long H32 = 0x8000_0000_8000_0000L;
    private static final long LOW32 = 0xffff_ffffL;

    private Integers() {}

    // The elements whose sign bits are set in `bits` (a subset of H), as ones.

    private static long mask8(long bits) {
        return (bits >>> 7) * 0xff;
    }

    private static long mask16(long bits) {
        return (bits >>> 15) * 0xffff;
    }

    private static long mask32(long bits) {
        return (bits >>> 31) * LOW32;
    }

    private static long add(long h, long a, long b) {
        return (a & ~h) + (b & ~h) ^ (a ^ b) & h;
    }

    private static long sub(long h, long a, long b) {
        return (a | h) - (b & ~h) ^ (a ^ ~b) & h;
    }

    /// Sign bits of the elements with a >= b, unsigned.
    private static long notBelow(long h, long a, long b) {
        long low = (a | h) - (b & ~h);
        return (a & ~b | ~(a ^ b) & low) & h;
    }

    /// Sign bits of the elements with a == b.
    private static long equal(long h, long a, long b) {
        long x = a ^ b;
        return ~((x & ~h) + ~h | x) & h;
    }

    private static long select(long mask, long a, long b) {
        return b ^ (a ^ b) & mask;
    }

    public static long pand(long a, long b) {
        return a & b;
    }

    public static long pandn(long a, long b) {
        return ~a & b;
    }

    public static long por(long a, long b) {
        return a | b;
    }

    public static long pxor(long a, long b) {
        return a ^ b;
    }

    public static long paddb(long a, long b) {
        return add(H8, a, b);
    }

    public static long paddw(long a, long b) {
        return add(H16, a, b);
    }

    public static long paddd(long a, long b) {
        return add(H32, a, b);
    }

    public static long paddq(long a, long b) {
        return a + b;
    }

    public static long psubb(long a, long b) {
        return sub(H8, a, b);
    }

    public static long psubw(long a, long b) {
        return sub(H16, a, b);
    }

    public static long psubd(long a, long b) {
        return sub(H32, a, b);
    }

    public static long psubq(long a, long b) {
        return a - b;
    }

    public static long paddusb(long a, long b) {
        long sum = add(H8, a, b);
        return sum | mask8((a & b | (a | b) & ~sum) & H8);
    }

    public static long paddusw(long a, long b) {
        long sum = add(H16, a, b);
        return sum | mask16((a & b | (a | b) & ~sum) & H16);
    }

    public static long psubusb(long a, long b) {
        return sub(H8, a, b) & mask8(notBelow(H8, a, b));
    }

    public static long psubusw(long a, long b) {
        return sub(H16, a, b) & mask16(notBelow(H16, a, b));
    }

    public static long paddsb(long a, long b) {
        long sum = add(H8, a, b);
        return select(mask8(~(a ^ b) & (a ^ sum) & H8), ~H8 + ((a & H8) >>> 7), sum);
    }

    public static long paddsw(long a, long b) {
        long sum = add(H16, a, b);
        return select(mask16(~(a ^ b) & (a ^ sum) & H16), ~H16 + ((a & H16) >>> 15), sum);
    }

    public static long psubsb(long a, long b) {
        long difference = sub(H8, a, b);
        return select(mask8((a ^ b) & (a ^ difference) & H8), ~H8 + ((a & H8) >>> 7), difference);
    }

    public static long psubsw(long a, long b) {
        long difference = sub(H16, a, b);
        return select(mask16((a ^ b) & (a ^ difference) & H16), ~H16 + ((a & H16) >>> 15), difference);
    }

    public static long pcmpeqb(long a, long b) {
        return mask8(equal(H8, a, b));
    }

    public static long pcmpeqw(long a, long b) {
        return mask16(equal(H16, a, b));
    }

    public static long pcmpeqd(long a, long b) {
        return mask32(equal(H32, a, b));
    }

    public static long pcmpeqq(long a, long b) {
        return a == b ? -1 : 0;
    }

    public static long pcmpgtb(long a, long b) {
        return ~mask8(notBelow(H8, b ^ H8, a ^ H8));
    }

    public static long pcmpgtw(long a, long b) {
        return ~mask16(notBelow(H16, b ^ H16, a ^ H16));
    }

    public static long pcmpgtd(long a, long b) {
        return ~mask32(notBelow(H32, b ^ H32, a ^ H32));
    }

    public static long pcmpgtq(long a, long b) {
        return a > b ? -1 : 0;
    }

    public static long pminub(long a, long b) {
        return select(mask8(notBelow(H8, a, b)), b, a);
    }

    public static long pmaxub(long a, long b) {
        return select(mask8(notBelow(H8, a, b)), a, b);
    }

    public static long pminuw(long a, long b) {
        return select(mask16(notBelow(H16, a, b)), b, a);
    }

    public static long pmaxuw(long a, long b) {
        return select(mask16(notBelow(H16, a, b)), a, b);
    }

    public static long pminud(long a, long b) {
        return select(mask32(notBelow(H32, a, b)), b, a);
    }

    public static long pmaxud(long a, long b) {
        return select(mask32(notBelow(H32, a, b)), a, b);
    }

    public static long pminsb(long a, long b) {
        return select(pcmpgtb(a, b), b, a);
    }

    public static long pmaxsb(long a, long b) {
        return select(pcmpgtb(a, b), a, b);
    }

    public static long pminsw(long a, long b) {
        return select(pcmpgtw(a, b), b, a);
    }

    public static long pmaxsw(long a, long b) {
        return select(pcmpgtw(a, b), a, b);
    }

    public static long pminsd(long a, long b) {
        return select(pcmpgtd(a, b), b, a);
    }

    public static long pmaxsd(long a, long b) {
        return select(pcmpgtd(a, b), a, b);
    }

    public static long pavgb(long a, long b) {
        return (a | b) - ((a ^ b) >>> 1 & ~H8);
    }

    public static long pavgw(long a, long b) {
        return (a | b) - ((a ^ b) >>> 1 & ~H16);
    }

    public static long pabsb(long a, long b) {
        long m = mask8(b & H8);
        return sub(H8, b ^ m, m);
    }

    public static long pabsw(long a, long b) {
        long m = mask16(b & H16);
        return sub(H16, b ^ m, m);
    }

    public static long pabsd(long a, long b) {
        long m = mask32(b & H32);
        return sub(H32, b ^ m, m);
    }

    public static long psignb(long a, long b) {
        long m = mask8(b & H8);
        return sub(H8, a ^ m, m) & ~pcmpeqb(b, 0);
    }

    public static long psignw(long a, long b) {
        long m = mask16(b & H16);
        return sub(H16, a ^ m, m) & ~pcmpeqw(b, 0);
    }

    public static long psignd(long a, long b) {
        long m = mask32(b & H32);
        return sub(H32, a ^ m, m) & ~pcmpeqd(b, 0);
    }

    private static int word(long a, int n) {
        return (short) (a >>> 16 * n);
    }

    private static int unsignedWord(long a, int n) {
        return (int) (a >>> 16 * n) & 0xffff;
    }

    public static long pmullw(long a, long b) {
        long result = 0;
        for (int n = 0; n < 4; n++) result |= (word(a, n) * word(b, n) & 0xffffL) << 16 * n;
        return result;
    }

    public static long pmulhw(long a, long b) {
        long result = 0;
        for (int n = 0; n < 4; n++) result |= (word(a, n) * word(b, n) >> 16 & 0xffffL) << 16 * n;
        return result;
    }

    public static long pmulhuw(long a, long b) {
        long result = 0;
        for (int n = 0; n < 4; n++) result |= (unsignedWord(a, n) * unsignedWord(b, n) >>> 16 & 0xffffL) << 16 * n;
        return result;
    }

    public static long pmulhrsw(long a, long b) {
        long result = 0;
        for (int n = 0; n < 4; n++) result |= ((word(a, n) * word(b, n) >> 14) + 1 >> 1 & 0xffffL) << 16 * n;
        return result;
    }

    public static long pmaddwd(long a, long b) {
        int low = word(a, 0) * word(b, 0) + word(a, 1) * word(b, 1);
        int high = word(a, 2) * word(b, 2) + word(a, 3) * word(b, 3);
        return pair(low, high);
    }

    /// PMADDUBSW: unsigned bytes of the first operand by signed bytes of the second.
    public static long pmaddubsw(long a, long b) {
        long result = 0;
        for (int n = 0; n < 64; n += 16) {
            int sum = ((int) (a >>> n) & 0xff) * (byte) (b >>> n) + ((int) (a >>> n + 8) & 0xff) * (byte) (b >>> n + 8);
            result |= (saturateWord(sum) & 0xffffL) << n;
        }
        return result;
    }

    public static long pmulld(long a, long b) {
        return pair((int) a * (int) b, (int) (a >>> 32) * (int) (b >>> 32));
    }

    public static long pmuludq(long a, long b) {
        return (a & LOW32) * (b & LOW32);
    }

    public static long pmuldq(long a, long b) {
        return (long) (int) a * (int) b;
    }

    public static long psadbw(long a, long b) {
        long sum = 0;
        for (int n = 0; n < 64; n += 8) sum += Math.abs(((int) (a >>> n) & 0xff) - ((int) (b >>> n) & 0xff));
        return sum;
    }

    static long pair(int low, int high) {
        return low & LOW32 | (long) high << 32;
    }

    static int saturateWord(int value) {
        return Math.max(-0x8000, Math.min(0x7fff, value));
    }

    // Horizontal: neighbours of the first operand make the lower half of the result, those of the second the upper.

    public static long phaddw(long a, long b) {
        return words(word(a, 0) + word(a, 1), word(a, 2) + word(a, 3), word(b, 0) + word(b, 1), word(b, 2) + word(b, 3));
    }

    public static long phsubw(long a, long b) {
        return words(word(a, 0) - word(a, 1), word(a, 2) - word(a, 3), word(b, 0) - word(b, 1), word(b, 2) - word(b, 3));
    }

    public static long phaddsw(long a, long b) {
        return words(
                saturateWord(word(a, 0) + word(a, 1)),
                saturateWord(word(a, 2) + word(a, 3)),
                saturateWord(word(b, 0) + word(b, 1)),
                saturateWord(word(b, 2) + word(b, 3)));
    }

    public static long phsubsw(long a, long b) {
        return words(
                saturateWord(word(a, 0) - word(a, 1)),
                saturateWord(word(a, 2) - word(a, 3)),
                saturateWord(word(b, 0) - word(b, 1)),
                saturateWord(word(b, 2) - word(b, 3)));
    }

    public static long phaddd(long a, long b) {
        return pair((int) a + (int) (a >>> 32), (int) b + (int) (b >>> 32));
    }

    public static long phsubd(long a, long b) {
        return pair((int) a - (int) (a >>> 32), (int) b - (int) (b >>> 32));
    }

    static long words(int w0, int w1, int w2, int w3) {
        return w0 & 0xffffL | (w1 & 0xffffL) << 16 | (w2 & 0xffffL) << 32 | (long) w3 << 48;
    }

    public static long packsswb(long a, long b) {
        long result = 0;
        for (int n = 0; n < 4; n++) {
            result |= (Math.max(-0x80, Math.min(0x7f, word(a, n))) & 0xffL) << 8 * n;
            result |= (Math.max(-0x80, Math.min(0x7f, word(b, n))) & 0xffL) << 8 * n + 32;
        }
        return result;
    }

    public static long packuswb(long a, long b) {
        long result = 0;
        for (int n = 0; n < 4; n++) {
            result |= (long) Math.max(0, Math.min(0xff, word(a, n))) << 8 * n;
            result |= (long) Math.max(0, Math.min(0xff, word(b, n))) << 8 * n + 32;
        }
        return result;
    }

    public static long packssdw(long a, long b) {
        return words(saturateWord((int) a), saturateWord((int) (a >>> 32)), saturateWord((int) b), saturateWord((int) (b >>> 32)));
    }

    public static long packusdw(long a, long b) {
        return words(
                unsignedSaturate((int) a),
                unsignedSaturate((int) (a >>> 32)),
                unsignedSaturate((int) b),
                unsignedSaturate((int) (b >>> 32)));
    }

    private static int unsignedSaturate(int value) {
        return Math.max(0, Math.min(0xffff, value));
    }

    // Shifts of all elements by one count; a count of the element's width or more gives zeros, or signs.

    private static boolean within(long count, int width) {
        return Long.compareUnsigned(count, width) < 0;
    }

    /// 2^n in each word's multiplier would overflow: the bits that stay are masked instead.
    public static long psllw(long a, long count) {
        return within(count, 16) ? a << count & (0xffffL << count & 0xffff) * 0x1_0001_0001_0001L : 0;
    }

    public static long pslld(long a, long count) {
        return within(count, 32) ? a << count & (LOW32 << count & LOW32) * 0x1_0000_0001L : 0;
    }

    public static long psllq(long a, long count) {
        return within(count, 64) ? a << count : 0;
    }

    public static long psrlw(long a, long count) {
        return within(count, 16) ? a >>> count & (0xffffL >>> count) * 0x1_0001_0001_0001L : 0;
    }

    public static long psrld(long a, long count) {
        return within(count, 32) ? a >>> count & (LOW32 >>> count) * 0x1_0000_0001L : 0;
    }

    public static long psrlq(long a, long count) {
        return within(count, 64) ? a >>> count : 0;
    }

    public static long psraw(long a, long count) {
        int n = within(count, 16) ? (int) count : 15;
        return words(word(a, 0) >> n, word(a, 1) >> n, word(a, 2) >> n, word(a, 3) >> n);
    }

    public static long psrad(long a, long count) {
        int n = within(count, 32) ? (int) count : 31;
        return pair((int) a >> n, (int) (a >>> 32) >> n);
    }

    // Shifts of each element by a count of its own.

    public static long psllvd(long a, long counts) {
        return pair((int) pslld(a & LOW32, counts & LOW32), (int) pslld(a >>> 32, counts >>> 32));
    }

    public static long psllvq(long a, long count) {
        return psllq(a, count);
    }

    public static long psrlvd(long a, long counts) {
        return pair((int) psrld(a & LOW32, counts & LOW32), (int) psrld(a >>> 32, counts >>> 32));
    }

    public static long psrlvq(long a, long count) {
        return psrlq(a, count);
    }

    public static long psravd(long a, long counts) {
        return pair((int) psrad(a, counts & LOW32), (int) psrad(a >>> 32, counts >>> 32));
    }

    // Interleaving the low and the high halves of two lanes.

    public static long punpcklbw(long a, long b) {
        return spreadBytes(a) | spreadBytes(b) << 8;
    }

    public static long punpckhbw(long a, long b) {
        return punpcklbw(a >>> 32, b >>> 32);
    }

    public static long punpcklwd(long a, long b) {
        return spreadWords(a) | spreadWords(b) << 16;
    }

    public static long punpckhwd(long a, long b) {
        return punpcklwd(a >>> 32, b >>> 32);
    }

    public static long punpckldq(long a, long b) {
        return a & LOW32 | b << 32;
    }

    public static long punpckhdq(long a, long b) {
        return a >>> 32 | b & ~LOW32;
    }

    private static long spreadBytes(long a) {
        long words = spreadWords(a);
        return (words | words << 8) & 0x00ff_00ff_00ff_00ffL;
    }

    private static long spreadWords(long a) {
        return a & 0xffff | (a & 0xffff_0000L) << 16;
    }

    /// PSHUFB on an MMX register.
    public static long pshufb(long a, long b) {
        long result = 0;
        for (int n = 0; n < 64; n += 8) {
            int selector = (int) (b >>> n);
            if ((selector & 0x80) == 0) result |= (a >>> 8 * (selector & 7) & 0xff) << n;
        }
        return result;
    }
}
