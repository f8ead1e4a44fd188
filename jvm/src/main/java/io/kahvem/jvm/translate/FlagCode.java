package io.kahvem.jvm.translate;

import static io.kahvem.jvm.translate.Flow.IN_CPU;
import static io.kahvem.jvm.translate.Flow.UNKNOWN;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.semantics.Arith;
import io.kahvem.jvm.semantics.Condition;
import io.kahvem.jvm.semantics.Logic;
import io.kahvem.jvm.semantics.Shift;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/// Emits lazy flags: leaving operands behind, making flags of them, and conditions on them.
final class FlagCode {
    private static final ClassDesc CONDITION = ClassDesc.of(Condition.class.getName());
    private static final ClassDesc SHIFT = ClassDesc.of(Shift.class.getName());
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final ClassDesc INTEGER = ClassDesc.of("java.lang.Integer");
    private static final MethodTypeDesc INTS = MethodTypeDesc.of(CD_int, CD_int, CD_int);
    private static final ClassDesc FLAGS = ClassDesc.of(Flags.class.getName());

    private final Code out;
    private final CodeBuilder code;
    private final Flow flow;

    FlagCode(Code out) {
        this.out = out;
        this.code = out.code;
        this.flow = out.flow;
    }

    void setBase(int kind) {
        code.loadConstant(kind).istore(Code.KINDS);
    }

    private void setOverlay(Flow.State state, int kind) {
        if (state.base() == UNKNOWN) {
            code.iload(Code.KINDS).loadConstant(0xffff).iand().loadConstant(kind << 16).ior().istore(Code.KINDS);
        } else {
            code.loadConstant(state.base() | kind << 16).istore(Code.KINDS);
        }
    }

    /// Lays `node`'s kind over the flags in `state`; the overlay's operand is the emitter's to store.
    void overlay(Piece.Node node, Flow.State state) {
        if (!flow.overlayFits(node, state)) {
            make(state);
            state = Flow.State.CPU;
        }
        setOverlay(state, flow.number(Flow.kindOf(node)));
    }

    /// From here on the flags are in the CPU.
    void forget(Flow.State state) {
        if (!state.equals(Flow.State.CPU)) setBase(IN_CPU);
    }

    /// Makes the flags in the CPU, which then has them until the next instruction that sets some.
    void make(Flow.State state) {
        if (state.equals(Flow.State.CPU)) return;
        if (state.base() == UNKNOWN || state.overlay() == UNKNOWN) {
            if (flow.kinds.size() == 1) return; // there are none
            code.aload(Code.CPU).iload(Code.KINDS);
            code.lload(Code.FLAG_A).lload(Code.FLAG_B).lload(Code.FLAG_C).lload(Code.FLAG_OVERLAY);
            code.invokestatic(out.self, "flags", Code.FLAGS_TYPE);
            return;
        }
        if (state.base() != IN_CPU) {
            makeBase(code, flow.kind(state.base()), Code.CPU, Code.FLAG_A, Code.FLAG_B, Code.FLAG_C);
        }
        if (state.overlay() != IN_CPU) makeOverlay(code, flow.kind(state.overlay()), Code.CPU, Code.FLAG_OVERLAY);
    }

    /// The class's method `flags`, for where the kinds are only known at run time. Its parameters are as [Code#FLAGS_TYPE] says.
    static void method(CodeBuilder code, Flow flow) {
        for (boolean overlay : new boolean[] {false, true}) {
            Label done = code.newLabel();
            List<SwitchCase> cases = new ArrayList<>();
            for (int n = 1; n < flow.kinds.size(); n++) {
                if (overlays(flow.kind(n)) == overlay) cases.add(SwitchCase.of(n, code.newLabel()));
            }
            if (cases.isEmpty()) continue;
            code.iload(1).bipush(16);
            if (overlay) {
                code.iushr();
            } else {
                code.ishl().bipush(16).iushr();
            }
            code.lookupswitch(done, cases);
            for (SwitchCase each : cases) {
                code.labelBinding(each.target());
                if (overlay) {
                    makeOverlay(code, flow.kind(each.caseValue()), 0, 8);
                } else {
                    makeBase(code, flow.kind(each.caseValue()), 0, 2, 4, 6);
                }
                code.goto_(done);
            }
            code.labelBinding(done);
        }
        code.return_();
    }

