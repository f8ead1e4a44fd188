package io.kahvem.jvm.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.Operands;
import io.kahvem.jvm.mmu.Inline;
import io.kahvem.jvm.mmu.Mmu;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;

/// The method being generated: its local variables, and the code that every part of the emitter needs. The operand stack is empty between
/// the steps of an instruction.
final class Code {
    static final ClassDesc CPU_CLASS = ClassDesc.of(Cpu.class.getName());
    static final ClassDesc REGION_CLASS = ClassDesc.of(Region.class.getName());
    static final ClassDesc INSN_CLASS = ClassDesc.of(Insn.class.getName());
    static final ClassDesc LINK_CLASS = ClassDesc.of(Link.class.getName());
    static final ClassDesc MMU_CLASS = ClassDesc.of(Mmu.class.getName());
    static final ClassDesc INLINE_CLASS = ClassDesc.of(Inline.class.getName());
    static final ClassDesc LONGS = CD_long.arrayType();
    static final MethodTypeDesc FLAGS_TYPE =
            MethodTypeDesc.of(CD_void, CPU_CLASS, CD_int, CD_int, CD_long, CD_long, CD_long, CD_long);
    private static final MethodTypeDesc LONG_OF_LONGS = MethodTypeDesc.of(CD_long, CD_long, CD_long);
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
    static final int TLB_ENTRY = 13;
    static final int VALUE = 15;
    /// Lazy flags: numbers of the kinds, operands and result of the base, operand of the overlay.
    static final int BASE_KIND = 17;
    static final int OVERLAY_KIND = 18;
    static final int FLAG_A = 19;
    static final int FLAG_B = 21;
    static final int FLAG_C = 23;
    static final int FLAG_RESULT = 25;
    static final int FLAG_OVERLAY = 27;
    static final int EPOCH = 29;
    static final int EXIT_AT = 30;
    static final int T0 = 31;
    static final int T1 = 33;
    static final int T2 = 35;
    static final int T3 = 37;
    private static final int GENERAL = 40;
    private static final int VECTOR = 72;
    /// Four results of a vector operation.
    static final int RESULT = VECTOR + 64;

    final CodeBuilder code;
    final ClassDesc self;
    final Flow flow;

    /// Constants of the class: [Insn]s and [Link]s, by field number.
    final List<Object> constants;

    /// Emitted after the region's straight code.
    private final List<Runnable> cold = new ArrayList<>();

    final Label exit;

    Code(CodeBuilder code, ClassDesc self, Flow flow, List<Object> constants) {
        this.code = code;
        this.self = self;
        this.flow = flow;
        this.constants = constants;
        this.exit = code.newLabel();
    }

    void later(Runnable emit) {
        cold.add(emit);
    }

    void emitCold() {
        for (int i = 0; i < cold.size(); i++) cold.get(i).run(); // they may add more
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

    // Leaving at an instruction

    /// Leaves with RIP at `at`; `unexecuted` instructions of its piece were counted but not executed.
    void leave(int at, int unexecuted) {
        if (unexecuted != 0) code.iinc(BUDGET, unexecuted);
        code.loadConstant(at).istore(EXIT_AT).goto_(exit);
    }

    /// Lets the interpreter execute the instruction at `at`.
    void interpret(int at, int unexecuted) {
        code.aload(CPU).iconst_1().putfield(CPU_CLASS, "interpretNext", CD_boolean);
        leave(at, unexecuted);
    }

    /// Leaves if the instruction has stopped: after it if it completed (its store hit code), else at it.
    void leaveIfStopped(Site site) {
        Label stopped = code.newLabel();
        cpuField("stop", CD_int);
        code.ifne(stopped);
        later(() -> {
            code.labelBinding(stopped);
            stopped(site);
        });
    }

    private void stopped(Site site) {
        Label incomplete = code.newLabel();
        cpuField("stop", CD_int);
        code.iconst_1().if_icmpne(incomplete); // Cpu.LEAVE
        leave(site.node().end, site.rest() - 1);
        code.labelBinding(incomplete);
        leave(site.node().at, site.rest());
    }

    /// Where an instruction is: `rest` counts it and those after it in its piece.
    record Site(Piece.Node node, int rest) {}

    // Memory

    /// Leaves the memory operand's linear address in ADDRESS; without the segment's base for LEA.
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
        code.lstore(ADDRESS);
    }

    private void lookUp(int table, int bytes, Label miss) {
        code.lload(table).lload(ADDRESS).invokestatic(INLINE_CLASS, "entry", LONG_OF_LONGS).lstore(TLB_ENTRY);
        code.lload(TLB_ENTRY).lload(ADDRESS);
        if (bytes > 1) code.loadConstant((long) bytes - 1).ladd();
        code.invokestatic(INLINE_CLASS, "hit", MethodTypeDesc.of(CD_boolean, CD_long, CD_long)).ifeq(miss);
    }

    private void host() {
        code.lload(TLB_ENTRY).lload(ADDRESS).invokestatic(INLINE_CLASS, "host", LONG_OF_LONGS);
    }

    /// Loads `bytes` bytes at ADDRESS into the local `to`; `update` faults as a store would.
    void load(int bytes, int to, boolean update, Site site) {
        Label miss = code.newLabel();
        Label on = code.newLabel();
        lookUp(update ? WRITE_TABLE : READ_TABLE, bytes, miss);
        host();
        code.invokestatic(INLINE_CLASS, "get" + 8 * bytes, LONG_OF_LONG).lstore(to).labelBinding(on);
        later(() -> {
            code.labelBinding(miss).aload(CPU).lload(ADDRESS);
            code.invokestatic(MMU_CLASS, (update ? "update" : "load") + 8 * bytes, MethodTypeDesc.of(CD_long, CPU_CLASS, CD_long));
            code.lstore(to);
            cpuField("stop", CD_int);
            code.ifge(on);
            leave(site.node().at, site.rest());
        });
    }

