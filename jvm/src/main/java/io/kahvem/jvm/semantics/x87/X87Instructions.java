package io.kahvem.jvm.semantics.x87;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// The instructions D8 to DF and FWAIT: whether they may run, their memory operands, and the last instruction's pointers. What they
/// do to the register stack is in [StackOperations], to environments in [Environment].
///
/// A pending unmasked exception is #MF whatever CR0.NE says: there is no FERR# pin.
public final class X87Instructions {
    // Constants to 128 bits (SDM Vol. 1, 8.3.4).
    private static final long LOG2_10_HIGH = 0xd49a_784b_cd1b_8afeL;
    private static final long LOG2_10_LOW = 0x492b_f6ff_4daf_db4cL;
    private static final long LOG2_E_HIGH = 0xb8aa_3b29_5c17_f0bbL;
    private static final long LOG2_E_LOW = 0xbe87_fed0_691d_3e88L;
    private static final long PI_HIGH = 0xc90f_daa2_2168_c234L;
    private static final long PI_LOW = 0xc4c6_628b_80dc_1cd1L;
    private static final long LOG10_2_HIGH = 0x9a20_9a84_fbcf_f798L;
    private static final long LOG10_2_LOW = 0x8f89_59ac_0b7c_9178L;
    private static final long LN_2_HIGH = 0xb172_17f7_d1cf_79abL;
    private static final long LN_2_LOW = 0xc9e3_b398_03f2_f6afL;

    private X87Instructions() {}

    /// Notes #NM where CR0.EM or CR0.TS forbid x87 instructions.
    private static boolean unavailable(Cpu c) {
        if ((c.cr0 & (ControlBits.CR0_EM | ControlBits.CR0_TS)) == 0) return false;
        c.raise(Exceptions.NM);
        return true;
    }

    /// The same, and #MF where an exception is pending: before every waiting instruction.
    private static boolean blocked(Cpu c) {
        if (unavailable(c)) return true;
        if (!c.fpu.exceptionPending()) return false;
        c.raise(Exceptions.MF);
        return true;
    }

    /// Before an instruction on registers: false if it may not run.
    private static boolean ready(Cpu c, Insn i) {
        if (blocked(c)) return false;
        c.fpu.lastInstruction = i.rip(c);
        return true;
    }

    /// The address of the memory operand. The caller looks at [Cpu#faulted()].
    private static long address(Cpu c, Insn i, int bytes, boolean write) {
        return blocked(c) ? 0 : i.address(c, bytes, write);
    }

    /// The memory operand of up to eight bytes. The caller looks at [Cpu#faulted()].
    private static long load(Cpu c, Insn i, int bytes) {
        long gva = address(c, i, bytes, false);
        if (c.faulted()) return 0;
        long value = Mmu.load(c, gva, bytes);
        if (!c.faulted()) point(c, i, gva);
        return value;
    }

    /// FIP and FDP; the latter is an offset.
    private static void point(Cpu c, Insn i, long gva) {
        c.fpu.lastInstruction = i.rip(c);
        c.fpu.lastData = gva - c.r[i.segmentBase];
    }

    private static int reg(Insn i) {
        return i.reg & 7;
    }

    private static int rm(Insn i) {
        return i.rm & 7;
    }

    // Arithmetic: ModRM.reg names the operation.

    /// D8, registers: ST(0) := ST(0) op ST(i).
    public static void arithmeticTop(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.arithmetic(c.fpu, reg(i), rm(i), 0);
    }

    /// DC, registers: ST(i) := ST(0) op ST(i).
    public static void arithmeticOther(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.arithmetic(c.fpu, reg(i), rm(i), rm(i));
    }

    /// DE, registers: the same and pop.
    public static void arithmeticPop(Cpu c, Insn i) {
        if (ready(c, i) && StackOperations.arithmetic(c.fpu, reg(i), rm(i), rm(i))) c.fpu.pop();
    }

    public static void arithmeticFloat(Cpu c, Insn i) {
        int bits = (int) load(c, i, 4);
        if (!c.faulted()) StackOperations.arithmeticWithOperand(c.fpu, reg(i), Conversion.operandFromFloat(c.fpu, bits));
    }

