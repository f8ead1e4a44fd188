package io.kahvem.jvm.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.interpret.Spinner.Place;
import io.kahvem.jvm.semantics.Arith;
import io.kahvem.jvm.semantics.Bits;
import io.kahvem.jvm.semantics.Form;
import io.kahvem.jvm.semantics.Logic;
import io.kahvem.jvm.semantics.Move;
import io.kahvem.jvm.semantics.MulDiv;
import io.kahvem.jvm.semantics.Shift;
import io.kahvem.jvm.semantics.Stack;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.MethodTypeDesc;

/// Emits value operations: operands, the operation, the result, and what is left behind for the flags.
///
/// The operation is its method of `semantics`, called for the result alone (with [Form#FLAGS_DEAD]); the simplest are written out, which
/// keeps the generated code small and changes nothing else.
final class ValueCode {
    private static final long LOW32 = 0xffff_ffffL;

    private final Code out;
    private final CodeBuilder code;
    private final FlagCode flags;

    ValueCode(Code out, FlagCode flags) {
        this.out = out;
        this.code = out.code;
        this.flags = flags;
    }

    /// Emits the instruction; returns the state of the flags after it.
    Flow.State emit(Piece.Node node, Flow.State state) {
        Decoded d = node.d;
        if (node.is(Stack.class, "push")) {
            push(node);
            return state;
        }
        if (node.is(Stack.class, "pop")) {
            pop(node);
            return state;
        }
        Flow.State after = out.flow.after(node, state);
        Flow.Setting setting = Flow.setting(node);
        if (d.lock) {
            locked(node, state, setting);
            return after;
        }
        int first = node.kind() == Op.Kind.COMPUTE ? 1 : 0;
        for (int i = first; i < d.operands; i++) {
            if (d.places[i].isMemory()) out.load(Code.VALUE, node);
        }
        int cc = Flow.condition(node);
        if (cc >= 0) {
            conditional(node, cc, state);
        } else {
            if (setting == Flow.Setting.NONE && after.equals(Flow.State.CPU) && !state.equals(Flow.State.CPU)) {
                flags.make(state);
                flags.forget(state);
            }
            compute(node, setting, state);
        }
        if (d.operationMayFault()) out.leaveIfStopped(node);
        if (setting == Flow.Setting.EAGER || setting == Flow.Setting.EAGER_ALL) flags.forget(state);
        if (node.kind() != Op.Kind.CONSUME) put(d.places[0], d.registers[0], node);
        return after;
    }

    /// Pushes an operand; memory was loaded into VALUE.
    private void operand(Piece.Node node, int i) {
        Decoded d = node.d;
        switch (d.places[i]) {
            case REG8, REG16, REG32, REG64 -> code.lload(Code.general(d.registers[i]));
            case HIGH8 -> code.lload(Code.general(d.registers[i])).bipush(8).lushr();
            case MEM8, MEM16, MEM32, MEM64 -> code.lload(Code.VALUE);
            case ADDRESS -> out.address(d, node, true);
            case IMMEDIATE -> code.loadConstant(d.imm);
            case ONE -> code.lconst_1();
            case COUNT -> code.lload(Code.general(Cpu.RCX));
        }
    }

    /// Takes the result from the stack.
    private void put(Place place, int n, Piece.Node node) {
        int local = Code.general(n);
        switch (place) {
            case REG64 -> code.lstore(local);
            case REG32 -> {
                if (!zeroExtended(node)) code.loadConstant(LOW32).land();
                code.lstore(local);
            }
            case REG16 -> merge(local, 0xffffL, 0);
            case REG8 -> merge(local, 0xffL, 0);
            case HIGH8 -> merge(local, 0xffL, 8);
            default -> {
                code.lstore(Code.T0);
                if (node.kind() == Op.Kind.UPDATE) {
                    out.put(Code.T0);
                } else {
                    out.store(Code.T0, node);
                }
            }
        }
    }

    /// Whether the 32-bit result has nothing above it.
    private static boolean zeroExtended(Piece.Node node) {
        Decoded d = node.d;
        if (node.is(Move.class, "mov")) return d.places[1].isMemory() || d.places[1] == Place.IMMEDIATE && d.imm >>> 32 == 0;
        return node.is(Move.class, "movzx8") || node.is(Move.class, "movzx16")
                || Flow.condition(node) >= 0 && node.kind() == Op.Kind.COMPUTE
                || node.is(Logic.class, "and") && d.places[1] == Place.IMMEDIATE && d.imm >>> 32 == 0
                || node.is(Logic.class, "xor") && same(d);
    }

