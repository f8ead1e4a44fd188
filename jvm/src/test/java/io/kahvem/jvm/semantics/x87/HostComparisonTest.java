package io.kahvem.jvm.semantics.x87;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every operation against the host's own x87 unit: results, exception flags and condition codes, in all rounding and precision modes.
class HostComparisonTest {
    private static final int VECTORS = 200_000;
    private static final int FLAGS = X87.EXCEPTIONS | X87.C1;
    private static final int ALL = X87.EXCEPTIONS | X87.CONDITIONS;

    /// A copy of the memory operand, which the instruction may overwrite.
    private static final int MEMORY_BEFORE = 104;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    /// FPTAN; FNSTSW AX; TEST AH, 4; JNZ over; FSTP ST(0): drops the 1.0 unless the operand was out of range.
    private static final int[] TANGENT_ALONE = {0xd9, 0xf2, 0xdf, 0xe0, 0xf6, 0xc4, 4, 0x75, 2, 0xdd, 0xd8};

    private static HostX87 host;

    /// What an instruction must agree in.
    enum Result {
        REGISTER,
        /// Also the register below, for an instruction that pushes.
        TWO_REGISTERS,
        WORD_16,
        WORD_32,
        WORD_64,
        DECIMAL,
        STATUS_ALONE
    }

    @FunctionalInterface
    interface Operation {
        /// The flags; `memory` is the memory operand's low 64 bits.
        int apply(X87 x, long am, int ase, long bm, int bse, long memory);
    }

    record Case(String name, int[] code, Result result, int statusMask, Operation operation) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static Case exact(String name, Result result, int mask, Operation operation, int... code) {
        return new Case(name, code, result, mask, operation);
    }