    /// Stores the low `bytes` bytes of the local `from` at ADDRESS.
    void store(int bytes, int from, Site site) {
        store(bytes, from, site, () -> {});
    }

    /// The same for an instruction that does more once it has stored: `then`.
    void store(int bytes, int from, Site site, Runnable then) {
        Label miss = code.newLabel();
        Label on = code.newLabel();
        lookUp(WRITE_TABLE, bytes, miss);
        host();
        code.lload(from).invokestatic(INLINE_CLASS, "put" + 8 * bytes, MethodTypeDesc.of(CD_void, CD_long, CD_long)).labelBinding(on);
        then.run();
        later(() -> {
            code.labelBinding(miss).aload(CPU).lload(ADDRESS).lload(from);
            code.invokestatic(MMU_CLASS, "store" + 8 * bytes, MethodTypeDesc.of(CD_void, CPU_CLASS, CD_long, CD_long));
            cpuField("stop", CD_int);
            code.ifeq(on);
            Label faulted = code.newLabel();
            cpuField("stop", CD_int);
            code.iflt(faulted);
            then.run();
            leave(site.node().end, site.rest() - 1);
            code.labelBinding(faulted);
            leave(site.node().at, site.rest());
        });
    }

    /// Stores T0 as a return address at ADDRESS. A store that hits code leaves the call half done, with its target only known to the code
    /// that follows, so that is checked for before: the interpreter then executes the call.
    void storeReturn(Site site) {
        Label miss = code.newLabel();
        lookUp(WRITE_TABLE, 8, miss);
        host();
        code.lload(T0).invokestatic(INLINE_CLASS, "put64", MethodTypeDesc.of(CD_void, CD_long, CD_long));
        later(() -> {
            code.labelBinding(miss);
            interpret(site.node().at, site.rest());
        });
    }

    /// Loads 16 bytes at ADDRESS into two locals.
    void loadPair(int low, int high, Site site) {
        Label miss = code.newLabel();
        Label on = code.newLabel();
        lookUp(READ_TABLE, 16, miss);
        host();
        code.lstore(VALUE).lload(VALUE).invokestatic(INLINE_CLASS, "get64", LONG_OF_LONG).lstore(low);
        code.lload(VALUE).loadConstant(8L).ladd().invokestatic(INLINE_CLASS, "get64", LONG_OF_LONG).lstore(high).labelBinding(on);
        later(() -> {
            code.labelBinding(miss).aload(CPU).lload(ADDRESS);
            code.invokestatic(MMU_CLASS, "loadPair", MethodTypeDesc.of(CD_void, CPU_CLASS, CD_long));
            cpuField("t0", CD_long);
            code.lstore(low);
            cpuField("t1", CD_long);
            code.lstore(high);
            cpuField("stop", CD_int);
            code.ifge(on);
            leave(site.node().at, site.rest());
        });
    }

    void storePair(int low, int high, Site site) {
        Label miss = code.newLabel();
        Label on = code.newLabel();
        MethodTypeDesc put = MethodTypeDesc.of(CD_void, CD_long, CD_long);
        lookUp(WRITE_TABLE, 16, miss);
        host();
        code.lstore(VALUE).lload(VALUE).lload(low).invokestatic(INLINE_CLASS, "put64", put);
        code.lload(VALUE).loadConstant(8L).ladd().lload(high).invokestatic(INLINE_CLASS, "put64", put).labelBinding(on);
        later(() -> {
            code.labelBinding(miss).aload(CPU).lload(ADDRESS).lload(low).lload(high);
            code.invokestatic(MMU_CLASS, "storePair", MethodTypeDesc.of(CD_void, CPU_CLASS, CD_long, CD_long, CD_long));
            cpuField("stop", CD_int);
            code.ifeq(on);
            stopped(site);
        });
    }

    /// Loads 32 bytes at ADDRESS into T0 to T3, by the interpreter where they are not in one page that is known.
    void loadFour(Site site) {
        Label miss = code.newLabel();
        lookUp(READ_TABLE, 32, miss);
        host();
        code.lstore(VALUE);
        for (int h = 0; h < 4; h++) {
            code.lload(VALUE).loadConstant(8L * h).ladd().invokestatic(INLINE_CLASS, "get64", LONG_OF_LONG).lstore(T0 + 2 * h);
        }
        leaveToInterpreter(miss, site);
    }

    /// Stores the YMM register `n` in the same way.
    void storeFour(int n, Site site) {
        Label miss = code.newLabel();
        lookUp(WRITE_TABLE, 32, miss);
        host();
        code.lstore(VALUE);
        for (int h = 0; h < 4; h++) {
            code.lload(VALUE).loadConstant(8L * h).ladd();
            half(n, h);
            code.invokestatic(INLINE_CLASS, "put64", MethodTypeDesc.of(CD_void, CD_long, CD_long));
        }
        leaveToInterpreter(miss, site);
    }

    private void leaveToInterpreter(Label from, Site site) {
        later(() -> {
            code.labelBinding(from);
            interpret(site.node().at, site.rest());
        });
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

    /// Lets the interpreter raise the fault of an operand that is not aligned to 16 bytes.
    void checkAligned(Site site) {
        checkAligned(16, site);
    }

    void checkAligned(int bytes, Site site) {
        Label unaligned = code.newLabel();
        code.lload(ADDRESS).l2i().bipush(bytes - 1).iand().ifne(unaligned);
        later(() -> {
            code.labelBinding(unaligned);
            interpret(site.node().at, site.rest());
        });
    }
}
