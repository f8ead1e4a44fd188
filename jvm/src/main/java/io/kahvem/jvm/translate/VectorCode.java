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
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Emits vector operations on XMM and YMM registers: the second operand, the lane function on each half, the exceptions it noted, the
/// result. The region has made sure at its entry that SSE, and AVX if it has any of it, may be used.
final class VectorCode {
    private static final ClassDesc MXCSR = ClassDesc.of(Mxcsr.class.getName());
    private static final long LOW32 = 0xffff_ffffL;

    private final Code out;
    private final CodeBuilder code;
    private final FloatCode floats;

    /// The operands of the instruction being emitted, one object for all its halves.
    private @Nullable Insn insn;

    private Piece.@Nullable Node insnOf;

    VectorCode(Code out) {
        this.out = out;
        this.code = out.code;
        this.floats = new FloatCode(out);
    }

    /// Whether the kind is emitted here; MMX is left to the interpreter.
    static boolean inline(Op.Kind kind) {
        return switch (kind) {
            case PACKED, HORIZONTAL, CROSS, SHIFT, SHIFT_IMMEDIATE, SCALAR32, SCALAR64 -> true;
            default -> kind.vex();
        };
    }

    void emit(Piece.Node node) {
        Decoded d = node.d;
        Op.Kind kind = node.kind();
        if (kind.vex()) {
            vex(node);
            return;
        }
        int n = kind == Op.Kind.SHIFT_IMMEDIATE ? d.rm : d.reg;
        int low = Code.vector(n, 0);
        int high = Code.vector(n, 1);
        int sourceLow = Code.vector(d.rm, 0);
        int sourceHigh = Code.vector(d.rm, 1);
        if (kind == Op.Kind.SHIFT_IMMEDIATE) {
            code.loadConstant(d.imm & 0xff).lstore(Code.T0);
            sourceLow = Code.T0;
        } else if (d.memory) {
            if (kind.scalar()) {
                out.load(Code.T0, node);
            } else {
                out.loadPair(Code.T0, Code.T1, node);
            }
            sourceLow = Code.T0;
            sourceHigh = Code.T1;
        }
        if (FloatCode.computes(node)) {
            compute(node, new int[] {Code.T2, Code.T3}, new int[] {low, high}, new int[] {sourceLow, sourceHigh});
            put(kind, low, high);
            return;
        }
        switch (kind) {
            case HORIZONTAL -> {
                lane(node, 0, Code.T2, low, high);
                lane(node, 1, Code.T3, sourceLow, sourceHigh);
            }
            case CROSS -> {
                lane(node, 0, Code.T2, low, high, sourceLow, sourceHigh);
                lane(node, 1, Code.T3, low, high, sourceLow, sourceHigh);
            }
            case SCALAR32, SCALAR64 -> lane(node, 0, Code.T2, low, sourceLow);
            case SHIFT, SHIFT_IMMEDIATE -> {
                lane(node, 0, Code.T2, low, sourceLow);
                lane(node, 1, Code.T3, high, sourceLow);
            }
            default -> {
                lane(node, 0, Code.T2, low, sourceLow);
                lane(node, 1, Code.T3, high, sourceHigh);
            }
        }
        settle(node);
        put(kind, low, high);
    }

    private void compute(Piece.Node node, int[] to, int[] a, int[] b) {
        int halves = node.kind().scalar() ? 1 : 2;
        floats.compute(node, halves, to, a, b, () -> {
            for (int h = 0; h < halves; h++) lane(node, h, to[h], a[h], b[h]);
            settle(node);
        });
    }

    /// An operation on the whole that [FloatCode] has; `whole` executes it otherwise.
    void convertOrCompare(Piece.Node node, Runnable whole) {
        Decoded d = node.d;
        boolean fromInteger = FloatCode.toDouble(node);
        int from = fromInteger ? Code.general(d.rm) : Code.vector(d.rm, 0);
        if (d.memory) {
            out.load(Code.T0, node);
            from = Code.T0;
        }
        if (fromInteger) {
            floats.toDouble(node, from, whole);
        } else if (FloatCode.toInteger(node)) {
            floats.toInteger(node, from, whole);
        } else {
            floats.compare(node, Code.vector(d.reg, 0), from, () -> settleExceptions(node));
        }
    }

    /// Begins a basic block.
    void begin() {
        floats.forget();
    }

    void after(Piece.Node node) {
        if (node.kind() == Op.Kind.WHOLE && !VectorMoves.inline(node) && !FloatCode.inline(node)) floats.forget();
        floats.after(node);
    }

    private void put(Op.Kind kind, int low, int high) {
        switch (kind) {
            case SCALAR32 -> code.lload(low).loadConstant(~LOW32).land().lload(Code.T2).loadConstant(LOW32).land().lor().lstore(low);
            case SCALAR64 -> code.lload(Code.T2).lstore(low);
            default -> code.lload(Code.T2).lstore(low).lload(Code.T3).lstore(high);
        }
    }

    private void lane(Piece.Node node, int half, int to, int... operands) {
        Runnable[] pushes = new Runnable[operands.length];
        for (int i = 0; i < pushes.length; i++) {
            int local = operands[i];
            pushes[i] = () -> code.lload(local);
        }
        call(node, half, to, pushes);
    }

