package io.kahvem.jvm.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.semantics.sse.Mxcsr;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.List;

/// Emits vector operations on XMM registers: the second operand, the lane function on one or both halves, the exceptions it noted, the
/// result. The region has made sure at its entry that SSE may be used.
final class VectorCode {
    private static final ClassDesc MXCSR = ClassDesc.of(Mxcsr.class.getName());
    private static final long LOW32 = 0xffff_ffffL;

    private final Code out;
    private final CodeBuilder code;

    VectorCode(Code out) {
        this.out = out;
        this.code = out.code;
    }

    /// Whether the kind is emitted here; MMX is left to the interpreter.
    static boolean inline(Op.Kind kind) {
        return switch (kind) {
            case PACKED, HORIZONTAL, SHIFT, SHIFT_IMMEDIATE, SCALAR32, SCALAR64 -> true;
            default -> false;
        };
    }

    void emit(Piece.Node node, Code.Site site) {
        Decoded d = node.d;
        Op.Kind kind = node.kind();
        int n = kind == Op.Kind.SHIFT_IMMEDIATE ? d.rm : d.reg;
        int low = Code.vector(n, 0);
        int high = Code.vector(n, 1);
        int sourceLow = Code.vector(d.rm, 0);
        int sourceHigh = Code.vector(d.rm, 1);
        if (kind == Op.Kind.SHIFT_IMMEDIATE) {
            code.loadConstant(d.imm & 0xff).lstore(Code.T0);
            sourceLow = Code.T0;
        } else if (d.memory) {
            out.address(d, node, false);
            switch (kind) {
                case SCALAR32 -> out.load(4, Code.T0, false, site);
                case SCALAR64 -> out.load(8, Code.T0, false, site);
                default -> {
                    out.checkAligned(site);
                    out.loadPair(Code.T0, Code.T1, site);
                }
            }
            sourceLow = Code.T0;
            sourceHigh = Code.T1;
        }
        switch (kind) {
            case HORIZONTAL -> {
                lane(node, low, high, Code.T2);
                lane(node, sourceLow, sourceHigh, Code.T3);
            }
            case SCALAR32, SCALAR64 -> lane(node, low, sourceLow, Code.T2);
            case SHIFT, SHIFT_IMMEDIATE -> {
                lane(node, low, sourceLow, Code.T2);
                lane(node, high, sourceLow, Code.T3);
            }
            default -> {
                lane(node, low, sourceLow, Code.T2);
                lane(node, high, sourceHigh, Code.T3);
            }
        }
        settle(node, site);
        switch (kind) {
            case SCALAR32 -> code.lload(low).loadConstant(~LOW32).land().lload(Code.T2).loadConstant(LOW32).land().lor().lstore(low);
            case SCALAR64 -> code.lload(Code.T2).lstore(low);
            default -> code.lload(Code.T2).lstore(low).lload(Code.T3).lstore(high);
        }
    }

    private void lane(Piece.Node node, int first, int second, int to) {
        List<Class<?>> parameters = List.of(node.d.row.op.method().getParameterTypes());
        if (parameters.contains(Cpu.class)) code.aload(Code.CPU);
        if (parameters.contains(Insn.class)) out.constant(out.insn(node));
        code.lload(first).lload(second);
        out.invoke(node.d.row.op.method());
        code.lstore(to);
    }

    /// After lane functions that may note SIMD floating-point exceptions.
    private void settle(Piece.Node node, Code.Site site) {
        if (!List.of(node.d.row.op.method().getParameterTypes()).contains(Cpu.class)) return;
        Label noted = code.newLabel();
        Label on = code.newLabel();
        out.cpuField("simdFlags", CD_int);
        code.ifne(noted).labelBinding(on);
        out.later(() -> {
            code.labelBinding(noted).aload(Code.CPU).invokestatic(MXCSR, "settle", MethodTypeDesc.of(CD_boolean, Code.CPU_CLASS)).ifne(on);
            out.leave(node.at, site.rest());
        });
    }
}
