package io.kahvem.jvm.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.Operands;
import io.kahvem.jvm.mmu.Inline;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The method being generated: its local variables, and the code that every part of the emitter needs. The operand stack is empty between
/// the steps of an instruction.
final class Code {
    static final ClassDesc CPU_CLASS = ClassDesc.of(Cpu.class.getName());
    static final ClassDesc REGION_CLASS = ClassDesc.of(Region.class.getName());
    static final ClassDesc INSN_CLASS = ClassDesc.of(Insn.class.getName());
    static final ClassDesc LINK_CLASS = ClassDesc.of(Link.class.getName());
    static final ClassDesc INLINE_CLASS = ClassDesc.of(Inline.class.getName());
    static final ClassDesc LONGS = CD_long.arrayType();
    static final MethodTypeDesc FLAGS_TYPE = MethodTypeDesc.of(CD_void, CPU_CLASS, CD_int, CD_long, CD_long, CD_long, CD_long);
    static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
    private static final ClassDesc INTEGER = ClassDesc.of("java.lang.Integer");
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final MethodTypeDesc DOUBLE_OF_LONG = MethodTypeDesc.of(CD_double, CD_long);
    private static final MethodTypeDesc INT_OF_INT = MethodTypeDesc.of(CD_int, CD_int);
    private static final MethodTypeDesc INT_OF_LONG = MethodTypeDesc.of(CD_int, CD_long);
    private static final MethodTypeDesc HOST_TYPE = MethodTypeDesc.of(CD_long, CD_long, CD_int, CPU_CLASS, CD_long);
    private static final MethodTypeDesc KNOWN_TYPE = MethodTypeDesc.of(CD_long, CD_long, CD_int, CD_long);
    private static final MethodTypeDesc PUT_TYPE = MethodTypeDesc.of(CD_void, CD_long, CD_long);
    private static final MethodTypeDesc LONG_OF_LONG = MethodTypeDesc.of(CD_long, CD_long);

    // Local variables of `run`.
    static final int THIS = 0;
    static final int CPU = 1;
    static final int REGS = 2;
    static final int BASE = 3;
    static final int ENTRY_NUMBER = 5;
    /// Instructions left before others must be looked at.
    static final int BUDGET = 6;
    static final int READ_TABLE = 7;
    static final int WRITE_TABLE = 9;
    static final int ADDRESS = 11;
    /// The native address of an access that shares nothing.
    static final int HOST = 13;
    static final int VALUE = 15;
    /// Lazy flags: the numbers of the kinds ([Flow.State]), operands of the base, operand of the overlay.
    static final int KINDS = 17;
    /// Whether an exit goes on with translated code.
    static final int CHAIN = 18;
    static final int FLAG_A = 19;
    static final int FLAG_B = 21;
    static final int FLAG_C = 23;
    static final int FLAG_OVERLAY = 25;
    /// [Cpu#returnTo] as the region was entered.
    static final int RETURN_TO = 27;
    /// What is known of the place of an exit ([Region#place]).
    static final int PLACE = 29;
    /// The instruction, or the byte, an exit is for.
    static final int EXIT_AT = 30;
    static final int T0 = 31;
    static final int T1 = 33;
    static final int T2 = 35;
    static final int T3 = 37;
    /// The number of bits to shift by.
    static final int COUNT = 39;
    private static final int GENERAL = 40;
    private static final int VECTOR = 72;
    /// Four results of a vector operation.
    static final int RESULT = VECTOR + 64;
    /// The bits of a result's exponent that say that it is all there is to it, or 0 where doubles have to be looked at closer
    /// ([FloatCode]).
    static final int PLAIN = RESULT + 8;
    /// The native addresses of [Windows], from here on.
    static final int WINDOWS = PLAIN + 2;

    final CodeBuilder code;
    final ClassDesc self;
    final Flow flow;

    /// Constants of the class: [Insn]s and [Link]s, by field number.
    final List<Object> constants;

    /// In the names of what accesses memory: with an order that other vCPUs rely on, or plain.
    private final String access;

    private final boolean well;

    /// Whether what is rare leaves to the interpreter ([Style]).
    final boolean leaves;

    /// Emitted after the region's straight code.
    private final List<Runnable> cold = new ArrayList<>();

    /// Shared exits, for EXIT_AT: to the run loop; on to translated code there; at an instruction, which the interpreter executes; the
    /// same, which is counted ([Region#missed], [Region#crossed]); at or after an instruction that has stopped.
    final Label exit;