    public static void arithmeticDouble(Cpu c, Insn i) {
        long bits = load(c, i, 8);
        if (!c.faulted()) StackOperations.arithmeticWithOperand(c.fpu, reg(i), Conversion.operandFromDouble(c.fpu, bits));
    }

    public static void arithmeticInt(Cpu c, Insn i) {
        int value = (int) load(c, i, 4);
        if (!c.faulted()) StackOperations.arithmeticWithOperand(c.fpu, reg(i), Conversion.fromLong(c.fpu, value));
    }

    public static void arithmeticShort(Cpu c, Insn i) {
        short value = (short) load(c, i, 2);
        if (!c.faulted()) StackOperations.arithmeticWithOperand(c.fpu, reg(i), Conversion.fromLong(c.fpu, value));
    }

    // Comparison; /3 pops.

    public static void compareFloat(Cpu c, Insn i) {
        int bits = (int) load(c, i, 4);
        if (!c.faulted()) compared(c.fpu, i, Conversion.operandFromFloat(c.fpu, bits));
    }

    public static void compareDouble(Cpu c, Insn i) {
        long bits = load(c, i, 8);
        if (!c.faulted()) compared(c.fpu, i, Conversion.operandFromDouble(c.fpu, bits));
    }

    public static void compareInt(Cpu c, Insn i) {
        int value = (int) load(c, i, 4);
        if (!c.faulted()) compared(c.fpu, i, Conversion.fromLong(c.fpu, value));
    }

    public static void compareShort(Cpu c, Insn i) {
        short value = (short) load(c, i, 2);
        if (!c.faulted()) compared(c.fpu, i, Conversion.fromLong(c.fpu, value));
    }

    private static void compared(X87 x, Insn i, int operandFlags) {
        if (StackOperations.compareWithOperand(x, operandFlags) && reg(i) == 3) x.pop();
    }

    public static void fcom(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.compare(c.fpu, rm(i), false);
    }

    public static void fcomp(Cpu c, Insn i) {
        if (ready(c, i) && StackOperations.compare(c.fpu, rm(i), false)) c.fpu.pop();
    }

    public static void fcompp(Cpu c, Insn i) {
        if (ready(c, i) && StackOperations.compare(c.fpu, 1, false)) popTwice(c.fpu);
    }

    public static void fucom(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.compare(c.fpu, rm(i), true);
    }

    public static void fucomp(Cpu c, Insn i) {
        if (ready(c, i) && StackOperations.compare(c.fpu, rm(i), true)) c.fpu.pop();
    }

    public static void fucompp(Cpu c, Insn i) {
        if (ready(c, i) && StackOperations.compare(c.fpu, 1, true)) popTwice(c.fpu);
    }

    private static void popTwice(X87 x) {
        x.pop();
        x.pop();
    }

    public static void fcomi(Cpu c, Insn i) {
        compareToFlags(c, i, false);
    }

    public static void fcomip(Cpu c, Insn i) {
        if (compareToFlags(c, i, false)) c.fpu.pop();
    }

    public static void fucomi(Cpu c, Insn i) {
        compareToFlags(c, i, true);
    }

    public static void fucomip(Cpu c, Insn i) {
        if (compareToFlags(c, i, true)) c.fpu.pop();
    }

    private static boolean compareToFlags(Cpu c, Insn i, boolean quiet) {
        if (!ready(c, i)) return false;
        int conditions = StackOperations.compareToFlags(c.fpu, rm(i), quiet);
        int flags = ((conditions & X87.C3) != 0 ? Flags.ZF : 0)
                | ((conditions & X87.C2) != 0 ? Flags.PF : 0)
                | ((conditions & X87.C0) != 0 ? Flags.CF : 0);
        Flags.setArithmetic(c, flags);
        return !c.fpu.unmasked(conditions & (X87.IE | X87.DE));
    }

    public static void ftst(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.test(c.fpu);
    }

    public static void fxam(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.examine(c.fpu);
    }

    // Loads.

