package io.kahvem.jvm.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.semantics.sse.Converts;
import io.kahvem.jvm.semantics.sse.Floats;
import io.kahvem.jvm.semantics.sse.Moves;
import io.kahvem.jvm.semantics.sse.Plain;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.BitSet;
import java.util.function.Consumer;

/// Emits arithmetic on doubles as Java's own, computed first and looked at then, in three steps:
///
/// 1. A result whose exponent is neither near 0 nor the largest is all there is to it, if MXCSR is what compilers assume with inexactness
///    seen before ([Code#PLAIN]), and the operands are zeros or normal numbers (*tame*).
/// 2. [Plain] looks closer: at zeros, and for inexactness.
/// 3. The lane function does it as the interpreter would, or the interpreter itself ([Style#leaves]).
///
/// What is known to be tame in a basic block is not asked again. That holds where step 1 or 2 was enough; step 3 clears PLAIN for the rest
/// of the block, so that step 2 asks anew.
final class FloatCode {
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");
    private static final ClassDesc PLAIN = ClassDesc.of(Plain.class.getName());
    private static final ClassDesc FLOATS = ClassDesc.of(Floats.class.getName());
    private static final MethodTypeDesc TO_BITS = MethodTypeDesc.of(CD_long, CD_double);
    private static final MethodTypeDesc DOUBLE_OF_DOUBLE = MethodTypeDesc.of(CD_double, CD_double);
    private static final MethodTypeDesc LOOK = MethodTypeDesc.of(CD_boolean, Code.CPU_CLASS, CD_long, CD_long, CD_long);

    /// What results below twice the smallest normal number have none of, in their exponent plus one: they may have been tiny before
    /// rounding.
    private static final long RESULT_MASK = 0x7fc;

    private static final long OPERAND_MASK = 0x7fe;

    /// Doubles of smaller magnitude than two to the power of this less 1023 are integers of 32 bits when what is below the point is cut
    /// off.
    private static final int INTEGER_EXPONENT = 1023 + 31;

    private static final int LONG_EXPONENT = 1023 + 63;

    private final Code out;
    private final CodeBuilder code;

    /// Locals that are tame, unless PLAIN is 0.
    private final BitSet tame = new BitSet();

    /// Whether PLAIN has been computed in this basic block.
    private boolean plain;

    FloatCode(Code out) {
        this.out = out;
        this.code = out.code;
    }

    /// Whether the instruction is arithmetic on doubles in XMM registers.
    static boolean computes(Piece.Node node) {
        switch (node.kind()) {
            case PACKED, SCALAR64 -> {}
            case VEX_PACKED, VEX_SCALAR64 -> {
                if (node.d.vl256 && node.kind() == Op.Kind.VEX_PACKED) return false;
            }
            default -> {
                return false;
            }
        }
        if (node.d.row.op.method().getDeclaringClass() != Floats.class) return false;
        return switch (node.name()) {
            case "add64", "sub64", "mul64", "div64", "sqrt64" -> true;
            default -> false;
        };
    }

    /// COMISD and UCOMISD.
    static boolean compares(Piece.Node node) {
        return node.is(Floats.class, "comisd") || node.is(Floats.class, "ucomisd");
    }

    /// CVTSI2SD.
    static boolean toDouble(Piece.Node node) {
        return !node.d.vex && node.is(Converts.class, "cvtsi2sd");
    }

    /// CVTTSD2SI.
    static boolean toInteger(Piece.Node node) {
        return node.is(Converts.class, "cvttsd2si");
    }

    /// Whether the instruction is an operation on the whole that is emitted here.
    static boolean inline(Piece.Node node) {
        return compares(node) || toDouble(node) || toInteger(node);
    }

    /// Begins a basic block, or goes on in one after something that may have changed MXCSR.
    void forget() {
        tame.clear();
        plain = false;
    }

