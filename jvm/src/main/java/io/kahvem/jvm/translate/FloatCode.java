package io.kahvem.jvm.translate;

import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.semantics.sse.Floats;
import io.kahvem.jvm.semantics.sse.Plain;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.Opcode;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/// Emits arithmetic on doubles as Java's own, with a look whether that was all ([Plain]).
final class FloatCode {
    private static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");
    private static final ClassDesc PLAIN = ClassDesc.of(Plain.class.getName());
    private static final MethodTypeDesc TO_DOUBLE = MethodTypeDesc.of(CD_double, CD_long);
    private static final MethodTypeDesc TO_BITS = MethodTypeDesc.of(CD_long, CD_double);
    private static final MethodTypeDesc DOUBLE_OF_DOUBLE = MethodTypeDesc.of(CD_double, CD_double);
    private static final MethodTypeDesc LOOK = MethodTypeDesc.of(CD_int, Code.CPU_CLASS, CD_long, CD_long, CD_long);

    private final CodeBuilder code;

    FloatCode(CodeBuilder code) {
        this.code = code;
    }

    /// Whether the instruction is one of those, on one or both halves of XMM registers.
    static boolean has(Piece.Node node) {
        if (node.kind() != Op.Kind.PACKED && node.kind() != Op.Kind.SCALAR64) return false;
        if (node.d.row.op.method().getDeclaringClass() != Floats.class) return false;
        return switch (node.name()) {
            case "add64", "sub64", "mul64", "div64", "sqrt64" -> true;
            default -> false;
        };
    }

    /// Computes one half of the result from the locals `a` and `b`; goes to `slow` where more is to be done.
    void lane(Piece.Node node, int to, int a, int b, Label slow) {
        String look = switch (node.name()) {
            case "add64", "sub64" -> "sum64";
            case "mul64" -> "product64";
            case "div64" -> "quotient64";
            default -> "root64";
        };
        if (!look.equals("root64")) push(a);
        push(b);
        switch (node.name()) {
            case "add64" -> code.dadd();
            case "sub64" -> code.dsub();
            case "mul64" -> code.dmul();
            case "div64" -> code.ddiv();
            default -> code.invokestatic(MATH, "sqrt", DOUBLE_OF_DOUBLE);
        }
        code.invokestatic(DOUBLE, "doubleToRawLongBits", TO_BITS).lstore(to);
        code.aload(Code.CPU).lload(a).lload(b).lload(to).invokestatic(PLAIN, look, LOOK);
        code.branch(Opcode.IFEQ, slow); // which HotSpot takes for unlikely
    }

    private void push(int local) {
        code.lload(local).invokestatic(DOUBLE, "longBitsToDouble", TO_DOUBLE);
    }
}