    /// Calls the lane function for half `half` of the result on what `operands` push.
    private void call(Piece.Node node, int half, int to, Runnable... operands) {
        if (node != insnOf) {
            insnOf = node;
            insn = out.insn(node);
        }
        for (Class<?> parameter : node.d.row.op.method().getParameterTypes()) {
            if (parameter == Cpu.class) code.aload(Code.CPU);
            if (parameter == Insn.class) out.constant(Objects.requireNonNull(insn));
            if (parameter == int.class) code.loadConstant(half);
        }
        for (Runnable operand : operands) operand.run();
        out.invoke(node.d.row.op.method());
        code.lstore(to);
    }

    /// VEX-encoded operations: two or four halves, a first operand of its own.
    private void vex(Piece.Node node) {
        Decoded d = node.d;
        Op.Kind kind = node.kind();
        int halves = kind.scalar() ? 1 : d.vl256 ? 4 : 2;
        boolean counted = kind == Op.Kind.VEX_SHIFT || kind == Op.Kind.VEX_SHIFT_IMMEDIATE;
        boolean local = kind == Op.Kind.VEX_SHIFT_IMMEDIATE || d.memory;
        if (kind == Op.Kind.VEX_SHIFT_IMMEDIATE) {
            code.loadConstant(d.imm & 0xff).lstore(Code.T0);
        } else if (d.memory) {
            if (kind.scalar()) {
                out.load(Code.T0, node);
            } else if (halves == 4 && !counted) {
                out.loadFour(node);
            } else {
                out.loadPair(Code.T0, Code.T1, node);
            }
        }
        int destination = kind == Op.Kind.VEX_SHIFT_IMMEDIATE ? d.vvvv : d.reg;
        int first = kind == Op.Kind.VEX_SHIFT_IMMEDIATE ? d.rm : d.vvvv;
        boolean computes = FloatCode.computes(node);
        if (computes) {
            int low = local ? Code.T0 : Code.vector(d.rm, 0);
            int high = local ? Code.T1 : Code.vector(d.rm, 1);
            int[] operands = {Code.vector(first, 0), Code.vector(first, 1)};
            compute(node, new int[] {Code.RESULT, Code.RESULT + 2}, operands, new int[] {low, high});
        }
        for (int h = 0; h < halves && !computes; h++) {
            int half = h;
            int to = Code.RESULT + 2 * h;
            Runnable a = () -> out.half(first, half);
            Runnable b = () -> source(d, local, counted ? 0 : half);
            Runnable reg = () -> out.half(d.reg, half);
            switch (kind) {
                case VEX_HORIZONTAL -> {
                    boolean low = (h & 1) == 0;
                    call(node, h, to, () -> either(d, low, local, half & 2), () -> either(d, low, local, half | 1));
                }
                case VEX_CROSS -> call(node, h, to, () -> out.half(first, half & 2), () -> out.half(first, half | 1),
                        () -> source(d, local, half & 2), () -> source(d, local, half | 1));
                case VEX_FUSED132, VEX_FUSED132_SCALAR32, VEX_FUSED132_SCALAR64 -> call(node, h, to, reg, b, a);
                case VEX_FUSED213, VEX_FUSED213_SCALAR32, VEX_FUSED213_SCALAR64 -> call(node, h, to, a, reg, b);
                case VEX_FUSED231, VEX_FUSED231_SCALAR32, VEX_FUSED231_SCALAR64 -> call(node, h, to, a, b, reg);
                default -> call(node, h, to, a, b);
            }
        }
        if (!computes) settle(node);
        if (kind.scalar()) {
            int merged = kind.compareTo(Op.Kind.VEX_FUSED132) >= 0 ? d.reg : d.vvvv;
            code.lload(Code.vector(merged, 1)).lstore(Code.RESULT + 2);
            if (kind.source.equals("scalar32")) {
                code.lload(Code.vector(merged, 0)).loadConstant(~LOW32).land();
                code.lload(Code.RESULT).loadConstant(LOW32).land().lor().lstore(Code.RESULT);
            }
            halves = 2;
        }
        for (int h = 0; h < 4; h++) {
            int half = h;
            boolean zero = h >= halves;
            out.putHalf(destination, h, () -> {
                if (zero) {
                    code.lconst_0();
                } else {
                    code.lload(Code.RESULT + 2 * half);
                }
            });
        }
    }

    /// Pushes a half of the second operand, a register or what was loaded.
    private void source(Decoded d, boolean local, int half) {
        if (local) {
            code.lload(Code.T0 + 2 * half);
        } else {
            out.half(d.rm, half);
        }
    }

    private void either(Decoded d, boolean first, boolean local, int half) {
        if (first) {
            out.half(d.vvvv, half);
        } else {
            source(d, local, half);
        }
    }

    /// After lane functions that may note SIMD floating-point exceptions.
    private void settle(Piece.Node node) {
        if (List.of(node.d.row.op.method().getParameterTypes()).contains(Cpu.class)) settleExceptions(node);
    }

    private void settleExceptions(Piece.Node node) {
        Label noted = code.newLabel();
        Label on = code.newLabel();
        out.cpuField("simdFlags", CD_int);
        out.rarelyNonzero(noted);
        code.labelBinding(on);
        out.later(() -> {
            code.labelBinding(noted).aload(Code.CPU).invokestatic(MXCSR, "settle", MethodTypeDesc.of(CD_boolean, Code.CPU_CLASS)).ifne(on);
            out.leave(node.at, out.stopped);
        });
    }
}