    static Stream<Case> exactOperations() {
        return Stream.of(
                exact("FADD", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Arithmetic.add(x, am, a, bm, b), 0xd8, 0xc1),
                exact("FSUB", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Arithmetic.subtract(x, am, a, bm, b), 0xd8, 0xe1),
                exact("FSUBR", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Arithmetic.subtract(x, bm, b, am, a), 0xd8, 0xe9),
                exact("FMUL", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Arithmetic.multiply(x, am, a, bm, b), 0xd8, 0xc9),
                exact("FDIV", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Arithmetic.divide(x, am, a, bm, b), 0xd8, 0xf1),
                exact("FDIVR", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Arithmetic.divide(x, bm, b, am, a), 0xd8, 0xf9),
                exact("FSQRT", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Arithmetic.squareRoot(x, am, a), 0xd9, 0xfa),
                exact("FCOM", Result.STATUS_ALONE, ALL, (x, am, a, bm, b, mem) -> Arithmetic.compare(am, a, bm, b, false), 0xd8, 0xd1),
                exact("FUCOM", Result.STATUS_ALONE, ALL, (x, am, a, bm, b, mem) -> Arithmetic.compare(am, a, bm, b, true), 0xdd, 0xe1),
                exact("FPREM", Result.REGISTER, ALL, (x, am, a, bm, b, mem) -> Remainder.remainder(x, am, a, bm, b, false), 0xd9, 0xf8),
                exact("FPREM1", Result.REGISTER, ALL, (x, am, a, bm, b, mem) -> Remainder.remainder(x, am, a, bm, b, true), 0xd9, 0xf5),
                exact("FSCALE", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Remainder.scale(x, am, a, bm, b), 0xd9, 0xfd),
                exact("FXTRACT", Result.TWO_REGISTERS, FLAGS, HostComparisonTest::extract, 0xd9, 0xf4),
                exact("FRNDINT", Result.REGISTER, FLAGS, (x, am, a, bm, b, mem) -> Conversion.roundToInteger(x, am, a), 0xd9, 0xfc),
                exact("FLD m32", Result.REGISTER, FLAGS,
                        (x, am, a, bm, b, mem) -> Conversion.fromFloat(x, (int) mem),
                        0xd9, 0x47, HostX87.MEMORY),
                exact("FLD m64", Result.REGISTER, FLAGS,
                        (x, am, a, bm, b, mem) -> Conversion.fromDouble(x, mem),
                        0xdd, 0x47, HostX87.MEMORY),
                exact("FILD m16", Result.REGISTER, FLAGS,
                        (x, am, a, bm, b, mem) -> Conversion.fromLong(x, (short) mem),
                        0xdf, 0x47, HostX87.MEMORY),
                exact("FILD m64", Result.REGISTER, FLAGS,
                        (x, am, a, bm, b, mem) -> Conversion.fromLong(x, mem),
                        0xdf, 0x6f, HostX87.MEMORY),
                exact("FADD m64", Result.REGISTER, FLAGS, HostComparisonTest::addDouble, 0xdc, 0x47, HostX87.MEMORY),
                exact("FMUL m32", Result.REGISTER, FLAGS, HostComparisonTest::multiplyFloat, 0xd8, 0x4f, HostX87.MEMORY),
                exact("FST m32", Result.WORD_32, FLAGS, (x, am, a, bm, b, mem) -> Conversion.toFloat(x, am, a), 0xd9, 0x57, HostX87.MEMORY),
                exact("FST m64", Result.WORD_64, FLAGS,
                        (x, am, a, bm, b, mem) -> Conversion.toDouble(x, am, a),
                        0xdd, 0x57, HostX87.MEMORY),
                exact("FIST m16", Result.WORD_16, FLAGS, (x, am, a, bm, b, mem) -> toInteger(x, am, a, 16), 0xdf, 0x57, HostX87.MEMORY),
                exact("FIST m32", Result.WORD_32, FLAGS, (x, am, a, bm, b, mem) -> toInteger(x, am, a, 32), 0xdb, 0x57, HostX87.MEMORY),
                exact("FISTP m64", Result.WORD_64, FLAGS, (x, am, a, bm, b, mem) -> toInteger(x, am, a, 64), 0xdf, 0x7f, HostX87.MEMORY),
                exact("FISTTP m16", Result.WORD_16, FLAGS,
                        (x, am, a, bm, b, mem) -> Conversion.toInteger(x, am, a, 16, X87.CHOP),
                        0xdf, 0x4f, HostX87.MEMORY),
                exact("FISTTP m64", Result.WORD_64, FLAGS,
                        (x, am, a, bm, b, mem) -> Conversion.toInteger(x, am, a, 64, X87.CHOP),
                        0xdd, 0x4f, HostX87.MEMORY),
                exact("FBSTP", Result.DECIMAL, FLAGS, (x, am, a, bm, b, mem) -> Conversion.toBcd(x, am, a), 0xdf, 0x77, HostX87.MEMORY));
    }

    /// The tolerance is in units of the last of 64 bits: processors promise to be within one, and so are we.
    static Stream<Arguments> transcendentalOperations() {
        int mask = X87.IE | X87.DE | X87.ZE | X87.C2;
        int noC2 = X87.IE | X87.DE | X87.ZE;
        return Stream.of(
                arguments(exact("FSIN", Result.REGISTER, mask,
                        (x, am, a, bm, b, mem) -> x.transcendental().sine(am, a),
                        0xd9, 0xfe), -70, 62),
                arguments(exact("FCOS", Result.REGISTER, mask,
                        (x, am, a, bm, b, mem) -> x.transcendental().cosine(am, a),
                        0xd9, 0xff), -70, 62),
                arguments(exact("FPTAN", Result.REGISTER, mask,
                        (x, am, a, bm, b, mem) -> x.transcendental().tangent(am, a),
                        TANGENT_ALONE), -70, 62),
                arguments(exact("FPATAN", Result.REGISTER, noC2,
                        (x, am, a, bm, b, mem) -> x.transcendental().arcTangent(bm, b, am, a),
                        0xd9, 0xf3), -40, 40),
                arguments(exact("F2XM1", Result.REGISTER, noC2,
                        (x, am, a, bm, b, mem) -> x.transcendental().powerMinusOne(am, a),
                        0xd9, 0xf0), -70, -1),
                arguments(exact("FYL2X", Result.REGISTER, noC2,
                        (x, am, a, bm, b, mem) -> x.transcendental().logarithm(bm, b, am, a),
                        0xd9, 0xf1), -4, 4),
                arguments(exact("FYL2XP1", Result.REGISTER, noC2,
                        (x, am, a, bm, b, mem) -> x.transcendental().logarithmPlusOne(bm, b, am, a),
                        0xd9, 0xf9), -70, -3));
    }

