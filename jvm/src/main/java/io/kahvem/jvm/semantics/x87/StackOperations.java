package io.kahvem.jvm.semantics.x87;

import static io.kahvem.jvm.semantics.x87.Float80.BIAS;
import static io.kahvem.jvm.semantics.x87.Float80.INTEGER_BIT;
import static io.kahvem.jvm.semantics.x87.Float80.MAX_EXPONENT;
import static io.kahvem.jvm.semantics.x87.Float80.SIGN;
import static io.kahvem.jvm.semantics.x87.X87.C0;
import static io.kahvem.jvm.semantics.x87.X87.C1;
import static io.kahvem.jvm.semantics.x87.X87.C2;
import static io.kahvem.jvm.semantics.x87.X87.C3;
import static io.kahvem.jvm.semantics.x87.X87.DE;
import static io.kahvem.jvm.semantics.x87.X87.IE;
import static io.kahvem.jvm.semantics.x87.X87.SF;

/// Instructions on the register stack: empty and full registers, exceptions, results and pops (SDM Vol. 1, 8.1.2 and 8.5). Memory and #NM,
/// #MF are [X87Instructions]' part.
final class StackOperations {
    private static final int UNORDERED = C3 | C2 | C0;

    private StackOperations() {}

    private static long m(X87 x, int i) {
        return x.mantissas[x.top + i & 7];
    }

    private static int se(X87 x, int i) {
        return x.signExponents[x.top + i & 7];
    }

    private static void setConditions(X87 x, int conditions) {
        x.status = x.status & ~X87.CONDITIONS | conditions & X87.CONDITIONS;
    }

    /// The six operations of D8 to DE by their reg field. A subtraction or division takes its operands in the order of D8; DC and DE only
    /// differ in where the result goes.
    private static int operate(X87 x, int reg, long am, int ase, long bm, int bse) {
        return switch (reg) {
            case 0 -> Arithmetic.add(x, am, ase, bm, bse);
            case 1 -> Arithmetic.multiply(x, am, ase, bm, bse);
            case 4 -> Arithmetic.subtract(x, am, ase, bm, bse);
            case 5 -> Arithmetic.subtract(x, bm, bse, am, ase);
            case 6 -> Arithmetic.divide(x, am, ase, bm, bse);
            default -> Arithmetic.divide(x, bm, bse, am, ase);
        };
    }

    /// Operates on ST(0) and ST(i), the result to `destination`, which is 0 or i. False where an exception forbids it, and the pop with it.
    static boolean arithmetic(X87 x, int reg, int i, int destination) {
        int flags;
        if (x.empty(0) || x.empty(i)) {
            flags = x.stackFault(0);
        } else {
            flags = operate(x, reg, m(x, 0), se(x, 0), m(x, i), se(x, i));
        }
        if (!x.raise(flags)) {
            return false;
        }
        x.store(destination);
        return true;
    }

    /// ST(0) with the operand that conversion from memory left as the last result, with these flags.
    static void arithmeticWithOperand(X87 x, int reg, int operandFlags) {
        if (x.empty(0)) {
            if (x.raise(x.stackFault(0))) {
                x.store(0);
            }
            return;
        }
        long am = m(x, 0);
        int ase = se(x, 0);
        int flags = Conversion.operandFlags(operandFlags, am, ase);
        if (!x.unmasked(flags)) {
            flags |= operate(x, reg, am, ase, x.mantissa, x.signExponent);
            if (reg == 6 && (flags & X87.ZE) != 0) {
                // Processors tell a denormal divided by zero from a register as DE and ZE, by zero from memory as ZE.
                flags &= ~DE;
            }
        }
        if (x.raise(flags)) {
            x.store(0);
        }
    }

    /// Enters the flags and conditions of a comparison; false where an exception forbids the pop.
    private static boolean compared(X87 x, int flags) {
        boolean completed = x.raise(flags & (IE | DE | SF));
        setConditions(x, flags);
        return completed;
    }

    static boolean compare(X87 x, int i, boolean quiet) {
        return compared(x, compareFlags(x, i, quiet));
    }

    private static int compareFlags(X87 x, int i, boolean quiet) {
        if (x.empty(0) || x.empty(i)) {
            return IE | SF | UNORDERED;
        }
        return Arithmetic.compare(m(x, 0), se(x, 0), m(x, i), se(x, i), quiet);
    }

    static boolean compareWithOperand(X87 x, int operandFlags) {
        if (x.empty(0)) {
            return compared(x, IE | SF | UNORDERED);
        }
        int flags = Conversion.operandFlags(operandFlags, m(x, 0), se(x, 0));
        return compared(x, flags | Arithmetic.compare(m(x, 0), se(x, 0), x.mantissa, x.signExponent, false));
    }

    /// FCOMI and FUCOMI: C3, C2 and C0, which go to ZF, PF and CF whatever the exceptions; the caller pops unless
    /// IE or DE is unmasked.
    static int compareToFlags(X87 x, int i, boolean quiet) {
        int flags = compareFlags(x, i, quiet);
        x.raise(flags & (IE | DE | SF));
        return flags;
    }