    final Label chain;
    final Label toInterpreter;
    final Label missed;
    final Label crossed;
    final Label stopped;

    /// The access that HOST, or its window, is for.
    private @Nullable Access reached;

    /// The instruction whose place EXIT_AT has, in straight code.
    private Piece.@Nullable Node marked;

    Code(CodeBuilder code, ClassDesc self, Flow flow, List<Object> constants, Style style) {
        this.code = code;
        this.self = self;
        this.flow = flow;
        this.constants = constants;
        this.access = style.ordered() ? "" : "Plain";
        this.well = style.well();
        this.leaves = style.leaves();
        this.exit = code.newLabel();
        this.chain = code.newLabel();
        this.toInterpreter = code.newLabel();
        this.missed = code.newLabel();
        this.crossed = code.newLabel();
        this.stopped = code.newLabel();
    }

    void later(Runnable emit) {
        cold.add(emit);
    }

    void emitCold() {
        for (int i = 0; i < cold.size(); i++) { // they may add more
            begin();
            cold.get(i).run();
        }
    }

    static int general(int n) {
        return GENERAL + 2 * n;
    }

    static int vector(int n, int half) {
        return VECTOR + 4 * n + 2 * half;
    }

    // Small steps

    void constant(Object value) {
        int at = constants.indexOf(value);
        if (at < 0) {
            at = constants.size();
            constants.add(value);
        }
        code.getstatic(self, "k" + at, value instanceof Link ? LINK_CLASS : INSN_CLASS);
    }

    /// An [Insn] for an operation that takes the whole instruction; `r[RIP]` is then its own address (or, for a control operation, the
    /// next).
    Insn insn(Piece.Node node) {
        Insn insn = new Operands();
        node.d.fill(insn, 0, Flow.form(node), io.kahvem.jvm.cpu.Mode.CODE64 | io.kahvem.jvm.cpu.Mode.FLAT);
        return insn;
    }

    void cpuField(String name, ClassDesc type) {
        code.aload(CPU).getfield(CPU_CLASS, name, type);
    }

    /// Pushes the linear address of a byte of the region.
    void addressOf(long at) {
        code.lload(BASE);
        if (at != 0) code.loadConstant(at).ladd();
    }

    /// Pushes the double whose bits a local has.
    void pushDouble(int local) {
        code.lload(local).invokestatic(DOUBLE, "longBitsToDouble", DOUBLE_OF_LONG);
    }

    void setRip(Runnable value) {
        code.aload(REGS).bipush(Cpu.RIP);
        value.run();
        code.lastore();
    }

    void invoke(Method method) {
        code.invokestatic(ClassDesc.of(method.getDeclaringClass().getName()), method.getName(), type(method));
    }

    static MethodTypeDesc type(Method method) {
        return java.lang.invoke.MethodType.methodType(method.getReturnType(), method.getParameterTypes()).describeConstable().orElseThrow();
    }

    void loadTables() {
        cpuField("readTable", CD_long);
        code.lstore(READ_TABLE);
        cpuField("writeTable", CD_long);
        code.lstore(WRITE_TABLE);
    }

    // Registers

    /// Stores the locals of these registers into the CPU.
    void writeBack(long registers) {
        long cachedOnes = registers & flow.cached;
        for (int n = 0; n < 16; n++) {
            if ((cachedOnes >> n & 1) != 0) code.aload(REGS).bipush(n).lload(general(n)).lastore();
        }
        if ((cachedOnes & Effects.VECTOR) == 0) return;
        cpuField("xmm", LONGS);
        for (int n = 0; n < 16; n++) {
            if ((cachedOnes >> 16 + n & 1) == 0) continue;
            for (int half = 0; half < 2; half++) code.dup().bipush(2 * n + half).lload(vector(n, half)).lastore();
        }
        code.pop();
    }

    void reload(long registers) {
        long cachedOnes = registers & flow.cached;
        for (int n = 0; n < 16; n++) {
            if ((cachedOnes >> n & 1) != 0) code.aload(REGS).bipush(n).laload().lstore(general(n));
        }
        if ((cachedOnes & Effects.VECTOR) == 0) return;
        cpuField("xmm", LONGS);
        for (int n = 0; n < 16; n++) {
            if ((cachedOnes >> 16 + n & 1) == 0) continue;
            for (int half = 0; half < 2; half++) code.dup().bipush(2 * n + half).laload().lstore(vector(n, half));
        }
        code.pop();
    }

    // Leaving

