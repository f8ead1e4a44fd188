package io.kahvem.jvm.translate;

import static java.lang.classfile.ClassFile.ACC_FINAL;
import static java.lang.classfile.ClassFile.ACC_PRIVATE;
import static java.lang.classfile.ClassFile.ACC_PUBLIC;
import static java.lang.classfile.ClassFile.ACC_STATIC;
import static java.lang.constant.ConstantDescs.CD_Class;
import static java.lang.constant.ConstantDescs.CD_Object;
import static java.lang.constant.ConstantDescs.CD_String;
import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.semantics.Transfer;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Writes the class of a region: `run` with all its instructions, and `flags` for flags whose kind is only known at run time.
final class RegionEmitter {
    private static final MethodTypeDesc RUN = MethodTypeDesc.of(CD_void, Code.CPU_CLASS, Code.LONGS, CD_long, CD_int);
    private static final MethodTypeDesc GO = MethodTypeDesc.of(CD_void, Code.LINK_CLASS, Code.CPU_CLASS, CD_long);
    private static final MethodTypeDesc GO_INDIRECT = MethodTypeDesc.of(CD_void, Code.CPU_CLASS, CD_long);
    private static final MethodTypeDesc INT_OF_PLACE = MethodTypeDesc.of(CD_int, CD_int, Code.CPU_CLASS);
    private static final MethodTypeDesc GOES_ON = MethodTypeDesc.of(CD_boolean, Code.CPU_CLASS, CD_long, CD_long, CD_int, CD_long);
    private static final MethodTypeDesc RETURNED = MethodTypeDesc.of(CD_boolean, Code.CPU_CLASS, CD_long, CD_long);
    private static final MethodTypeDesc CONTEXT = MethodTypeDesc.of(CD_long, Code.CPU_CLASS);
    private static final ClassDesc LOOKUP = ClassDesc.of("java.lang.invoke.MethodHandles$Lookup");
    private static final ClassDesc HANDLES = ClassDesc.of("java.lang.invoke.MethodHandles");

    /// As many places that an indirect jump may go to are looked at one after the other.
    private static final int FEW = 3;

    private final Plan plan;
    private final Style style;
    private final Flow flow;
    private final ClassDesc self;

    /// What the class needs as constants, in the order of its fields `k0`, `k1`...: its class data.
    final List<Object> constants = new ArrayList<>();

    RegionEmitter(Plan plan, Style style) {
        this.plan = plan;
        this.style = style;
        this.flow = new Flow(plan);
        if (style.windows()) Windows.find(plan, Code.WINDOWS);
        this.self = ClassDesc.of(Region.class.getPackageName() + ".Region_" + Integer.toHexString(plan.head));
    }