    public static void fldFloat(Cpu c, Insn i) {
        int bits = (int) load(c, i, 4);
        if (!c.faulted()) StackOperations.load(c.fpu, Conversion.fromFloat(c.fpu, bits));
    }

    public static void fldDouble(Cpu c, Insn i) {
        long bits = load(c, i, 8);
        if (!c.faulted()) StackOperations.load(c.fpu, Conversion.fromDouble(c.fpu, bits));
    }

    public static void fldExtended(Cpu c, Insn i) {
        long gva = address(c, i, 10, false);
        if (c.faulted()) return;
        long mantissa = Mmu.load64(c, gva);
        if (c.faulted()) return;
        int signExponent = (int) Mmu.load16(c, gva + 8);
        if (c.faulted()) return;
        point(c, i, gva);
        StackOperations.load(c.fpu, c.fpu.result(mantissa, signExponent, 0));
    }

    public static void fildShort(Cpu c, Insn i) {
        short value = (short) load(c, i, 2);
        if (!c.faulted()) StackOperations.load(c.fpu, Conversion.fromLong(c.fpu, value));
    }

    public static void fildInt(Cpu c, Insn i) {
        int value = (int) load(c, i, 4);
        if (!c.faulted()) StackOperations.load(c.fpu, Conversion.fromLong(c.fpu, value));
    }

    public static void fildLong(Cpu c, Insn i) {
        long value = load(c, i, 8);
        if (!c.faulted()) StackOperations.load(c.fpu, Conversion.fromLong(c.fpu, value));
    }

    public static void fbld(Cpu c, Insn i) {
        long gva = address(c, i, 10, false);
        if (c.faulted()) return;
        long low = Mmu.load64(c, gva);
        if (c.faulted()) return;
        int high = (int) Mmu.load16(c, gva + 8);
        if (c.faulted()) return;
        point(c, i, gva);
        StackOperations.load(c.fpu, Conversion.fromBcd(c.fpu, low, high));
    }

    public static void fldRegister(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadRegister(c.fpu, rm(i));
    }

    public static void fld1(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadConstant(c.fpu, 0, Float80.INTEGER_BIT, 0);
    }

    public static void fldl2t(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadConstant(c.fpu, 1, LOG2_10_HIGH, LOG2_10_LOW);
    }

    public static void fldl2e(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadConstant(c.fpu, 0, LOG2_E_HIGH, LOG2_E_LOW);
    }

    public static void fldpi(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadConstant(c.fpu, 1, PI_HIGH, PI_LOW);
    }

    public static void fldlg2(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadConstant(c.fpu, -2, LOG10_2_HIGH, LOG10_2_LOW);
    }

    public static void fldln2(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadConstant(c.fpu, -1, LN_2_HIGH, LN_2_LOW);
    }

    public static void fldz(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.loadZero(c.fpu);
    }

    // Stores. The range is found writable before flags are entered, so that a page fault leaves the unit as it was.

    /// Where a store of `bytes` bytes goes. The caller looks at [Cpu#faulted()].
    private static long destination(Cpu c, Insn i, int bytes) {
        long gva = address(c, i, bytes, true);
        if (!c.faulted() && Mmu.writable(c, gva, bytes)) point(c, i, gva);
        return gva;
    }

    private static boolean put(Cpu c, long gva, int bytes, int flags) {
        if (!c.fpu.raiseForMemory(flags)) return false;
        Mmu.store(c, gva, bytes, c.fpu.mantissa);
        return true;
    }

    private static boolean putExtended(Cpu c, long gva, int flags) {
        if (!c.fpu.raiseForMemory(flags)) return false;
        Mmu.store64(c, gva, c.fpu.mantissa);
        Mmu.store16(c, gva + 8, c.fpu.signExponent);
        return true;
    }

    private static boolean storeFloat(Cpu c, Insn i) {
        long gva = destination(c, i, 4);
        return !c.faulted() && put(c, gva, 4, StackOperations.toFloat(c.fpu));
    }

    private static boolean storeDouble(Cpu c, Insn i) {
        long gva = destination(c, i, 8);
        return !c.faulted() && put(c, gva, 8, StackOperations.toDouble(c.fpu));
    }