    private static int extract(X87 x, long am, int ase, long bm, int bse, long memory) {
        int flags = Remainder.extractExponent(x, am, ase);
        x.setStack(1, x.mantissa, x.signExponent);
        Remainder.extractSignificand(x, am, ase);
        return flags;
    }

    private static int addDouble(X87 x, long am, int ase, long bm, int bse, long memory) {
        int flags = Conversion.operandFlags(Conversion.operandFromDouble(x, memory), am, ase);
        return Arithmetic.add(x, am, ase, x.mantissa, x.signExponent) | flags;
    }

    private static int multiplyFloat(X87 x, long am, int ase, long bm, int bse, long memory) {
        int flags = Conversion.operandFlags(Conversion.operandFromFloat(x, (int) memory), am, ase);
        return Arithmetic.multiply(x, am, ase, x.mantissa, x.signExponent) | flags;
    }

    private static int toInteger(X87 x, long am, int ase, int bits) {
        return Conversion.toInteger(x, am, ase, bits, x.roundingControl());
    }

    @BeforeAll
    static void openHost() {
        assumeTrue(HostX87.available(), "skipped: there is no x87 unit to compare with, this host is not Linux on x86-64");
        host = new HostX87();
    }

    @AfterAll
    static void closeHost() {
        if (host != null) {
            host.close();
        }
    }