    /// After an instruction.
    void after(Piece.Node node) {
        tame.clear(Code.T0, Code.COUNT);
        if (computes(node)) {
            if (node.d.vex && node.kind().scalar()) know(Code.vector(node.d.reg, 1), tame.get(Code.vector(node.d.vvvv, 1)));
            know(Code.vector(node.d.reg, 0), true);
            if (!node.kind().scalar()) know(Code.vector(node.d.reg, 1), true);
            return;
        }
        boolean low = false;
        boolean high = false;
        switch (node.name()) {
            case "load", "loadAligned" -> {
                low = !node.d.memory && tame.get(Code.vector(node.d.rm, 0));
                high = !node.d.memory && tame.get(Code.vector(node.d.rm, 1));
            }
            case "movsd", "movq" -> {
                low = !node.d.memory && tame.get(Code.vector(node.d.rm, 0));
                high = node.d.memory || node.name().equals("movq") || tame.get(Code.vector(node.d.reg, 1));
            }
            case "cvtsi2sd" -> {
                low = true;
                high = tame.get(Code.vector(node.d.reg, 1));
            }
            case "pxor" -> low = high = !node.d.vex && !node.d.memory && node.d.reg == node.d.rm;
            default -> {}
        }
        long written = Effects.of(node).writes();
        for (int n = 0; n < 16; n++) {
            if ((written >> 16 + n & 1) == 0) continue;
            boolean known = n == node.d.reg && (!node.d.vex || node.is(Moves.class, "load") || node.is(Moves.class, "loadAligned"));
            know(Code.vector(n, 0), known && low);
            know(Code.vector(n, 1), known && high);
        }
    }

    private void know(int local, boolean isTame) {
        tame.set(local, isTame);
    }

    /// Computes the first `halves` of `to` of those of `a` and `b`, locals for each half; `slow` does it by the lane functions.
    void compute(Piece.Node node, int halves, int[] to, int[] a, int[] b, Runnable slow) {
        String name = node.name();
        boolean root = name.equals("sqrt64");
        Label closer = code.newLabel();
        Label done = code.newLabel();
        askPlain();
        for (int h = 0; h < halves; h++) {
            if (!root) out.pushDouble(a[h]);
            out.pushDouble(b[h]);
            switch (name) {
                case "add64" -> code.dadd();
                case "sub64" -> code.dsub();
                case "mul64" -> code.dmul();
                case "div64" -> code.ddiv();
                default -> code.invokestatic(MATH, "sqrt", DOUBLE_OF_DOUBLE);
            }
            code.invokestatic(Code.DOUBLE, "doubleToRawLongBits", TO_BITS).lstore(to[h]);
        }
        for (int h = 0; h < halves; h++) {
            if (!root) {
                checkTame(a[h], closer);
                know(a[h], true);
            }
            checkTame(b[h], closer);
            know(b[h], true);
            check(to[h], () -> code.lload(Code.PLAIN), closer);
        }
        code.labelBinding(done);
        out.later(() -> {
            Label far = code.newLabel();
            code.labelBinding(closer);
            for (int h = 0; h < halves; h++) {
                code.aload(Code.CPU).lload(a[h]).lload(b[h]).lload(to[h]).invokestatic(PLAIN, look(name), LOOK).ifeq(far);
            }
            code.goto_(done).labelBinding(far);
            otherwise(node, done, slow);
        });
    }

    private static String look(String name) {
        return switch (name) {
            case "add64" -> "sum64";
            case "sub64" -> "difference64";
            case "mul64" -> "product64";
            case "div64" -> "quotient64";
            default -> "root64";
        };
    }

    /// Leaves behind the operands of a comparison, for its flags; `settle` tells MXCSR of the exceptions that were noted.
    void compare(Piece.Node node, int a, int b, Runnable settle) {
        Label closer = code.newLabel();
        Label done = code.newLabel();
        code.lload(a).lstore(Code.T2).lload(b).lstore(Code.T3);
        if (tame.get(a) || tame.get(b)) {
            askPlain();
            unlessPlain(closer);
        }
        checkTame(a, closer); // and no more is known after it: NaNs and denormals can be compared, too
        checkTame(b, closer);
        code.labelBinding(done).lload(Code.T2).lstore(Code.FLAG_A).lload(Code.T3).lstore(Code.FLAG_B);
        out.later(() -> {
            code.labelBinding(closer);
            code.lload(a).lload(b).invokestatic(PLAIN, "compared64", MethodTypeDesc.of(CD_boolean, CD_long, CD_long)).ifne(done);
            if (out.leaves) {
                out.leave(node.at, out.missed);
                return;
            }
            code.aload(Code.CPU).lload(a).lload(b).loadConstant(node.name().equals("ucomisd") ? 1 : 0);
            code.invokestatic(FLOATS, "noteCompared64", MethodTypeDesc.of(CD_void, Code.CPU_CLASS, CD_long, CD_long, CD_boolean));
            settle.run();
            MethodTypeDesc counts = MethodTypeDesc.of(CD_long, Code.CPU_CLASS, CD_long);
            code.aload(Code.CPU).lload(a).invokestatic(FLOATS, "compared64", counts).lstore(Code.T2);
            code.aload(Code.CPU).lload(b).invokestatic(FLOATS, "compared64", counts).lstore(Code.T3);
            code.goto_(done);
        });
    }