    private static boolean same(Decoded d) {
        return d.operands == 2 && d.places[0] == d.places[1] && d.places[0].compareTo(Place.HIGH8) < 0 && d.registers[0] == d.registers[1];
    }

    private void merge(int local, long mask, int shift) {
        code.loadConstant(mask).land();
        if (shift != 0) code.bipush(shift).lshl();
        code.lload(local).loadConstant(~(mask << shift)).land().lor().lstore(local);
    }

    /// SETcc and CMOVcc: pushes the result.
    private void conditional(Piece.Node node, int cc, Flow.State state) {
        Label yes = code.newLabel();
        Label done = code.newLabel();
        boolean moves = node.kind() == Op.Kind.UPDATE;
        flags.jumpIf(cc, state, yes);
        if (moves) {
            operand(node, 0);
        } else {
            code.lconst_0();
        }
        code.lstore(Code.T1).goto_(done).labelBinding(yes);
        if (moves) {
            operand(node, 1);
        } else {
            code.lconst_1();
        }
        code.lstore(Code.T1).labelBinding(done).lload(Code.T1);
    }

    /// Performs the operation: pushes its result, if it has one.
    private void compute(Piece.Node node, Flow.Setting setting, Flow.State state) {
        Decoded d = node.d;
        int first = node.kind() == Op.Kind.COMPUTE ? 1 : 0;
        switch (setting) {
            case NONE -> {
                boolean carry = node.is(Arith.class, "adc") || node.is(Arith.class, "sbb");
                if (carry) flags.carry(state, Code.T2);
                if (node.is(Logic.class, "xor") && same(d)) {
                    code.lconst_0();
                    return;
                }
                if (node.kind() == Op.Kind.CONSUME && simple(node)) return;
                for (int i = first; i < d.operands; i++) operand(node, i);
                result(node, Flow.form(node) | Form.FLAGS_DEAD, Code.T2);
            }
            case LAZY -> {
                int number = out.flow.number(Flow.kindOf(node));
                Flow.Kind kind = out.flow.kind(number);
                if (kind.logic()) {
                    logic(node);
                    flags.setBase(number);
                    return;
                }
                if (kind.carry()) flags.carry(state, Code.T2);
                for (int i = first; i < d.operands; i++) operand(node, i);
                int[] locals = {Code.FLAG_A, Code.FLAG_B, Code.FLAG_C};
                int count = d.operands - first;
                for (int i = count - 1; i >= 0; i--) code.lstore(locals[i]);
                if (kind.carry()) code.lload(Code.T2).lstore(Code.FLAG_C);
                flags.setBase(number);
                if (node.kind() == Op.Kind.CONSUME) return;
                for (int i = 0; i < count; i++) code.lload(locals[i]);
                result(node, Flow.form(node) | Form.FLAGS_DEAD, Code.T2);
            }
            case LAZY_BY_COUNT -> {
                Label none = code.newLabel();
                code.lload(Code.general(Cpu.RCX)).l2i().bipush(d.size == 3 ? 63 : 31).iand().ifeq(none);
                operand(node, 0);
                code.lstore(Code.FLAG_A).lload(Code.general(Cpu.RCX)).lstore(Code.FLAG_B);
                flags.setBase(out.flow.number(Flow.kindOf(node)));
                code.labelBinding(none);
                operand(node, 0);
                operand(node, 1);
                result(node, Flow.form(node) | Form.FLAGS_DEAD, Code.T2);
            }
            case STEP -> {
                flags.overlay(node, state);
                operand(node, 0);
                code.dup2().lstore(Code.FLAG_OVERLAY);
                result(node, Flow.form(node) | Form.FLAGS_DEAD, Code.T2);
            }
            case BIT -> {
                flags.overlay(node, state);
                long bit = d.imm & (8L << d.size) - 1;
                operand(node, 0);
                code.loadConstant((int) bit).lushr().lconst_1().land().lstore(Code.FLAG_OVERLAY);
                if (!node.name().equals("bt")) {
                    operand(node, 0);
                    operand(node, 1);
                    result(node, Flow.form(node) | Form.FLAGS_DEAD, Code.T2);
                }
            }
            case ROTATE -> {
                flags.overlay(node, state);
                operand(node, 0);
                operand(node, 1);
                result(node, Flow.form(node) | Form.FLAGS_DEAD, Code.T2);
                code.dup2().lstore(Code.FLAG_OVERLAY);
            }
            case EAGER, EAGER_ALL -> {
                if (setting == Flow.Setting.EAGER) flags.make(state);
                for (int i = first; i < d.operands; i++) operand(node, i);
                call(node, Flow.form(node));
            }
        }
    }