    static void test(X87 x) {
        compared(x, x.empty(0) ? IE | SF | UNORDERED : Arithmetic.compare(m(x, 0), se(x, 0), 0, 0, false));
    }

    /// FXAM (SDM Vol. 2A, Table 3-42).
    static void examine(X87 x) {
        int conditions = x.empty(0)
                ? C3 | C0
                : switch (Float80.classify(m(x, 0), se(x, 0))) {
                    case Float80.ZERO -> C3;
                    case Float80.NORMAL -> C2;
                    case Float80.DENORMAL -> C3 | C2;
                    case Float80.INFINITY -> C2 | C0;
                    case Float80.UNSUPPORTED -> 0;
                    default -> C0;
                };
        setConditions(x, conditions | ((se(x, 0) & SIGN) != 0 ? C1 : 0));
    }

    /// Pushes the value that a conversion has left with these flags. It is pushed even where it was denormal and DE is unmasked.
    static void load(X87 x, int flags) {
        int all = x.empty(7) ? flags : x.stackFault(C1);
        x.raise(all);
        if (!x.unmasked(all & IE)) {
            x.push();
        }
    }

    static void loadRegister(X87 x, int i) {
        if (!x.empty(i)) {
            load(x, x.result(m(x, i), se(x, i), 0));
        } else if (x.raise(x.stackFault(0))) {
            x.push();
        }
    }

    /// A constant given to 128 bits, rounded as the control word says without PE (SDM Vol. 2A, FLD1).
    static void loadConstant(X87 x, int exponent, long hi, long lo) {
        Float80.round(x, 0, exponent + BIAS, hi, lo, 0);
        load(x, 0);
    }

    static void loadZero(X87 x) {
        load(x, x.result(0, 0, 0));
    }

    /// FST ST(i).
    static boolean storeRegister(X87 x, int i) {
        int flags = x.empty(0) ? x.stackFault(0) : x.result(m(x, 0), se(x, 0), 0);
        if (!x.raise(flags)) {
            return false;
        }
        x.store(i);
        return true;
    }

    static void exchange(X87 x, int i) {
        if (x.empty(0) || x.empty(i)) {
            if (!x.raise(x.stackFault(0))) {
                return;
            }
            if (x.empty(0)) {
                x.store(0);
            }
            if (x.empty(i)) {
                x.store(i);
            }
        } else {
            x.status &= ~C1;
        }
        long mantissa = m(x, 0);
        int signExponent = se(x, 0);
        x.setStack(0, m(x, i), se(x, i));
        x.setStack(i, mantissa, signExponent);
    }

    /// FCMOVcc once its condition is known. An empty register is an exception, and ST(0) a NaN, whether it moves or not.
    static void move(X87 x, int i, boolean condition) {
        if (x.empty(0) || x.empty(i)) {
            replace(x, x.stackFault(0));
            return;
        }
        if (condition) {
            x.setStack(0, m(x, i), se(x, i));
        }
    }

    static void free(X87 x, int i) {
        x.valid &= ~(1 << (x.top + i & 7));
        x.status &= ~C1;
    }

    static void freeAndPop(X87 x, int i) {
        free(x, i);
        x.pop();
    }

    static void rotate(X87 x, int by) {
        x.top = x.top + by & 7;
        x.status &= ~C1;
    }

    static void changeSign(X87 x) {
        replace(x, x.empty(0) ? x.stackFault(0) : x.result(m(x, 0), se(x, 0) ^ SIGN, 0));
    }

    static void absolute(X87 x) {
        replace(x, x.empty(0) ? x.stackFault(0) : x.result(m(x, 0), se(x, 0) & MAX_EXPONENT, 0));
    }

    static void squareRoot(X87 x) {
        replace(x, x.empty(0) ? x.stackFault(0) : Arithmetic.squareRoot(x, m(x, 0), se(x, 0)));
    }

    static void roundToInteger(X87 x) {
        replace(x, x.empty(0) ? x.stackFault(0) : Conversion.roundToInteger(x, m(x, 0), se(x, 0)));
    }

    static void powerMinusOne(X87 x) {
        replace(x, x.empty(0) ? x.stackFault(0) : x.transcendental().powerMinusOne(m(x, 0), se(x, 0)));
    }

    static void scale(X87 x) {
        replace(x, bothEmpty(x) ? x.stackFault(0) : Remainder.scale(x, m(x, 0), se(x, 0), m(x, 1), se(x, 1)));
    }

    private static boolean bothEmpty(X87 x) {
        return x.empty(0) || x.empty(1);
    }

    private static void replace(X87 x, int flags) {
        if (x.raise(flags)) {
            x.store(0);
        }
    }