    /// CVTSI2SD of what is in the local `from`, clean above the operand size or not; `whole` executes the instruction otherwise.
    void toDouble(Piece.Node node, int from, Runnable whole) {
        int to = Code.vector(node.d.reg, 0);
        if (node.d.size != 3) {
            code.lload(from).l2i().i2d().invokestatic(Code.DOUBLE, "doubleToRawLongBits", TO_BITS).lstore(to);
            return;
        }
        askPlain();
        orWhole(node, whole, rare -> {
            unlessPlain(rare);
            code.lload(from).l2d().invokestatic(Code.DOUBLE, "doubleToRawLongBits", TO_BITS).lstore(to);
        });
    }

    /// CVTTSD2SI of the double in the local `from`.
    void toInteger(Piece.Node node, int from, Runnable whole) {
        boolean wide = node.d.size == 3;
        askPlain();
        orWhole(node, whole, rare -> {
            unlessPlain(rare);
            // The sign of exponent - limit, as 1 where it is negative.
            code.lload(from).bipush(52).lushr().l2i().loadConstant(0x7ff).iand().loadConstant(wide ? LONG_EXPONENT : INTEGER_EXPONENT);
            code.isub().bipush(31).iushr().ifeq(rare);
            out.pushDouble(from);
            if (wide) {
                code.d2l();
            } else {
                code.d2i().i2l().loadConstant(0xffff_ffffL).land();
            }
            code.lstore(Code.general(node.d.reg));
        });
    }

    private void orWhole(Piece.Node node, Runnable whole, Consumer<Label> quick) {
        Label rare = code.newLabel();
        Label done = code.newLabel();
        quick.accept(rare);
        code.labelBinding(done);
        out.later(() -> {
            code.labelBinding(rare);
            otherwise(node, done, whole);
        });
    }

    /// Step 3, in cold code.
    private void otherwise(Piece.Node node, Label done, Runnable slow) {
        if (out.leaves) {
            out.leave(node.at, out.missed);
        } else {
            slow.run();
            code.lconst_0().lstore(Code.PLAIN).goto_(done);
        }
    }

    /// Has PLAIN tell whether MXCSR is so that step 1 is enough.
    private void askPlain() {
        if (plain) return;
        plain = true;
        out.cpuField("mxcsr", CD_int);
        code.loadConstant(Plain.MXCSR_PLAIN).ixor().loadConstant(Plain.MXCSR_MASK).iand();
        // All ones if that was 0, which is less than 2 to the 16th.
        code.i2l().lconst_1().lsub().bipush(63).lshr().loadConstant(RESULT_MASK).land().lstore(Code.PLAIN);
    }

    private void unlessPlain(Label label) {
        code.lload(Code.PLAIN).lconst_0().lcmp().ifeq(label);
    }

    /// Goes to `closer` where the local is not known to be tame and does not look so at once.
    private void checkTame(int local, Label closer) {
        if (!tame.get(local)) check(local, () -> code.loadConstant(OPERAND_MASK), closer);
    }

    /// Goes to `closer` where the exponent, plus one, has none of the bits of `mask`: those of zeros, denormals, infinities and NaNs have
    /// not.
    private void check(int local, Runnable mask, Label closer) {
        code.lload(local).bipush(52).lushr().lconst_1().ladd();
        mask.run();
        code.land().lconst_0().lcmp().ifeq(closer);
    }
}