    private static boolean overlays(Flow.Kind kind) {
        return kind.is(Arith.class, "inc") || kind.is(Arith.class, "dec") || kind.op().name().startsWith("bt") || kind.rotates();
    }

    private static void makeBase(CodeBuilder code, Flow.Kind kind, int cpu, int a, int b, int c) {
        if (kind.carry()) code.aload(cpu).lload(c).bipush(63).lshl().putfield(Code.CPU_CLASS, "flagCarry", CD_long);
        call(code, kind, cpu, a, b, c);
    }

    private static void call(CodeBuilder code, Flow.Kind kind, int cpu, int... operands) {
        code.aload(cpu).loadConstant(kind.form());
        if (kind.logic()) {
            // an operation on the result that gives the result
            code.lload(operands[0]);
            if (kind.is(Logic.class, "xor")) {
                code.lconst_0();
            } else {
                code.lload(operands[0]);
            }
        } else {
            for (int i = 0; i < kind.operands(); i++) code.lload(operands[i]);
        }
        var method = kind.op().method();
        code.invokestatic(ClassDesc.of(method.getDeclaringClass().getName()), method.getName(), Code.type(method));
        if (method.getReturnType() == long.class) code.pop2();
    }

    private static void makeOverlay(CodeBuilder code, Flow.Kind kind, int cpu, int operand) {
        if (kind.op().method().getDeclaringClass() == Arith.class) {
            call(code, kind, cpu, operand);
        } else if (kind.rotates()) {
            code.aload(cpu).loadConstant(kind.form()).lload(operand);
            code.invokestatic(SHIFT, kind.op().name() + "Flags", MethodTypeDesc.of(CD_void, Code.CPU_CLASS, CD_int, CD_long));
        } else {
            code.aload(cpu).lload(operand).l2i();
            code.invokestatic(FLAGS, "setCarry", MethodTypeDesc.of(CD_void, Code.CPU_CLASS, CD_boolean));
        }
    }

    /// Jumps to `target` if condition `cc` (by its encoding) holds. Returns the state afterwards.
    Flow.State jumpIf(int cc, Flow.State state, Label target) {
        if (!flow.direct(cc, state)) {
            make(state);
            forget(state);
            state = Flow.State.CPU;
        }
        boolean negated = (cc & 1) != 0;
        int what = cc >> 1;
        if (state.overlay() != IN_CPU) {
            Flow.Kind overlay = flow.kind(state.overlay());
            boolean step = overlay.op().method().getDeclaringClass() == Arith.class;
            if (!step && what == 1) {
                code.lload(Code.FLAG_OVERLAY).l2i();
                ifSet(!negated, target);
                return state;
            }
            if (step && what != 1) {
                step(overlay, what, negated, target);
                return state;
            }
        }
        if (state.base() == IN_CPU) {
            code.aload(Code.CPU).invokestatic(CONDITION, Condition.NAMES[cc], MethodTypeDesc.of(CD_boolean, Code.CPU_CLASS)).ifne(target);
        } else {
            base(flow.kind(state.base()), what, negated, target);
        }
        return state;
    }

    private void ifSet(boolean set, Label target) {
        if (set) {
            code.ifne(target);
        } else {
            code.ifeq(target);
        }
    }

    /// After INC or DEC: by its result, and for DEC by comparing its operand with 1.
    private void step(Flow.Kind kind, int what, boolean negated, Label target) {
        if (what >= 6) {
            Test test = what == 6 ? Test.LESS : Test.LESS_OR_EQUAL;
            compare(kind.size(), false, () -> code.lload(Code.FLAG_OVERLAY), code::lconst_1, test, negated, target);
            return;
        }
        code.lload(Code.FLAG_OVERLAY).lconst_1();
        if (kind.is(Arith.class, "inc")) {
            code.ladd();
        } else {
            code.lsub();
        }
        signed(kind.size());
        jump(what == 2 ? Test.EQUAL : Test.LESS, negated, target);
    }

