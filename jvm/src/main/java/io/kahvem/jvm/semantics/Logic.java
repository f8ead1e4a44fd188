package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.Form.flagsLive;
import static io.kahvem.jvm.semantics.Form.sx;

import io.kahvem.jvm.cpu.Cpu;

/// AND, OR, XOR, TEST, NOT: CF, OF and AF cleared (AF is undefined by the manual; processors clear it).
public final class Logic {
    private Logic() {}

    public static long and(Cpu c, int form, long a, long b) {
        long result = a & b;
        if (flagsLive(form)) flags(c, form, result);
        return result;
    }

    public static long or(Cpu c, int form, long a, long b) {
        long result = a | b;
        if (flagsLive(form)) flags(c, form, result);
        return result;
    }

    public static long xor(Cpu c, int form, long a, long b) {
        long result = a ^ b;
        if (flagsLive(form)) flags(c, form, result);
        return result;
    }

    public static void test(Cpu c, int form, long a, long b) {
        if (flagsLive(form)) flags(c, form, a & b);
    }

    public static long not(Cpu c, int form, long a) {
        return ~a;
    }

    static void flags(Cpu c, int form, long result) {
        c.flagResult = sx(form, result);
        c.flagCarry = 0;
        c.flagAux = 0;
    }
}