    /// A comparison, which does nothing but set flags.
    private static boolean simple(Piece.Node node) {
        return node.is(Arith.class, "cmp") || node.is(Logic.class, "test") || node.is(Bits.class, "bt");
    }

    /// AND, OR, XOR and TEST leave only their result behind.
    private void logic(Piece.Node node) {
        Decoded d = node.d;
        boolean once = same(d) && !node.is(Logic.class, "xor");
        operand(node, 0);
        if (!once) {
            operand(node, 1);
            result(node, 0, 0);
        }
        if (node.kind() != Op.Kind.CONSUME) code.dup2();
        code.lstore(Code.FLAG_A);
    }

    /// Replaces the operands on the stack by the result.
    private void result(Piece.Node node, int form, int carry) {
        Class<?> owner = node.d.row.op.method().getDeclaringClass();
        String name = node.name();
        if (owner == Arith.class || owner == Logic.class) {
            switch (name) {
                case "add" -> code.ladd();
                case "adc" -> code.ladd().lload(carry).ladd();
                case "sub" -> code.lsub();
                case "sbb" -> code.lsub().lload(carry).lsub();
                case "and", "test" -> code.land();
                case "or" -> code.lor();
                case "xor" -> code.lxor();
                case "inc" -> code.lconst_1().ladd();
                case "dec" -> code.lconst_1().lsub();
                case "neg" -> code.lneg();
                case "not" -> code.loadConstant(-1L).lxor();
                default -> call(node, form);
            }
        } else if (node.is(MulDiv.class, "imul")) {
            code.lmul(); // the low half does not depend on what is above the operands
        } else if (owner == Move.class && move(node)) {
            return;
        } else if (owner == Shift.class && shift(node)) {
            return;
        } else {
            call(node, form);
        }
    }

    private boolean move(Piece.Node node) {
        switch (node.name()) {
            case "mov" -> {}
            case "movzx8" -> {
                if (!node.d.places[1].isMemory()) code.loadConstant(0xffL).land();
            }
            case "movzx16" -> {
                if (!node.d.places[1].isMemory()) code.loadConstant(0xffffL).land();
            }
            case "movsx8" -> code.l2i().i2b().i2l();
            case "movsx16" -> code.l2i().i2s().i2l();
            case "movsx32" -> code.l2i().i2l();
            default -> {
                return false;
            }
        }
        return true;
    }

