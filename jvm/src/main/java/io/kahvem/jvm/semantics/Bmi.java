package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.Form.SIZE;
import static io.kahvem.jvm.semantics.Form.bits;
import static io.kahvem.jvm.semantics.Form.flagsLive;
import static io.kahvem.jvm.semantics.Form.sx;
import static io.kahvem.jvm.semantics.Form.zx;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// BMI1, BMI2, LZCNT, MOVBE and ADX (SDM Vol. 1, 5.1.16 and 5.1.17). Flags that the manual leaves undefined are clear.
///
/// Those with a VEX prefix are #UD in real and virtual-8086 mode; 64-bit code needs no test of that, and `form` says which it is.
public final class Bmi {
    private Bmi() {}

    /// VEX in a mode that has none (SDM Vol. 2A, 2.8.1.14).
    private static boolean refused(Cpu c, int form) {
        if ((form & Form.CODE64) != 0 || c.protectedMode() && !c.virtual8086()) return false;
        c.undefined();
        return true;
    }

    /// SF and ZF by the result, CF as given, the others clear.
    private static void flags(Cpu c, int form, long result, boolean carry) {
        if (!flagsLive(form)) return;
        c.flagResult = sx(form, result);
        c.flagAux = 0;
        Flags.setCarryOverflow(c, carry, false);
    }

    public static long andn(Cpu c, int form, long a, long b) {
        if (refused(c, form)) return 0;
        long result = ~a & b;
        flags(c, form, result, false);
        return result;
    }

    public static long bextr(Cpu c, int form, long a, long control) {
        if (refused(c, form)) return 0;
        int start = (int) control & 0xff;
        int length = (int) (control >>> 8) & 0xff;
        long result = start < 64 ? zx(form, a) >>> start : 0;
        if (length < 64) result &= (1L << length) - 1;
        flags(c, form, result, false);
        return result;
    }

    public static long blsi(Cpu c, int form, long a) {
        if (refused(c, form)) return 0;
        long result = a & -a;
        flags(c, form, result, zx(form, a) != 0);
        return result;
    }

    public static long blsmsk(Cpu c, int form, long a) {
        if (refused(c, form)) return 0;
        long result = a ^ a - 1;
        flags(c, form, result, zx(form, a) == 0);
        return result;
    }

    public static long blsr(Cpu c, int form, long a) {
        if (refused(c, form)) return 0;
        long result = a & a - 1;
        flags(c, form, result, zx(form, a) == 0);
        return result;
    }

    public static long bzhi(Cpu c, int form, long a, long index) {
        if (refused(c, form)) return 0;
        int n = (int) index & 0xff;
        long result = n < bits(form) ? a & (1L << n) - 1 : a;
        flags(c, form, result, n >= bits(form));
        return result;
    }

    public static long pdep(Cpu c, int form, long a, long mask) {
        return refused(c, form) ? 0 : Long.expand(a, zx(form, mask));
    }

    public static long pext(Cpu c, int form, long a, long mask) {
        return refused(c, form) ? 0 : Long.compress(a, zx(form, mask));
    }

    public static long rorx(Cpu c, int form, long a, long count) {
        if (refused(c, form)) return 0;
        return (form & SIZE) == 3 ? Long.rotateRight(a, (int) count) : Integer.rotateRight((int) a, (int) count);
    }

    public static long sarx(Cpu c, int form, long a, long count) {
        return refused(c, form) ? 0 : sx(form, a) >> (count & bits(form) - 1);
    }

    public static long shlx(Cpu c, int form, long a, long count) {
        return refused(c, form) ? 0 : a << (count & bits(form) - 1);
    }

    public static long shrx(Cpu c, int form, long a, long count) {
        return refused(c, form) ? 0 : zx(form, a) >>> (count & bits(form) - 1);
    }

    /// MULX: ModRM.reg and VEX.vvvv = RDX * r/m, high and low half; where both are one register it is the high half.
    public static void mulx(Cpu c, Insn i) {
        if (refused(c, i.form)) return;
        int bytes = 1 << i.size();
        long b = c.r[i.rm];
        if (i.memory) {
            long gva = i.address(c, bytes, false);
            if (c.faulted()) return;
            b = Mmu.load(c, gva, bytes);
            if (c.faulted()) return;
        }
        long a = c.r[Cpu.RDX];
        if (bytes == 8) {
            c.r[i.vvvv] = a * b;
            c.r[i.reg] = Math.unsignedMultiplyHigh(a, b);
        } else {
            long product = zx(i.form, a) * zx(i.form, b);
            c.r[i.vvvv] = product & 0xffff_ffffL;
            c.r[i.reg] = product >>> 32;
        }
    }

    public static long lzcnt(Cpu c, int form, long b) {
        long source = zx(form, b);
        long result = Long.numberOfLeadingZeros(source) - (64 - bits(form));
        flags(c, form, result, source == 0);
        return result;
    }

    public static long tzcnt(Cpu c, int form, long b) {
        long source = zx(form, b);
        long result = source == 0 ? bits(form) : Long.numberOfTrailingZeros(source);
        flags(c, form, result, source == 0);
        return result;
    }

    public static long movbe(Cpu c, int form, long b) {
        return Long.reverseBytes(b) >>> 64 - bits(form);
    }

    // Chains of additions that use only CF, or only OF.

    public static long adcx(Cpu c, int form, long a, long b) {
        long sum = a + b + (Flags.cf(c) ? 1 : 0);
        if (flagsLive(form)) Flags.setCarry(c, carryOut(form, a, b, sum));
        return sum;
    }

    public static long adox(Cpu c, int form, long a, long b) {
        long sum = a + b + (Flags.of(c) ? 1 : 0);
        if (flagsLive(form)) Flags.setCarryOverflow(c, Flags.cf(c), carryOut(form, a, b, sum));
        return sum;
    }

    private static boolean carryOut(int form, long a, long b, long sum) {
        return sx(form, a & b | (a | b) & ~sum) < 0;
    }
}