    @ParameterizedTest
    @MethodSource("exactOperations")
    void agreesWithTheHostInEveryBit(Case c) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment records = HostX87.records(arena, VECTORS);
            Operands operands = new Operands(c.name.hashCode());
            for (int i = 0; i < VECTORS; i++) {
                operands.next();
                put(records, i, operands);
            }
            host.run(c.code, records, VECTORS);
            X87 x = new X87();
            StringBuilder differences = new StringBuilder();
            int count = 0;
            for (int i = 0; i < VECTORS; i++) {
                String difference = difference(c, x, records, i);
                if (!difference.isEmpty() && ++count <= 10) {
                    differences.append('\n').append(difference);
                }
            }
            assertThat(count).as("%d differences in %d cases:%s", count, VECTORS, differences).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("transcendentalOperations")
    void isWithinOneUnitOfTheHost(Case c, int lowExponent, int highExponent) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment records = HostX87.records(arena, VECTORS);
            Operands operands = new Operands(c.name.hashCode());
            for (int i = 0; i < VECTORS; i++) {
                operands.nextAround(lowExponent, highExponent);
                put(records, i, operands);
            }
            host.run(c.code, records, VECTORS);
            X87 x = new X87();
            StringBuilder differences = new StringBuilder();
            int count = 0;
            for (int i = 0; i < VECTORS; i++) {
                String difference = difference(c, x, records, i);
                if (!difference.isEmpty()) {
                    long at = (long) i * HostX87.RECORD;
                    long d = distance(
                            x.mantissa, x.signExponent, records.get(LONG, at + HostX87.RESULT),
                            records.get(SHORT, at + HostX87.RESULT + 8));
                    if ((d > 1 || d < 0) && ++count <= 10) {
                        differences.append('\n').append(difference);
                    }
                }
            }
            assertThat(count).as("%d differences in %d cases:%s", count, VECTORS, differences).isZero();
        }
    }

    /// Units of the last place between two values of one sign.
    private static long distance(long am, int ase, long bm, int bse) {
        if (((ase ^ bse) & 0x8000) != 0) {
            return Long.MAX_VALUE;
        }
        int exponents = (ase & 0x7fff) - (bse & 0x7fff);
        if (Math.abs(exponents) > 1) {
            return Long.MAX_VALUE;
        }
        return Math.abs(exponents * Long.MIN_VALUE - (am - bm));
    }

    private static void put(MemorySegment records, int i, Operands o) {
        long at = (long) i * HostX87.RECORD;
        records.set(SHORT, at + HostX87.CONTROL, (short) o.control());
        records.set(LONG, at + HostX87.ST0, o.am);
        records.set(SHORT, at + HostX87.ST0 + 8, (short) o.ase);
        records.set(LONG, at + HostX87.ST1, o.bm);
        records.set(SHORT, at + HostX87.ST1 + 8, (short) o.bse);
        long memory = o.bits();
        records.set(LONG, at + HostX87.MEMORY, memory);
        records.set(LONG, at + MEMORY_BEFORE, memory);
    }

    private static String difference(Case c, X87 x, MemorySegment records, int i) {
        long at = (long) i * HostX87.RECORD;
        x.initialize();
        int control = records.get(SHORT, at) & 0xffff;
        x.setControl(control);
        long am = records.get(LONG, at + HostX87.ST0);
        int ase = records.get(SHORT, at + HostX87.ST0 + 8) & 0xffff;
        long bm = records.get(LONG, at + HostX87.ST1);
        int bse = records.get(SHORT, at + HostX87.ST1 + 8) & 0xffff;
        long memory = records.get(LONG, at + MEMORY_BEFORE);
        int flags = c.operation.apply(x, am, ase, bm, bse, memory) & c.statusMask;
        int hostFlags = records.get(SHORT, at + HostX87.STATUS) & c.statusMask;
        String ours = value(c.result, x);
        String theirs = value(c.result, records, at);
        if (flags == hostFlags && ours.equals(theirs)) {
            return "";
        }
        return "%03x: %04x:%016x, %04x:%016x, [%016x]: %s flags %04x, host %s flags %04x"
                .formatted(control, ase, am, bse, bm, memory, ours, flags, theirs, hostFlags);
    }

    private static String value(Result result, X87 x) {
        return switch (result) {
            case REGISTER -> register(x.mantissa, x.signExponent);
            case TWO_REGISTERS -> register(x.mantissa, x.signExponent) + " " + register(x.stackMantissa(1), x.stackSignExponent(1));
            case WORD_16 -> Long.toHexString(x.mantissa & 0xffff);
            case WORD_32 -> Long.toHexString(x.mantissa & 0xffff_ffffL);
            case WORD_64 -> Long.toHexString(x.mantissa);
            case DECIMAL -> register(x.mantissa, x.signExponent);
            case STATUS_ALONE -> "";
        };
    }

    private static String value(Result result, MemorySegment records, long at) {
        return switch (result) {
            case REGISTER -> register(records, at + HostX87.RESULT);
            case TWO_REGISTERS -> register(records, at + HostX87.RESULT) + " " + register(records, at + HostX87.RESULT_BELOW);
            case WORD_16 -> Long.toHexString(records.get(SHORT, at + HostX87.MEMORY) & 0xffff);
            case WORD_32 -> Long.toHexString(records.get(INT, at + HostX87.MEMORY) & 0xffff_ffffL);
            case WORD_64 -> Long.toHexString(records.get(LONG, at + HostX87.MEMORY));
            case DECIMAL -> register(records, at + HostX87.MEMORY);
            case STATUS_ALONE -> "";
        };
    }

    private static String register(MemorySegment records, long at) {
        return register(records.get(LONG, at), records.get(SHORT, at + 8) & 0xffff);
    }

    private static String register(long m, int se) {
        return "%04x:%016x".formatted(se, m);
    }
}