    /// Shifts of 32 and 64 bits, and rotations by a constant.
    private boolean shift(Piece.Node node) {
        int size = node.d.size;
        if (size < 2 || node.d.operands != 2) return false;
        String name = node.name();
        switch (name) {
            case "shl", "shr", "sar" -> {
                int mask = size == 3 ? 63 : 31;
                switch (node.d.places[1]) {
                    case ONE -> code.pop2().iconst_1();
                    case IMMEDIATE -> code.pop2().bipush((int) node.d.imm & mask);
                    default -> {
                        code.l2i();
                        if (size == 2) code.bipush(mask).iand();
                    }
                }
                code.istore(Code.COUNT);
                if (size == 2 && name.equals("shr")) code.loadConstant(LOW32).land();
                if (size == 2 && name.equals("sar")) code.l2i().i2l();
                code.iload(Code.COUNT);
                switch (name) {
                    case "shl" -> code.lshl();
                    case "shr" -> code.lushr();
                    default -> code.lshr();
                }
            }
            case "rol", "ror" -> {
                int count = Flow.rotation(node);
                if (count == 0) return false;
                // Written out, since HotSpot inlines no more calls into a method that is large already.
                int left = name.equals("rol") ? count : (8 << size) - count;
                code.pop2();
                if (size == 3) {
                    code.dup2().bipush(left).lshl().lstore(Code.T0).bipush(64 - left).lushr().lload(Code.T0).lor();
                } else {
                    code.l2i().dup().bipush(left).ishl().swap().bipush(32 - left).iushr().ior().i2l();
                }
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    /// Calls the operation's method with the operands that are on the stack, which go through locals to let the CPU and the form before
    /// them.
    private void call(Piece.Node node, int form) {
        Effects effects = Effects.of(node);
        boolean implicit = node.d.row.op.method().getDeclaringClass() == MulDiv.class && node.kind() == Op.Kind.CONSUME
                || node.is(Move.class, "extendDouble");
        int count = node.d.row.op.method().getParameterCount() - 2;
        int[] locals = {Code.T0, Code.T1, Code.T3};
        for (int i = count - 1; i >= 0; i--) code.lstore(locals[i]);
        long registers = (1L << Cpu.RAX | 1L << Cpu.RDX) & effects.writes();
        if (implicit) out.writeBack(registers);
        code.aload(Code.CPU).loadConstant(form);
        for (int i = 0; i < count; i++) code.lload(locals[i]);
        out.invoke(node.d.row.op.method());
        if (implicit) out.reload(registers);
    }

    /// A locked operation: the method may run several times until its result could be stored in one step. Its flags come last.
    private void locked(Piece.Node node, Flow.State state, Flow.Setting setting) {
        Decoded d = node.d;
        int bytes = d.places[0].bytes();
        Label retry = code.newLabel();
        out.operand(node);
        if (bytes > 1) out.checkLockable(bytes, node);
        boolean makes = setting == Flow.Setting.EAGER || !out.flow.after(node, state).equals(state) && setting == Flow.Setting.NONE;
        if (makes) {
            flags.make(state);
            flags.forget(state);
            state = Flow.State.CPU;
        }
        boolean carry = node.is(Arith.class, "adc") || node.is(Arith.class, "sbb");
        if (carry) {
            flags.carry(state, Code.T2);
            if (!out.flow.directCarry(state)) state = Flow.State.CPU;
        }
        code.labelBinding(retry);
        out.get(bytes, 0);
        code.lstore(Code.VALUE);
        for (int i = 0; i < d.operands; i++) operand(node, i);
        result(node, Flow.form(node) | Form.FLAGS_DEAD, Code.T2);
        code.lstore(Code.T0);
        out.pushHost(0);
        code.loadConstant(bytes).lload(Code.VALUE).lload(Code.T0);
        code.invokestatic(Code.INLINE_CLASS, "compareAndSet", MethodTypeDesc.of(CD_boolean, CD_long, CD_int, CD_long, CD_long));
        code.ifeq(retry);
        // The operands are still there: once more, for the flags.
        if (setting != Flow.Setting.NONE) {
            compute(node, setting, state);
            if (node.kind() != Op.Kind.CONSUME && pushes(node, setting)) code.pop2();
            if (setting == Flow.Setting.EAGER) flags.forget(state);
        }
    }

    /// Whether `compute` pushes a result: a bit test has none.
    private static boolean pushes(Piece.Node node, Flow.Setting setting) {
        return setting != Flow.Setting.BIT || !node.name().equals("bt");
    }

    private void push(Piece.Node node) {
        Decoded d = node.d;
        int bytes = d.size == 3 ? 8 : 2;
        int sp = Code.general(Cpu.RSP);
        if (d.places[0].isMemory()) out.load(Code.VALUE, node);
        operand(node, 0);
        code.lstore(Code.T0);
        out.stack(node, Cpu.RSP, -bytes);
        out.put(Code.T0);
        code.lload(sp).loadConstant((long) bytes).lsub().lstore(sp);
    }

    private void pop(Piece.Node node) {
        Decoded d = node.d;
        int bytes = d.size == 3 ? 8 : 2;
        int sp = Code.general(Cpu.RSP);
        out.stack(node, Cpu.RSP, 0);
        out.take(Code.T0);
        code.lload(sp).loadConstant((long) bytes).ladd().lstore(sp);
        code.lload(Code.T0);
        put(d.places[0], d.registers[0], node);
    }

    /// LEAVE.
    void leave(Piece.Node node) {
        int bp = Code.general(Cpu.RBP);
        out.stack(node, Cpu.RBP, 0);
        out.take(Code.T0);
        code.lload(bp).loadConstant(8L).ladd().lstore(Code.general(Cpu.RSP)).lload(Code.T0).lstore(bp);
    }
}