    static void remainder(X87 x, boolean nearest) {
        int flags = bothEmpty(x)
                ? x.stackFault(0)
                : Remainder.remainder(x, m(x, 0), se(x, 0), m(x, 1), se(x, 1), nearest);
        x.status &= ~C2;
        if (x.raise(flags)) {
            if (Float80.classify(x.mantissa, x.signExponent) < Float80.QUIET) {
                setConditions(x, flags);
            }
            x.store(0);
        }
    }

    static void sine(X87 x) {
        reduced(x, x.empty(0) ? x.stackFault(0) : x.transcendental().sine(m(x, 0), se(x, 0)));
    }

    static void cosine(X87 x) {
        reduced(x, x.empty(0) ? x.stackFault(0) : x.transcendental().cosine(m(x, 0), se(x, 0)));
    }

    /// The end of FSIN and FCOS: C2 says whether the operand was too large.
    private static void reduced(X87 x, int flags) {
        x.status &= ~C2;
        replace(x, flags);
    }

    static void sineAndCosine(X87 x) {
        x.status &= ~C2;
        if (faultOfSecondResult(x)) {
            return;
        }
        long operandMantissa = m(x, 0);
        int operandSignExponent = se(x, 0);
        int flags = x.transcendental().sine(operandMantissa, operandSignExponent);
        long sineMantissa = x.mantissa;
        int sineSignExponent = x.signExponent;
        flags |= x.transcendental().cosine(operandMantissa, operandSignExponent);
        if (replaceAndPush(x, flags, sineMantissa, sineSignExponent)) {
            x.push();
        }
    }

    static void tangent(X87 x) {
        x.status &= ~C2;
        if (faultOfSecondResult(x)) {
            return;
        }
        int flags = x.transcendental().tangent(m(x, 0), se(x, 0));
        if (replaceAndPush(x, flags, x.mantissa, x.signExponent)) {
            // 1.0, or the NaN once more.
            if (Float80.classify(m(x, 0), se(x, 0)) < Float80.QUIET) {
                x.result(INTEGER_BIT, BIAS, 0);
            }
            x.push();
        }
    }

    /// ST(0) := the first result; the caller pushes the second. False where nothing is to be pushed.
    private static boolean replaceAndPush(X87 x, int flags, long firstMantissa, int firstSignExponent) {
        if (!x.raise(flags) || (flags & C2) != 0) {
            return false;
        }
        x.setStack(0, firstMantissa, firstSignExponent);
        return true;
    }

    /// An empty operand or no room for the second result: both become the default NaN, if masked.
    private static boolean faultOfSecondResult(X87 x) {
        if (!x.empty(0) && x.empty(7)) {
            return false;
        }
        if (x.raise(x.stackFault(x.empty(0) ? 0 : C1))) {
            x.store(0);
            x.push();
        }
        return true;
    }

    static void extract(X87 x) {
        if (faultOfSecondResult(x)) {
            return;
        }
        long mantissa = m(x, 0);
        int signExponent = se(x, 0);
        if (x.raise(Remainder.extractExponent(x, mantissa, signExponent))) {
            x.store(0);
            Remainder.extractSignificand(x, mantissa, signExponent);
            x.push();
        }
    }

    static void arcTangent(X87 x) {
        replaceBelow(x, bothEmpty(x) ? x.stackFault(0) : x.transcendental().arcTangent(m(x, 1), se(x, 1), m(x, 0), se(x, 0)));
    }

    static void logarithm(X87 x) {
        replaceBelow(x, bothEmpty(x) ? x.stackFault(0) : x.transcendental().logarithm(m(x, 1), se(x, 1), m(x, 0), se(x, 0)));
    }

    static void logarithmPlusOne(X87 x) {
        replaceBelow(x, bothEmpty(x) ? x.stackFault(0) : x.transcendental().logarithmPlusOne(m(x, 1), se(x, 1), m(x, 0), se(x, 0)));
    }

    private static void replaceBelow(X87 x, int flags) {
        if (x.raise(flags)) {
            x.store(1);
            x.pop();
        }
    }

    // Stores to memory: the flags of the conversion of ST(0), whose bits are then the last result's mantissa.

    static int toFloat(X87 x) {
        return x.empty(0) ? x.result(0xffc0_0000L, 0, IE | SF) : Conversion.toFloat(x, m(x, 0), se(x, 0));
    }

    static int toDouble(X87 x) {
        return x.empty(0) ? x.result(0xfff8_0000_0000_0000L, 0, IE | SF) : Conversion.toDouble(x, m(x, 0), se(x, 0));
    }

    static int toInteger(X87 x, int bits, int rounding) {
        return x.empty(0) ? x.result(-1L << bits - 1, 0, IE | SF) : Conversion.toInteger(x, m(x, 0), se(x, 0), bits, rounding);
    }

    static int toBcd(X87 x) {
        return x.empty(0) ? x.result(0xc000_0000_0000_0000L, 0xffff, IE | SF) : Conversion.toBcd(x, m(x, 0), se(x, 0));
    }

    static int toExtended(X87 x) {
        return x.empty(0) ? x.stackFault(0) : x.result(m(x, 0), se(x, 0), 0);
    }
}
