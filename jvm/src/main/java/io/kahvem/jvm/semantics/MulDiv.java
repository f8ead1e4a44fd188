package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.cpu.Cpu.RAX;
import static io.kahvem.jvm.cpu.Cpu.RDX;
import static io.kahvem.jvm.semantics.Form.SIZE;
import static io.kahvem.jvm.semantics.Form.flagsLive;
import static io.kahvem.jvm.semantics.Form.sx;
import static io.kahvem.jvm.semantics.Form.zx;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;

/// Multiplication and division. After a multiplication SF and PF are the low half's and ZF and AF are clear: undefined by the manual, and
/// so processors leave them.
public final class MulDiv {
    private MulDiv() {}

    /// MUL: AX, DX:AX, EDX:EAX or RDX:RAX = accumulator * a.
    public static void mul(Cpu c, int form, long a) {
        long[] r = c.r;
        long x = zx(form, r[RAX]);
        long y = zx(form, a);
        long low = x * y;
        long high = (form & SIZE) == 3 ? Math.unsignedMultiplyHigh(x, y) : low >>> Form.bits(form);
        setProduct(r, form, low, high);
        if (flagsLive(form)) flags(c, form, low, high != 0);
    }

    /// The one-operand IMUL.
    public static void imul1(Cpu c, int form, long a) {
        long[] r = c.r;
        long x = sx(form, r[RAX]);
        long y = sx(form, a);
        long low = x * y;
        long high = (form & SIZE) == 3 ? Math.multiplyHigh(x, y) : low >> Form.bits(form);
        setProduct(r, form, low, high);
        if (flagsLive(form)) flags(c, form, low, high != sx(form, low) >> 63);
    }

    /// The two- and three-operand IMUL; for three, `a` and `b` are the last two.
    public static long imul(Cpu c, int form, long a, long b) {
        long x = sx(form, a);
        long y = sx(form, b);
        long low = x * y;
        if (flagsLive(form)) {
            boolean overflow = (form & SIZE) == 3 ? Math.multiplyHigh(x, y) != low >> 63 : sx(form, low) != low;
            flags(c, form, low, overflow);
        }
        return low;
    }

    private static void setProduct(long[] r, int form, long low, long high) {
        switch (form & SIZE) {
            case 0 -> r[RAX] = r[RAX] & ~0xffffL | low & 0xffff;
            case 1 -> {
                r[RAX] = r[RAX] & ~0xffffL | low & 0xffff;
                r[RDX] = r[RDX] & ~0xffffL | high & 0xffff;
            }
            case 2 -> {
                r[RAX] = low & 0xffff_ffffL;
                r[RDX] = high & 0xffff_ffffL;
            }
            default -> {
                r[RAX] = low;
                r[RDX] = high;
            }
        }
    }

    private static void flags(Cpu c, int form, long low, boolean overflow) {
        long result = sx(form, low);
        // ZF is clear whatever the product: a zero result keeps its even parity and positive sign by the corrections.
        c.flagResult = result == 0 ? 1 : result;
        c.flagAux = result == 0 ? 1 << 8 : 0;
        Flags.setCarryOverflow(c, overflow, overflow);
    }

    /// DIV. Flags stay (undefined by the manual).
    public static void div(Cpu c, int form, long a) {
        long[] r = c.r;
        long y = zx(form, a);
        if (y == 0) {
            c.raise(Exceptions.DE);
            return;
        }
        switch (form & SIZE) {
            case 0 -> {
                long x = r[RAX] & 0xffff;
                long q = x / y;
                if (q > 0xff) {
                    c.raise(Exceptions.DE);
                    return;
                }
                r[RAX] = r[RAX] & ~0xffffL | q | x % y << 8;
            }
            case 1 -> {
                long x = (r[RDX] & 0xffff) << 16 | r[RAX] & 0xffff;
                long q = x / y;
                if (q > 0xffff) {
                    c.raise(Exceptions.DE);
                    return;
                }
                r[RAX] = r[RAX] & ~0xffffL | q;
                r[RDX] = r[RDX] & ~0xffffL | x % y;
            }
            case 2 -> {
                long x = r[RDX] << 32 | r[RAX] & 0xffff_ffffL;
                long q = Long.divideUnsigned(x, y);
                if (q >>> 32 != 0) {
                    c.raise(Exceptions.DE);
                    return;
                }
                r[RAX] = q;
                r[RDX] = x - q * y;
            }
            default -> {
                long high = r[RDX];
                long low = r[RAX];
                if (Long.compareUnsigned(high, y) >= 0) {
                    c.raise(Exceptions.DE);
                    return;
                }
                long q = divide128(high, low, y);
                r[RAX] = q;
                r[RDX] = low - q * y;
            }
        }
    }