    byte[] classFile() {
        return ClassFile.of().build(self, cb -> {
            cb.withFlags(ACC_PUBLIC | ACC_FINAL).withSuperclass(Code.REGION_CLASS);
            cb.withMethodBody(ConstantDescs.INIT_NAME, ConstantDescs.MTD_void, ACC_PUBLIC, code -> code.aload(0)
                    .invokespecial(Code.REGION_CLASS, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                    .return_());
            cb.withMethodBody("run", RUN, ACC_PUBLIC, code -> new Body(new Code(code, self, flow, constants, style)).emit());
            cb.withMethodBody("flags", Code.FLAGS_TYPE, ACC_PRIVATE | ACC_STATIC, code -> FlagCode.method(code, flow));
            cb.withMethodBody(ConstantDescs.CLASS_INIT_NAME, ConstantDescs.MTD_void, ACC_STATIC, this::initialize);
            for (int i = 0; i < constants.size(); i++) {
                cb.withField("k" + i, type(constants.get(i)), ACC_PRIVATE | ACC_STATIC | ACC_FINAL);
            }
        });
    }

    private static ClassDesc type(Object constant) {
        return constant instanceof Link ? Code.LINK_CLASS : Code.INSN_CLASS;
    }

    private void initialize(CodeBuilder code) {
        if (constants.isEmpty()) {
            code.return_();
            return;
        }
        ClassDesc array = CD_Object.arrayType();
        code.invokestatic(HANDLES, "lookup", MethodTypeDesc.of(LOOKUP)).ldc("_").ldc(array);
        code.invokestatic(HANDLES, "classData", MethodTypeDesc.of(CD_Object, LOOKUP, CD_String, CD_Class)).checkcast(array).astore(0);
        for (int i = 0; i < constants.size(); i++) {
            ClassDesc type = type(constants.get(i));
            code.aload(0).loadConstant(i).aaload().checkcast(type).putstatic(self, "k" + i, type);
        }
        code.return_();
    }

    /// The method `run`.
    private final class Body {
        private final Code out;
        private final CodeBuilder code;
        private final FlagCode flags;
        private final ValueCode values;
        private final VectorCode vectors;
        private final VectorMoves moves;

        /// Where all registers are loaded and the entry in ENTRY_NUMBER is gone to.
        private final Label reenter;

        Body(Code out) {
            this.out = out;
            this.code = out.code;
            this.flags = new FlagCode(out);
            this.values = new ValueCode(out, flags);
            this.vectors = new VectorCode(out);
            this.moves = new VectorMoves(out);
            this.reenter = code.newLabel();
        }

        void emit() {
            for (Piece piece : plan.pieces) piece.label = code.newLabel();
            enter();
            for (int i = 0; i < plan.pieces.size(); i++) {
                piece(plan.pieces.get(i), i + 1 < plan.pieces.size() ? plan.pieces.get(i + 1) : null);
            }
            out.emitCold();
            leave();
        }

        private void enter() {
            Label wanted = code.newLabel();
            code.iload(Code.ENTRY_NUMBER).ifge(wanted).return_().labelBinding(wanted);
            if (usesVectors(false)) refuse("sseTrap");
            if (usesVectors(true)) refuse("avxTrap");
            if (flow.kinds.size() > 1) {
                flags.setBase(Flow.IN_CPU);
                for (int local : new int[] {Code.FLAG_A, Code.FLAG_B, Code.FLAG_C, Code.FLAG_OVERLAY}) code.lconst_0().lstore(local);
            }
            out.cpuField("returnTo", CD_long);
            code.lstore(Code.RETURN_TO);
            code.labelBinding(reenter);
            out.cpuField("budget", CD_int);
            code.istore(Code.BUDGET);
            out.loadTables();
            out.reload(-1);
            if (plan.entries.size() > 1) {
                List<SwitchCase> cases = new ArrayList<>();
                for (Piece piece : plan.entries.subList(1, plan.entries.size())) cases.add(SwitchCase.of(piece.entry, label(piece)));
                code.iload(Code.ENTRY_NUMBER).tableswitch(1, plan.entries.size() - 1, label(plan.entries.getFirst()), cases);
            } else {
                code.goto_(label(plan.entries.getFirst()));
            }
        }

        /// Leaves the region to the interpreter where its vector instructions would be #UD or #NM.
        private void refuse(String trap) {
            Label refuse = code.newLabel();
            out.cpuField(trap, CD_int);
            out.rarelyNonzero(refuse);
            out.later(() -> code.labelBinding(refuse)
                    .aload(Code.CPU)
                    .iconst_1()
                    .putfield(Code.CPU_CLASS, "interpretNext", CD_boolean)
                    .return_());
        }

        private boolean usesVectors(boolean vex) {
            for (Piece piece : plan.pieces) {
                for (Piece.Node node : piece.nodes) {
                    if (node.d.vex != vex) continue;
                    if (VectorCode.inline(node.kind()) || VectorMoves.inline(node) || FloatCode.inline(node)) return true;
                }
            }
            return false;
        }

        private static Label label(Piece piece) {
            Label label = piece.label;
            if (label == null) throw new AssertionError("a piece without a label");
            return label;
        }

        /// The shared exits: all state goes to the CPU.
        private void leave() {
            Label settle = code.newLabel();
            Label done = code.newLabel();
            count(out.crossed, "crossed").goto_(out.toInterpreter);
            count(out.missed, "missed");
            code.labelBinding(out.toInterpreter).aload(Code.CPU).iconst_1().putfield(Code.CPU_CLASS, "interpretNext", CD_boolean);
            code.labelBinding(out.stopped);
            code.aload(Code.THIS).iload(Code.EXIT_AT).invokevirtual(Code.REGION_CLASS, "place", MethodTypeDesc.of(CD_int, CD_int));
            code.istore(Code.PLACE);
            code.iload(Code.BUDGET).iload(Code.PLACE).aload(Code.CPU);
            code.invokestatic(Code.REGION_CLASS, "unexecuted", INT_OF_PLACE).iadd().istore(Code.BUDGET);
            code.iload(Code.PLACE).aload(Code.CPU).invokestatic(Code.REGION_CLASS, "resumption", INT_OF_PLACE);
            code.iload(Code.EXIT_AT).iadd().istore(Code.EXIT_AT);
            code.labelBinding(out.exit).iconst_0().istore(Code.CHAIN).goto_(settle);
            code.labelBinding(out.chain).iconst_1().istore(Code.CHAIN);
            code.labelBinding(settle);
            flags.make(Flow.State.ANY);
            out.writeBack(flow.written);
            out.setRip(() -> code.lload(Code.BASE).iload(Code.EXIT_AT).i2l().ladd());
            code.aload(Code.CPU).iload(Code.BUDGET).putfield(Code.CPU_CLASS, "budget", CD_int);
            code.iload(Code.CHAIN).ifeq(done);
            passReturn();
            code.aload(Code.CPU).lload(Code.BASE).iload(Code.EXIT_AT).i2l().ladd().invokestatic(Code.LINK_CLASS, "goIndirect", GO_INDIRECT);
            code.labelBinding(done).return_();
        }

        /// Where the region is told that it leaves for this.
        private CodeBuilder count(Label label, String what) {
            code.labelBinding(label).aload(Code.THIS).aload(Code.CPU).lload(Code.BASE);
            return code.invokevirtual(Code.REGION_CLASS, what, MethodTypeDesc.of(CD_void, Code.CPU_CLASS, CD_long));
        }

        private void piece(Piece piece, @Nullable Piece following) {
            code.labelBinding(label(piece));
            code.iinc(Code.BUDGET, -piece.nodes.size());
            Flow.State state = piece.flagsIn;
            if (state == null) throw new AssertionError("a piece without a state");
            long dirty = piece.dirtyIn;
            vectors.begin();
            for (Piece.Node node : piece.nodes) {
                out.begin();
                dirty |= Effects.of(node).writes();
                switch (node.kind()) {
                    case UPDATE, COMPUTE, CONSUME -> state = values.emit(node, state);
                    case WHOLE -> {
                        if (node.doesNothing()) continue;
                        if (node.d.row.endsBlock()) {
                            saveContext();
                        }
                        if (node.isLeave()) {
                            values.leave(node);
                        } else if (VectorMoves.inline(node)) {
                            moves.emit(node);
                        } else if (FloatCode.inline(node)) {
                            Flow.State before = state;
                            vectors.convertOrCompare(node, () -> whole(node, before));
                            if (FloatCode.compares(node)) flags.setBase(flow.number(Flow.kindOf(node)));
                            state = flow.after(node, state);
                        } else {
                            whole(node, state);
                            state = flow.after(node, state);
                        }
                        if (node.d.row.endsBlock()) {
                            settle(state, dirty, () -> out.addressOf(node.end));
                            goOn(piece, following);
                            return;
                        }
                    }
                    case BRANCH -> {
                        branch(piece, node, state, dirty, following);
                        return;
                    }
                    case CONTROL -> {
                        control(piece, node, state, dirty, following);
                        return;
                    }
                    default -> {
                        if (VectorCode.inline(node.kind())) {
                            vectors.emit(node);
                        } else {
                            out.leave(node.at, out.toInterpreter);
                            return;
                        }
                    }
                }
                vectors.after(node);
            }
            proceed(piece.next, piece.end(), state, dirty, following, false);
        }

        /// Goes on with a piece of the region, or leaves for `at`.
        private void proceed(@Nullable Piece to, long at, Flow.State state, long dirty, @Nullable Piece following, boolean backwards) {
            if (to == null) {
                if (plan.cold(at)) {
                    out.leave(at, out.chain);
                } else {
                    go(at, state, dirty);
                }
                return;
            }
            if (backwards) poll(to);
            if (to != following) code.goto_(label(to));
        }

        /// At a jump backwards: leaves if the budget is spent.
        private void poll(Piece to) {
            Label spent = code.newLabel();
            spent(spent);
            out.later(() -> {
                code.labelBinding(spent);
                out.leave(to.at, out.exit);
            });
        }

        /// Jumps to `label` if the budget is spent, which it rarely is.
        private void spent(Label label) {
            code.iload(Code.BUDGET);
            out.rarelyAtMostZero(label);
        }

        private void branch(Piece piece, Piece.Node node, Flow.State state, long dirty, @Nullable Piece following) {
            if (node.is(Transfer.class, "call")) {
                call(piece, node, state, dirty, following);
                return;
            }
            boolean backwards = piece.target() <= node.at;
            if (node.is(Transfer.class, "always")) {
                proceed(piece.taken, piece.target(), state, dirty, following, backwards);
                return;
            }
            Label taken = code.newLabel();
            Flow.State after = state;
            int cc = Flow.condition(node);
            if (cc >= 0) {
                after = flags.jumpIf(cc, state, taken);
            } else {
                count(node, state, taken);
                after = flow.after(node, state);
            }
            Flow.State then = after;
            proceed(piece.next, node.end, after, dirty, following, false);
            // Out of line, as a place that is jumped to anyway.
            Piece to = piece.taken;
            if (to != null && !backwards) {
                forward(taken, to);
            } else {
                out.later(() -> {
                    code.labelBinding(taken);
                    proceed(to, piece.target(), then, dirty, null, backwards);
                });
            }
        }

        private void forward(Label taken, Piece to) {
            out.later(() -> code.labelBinding(taken).goto_(label(to)));
        }

        /// LOOP, LOOPE, LOOPNE and JrCXZ.
        private void count(Piece.Node node, Flow.State state, Label taken) {
            int rcx = Code.general(Cpu.RCX);
            long mask = node.d.addressMask;
            if (node.name().equals("jcxz")) {
                code.lload(rcx).loadConstant(mask).land().lconst_0().lcmp().ifeq(taken);
                return;
            }
            Label not = code.newLabel();
            code.lload(rcx).lconst_1().lsub().loadConstant(mask).land().lstore(rcx);
            if (node.name().equals("loop")) {
                code.lload(rcx).lconst_0().lcmp().ifne(taken);
                return;
            }
            flags.make(state);
            flags.forget(state);
            code.lload(rcx).lconst_0().lcmp().ifeq(not);
            flags.jumpIf(node.name().equals("loope") ? 4 : 5, Flow.State.CPU, taken);
            code.labelBinding(not);
        }

        /// An operation that takes the whole instruction.
        private void whole(Piece.Node node, Flow.State state) {
            Effects effects = Effects.of(node);
            Flow.Setting setting = Flow.setting(node);
            if (setting == Flow.Setting.EAGER) {
                flags.make(state);
                flags.forget(state);
            }
            out.writeBack((effects.reads() | effects.writes()) & flow.written);
            out.setRip(() -> out.addressOf(node.at));
            code.aload(Code.CPU);
            if (node.d.row.op.method().getParameterCount() == 2) out.constant(out.insn(node));
            out.invoke(node.d.row.op.method());
            out.reload(effects.writes());
            out.loadTables();
            out.leaveIfStopped(node);
            if (setting == Flow.Setting.EAGER_ALL) flags.forget(state);
        }

        /// After an operation that may have changed the mode, or awaits attention: goes on, or leaves. All state but RIP and the
        /// registers in
        /// `dirty` is in the CPU, and T0 is the context before it.
        private void goOn(Piece piece, @Nullable Piece following) {
            Label on = code.newLabel();
            code.aload(Code.THIS).aload(Code.CPU);
            out.addressOf(piece.end());
            code.lload(Code.T0).loadConstant(piece.last().d.length).lload(Code.RETURN_TO);
            code.invokevirtual(Code.REGION_CLASS, "goesOn", GOES_ON);
            next(piece, following, on);
        }

        /// Goes on with the next piece, with everything in the CPU, if there is true on the stack.
        private void next(Piece piece, @Nullable Piece following, Label on) {
            code.ifne(on).return_().labelBinding(on);
            Piece next = piece.next;
            if (next == null) {
                if (!plan.cold(piece.end())) {
                    passReturn();
                    link(piece.end());
                }
                code.return_();
                return;
            }
            if (flow.kinds.size() > 1) flags.setBase(Flow.IN_CPU);
            if (next.entry >= 0) {
                code.loadConstant(next.entry).istore(Code.ENTRY_NUMBER).goto_(reenter);
                return;
            }
            out.cpuField("budget", CD_int);
            code.istore(Code.BUDGET);
            out.loadTables();
            out.reload(-1);
            if (next != following) code.goto_(label(next));
        }

        /// Puts all state into the CPU.
        private void settle(Flow.State state, long dirty, Runnable rip) {
            flags.make(state);
            out.writeBack(dirty);
            out.setRip(rip);
            code.aload(Code.CPU).iload(Code.BUDGET).putfield(Code.CPU_CLASS, "budget", CD_int);
        }

        /// Leaves for the byte at `at`, going on with translated code if it is known.
        private void go(long at, Flow.State state, long dirty) {
            settle(state, dirty, () -> out.addressOf(at));
            passReturn();
            link(at);
            code.return_();
        }

        /// What is gone to now returns to where this region would.
        private void passReturn() {
            code.aload(Code.CPU).lload(Code.RETURN_TO).putfield(Code.CPU_CLASS, "returnTo", CD_long);
        }

        private void link(long at) {
            link(new Link(0), () -> out.addressOf(at));
        }

        /// Goes on at the address that `rip` pushes, where RIP stands already, in translated code if there is some; all state is in the
        /// CPU.
        private void link(Link link, Runnable rip) {
            out.constant(link);
            code.aload(Code.CPU);
            rip.run();
            code.invokestatic(Code.LINK_CLASS, "go", GO);
        }

        private void call(Piece piece, Piece.Node node, Flow.State state, long dirty, @Nullable Piece following) {
            pushReturn(node);
            if (piece.taken != null) {
                proceed(piece.taken, piece.target(), state, dirty, following, piece.target() <= node.at);
                return;
            }
            settle(state, dirty, () -> out.addressOf(piece.target()));
            linkCall(piece, new Link(0), () -> out.addressOf(piece.target()), following);
        }

        /// Stores the return address on the stack.
        private void pushReturn(Piece.Node node) {
            int sp = Code.general(Cpu.RSP);
            out.addressOf(node.end);
            code.lstore(Code.T0);
            out.stack(node, Cpu.RSP, -8);
            out.put(Code.T0);
            code.lload(sp).loadConstant(8L).lsub().lstore(sp);
        }

        /// Calls the function at the address that `rip` pushes; all state is in the CPU.
        private void linkCall(Piece piece, Link link, Runnable rip, @Nullable Piece following) {
            saveContext();
            code.aload(Code.CPU);
            out.addressOf(piece.end());
            code.putfield(Code.CPU_CLASS, "returnTo", CD_long);
            link(link, rip);
            comeBack(piece, following);
        }

        private void saveContext() {
            code.aload(Code.CPU).invokestatic(Code.REGION_CLASS, "context", CONTEXT).lstore(Code.T0);
        }

        /// After a call: goes on if the callee has come back.
        private void comeBack(Piece piece, @Nullable Piece following) {
            Label on = code.newLabel();
            code.aload(Code.THIS).aload(Code.CPU);
            out.addressOf(piece.end());
            code.lload(Code.T0).invokevirtual(Code.REGION_CLASS, "returned", RETURNED);
            next(piece, following, on);
        }

        private void control(Piece piece, Piece.Node node, Flow.State state, long dirty, @Nullable Piece following) {
            if (node.is(Transfer.class, "ret")) {
                ret(node, state, dirty);
            } else if (node.is(Transfer.class, "jmpIndirect")) {
                target(node);
                goInside(plan.jumpTargets);
                canonical(node);
                settle(state, dirty, () -> code.lload(Code.T1));
                passReturn();
                code.aload(Code.CPU).lload(Code.T1).invokestatic(Code.LINK_CLASS, "jump", GO_INDIRECT).return_();
            } else if (node.is(Transfer.class, "callIndirect")) {
                target(node);
                callIndirect(piece, node, state, dirty, following);
            } else {
                settle(state, dirty, () -> out.addressOf(node.end));
                saveContext();
                code.aload(Code.CPU);
                if (node.d.row.op.method().getParameterCount() == 2) out.constant(out.insn(node));
                out.invoke(node.d.row.op.method());
                goOn(piece, following);
            }
        }

        /// Calls the function at T1: in the region, where it is the one that is always called.
        private void callIndirect(Piece piece, Piece.Node node, Flow.State state, long dirty, @Nullable Piece following) {
            Piece known = piece.taken;
            if (known == null) {
                callOther(piece, node, state, dirty, following);
                return;
            }
            Label other = code.newLabel();
            code.lload(Code.T1);
            out.addressOf(known.at);
            out.rarelyDifferent(other);
            pushReturn(node);
            proceed(known, known.at, state, dirty, following, known.at <= node.at);
            out.later(() -> {
                code.labelBinding(other);
                callOther(piece, node, state, dirty, null);
            });
        }

        private void callOther(Piece piece, Piece.Node node, Flow.State state, long dirty, @Nullable Piece following) {
            canonical(node);
            pushReturn(node);
            settle(state, dirty, () -> code.lload(Code.T1));
            linkCall(piece, new Link(piece.end()), () -> code.lload(Code.T1), following);
        }

        /// Leaves the target of an indirect jump or call in T1.
        private void target(Piece.Node node) {
            if (node.d.memory) {
                // RIP-relative operands of a control operation count from the next instruction, as everywhere.
                out.load(Code.T1, node);
            } else {
                code.lload(Code.general(node.d.rm)).lstore(Code.T1);
            }
        }

        /// Lets the interpreter raise the fault of T1 if it is no canonical address.
        private void canonical(Piece.Node node) {
            out.mark(node);
            code.lload(Code.T1).bipush(16).lshl().bipush(16).lshr().lload(Code.T1);
            out.rarelyDifferent(out.toInterpreter);
        }

        private void ret(Piece.Node node, Flow.State state, long dirty) {
            int sp = Code.general(Cpu.RSP);
            out.stack(node, Cpu.RSP, 0);
            out.take(Code.T1);
            Runnable release = () -> code.lload(sp).loadConstant(8L + (node.d.imm & 0xffff)).ladd().lstore(sp);
            if (!plan.returnSites.isEmpty()) {
                code.lload(sp).lstore(Code.VALUE);
                release.run();
                goInside(plan.returnSites);
                code.lload(Code.VALUE).lstore(sp);
            }
            canonical(node);
            release.run();
            settle(state, dirty, () -> code.lload(Code.T1));
            Label back = code.newLabel();
            code.lload(Code.T1).lload(Code.RETURN_TO);
            out.mostlyEqual(back);
            code.aload(Code.CPU).lload(Code.T1).invokestatic(Code.LINK_CLASS, "goIndirect", GO_INDIRECT).labelBinding(back).return_();
        }

        /// Goes on inside the region where T1 is the address of one of `inside` and the budget is not spent.
        private void goInside(List<Piece> inside) {
            if (inside.isEmpty()) return;
            Label outside = code.newLabel();
            spent(outside);
            if (inside.size() <= FEW) {
                for (Piece piece : inside) {
                    code.lload(Code.T1);
                    out.addressOf(piece.at);
                    code.lcmp().ifeq(label(piece));
                }
                code.labelBinding(outside);
                return;
            }
            code.lload(Code.T1).lload(Code.BASE).lsub().lstore(Code.T0);
            code.lload(Code.T0).l2i().i2l().lload(Code.T0);
            out.rarelyDifferent(outside);
            List<SwitchCase> cases = new ArrayList<>();
            for (Piece piece : inside) cases.add(SwitchCase.of(piece.at, label(piece)));
            code.lload(Code.T0).l2i().lookupswitch(outside, cases).labelBinding(outside);
        }
    }
}