    private static boolean storeInteger(Cpu c, Insn i, int bytes, int rounding) {
        long gva = destination(c, i, bytes);
        return !c.faulted() && put(c, gva, bytes, StackOperations.toInteger(c.fpu, 8 * bytes, rounding));
    }

    public static void fstFloat(Cpu c, Insn i) {
        storeFloat(c, i);
    }

    public static void fstpFloat(Cpu c, Insn i) {
        if (storeFloat(c, i)) c.fpu.pop();
    }

    public static void fstDouble(Cpu c, Insn i) {
        storeDouble(c, i);
    }

    public static void fstpDouble(Cpu c, Insn i) {
        if (storeDouble(c, i)) c.fpu.pop();
    }

    public static void fstpExtended(Cpu c, Insn i) {
        long gva = destination(c, i, 10);
        if (!c.faulted() && putExtended(c, gva, StackOperations.toExtended(c.fpu))) c.fpu.pop();
    }

    public static void fbstp(Cpu c, Insn i) {
        long gva = destination(c, i, 10);
        if (!c.faulted() && putExtended(c, gva, StackOperations.toBcd(c.fpu))) c.fpu.pop();
    }

    public static void fistShort(Cpu c, Insn i) {
        storeInteger(c, i, 2, c.fpu.roundingControl());
    }

    public static void fistpShort(Cpu c, Insn i) {
        if (storeInteger(c, i, 2, c.fpu.roundingControl())) c.fpu.pop();
    }

    public static void fistInt(Cpu c, Insn i) {
        storeInteger(c, i, 4, c.fpu.roundingControl());
    }

    public static void fistpInt(Cpu c, Insn i) {
        if (storeInteger(c, i, 4, c.fpu.roundingControl())) c.fpu.pop();
    }

    public static void fistpLong(Cpu c, Insn i) {
        if (storeInteger(c, i, 8, c.fpu.roundingControl())) c.fpu.pop();
    }

    public static void fisttpShort(Cpu c, Insn i) {
        if (storeInteger(c, i, 2, X87.CHOP)) c.fpu.pop();
    }

    public static void fisttpInt(Cpu c, Insn i) {
        if (storeInteger(c, i, 4, X87.CHOP)) c.fpu.pop();
    }

    public static void fisttpLong(Cpu c, Insn i) {
        if (storeInteger(c, i, 8, X87.CHOP)) c.fpu.pop();
    }

    public static void fstRegister(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.storeRegister(c.fpu, rm(i));
    }

    public static void fstpRegister(Cpu c, Insn i) {
        if (ready(c, i) && StackOperations.storeRegister(c.fpu, rm(i))) c.fpu.pop();
    }

    // Moves between registers.

    public static void fxch(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.exchange(c.fpu, rm(i));
    }

    /// DA: B, E, BE and U by reg; DB: their negations.
    public static void fcmov(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.move(c.fpu, rm(i), condition(c, reg(i)));
    }

    public static void fcmovn(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.move(c.fpu, rm(i), !condition(c, reg(i)));
    }

    private static boolean condition(Cpu c, int reg) {
        return switch (reg) {
            case 0 -> Flags.cf(c);
            case 1 -> Flags.zf(c);
            case 2 -> Flags.cf(c) || Flags.zf(c);
            default -> Flags.pf(c);
        };
    }

    public static void ffree(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.free(c.fpu, rm(i));
    }

    public static void ffreep(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.freeAndPop(c.fpu, rm(i));
    }

    public static void fdecstp(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.rotate(c.fpu, -1);
    }

    public static void fincstp(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.rotate(c.fpu, 1);
    }

    // One or two operands on the stack.

    public static void fchs(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.changeSign(c.fpu);
    }

    public static void fabs(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.absolute(c.fpu);
    }

    public static void fsqrt(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.squareRoot(c.fpu);
    }

    public static void frndint(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.roundToInteger(c.fpu);
    }

    public static void fscale(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.scale(c.fpu);
    }

    public static void fxtract(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.extract(c.fpu);
    }

    public static void fprem(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.remainder(c.fpu, false);
    }