    /// IDIV.
    public static void idiv(Cpu c, int form, long a) {
        long[] r = c.r;
        long y = sx(form, a);
        if (y == 0) {
            c.raise(Exceptions.DE);
            return;
        }
        switch (form & SIZE) {
            case 0 -> {
                long x = (short) r[RAX];
                long q = x / y;
                if (q != (byte) q) {
                    c.raise(Exceptions.DE);
                    return;
                }
                r[RAX] = r[RAX] & ~0xffffL | q & 0xff | (x % y & 0xff) << 8;
            }
            case 1 -> {
                long x = (int) ((r[RDX] & 0xffff) << 16 | r[RAX] & 0xffff);
                long q = x / y;
                if (q != (short) q) {
                    c.raise(Exceptions.DE);
                    return;
                }
                r[RAX] = r[RAX] & ~0xffffL | q & 0xffff;
                r[RDX] = r[RDX] & ~0xffffL | x % y & 0xffff;
            }
            case 2 -> {
                long x = r[RDX] << 32 | r[RAX] & 0xffff_ffffL;
                long q = x / y;
                if (q != (int) q || x == Long.MIN_VALUE && y == -1) {
                    c.raise(Exceptions.DE);
                    return;
                }
                r[RAX] = q & 0xffff_ffffL;
                r[RDX] = x % y & 0xffff_ffffL;
            }
            default -> idiv64(c, r, y);
        }
    }

    private static void idiv64(Cpu c, long[] r, long y) {
        long high = r[RDX];
        long low = r[RAX];
        boolean negative = high < 0;
        if (negative) { // two's complement of the 128-bit dividend
            low = -low;
            high = ~high + (low == 0 ? 1 : 0);
        }
        long divisor = Math.abs(y); // the most negative value is its own magnitude, unsigned
        if (Long.compareUnsigned(high, divisor) >= 0) {
            c.raise(Exceptions.DE);
            return;
        }
        long q = divide128(high, low, divisor);
        long remainder = low - q * divisor;
        boolean quotientNegative = negative != y < 0;
        if (quotientNegative ? Long.compareUnsigned(q, Long.MIN_VALUE) > 0 : q < 0) {
            c.raise(Exceptions.DE);
            return;
        }
        r[RAX] = quotientNegative ? -q : q;
        r[RDX] = negative ? -remainder : remainder;
    }

    /// The quotient of the unsigned 128-bit `high:low` by `divisor`, where `high < divisor` (Knuth, TAOCP Vol. 2, 4.3.1, algorithm D with
    /// 32-bit digits).
    static long divide128(long high, long low, long divisor) {
        if (high == 0) return Long.divideUnsigned(low, divisor);
        int shift = Long.numberOfLeadingZeros(divisor);
        long d = divisor << shift;
        long dHigh = d >>> 32;
        long dLow = d & 0xffff_ffffL;
        long n = shift == 0 ? high : high << shift | low >>> 64 - shift;
        long nLow = low << shift;
        long q1 = digit(n, nLow >>> 32, dHigh, dLow);
        long rest = (n << 32 | nLow >>> 32) - q1 * d;
        long q0 = digit(rest, nLow & 0xffff_ffffL, dHigh, dLow);
        return (q1 << 32) + q0;
    }

    private static long digit(long n, long next, long dHigh, long dLow) {
        long q = Long.divideUnsigned(n, dHigh);
        long rest = n - q * dHigh;
        while (q >>> 32 != 0 || Long.compareUnsigned(q * dLow, rest << 32 | next) > 0) {
            q--;
            rest += dHigh;
            if (rest >>> 32 != 0) break;
        }
        return q;
    }
}
