package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.Form.bits;
import static io.kahvem.jvm.semantics.Form.flagsLive;
import static io.kahvem.jvm.semantics.Form.sx;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;

/// Addition, subtraction and comparison (SDM Vol. 1, 7.3.2). Operand bits above the operand size are arbitrary, and so are the result's.
public final class Arith {
    private Arith() {}

    public static long add(Cpu c, int form, long a, long b) {
        long result = a + b;
        if (flagsLive(form)) addFlags(c, form, a, b, result);
        return result;
    }

    public static long adc(Cpu c, int form, long a, long b) {
        long result = a + b + (c.flagCarry >>> 63);
        if (flagsLive(form)) addFlags(c, form, a, b, result);
        return result;
    }

    public static long sub(Cpu c, int form, long a, long b) {
        long result = a - b;
        if (flagsLive(form)) subFlags(c, form, a, b, result);
        return result;
    }

    public static long sbb(Cpu c, int form, long a, long b) {
        long result = a - b - (c.flagCarry >>> 63);
        if (flagsLive(form)) subFlags(c, form, a, b, result);
        return result;
    }

    public static void cmp(Cpu c, int form, long a, long b) {
        if (flagsLive(form)) subFlags(c, form, a, b, a - b);
    }

    public static long neg(Cpu c, int form, long a) {
        long result = -a;
        if (flagsLive(form)) subFlags(c, form, 0, a, result);
        return result;
    }

    public static long inc(Cpu c, int form, long a) {
        long result = a + 1;
        if (flagsLive(form)) stepFlags(c, form, a, result, ~a & result);
        return result;
    }

    public static long dec(Cpu c, int form, long a) {
        long result = a - 1;
        if (flagsLive(form)) stepFlags(c, form, a, result, a & ~result);
        return result;
    }

    static void addFlags(Cpu c, int form, long a, long b, long result) {
        c.flagResult = sx(form, result);
        c.flagCarry = (a & b | (a | b) & ~result) << (64 - bits(form));
        c.flagAux = (a ^ b ^ result) & Flags.AF;
    }

    static void subFlags(Cpu c, int form, long a, long b, long result) {
        c.flagResult = sx(form, result);
        c.flagCarry = (~a & b | (~a | b) & result) << (64 - bits(form));
        c.flagAux = (a ^ b ^ result) & Flags.AF;
    }

    /// INC and DEC leave CF. `overflow` has OF as its operand's sign bit.
    private static void stepFlags(Cpu c, int form, long a, long result, long overflow) {
        c.flagResult = sx(form, result);
        c.flagAux = (a ^ 1 ^ result) & Flags.AF;
        long carry = c.flagCarry & Long.MIN_VALUE;
        c.flagCarry = carry | (carry ^ overflow << (64 - bits(form)) & Long.MIN_VALUE) >>> 1;
    }
}
