package io.kahvem.jvm.semantics;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;

/// The sixteen conditions (SDM Vol. 2, Appendix B, Table B-10) and what depends on them: Jcc by the condition itself, SETcc and CMOVcc.
public final class Condition {
    /// In the order of their encodings.
    public static final String[] NAMES = {"o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"};

    private Condition() {}

    public static boolean o(Cpu c) {
        return Flags.of(c);
    }

    public static boolean no(Cpu c) {
        return !Flags.of(c);
    }

    public static boolean b(Cpu c) {
        return Flags.cf(c);
    }

    public static boolean ae(Cpu c) {
        return !Flags.cf(c);
    }

    public static boolean e(Cpu c) {
        return Flags.zf(c);
    }

    public static boolean ne(Cpu c) {
        return !Flags.zf(c);
    }

    public static boolean be(Cpu c) {
        return Flags.cf(c) || Flags.zf(c);
    }

    public static boolean a(Cpu c) {
        return !(Flags.cf(c) || Flags.zf(c));
    }

    public static boolean s(Cpu c) {
        return Flags.sf(c);
    }

    public static boolean ns(Cpu c) {
        return !Flags.sf(c);
    }

    public static boolean p(Cpu c) {
        return Flags.pf(c);
    }

    public static boolean np(Cpu c) {
        return !Flags.pf(c);
    }

    public static boolean l(Cpu c) {
        return Flags.sf(c) != Flags.of(c);
    }

    public static boolean ge(Cpu c) {
        return Flags.sf(c) == Flags.of(c);
    }

    public static boolean le(Cpu c) {
        return Flags.zf(c) || Flags.sf(c) != Flags.of(c);
    }

    public static boolean g(Cpu c) {
        return !(Flags.zf(c) || Flags.sf(c) != Flags.of(c));
    }

    public static long seto(Cpu c, int form) {
        return o(c) ? 1 : 0;
    }

    public static long setno(Cpu c, int form) {
        return no(c) ? 1 : 0;
    }

    public static long setb(Cpu c, int form) {
        return b(c) ? 1 : 0;
    }

    public static long setae(Cpu c, int form) {
        return ae(c) ? 1 : 0;
    }

    public static long sete(Cpu c, int form) {
        return e(c) ? 1 : 0;
    }

    public static long setne(Cpu c, int form) {
        return ne(c) ? 1 : 0;
    }

    public static long setbe(Cpu c, int form) {
        return be(c) ? 1 : 0;
    }

    public static long seta(Cpu c, int form) {
        return a(c) ? 1 : 0;
    }

    public static long sets(Cpu c, int form) {
        return s(c) ? 1 : 0;
    }

    public static long setns(Cpu c, int form) {
        return ns(c) ? 1 : 0;
    }

    public static long setp(Cpu c, int form) {
        return p(c) ? 1 : 0;
    }

    public static long setnp(Cpu c, int form) {
        return np(c) ? 1 : 0;
    }

    public static long setl(Cpu c, int form) {
        return l(c) ? 1 : 0;
    }

    public static long setge(Cpu c, int form) {
        return ge(c) ? 1 : 0;
    }

    public static long setle(Cpu c, int form) {
        return le(c) ? 1 : 0;
    }

    public static long setg(Cpu c, int form) {
        return g(c) ? 1 : 0;
    }

    public static long cmovo(Cpu c, int form, long a, long b) {
        return o(c) ? b : a;
    }

    public static long cmovno(Cpu c, int form, long a, long b) {
        return no(c) ? b : a;
    }

    public static long cmovb(Cpu c, int form, long a, long b) {
        return b(c) ? b : a;
    }

    public static long cmovae(Cpu c, int form, long a, long b) {
        return ae(c) ? b : a;
    }

    public static long cmove(Cpu c, int form, long a, long b) {
        return e(c) ? b : a;
    }

    public static long cmovne(Cpu c, int form, long a, long b) {
        return ne(c) ? b : a;
    }

    public static long cmovbe(Cpu c, int form, long a, long b) {
        return be(c) ? b : a;
    }

    public static long cmova(Cpu c, int form, long a, long b) {
        return a(c) ? b : a;
    }

    public static long cmovs(Cpu c, int form, long a, long b) {
        return s(c) ? b : a;
    }

    public static long cmovns(Cpu c, int form, long a, long b) {
        return ns(c) ? b : a;
    }

    public static long cmovp(Cpu c, int form, long a, long b) {
        return p(c) ? b : a;
    }

    public static long cmovnp(Cpu c, int form, long a, long b) {
        return np(c) ? b : a;
    }

    public static long cmovl(Cpu c, int form, long a, long b) {
        return l(c) ? b : a;
    }

    public static long cmovge(Cpu c, int form, long a, long b) {
        return ge(c) ? b : a;
    }

    public static long cmovle(Cpu c, int form, long a, long b) {
        return le(c) ? b : a;
    }

    public static long cmovg(Cpu c, int form, long a, long b) {
        return g(c) ? b : a;
    }
}