    private void exitAt(long at) {
        code.loadConstant((int) at).istore(EXIT_AT);
    }

    /// Begins an instruction, or goes on with one out of line.
    void begin() {
        marked = null;
    }

    /// Has EXIT_AT tell the instruction from here on.
    void mark(Piece.Node node) {
        if (marked != node) exitAt(node.at);
        marked = node;
    }

    /// Leaves for the byte at `at`.
    void leave(long at, Label exit) {
        exitAt(at);
        code.goto_(exit);
    }

    /// Leaves if the instruction has stopped: after it if it completed (its store hit code), else at it.
    void leaveIfStopped(Piece.Node node) {
        mark(node);
        cpuField("stop", CD_int);
        rarelyNonzero(stopped);
    }

    // Branches that are hardly ever taken. HotSpot's second compiler, which has no profile of a region, takes equality for the unlikely
    // case and allocates registers by that. So for it these test whether something equals 0 that does not as a rule: the highest bit of a
    // count of leading zeros, which says that all are zeros.

    /// Jumps to `label` if the int on the stack is not 0.
    void rarelyNonzero(Label label) {
        if (well) {
            code.invokestatic(INTEGER, "numberOfLeadingZeros", INT_OF_INT).bipush(32).iand().ifeq(label);
        } else {
            code.ifne(label);
        }
    }

    /// Jumps to `label` if the int on the stack is not above 0.
    void rarelyAtMostZero(Label label) {
        if (well) {
            code.ineg().bipush(31).iushr().ifeq(label);
        } else {
            code.ifle(label);
        }
    }

    /// Jumps to `label` if the two longs on the stack differ.
    void rarelyDifferent(Label label) {
        if (well) {
            equal().ifeq(label);
        } else {
            code.lcmp().ifne(label);
        }
    }

    /// Jumps to `label` if the two longs on the stack are equal, as they are as a rule.
    void mostlyEqual(Label label) {
        if (well) {
            equal().ifne(label);
        } else {
            code.lcmp().ifeq(label);
        }
    }

    private CodeBuilder equal() {
        return code.lxor().invokestatic(LONG, "numberOfLeadingZeros", INT_OF_LONG).bipush(64).iand();
    }

    // Memory

    /// Pushes the memory operand's linear address; without the segment's base for LEA.
    void address(Decoded d, Piece.Node node, boolean offsetOnly) {
        boolean pushed = false;
        if (d.base == Cpu.RIP) {
            addressOf(node.end + d.disp);
            pushed = true;
        } else {
            if (d.base < 16) {
                code.lload(general(d.base));
                pushed = true;
            }
            if (d.index < 16) {
                code.lload(general(d.index));
                if (d.scale != 0) code.loadConstant(d.scale).lshl();
                if (pushed) code.ladd();
                pushed = true;
            }
            if (d.disp != 0 || !pushed) {
                code.loadConstant(d.disp);
                if (pushed) code.ladd();
            }
        }
        if (d.addressMask != -1) code.loadConstant(d.addressMask).land();
        if (!offsetOnly && d.segmentBase != Cpu.ZERO) code.aload(REGS).bipush(d.segmentBase).laload().ladd();
    }

    /// Finds where the memory operand is, for [#get] and [#put]; leaves to the interpreter where that is not known.
    void operand(Piece.Node node) {
        reach(node, Objects.requireNonNull(node.operand), () -> address(node.d, node, false));
    }

    /// The same for what the instruction accesses on the stack, `offset` bytes from the register `base`.
    void stack(Piece.Node node, int base, int offset) {
        reach(node, Objects.requireNonNull(node.stack), () -> {
            code.lload(general(base));
            if (offset != 0) code.loadConstant((long) offset).ladd();
        });
    }

    private void reach(Piece.Node node, Access to, Runnable address) {
        reached = to;
        Windows.Window window = to.window;
        if (window == null) {
            address.run();
            host(to.write, to.bytes - 1, HOST, node, leaves ? missed : toInterpreter);
        } else if (to.opens) {
            address.run();
            int offset = window.offset(to);
            if (offset != 0) code.loadConstant((long) -offset).ladd();
            code.dup2().lstore(ADDRESS);
            Label none = code.newLabel();
            host(window.write, window.last(), window.local, node, none);
            later(() -> {
                code.labelBinding(none);
                code.lload(ADDRESS).dup2().loadConstant((long) window.last()).ladd().lxor().loadConstant(-4096L).land();
                code.lconst_0().lcmp().ifne(crossed).goto_(leaves ? missed : toInterpreter);
            });
        }
        if (to.alignment == 1) return;
        mark(node);
        pushHost(0);
        code.l2i().bipush(to.alignment - 1).iand();
        rarelyNonzero(toInterpreter);
    }

