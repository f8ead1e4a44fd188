package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.Form.SIZE;
import static io.kahvem.jvm.semantics.Form.bits;
import static io.kahvem.jvm.semantics.Form.flagsLive;
import static io.kahvem.jvm.semantics.Form.sx;
import static io.kahvem.jvm.semantics.Form.zx;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;

/// Shifts and rotates (SDM Vol. 2B, "SAL/SAR/SHL/SHR", "RCL/RCR/ROL/ROR", "SHLD", "SHRD"). A masked count of 0 changes no flag. OF, which
/// the manual defines for counts of 1 only, is computed by the same rule for every count, as processors do.
public final class Shift {
    private Shift() {}

    private static int count(int form, long count) {
        return (int) count & ((form & SIZE) == 3 ? 63 : 31);
    }

    public static long shl(Cpu c, int form, long a, long count) {
        int n = count(form, count);
        if (n == 0) return a;
        long result = a << n;
        if (flagsLive(form)) {
            int bits = bits(form);
            boolean carry = n <= bits && (a >>> bits - n & 1) != 0;
            flags(c, form, result, carry, carry != sx(form, result) < 0);
        }
        return result;
    }

    public static long shr(Cpu c, int form, long a, long count) {
        int n = count(form, count);
        if (n == 0) return a;
        long value = zx(form, a);
        long result = value >>> n;
        if (flagsLive(form)) {
            // OF is the xor of the result's top two bits, which for a count of 1 is the operand's sign.
            boolean carry = (value >>> n - 1 & 1) != 0;
            flags(c, form, result, carry, (sx(form, result) ^ sx(form, result << 1)) < 0);
        }
        return result;
    }

    public static long sar(Cpu c, int form, long a, long count) {
        int n = count(form, count);
        if (n == 0) return a;
        long value = sx(form, a);
        long result = value >> n;
        if (flagsLive(form)) flags(c, form, result, (value >> n - 1 & 1) != 0, false);
        return result;
    }

    public static long rol(Cpu c, int form, long a, long count) {
        int masked = count(form, count);
        if (masked == 0) return a;
        int bits = bits(form);
        int n = masked & bits - 1;
        long value = zx(form, a);
        long result = n == 0 ? value : value << n | value >>> bits - n;
        if (flagsLive(form)) rolFlags(c, form, result);
        return result;
    }

    /// What ROL by any count but 0 makes of the flags, which its result tells.
    public static void rolFlags(Cpu c, int form, long result) {
        boolean carry = (result & 1) != 0;
        Flags.setCarryOverflow(c, carry, carry != sx(form, result) < 0);
    }

    public static long ror(Cpu c, int form, long a, long count) {
        int masked = count(form, count);
        if (masked == 0) return a;
        int bits = bits(form);
        int n = masked & bits - 1;
        long value = zx(form, a);
        long result = n == 0 ? value : value >>> n | value << bits - n;
        if (flagsLive(form)) rorFlags(c, form, result);
        return result;
    }

    /// The same for ROR.
    public static void rorFlags(Cpu c, int form, long result) {
        boolean carry = sx(form, result) < 0;
        Flags.setCarryOverflow(c, carry, carry != sx(form, result << 1) < 0);
    }

    public static long rcl(Cpu c, int form, long a, long count) {
        int bits = bits(form);
        int masked = count(form, count);
        if (masked == 0) return a;
        int n = masked % (bits + 1);
        boolean carry = Flags.cf(c);
        long value = zx(form, a);
        long result = value;
        for (int i = 0; i < n; i++) {
            boolean out = sx(form, result) < 0;
            result = zx(form, result << 1 | (carry ? 1 : 0));
            carry = out;
        }
        if (flagsLive(form)) Flags.setCarryOverflow(c, carry, carry != sx(form, result) < 0);
        return result;
    }

    public static long rcr(Cpu c, int form, long a, long count) {
        int bits = bits(form);
        int masked = count(form, count);
        if (masked == 0) return a;
        int n = masked % (bits + 1);
        boolean carry = Flags.cf(c);
        long result = zx(form, a);
        for (int i = 0; i < n; i++) {
            boolean out = (result & 1) != 0;
            result = result >>> 1 | (carry ? 1L << bits - 1 : 0);
            carry = out;
        }
        if (flagsLive(form)) Flags.setCarryOverflow(c, carry, (sx(form, result) ^ sx(form, result << 1)) < 0);
        return result;
    }

    public static long shld(Cpu c, int form, long a, long b, long count) {
        int n = count(form, count);
        if (n == 0) return a;
        int bits = bits(form);
        long value = zx(form, a);
        long low = zx(form, b);
        long result;
        boolean carry;
        if (n < bits) {
            result = value << n | low >>> bits - n;
            carry = (value >>> bits - n & 1) != 0;
        } else { // only 16-bit operands: undefined by the manual; processors go on with the first operand's bits again
            result = n == bits ? low : low << n - bits | value >>> 2 * bits - n;
            carry = n == bits ? (value & 1) != 0 : (low >>> 2 * bits - n & 1) != 0;
        }
        if (flagsLive(form)) flags(c, form, result, carry, (sx(form, result) ^ sx(form, a)) < 0);
        return result;
    }

    public static long shrd(Cpu c, int form, long a, long b, long count) {
        int n = count(form, count);
        if (n == 0) return a;
        int bits = bits(form);
        long value = zx(form, a);
        long high = zx(form, b);
        long result;
        boolean carry;
        if (n < bits) {
            result = value >>> n | high << bits - n;
            carry = (value >>> n - 1 & 1) != 0;
        } else {
            result = n == bits ? high : high >>> n - bits | value << 2 * bits - n;
            carry = n == bits ? sx(form, value) < 0 : (high >>> n - bits - 1 & 1) != 0;
        }
        if (flagsLive(form)) flags(c, form, result, carry, (sx(form, result) ^ sx(form, result << 1)) < 0);
        return result;
    }

    private static void flags(Cpu c, int form, long result, boolean carry, boolean overflow) {
        c.flagResult = sx(form, result);
        c.flagAux = 0;
        Flags.setCarryOverflow(c, carry, overflow);
    }
}