    public static void fprem1(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.remainder(c.fpu, true);
    }

    public static void f2xm1(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.powerMinusOne(c.fpu);
    }

    public static void fyl2x(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.logarithm(c.fpu);
    }

    public static void fyl2xp1(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.logarithmPlusOne(c.fpu);
    }

    public static void fptan(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.tangent(c.fpu);
    }

    public static void fpatan(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.arcTangent(c.fpu);
    }

    public static void fsin(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.sine(c.fpu);
    }

    public static void fcos(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.cosine(c.fpu);
    }

    public static void fsincos(Cpu c, Insn i) {
        if (ready(c, i)) StackOperations.sineAndCosine(c.fpu);
    }

    // Control instructions. They leave the last instruction's pointers alone.

    public static void fnop(Cpu c, Insn i) {
        blocked(c);
    }

    /// FNENI, FNDISI and FNSETPM of the 8087 and 80287, which later processors ignore.
    public static void ignored(Cpu c, Insn i) {
        unavailable(c);
    }

    /// FWAIT is #NM only where CR0.MP and CR0.TS are both set.
    public static void fwait(Cpu c, Insn i) {
        long monitored = ControlBits.CR0_MP | ControlBits.CR0_TS;
        if ((c.cr0 & monitored) == monitored) {
            c.raise(Exceptions.NM);
        } else if (c.fpu.exceptionPending()) {
            c.raise(Exceptions.MF);
        }
    }

    public static void fninit(Cpu c, Insn i) {
        if (!unavailable(c)) c.fpu.initialize();
    }

    public static void fnclex(Cpu c, Insn i) {
        if (!unavailable(c)) c.fpu.clearExceptions();
    }

    public static void fldcw(Cpu c, Insn i) {
        long gva = address(c, i, 2, false);
        if (c.faulted()) return;
        int word = (int) Mmu.load16(c, gva);
        if (!c.faulted()) c.fpu.setControl(word);
    }

    public static void fnstcw(Cpu c, Insn i) {
        storeWord(c, i, c.fpu.control());
    }

    public static void fnstsw(Cpu c, Insn i) {
        storeWord(c, i, c.fpu.statusWord());
    }

    private static void storeWord(Cpu c, Insn i, int word) {
        if (unavailable(c)) return;
        long gva = i.address(c, 2, true);
        if (!c.faulted()) Mmu.store16(c, gva, word);
    }

    public static void fnstswAx(Cpu c, Insn i) {
        if (!unavailable(c)) c.r[Cpu.RAX] = c.r[Cpu.RAX] & ~0xffffL | c.fpu.statusWord();
    }

    public static void fldenv(Cpu c, Insn i) {
        int bytes = Environment.bytes(i);
        long gva = address(c, i, bytes, false);
        if (!c.faulted() && Mmu.readable(c, gva, bytes)) Environment.load(c, i, gva);
    }

    public static void fnstenv(Cpu c, Insn i) {
        if (unavailable(c)) return;
        int bytes = Environment.bytes(i);
        long gva = i.address(c, bytes, true);
        if (c.faulted() || !Mmu.writable(c, gva, bytes)) return;
        Environment.store(c, i, gva);
        c.fpu.setControl(c.fpu.control() | X87.EXCEPTIONS);
    }

    public static void frstor(Cpu c, Insn i) {
        int bytes = Environment.bytes(i);
        long gva = address(c, i, bytes + Environment.STACK_BYTES, false);
        if (c.faulted() || !Mmu.readable(c, gva, bytes + Environment.STACK_BYTES)) return;
        Environment.load(c, i, gva);
        Environment.loadStack(c, gva + bytes);
    }

    public static void fnsave(Cpu c, Insn i) {
        if (unavailable(c)) return;
        int bytes = Environment.bytes(i);
        long gva = i.address(c, bytes + Environment.STACK_BYTES, true);
        if (c.faulted() || !Mmu.writable(c, gva, bytes + Environment.STACK_BYTES)) return;
        Environment.store(c, i, gva);
        Environment.storeStack(c, gva + bytes);
        c.fpu.initialize();
    }
}