    private void base(Flow.Kind kind, int what, boolean negated, Label target) {
        if (kind.comparesDoubles()) {
            compareDoubles(what, negated, target);
            return;
        }
        if (kind.subtracts() && what != 4) {
            Test test = what == 2 ? Test.EQUAL : what == 1 || what == 6 ? Test.LESS : Test.LESS_OR_EQUAL;
            boolean unsigned = what == 1 || what == 3;
            compare(kind.size(), unsigned, () -> code.lload(Code.FLAG_A), () -> code.lload(Code.FLAG_B), test, negated, target);
            return;
        }
        if (what == 1 && kind.logic()) {
            if (negated) code.goto_(target);
            return;
        }
        if (what == 1) { // ADD
            compare(kind.size(), true, () -> result(kind), () -> code.lload(Code.FLAG_A), Test.LESS, negated, target);
            return;
        }
        result(kind);
        signed(kind.size());
        jump(what == 2 || what == 3 ? Test.EQUAL : what == 7 ? Test.LESS_OR_EQUAL : Test.LESS, negated, target);
    }

    /// After COMISD: CF is "less", ZF "equal", and all of CF, ZF and PF are set for what is not ordered.
    private void compareDoubles(int what, boolean negated, Label target) {
        switch (what) {
            case 1, 3 -> { // B, BE
                doubles();
                code.dcmpl();
                jump(what == 1 ? Test.LESS : Test.LESS_OR_EQUAL, negated, target);
            }
            default -> { // E: neither less nor greater; P: neither less nor not less
                Label not = negated ? target : code.newLabel();
                doubles();
                code.dcmpg().iflt(not);
                doubles();
                code.dcmpl();
                if (what == 2) {
                    code.ifgt(not);
                } else {
                    code.ifge(not);
                }
                if (!negated) code.goto_(target).labelBinding(not);
            }
        }
    }

    private void doubles() {
        out.pushDouble(Code.FLAG_A);
        out.pushDouble(Code.FLAG_B);
    }

    /// Pushes the result of the operation that left its operands behind; what is above the operand size is not meant.
    private void result(Flow.Kind kind) {
        code.lload(Code.FLAG_A);
        if (kind.logic()) return;
        switch (kind.op().name()) {
            case "neg" -> code.lneg();
            case "add" -> code.lload(Code.FLAG_B).ladd();
            case "adc" -> code.lload(Code.FLAG_B).ladd().lload(Code.FLAG_C).ladd();
            case "sub", "cmp" -> code.lload(Code.FLAG_B).lsub();
            case "sbb" -> code.lload(Code.FLAG_B).lsub().lload(Code.FLAG_C).lsub();
            default -> {
                boolean left = kind.is(Shift.class, "shl");
                if (!left && kind.size() < 3) {
                    int unused = 64 - (8 << kind.size());
                    code.bipush(unused).lshl().bipush(unused);
                    if (kind.is(Shift.class, "shr")) {
                        code.lushr();
                    } else {
                        code.lshr();
                    }
                }
                code.lload(Code.FLAG_B).l2i();
                if (kind.size() < 3) code.bipush(31).iand();
                switch (kind.op().name()) {
                    case "shl" -> code.lshl();
                    case "shr" -> code.lushr();
                    default -> code.lshr();
                }
            }
        }
    }

    private enum Test {
        EQUAL, LESS, LESS_OR_EQUAL
    }

    private void jump(Test test, boolean negated, Label target) {
        switch (test) {
            case EQUAL -> ifSet(negated, target);
            case LESS -> {
                if (negated) {
                    code.ifge(target);
                } else {
                    code.iflt(target);
                }
            }
            case LESS_OR_EQUAL -> {
                if (negated) {
                    code.ifgt(target);
                } else {
                    code.ifle(target);
                }
            }
        }
    }