    /// Replaces the linear address on the stack, otherwise empty, by the local `to`, which has the native one; goes to `none` where there
    /// is none.
    private void host(boolean write, int last, int to, Piece.Node node, Label none) {
        code.loadConstant(last);
        if (leaves) {
            code.lload(write ? WRITE_TABLE : READ_TABLE).invokestatic(INLINE_CLASS, "known", KNOWN_TYPE);
        } else {
            code.aload(CPU).lload(write ? WRITE_TABLE : READ_TABLE);
            code.invokestatic(INLINE_CLASS, (write ? "write" : "read") + (well ? "Well" : ""), HOST_TYPE);
        }
        code.lstore(to);
        mark(node);
        code.lload(to).lconst_0().lcmp().ifeq(none);
    }

    /// Pushes the native address of what was found, and `offset`.
    void pushHost(int offset) {
        Access access = Objects.requireNonNull(reached);
        Windows.Window window = access.window;
        int from = (window == null ? 0 : window.offset(access)) + offset;
        code.lload(window == null ? HOST : window.local);
        if (from != 0) code.loadConstant((long) from).ladd();
    }

    /// Leaves to the interpreter where a locked access has to stop other vCPUs.
    void checkLockable(int bytes, Piece.Node node) {
        mark(node);
        pushHost(0);
        code.loadConstant(bytes);
        code.invokestatic(INLINE_CLASS, "lockable", MethodTypeDesc.of(CD_boolean, CD_long, CD_int)).ifeq(toInterpreter);
    }

    /// Pushes `bytes` bytes of what was found, from `offset` on.
    void get(int bytes, int offset) {
        pushHost(offset);
        code.invokestatic(INLINE_CLASS, "get" + access + 8 * bytes, LONG_OF_LONG);
    }

    private void put(int bytes, int offset, Runnable value) {
        pushHost(offset);
        value.run();
        code.invokestatic(INLINE_CLASS, "put" + access + 8 * bytes, PUT_TYPE);
    }

    /// Stores the low bytes of the local `from` where something was found.
    void put(int from) {
        put(Objects.requireNonNull(reached).bytes, 0, () -> code.lload(from));
    }

    /// Loads what was found into the local `to`.
    void take(int to) {
        get(Objects.requireNonNull(reached).bytes, 0);
        code.lstore(to);
    }

    /// Loads the memory operand into the local `to`.
    void load(int to, Piece.Node node) {
        operand(node);
        take(to);
    }

    /// Stores the low bytes of the local `from` into the memory operand.
    void store(int from, Piece.Node node) {
        operand(node);
        put(from);
    }

    /// Loads 16 bytes of the memory operand into two locals.
    void loadPair(int low, int high, Piece.Node node) {
        operand(node);
        get(8, 0);
        code.lstore(low);
        get(8, 8);
        code.lstore(high);
    }

    void storePair(int low, int high, Piece.Node node) {
        operand(node);
        put(8, 0, () -> code.lload(low));
        put(8, 8, () -> code.lload(high));
    }

    /// Loads 32 bytes into T0 to T3.
    void loadFour(Piece.Node node) {
        operand(node);
        for (int h = 0; h < 4; h++) {
            get(8, 8 * h);
            code.lstore(T0 + 2 * h);
        }
    }

    /// Stores the YMM register `n`.
    void storeFour(int n, Piece.Node node) {
        operand(node);
        for (int h = 0; h < 4; h++) {
            int half = h;
            put(8, 8 * h, () -> half(n, half));
        }
    }

    /// Pushes half 0 to 3 of a vector register. The upper ones have no locals.
    void half(int n, int half) {
        if (half < 2) {
            code.lload(vector(n, half));
        } else {
            cpuField("xmm", LONGS);
            code.bipush(2 * n + half - 2 + Cpu.YMM).laload();
        }
    }

    /// Sets half 0 to 3 of a vector register to what `value` pushes.
    void putHalf(int n, int half, Runnable value) {
        if (half < 2) {
            value.run();
            code.lstore(vector(n, half));
        } else {
            cpuField("xmm", LONGS);
            code.bipush(2 * n + half - 2 + Cpu.YMM);
            value.run();
            code.lastore();
        }
    }
}