    /// Replaces the long by an int of the sign, and the zeroness, of its operand-sized low part.
    private void signed(int size) {
        switch (size) {
            case 0 -> code.l2i().i2b();
            case 1 -> code.l2i().i2s();
            case 2 -> code.l2i();
            default -> code.lconst_0().lcmp();
        }
    }

    /// Jumps to `target` if the test holds for the operand-sized low parts of what `a` and `b` push.
    private void compare(int size, boolean unsigned, Runnable a, Runnable b, Test test, boolean negated, Label target) {
        if (size == 3 || size == 2 && unsigned && test != Test.EQUAL) {
            a.run();
            if (size == 2) code.l2i();
            b.run();
            if (size == 2) {
                code.l2i().invokestatic(INTEGER, "compareUnsigned", INTS);
            } else if (unsigned) {
                code.invokestatic(LONG, "compareUnsigned", MethodTypeDesc.of(CD_int, CD_long, CD_long));
            } else {
                code.lcmp();
            }
            jump(test, negated, target);
            return;
        }
        a.run();
        narrow(size, unsigned);
        b.run();
        narrow(size, unsigned);
        switch (test) {
            case EQUAL -> code.branch(negated ? Opcode.IF_ICMPNE : Opcode.IF_ICMPEQ, target);
            case LESS -> code.branch(negated ? Opcode.IF_ICMPGE : Opcode.IF_ICMPLT, target);
            case LESS_OR_EQUAL -> code.branch(negated ? Opcode.IF_ICMPGT : Opcode.IF_ICMPLE, target);
        }
    }

    /// Replaces the long by an int that is its operand-sized low part.
    private void narrow(int size, boolean unsigned) {
        code.l2i();
        if (size == 2) return;
        if (unsigned) {
            code.loadConstant(size == 0 ? 0xff : 0xffff).iand();
        } else if (size == 0) {
            code.i2b();
        } else {
            code.i2s();
        }
    }

    /// Leaves CF as 0 or 1 in the local `to`.
    void carry(Flow.State state, int to) {
        if (!flow.directCarry(state)) {
            make(state);
            forget(state);
            state = Flow.State.CPU;
        }
        if (state.overlay() != IN_CPU && flow.kind(state.overlay()).op().name().startsWith("bt")) {
            code.lload(Code.FLAG_OVERLAY).lstore(to);
            return;
        }
        if (state.base() == IN_CPU) {
            out.cpuField("flagCarry", CD_long);
            code.bipush(63).lushr().lstore(to);
            return;
        }
        Flow.Kind kind = flow.kind(state.base());
        if (kind.logic()) {
            code.lconst_0().lstore(to);
            return;
        }
        boolean adds = kind.is(Arith.class, "add") || kind.is(Arith.class, "adc");
        // Addition carries if the result is below an operand (with a carry in: or equal); subtraction if the first operand is below the
        // second.
        Runnable first = () -> {
            if (adds) {
                result(kind);
            } else {
                code.lload(Code.FLAG_A);
            }
        };
        Runnable second = () -> code.lload(adds ? Code.FLAG_A : Code.FLAG_B);
        Label one = code.newLabel();
        Label done = code.newLabel();
        if (kind.carry()) {
            Label without = code.newLabel();
            Label zero = code.newLabel();
            code.lload(Code.FLAG_C).l2i().ifeq(without);
            compare(kind.size(), true, first, second, Test.LESS_OR_EQUAL, false, one);
            code.goto_(zero).labelBinding(without);
            compare(kind.size(), true, first, second, Test.LESS, false, one);
            code.labelBinding(zero);
        } else {
            compare(kind.size(), true, first, second, Test.LESS, false, one);
        }
        code.lconst_0().lstore(to).goto_(done).labelBinding(one).lconst_1().lstore(to).labelBinding(done);
    }
}
