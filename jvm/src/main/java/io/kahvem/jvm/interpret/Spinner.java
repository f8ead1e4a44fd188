package io.kahvem.jvm.interpret;

import static java.lang.classfile.ClassFile.ACC_FINAL;
import static java.lang.classfile.ClassFile.ACC_PUBLIC;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.jvm.semantics.sse.Lanes;
import io.kahvem.jvm.semantics.sse.Mxcsr;
import io.kahvem.jvm.semantics.x87.X87;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Makes the classes of instructions: one hidden class for each combination of operation, form and places of operands that guests are found
/// to use.
///
/// An `exec` is: address, loads, the operation's method, store, `next.exec(c, r)`, with a return wherever a fault may have been noted. One
/// spinner serves all vCPUs of a virtual machine; any thread.
public final class Spinner {
    /// Where an operand is: a general register by size, AH to BH, memory by size, an address that is only computed, the immediate, the
    /// constants 1 and CL.
    public enum Place {
        REG8, REG16, REG32, REG64, HIGH8, MEM8, MEM16, MEM32, MEM64, ADDRESS, IMMEDIATE, ONE, COUNT;

        public static Place register(int log2Size) {
            return values()[REG8.ordinal() + log2Size];
        }

        public static Place memory(int log2Size) {
            return values()[MEM8.ordinal() + log2Size];
        }

        public boolean isMemory() {
            return compareTo(MEM8) >= 0 && compareTo(MEM64) <= 0;
        }

        boolean isRegister() {
            return compareTo(HIGH8) <= 0;
        }

        /// Bytes of a memory operand.
        public int bytes() {
            return 1 << ordinal() - MEM8.ordinal();
        }
    }

    /// How the memory operand's address is made: base and displacement alone, the whole formula, the formula with segment checks.
    public enum Addressing {
        NONE, BASE, FULL, CHECKED
    }

    /// `form` of a vector operation on 256 bits.
    static final int VL256 = 1;

    /// What distinguishes one class from another. `form` is 0 for operations that take the whole instruction, 0 or [#VL256] for vector
    /// operations.
    public record Shape(Op op, int form, List<Place> places, Addressing addressing, boolean lock, boolean mayFault) {}

    private static final ClassDesc INSN = ClassDesc.of(Insn.class.getName());
    private static final ClassDesc BRANCH = ClassDesc.of(Branch.class.getName());
    private static final ClassDesc BLOCK = ClassDesc.of(Block.class.getName());
    private static final ClassDesc CPU = ClassDesc.of(Cpu.class.getName());
    private static final ClassDesc MMU = ClassDesc.of(Mmu.class.getName());
    private static final ClassDesc LANES = ClassDesc.of(Lanes.class.getName());
    private static final ClassDesc MXCSR = ClassDesc.of(Mxcsr.class.getName());
    private static final ClassDesc X87 = ClassDesc.of(X87.class.getName());
    private static final ClassDesc LONGS = ConstantDescs.CD_long.arrayType();
    private static final MethodTypeDesc EXEC = MethodTypeDesc.of(BLOCK, CPU, LONGS);
    private static final MethodTypeDesc FETCH = MethodTypeDesc.of(ConstantDescs.CD_boolean, CPU, INSN);
    private static final MethodTypeDesc FRESH = MethodTypeDesc.of(INSN);
    private static final MethodTypeDesc STOPPED = MethodTypeDesc.of(BLOCK, CPU);
    private static final MethodTypeDesc PUT = MethodTypeDesc.of(ConstantDescs.CD_void, LONGS, ConstantDescs.CD_int, ConstantDescs.CD_long);

    // Local variables of exec.
    private static final int THIS = 0;
    private static final int CPU_VAR = 1;
    private static final int REGS = 2;
    private static final int ADDRESS = 3;
    private static final int RESULT = 5;
    private static final int OPERANDS = 7;
    private static final int SAVED_FLAGS = 13;

    private final MethodHandles.Lookup lookup = MethodHandles.lookup();
    private final Map<Shape, Insn> prototypes = new ConcurrentHashMap<>();

    /// A new instruction of the class for `shape`.
    public Insn make(Shape shape) {
        Insn prototype = prototypes.get(shape);
        if (prototype == null) {
            Insn spun = spin(shape);
            Insn raced = prototypes.putIfAbsent(shape, spun);
            prototype = raced == null ? spun : raced;
        }
        return prototype.fresh();
    }

    /// How many classes were made so far.
    public int classes() {
        return prototypes.size();
    }

    private Insn spin(Shape shape) {
        byte[] bytes = classFile(shape);
        try {
            MethodHandles.Lookup hidden = lookup.defineHiddenClass(bytes, true);
            return (Insn) hidden.findConstructor(hidden.lookupClass(), java.lang.invoke.MethodType.methodType(void.class)).invoke();
        } catch (Throwable t) {
            throw new AssertionError("class for " + shape, t);
        }
    }

    /// The class as bytes, for [#make] and for tests that review what is generated.
    byte[] classFile(Shape shape) {
        ClassDesc self = ClassDesc.of(Insn.class.getPackageName() + ".Insn_" + shape.op().name());
        ClassDesc superclass = shape.op().kind() == Op.Kind.BRANCH ? BRANCH : INSN;
        return ClassFile.of().build(self, cb -> cb.withFlags(ACC_PUBLIC | ACC_FINAL)
                .withSuperclass(superclass)
                .withMethodBody(ConstantDescs.INIT_NAME, ConstantDescs.MTD_void, ACC_PUBLIC, code -> code.aload(THIS)
                        .invokespecial(superclass, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                        .return_())
                .withMethodBody("fresh", FRESH, 0, code -> code.new_(self)
                        .dup()
                        .invokespecial(self, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void)
                        .areturn())
                .withMethodBody("exec", EXEC, ACC_PUBLIC, code -> new Emitter(code, shape).emit()));
    }

    /// Writes one `exec`.
    private record Emitter(CodeBuilder code, Shape shape) {
        void emit() {
            switch (shape.op().kind()) {
                case WHOLE -> {
                    call();
                    leaveIfStopped();
                    next();
                }
                case CONTROL -> control();
                case BRANCH -> branch();
                case UPDATE, COMPUTE, CONSUME -> value();
                case PACKED, PACKED_MMX, HORIZONTAL, CROSS, SHIFT, SHIFT_IMMEDIATE, SHIFT_IMMEDIATE_MMX, SCALAR32, SCALAR64 -> vector();
                case VEX_PACKED, VEX_HORIZONTAL, VEX_CROSS, VEX_SHIFT, VEX_SHIFT_IMMEDIATE, VEX_SCALAR32, VEX_SCALAR64, VEX_FUSED132,
                        VEX_FUSED213, VEX_FUSED231, VEX_FUSED132_SCALAR32, VEX_FUSED213_SCALAR32, VEX_FUSED231_SCALAR32,
                        VEX_FUSED132_SCALAR64, VEX_FUSED213_SCALAR64, VEX_FUSED231_SCALAR64 -> vex();
            }
        }

        /// Fetches the second operand into `c.t0` and `c.t1`, applies the lane function to one or both halves, settles exceptions, stores.
        private void vector() {
            code.aload(CPU_VAR).aload(THIS).invokestatic(LANES, shape.op().kind().source, FETCH);
            leaveIfFalse();
            String register = shape.op().kind() == Op.Kind.SHIFT_IMMEDIATE ? "rm" : "reg";
            switch (shape.op().kind()) {
                case PACKED_MMX, SHIFT_IMMEDIATE_MMX -> {
                    String mmx = shape.op().kind() == Op.Kind.PACKED_MMX ? "reg" : "rm";
                    arguments(0);
                    code.aload(CPU_VAR).getfield(CPU, "fpu", X87);
                    code.aload(THIS).getfield(INSN, mmx, ConstantDescs.CD_byte).bipush(7).iand();
                    code.invokevirtual(X87, "mmx", MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_int));
                    source(0);
                    result(0);
                    settle();
                    code.aload(CPU_VAR).aload(THIS).getfield(INSN, mmx, ConstantDescs.CD_byte).lload(RESULT);
                    code.invokestatic(LANES, "putMmx",
                            MethodTypeDesc.of(ConstantDescs.CD_void, CPU, ConstantDescs.CD_int, ConstantDescs.CD_long));
                    next();
                    return;
                }
                case HORIZONTAL -> horizontal("reg", 0);
                case CROSS -> cross("reg", 2);
                case SCALAR32 -> {
                    packed("reg", 1, true);
                    settle();
                    putHalf("reg", 0, () -> {
                        half("reg", 0);
                        code.loadConstant(-1L << 32).land().lload(RESULT).loadConstant(0xffff_ffffL).land().lor();
                    });
                    next();
                    return;
                }
                case SCALAR64 -> {
                    packed("reg", 1, true);
                    settle();
                    putHalf("reg", 0, () -> code.lload(RESULT));
                    next();
                    return;
                }
                default -> packed(register, 2, true);
            }
            settle();
            for (int h = 0; h < 2; h++) putResult(register, h);
            next();
        }

        /// The same for VEX-encoded operations, whose halves are two or four.
        private void vex() {
            code.aload(CPU_VAR).aload(THIS).invokestatic(LANES, shape.op().kind().source, FETCH);
            leaveIfFalse();
            int halves = shape.op().kind().scalar() ? 1 : shape.form() == VL256 ? 4 : 2;
            String destination = "reg";
            String first = "vvvv"; // of a scalar operation also where bits up to 127 come from
            switch (shape.op().kind()) {
                case VEX_HORIZONTAL -> {
                    for (int lane = 0; lane < halves; lane += 2) horizontal("vvvv", lane);
                }
                case VEX_CROSS -> cross("vvvv", halves);
                case VEX_SHIFT -> packed("vvvv", halves, false);
                case VEX_SHIFT_IMMEDIATE -> {
                    packed("rm", halves, false);
                    destination = "vvvv";
                }
                case VEX_FUSED132, VEX_FUSED132_SCALAR32, VEX_FUSED132_SCALAR64 -> {
                    for (int h = 0; h < halves; h++) {
                        arguments(h);
                        half("reg", h);
                        source(h);
                        half("vvvv", h);
                        result(h);
                    }
                    first = "reg";
                }
                case VEX_FUSED213, VEX_FUSED213_SCALAR32, VEX_FUSED213_SCALAR64 -> {
                    for (int h = 0; h < halves; h++) {
                        arguments(h);
                        half("vvvv", h);
                        half("reg", h);
                        source(h);
                        result(h);
                    }
                    first = "reg";
                }
                case VEX_FUSED231, VEX_FUSED231_SCALAR32, VEX_FUSED231_SCALAR64 -> {
                    for (int h = 0; h < halves; h++) {
                        arguments(h);
                        half("vvvv", h);
                        source(h);
                        half("reg", h);
                        result(h);
                    }
                    first = "reg";
                }
                default -> packed("vvvv", halves, true);
            }
            settle();
            if (halves == 1) {
                String merged = first;
                boolean single = shape.op().kind().source.equals("scalar32");
                putHalf("reg", 0, () -> {
                    if (single) {
                        half(merged, 0);
                        code.loadConstant(-1L << 32).land().lload(RESULT).loadConstant(0xffff_ffffL).land().lor();
                    } else {
                        code.lload(RESULT);
                    }
                });
                putHalf("reg", 1, () -> half(merged, 1));
            } else {
                for (int h = 0; h < halves; h++) putResult(destination, h);
            }
            for (int h = Math.max(halves, 2); h < 4; h++) putHalf(destination, h, code::lconst_0);
            next();
        }

        /// The lane function on the same halves of the register and the source, or for each half on the source's lowest.
        private void packed(String register, int halves, boolean each) {
            for (int h = 0; h < halves; h++) {
                arguments(h);
                half(register, h);
                source(each ? h : 0);
                result(h);
            }
        }

        private void horizontal(String register, int lane) {
            arguments(lane);
            half(register, lane);
            half(register, lane + 1);
            result(lane);
            arguments(lane + 1);
            source(lane);
            source(lane + 1);
            result(lane + 1);
        }

        private void cross(String register, int halves) {
            for (int h = 0; h < halves; h++) {
                arguments(h);
                half(register, h & 2);
                half(register, h | 1);
                source(h & 2);
                source(h | 1);
                result(h);
            }
        }

        /// Pushes what a lane function takes before its operands.
        private void arguments(int half) {
            for (Class<?> parameter : shape.op().method().getParameterTypes()) {
                if (parameter == Cpu.class) code.aload(CPU_VAR);
                if (parameter == Insn.class) code.aload(THIS);
                if (parameter == int.class) code.loadConstant(half);
            }
        }

        private void result(int half) {
            invoke();
            code.lstore(RESULT + 2 * half);
        }

        private void putResult(String register, int half) {
            putHalf(register, half, () -> code.lload(RESULT + 2 * half));
        }

        /// Pushes a half of the fetched operand.
        private void source(int half) {
            source("t" + half);
        }

        private void source(String field) {
            code.aload(CPU_VAR).getfield(CPU, field, ConstantDescs.CD_long);
        }

        /// Pushes a half of a register that a field of the instruction names.
        private void half(String register, int half) {
            xmmIndex(register, half);
            code.laload();
        }

        private void putHalf(String register, int half, Runnable value) {
            xmmIndex(register, half);
            value.run();
            code.lastore();
        }

        private void xmmIndex(String register, int half) {
            code.aload(CPU_VAR).getfield(CPU, "xmm", LONGS);
            code.aload(THIS).getfield(INSN, register, ConstantDescs.CD_byte).iconst_1().ishl();
            int offset = (half & 1) + (half >> 1) * Cpu.YMM;
            if (offset != 0) code.loadConstant(offset).iadd();
        }

        /// After lane functions that may note SIMD floating-point exceptions.
        private void settle() {
            if (!List.of(shape.op().method().getParameterTypes()).contains(Cpu.class)) return;
            code.aload(CPU_VAR).invokestatic(MXCSR, "settle", MethodTypeDesc.of(ConstantDescs.CD_boolean, CPU));
            leaveIfFalse();
        }

        private void leaveIfFalse() {
            Label on = code.newLabel();
            code.ifne(on);
            leave();
            code.labelBinding(on);
        }

        private void control() {
            code.aload(THIS).aload(REGS).invokevirtual(INSN, "enterControl", MethodTypeDesc.of(ConstantDescs.CD_void, LONGS));
            call();
            code.aload(THIS).aload(CPU_VAR).invokevirtual(INSN, "leaveControl", STOPPED).areturn();
        }

        private void branch() {
            code.aload(THIS).aload(CPU_VAR).aload(REGS);
            call();
            code.invokevirtual(BRANCH, "go", MethodTypeDesc.of(BLOCK, CPU, LONGS, ConstantDescs.CD_boolean)).areturn();
        }

        private void value() {
            List<Place> places = shape.places();
            boolean writes = shape.op().kind() != Op.Kind.CONSUME;
            boolean readsFirst = shape.op().kind() != Op.Kind.COMPUTE;
            address(writes && places.getFirst().isMemory());
            Label retry = code.newLabel();
            if (shape.lock()) {
                saveFlags();
                code.labelBinding(retry);
                restoreFlags();
            }
            for (int i = readsFirst ? 0 : 1; i < places.size(); i++) {
                load(places.get(i), i, writes && i == 0);
                code.lstore(OPERANDS + 2 * i);
            }
            code.aload(CPU_VAR).loadConstant(shape.form());
            for (int i = readsFirst ? 0 : 1; i < places.size(); i++) code.lload(OPERANDS + 2 * i);
            invoke();
            if (writes) code.lstore(RESULT);
            if (shape.mayFault()) leaveIfStopped();
            if (writes) store(places.getFirst(), retry);
            next();
        }

        /// Computes the memory operand's address, if there is one.
        private void address(boolean write) {
            switch (shape.addressing()) {
                case NONE -> {}
                case BASE -> {
                    code.aload(REGS).aload(THIS).getfield(INSN, "base", ConstantDescs.CD_byte).laload();
                    code.aload(THIS).getfield(INSN, "disp", ConstantDescs.CD_long).ladd().lstore(ADDRESS);
                }
                case FULL -> {
                    if (shape.places().contains(Place.ADDRESS)) {
                        code.aload(THIS).aload(CPU_VAR);
                        code.invokevirtual(INSN, "offset", MethodTypeDesc.of(ConstantDescs.CD_long, CPU));
                    } else {
                        code.aload(THIS).aload(REGS);
                        code.invokestatic(INSN, "linear", MethodTypeDesc.of(ConstantDescs.CD_long, INSN, LONGS));
                    }
                    code.lstore(ADDRESS);
                }
                case CHECKED -> {
                    Place memory = shape.places().stream().filter(Place::isMemory).findFirst().orElseThrow();
                    code.aload(THIS).aload(CPU_VAR).loadConstant(memory.bytes()).loadConstant(write ? 1 : 0);
                    code.invokevirtual(INSN, "address",
                            MethodTypeDesc.of(ConstantDescs.CD_long, CPU, ConstantDescs.CD_int, ConstantDescs.CD_boolean));
                    code.lstore(ADDRESS);
                    leaveIfFaulted();
                }
            }
        }

        private void load(Place place, int operand, boolean update) {
            switch (place) {
                case REG8, REG16, REG32, REG64 -> register(operand);
                case HIGH8 -> {
                    register(operand);
                    code.bipush(8).lushr();
                }
                case MEM8, MEM16, MEM32, MEM64 -> {
                    code.aload(CPU_VAR).lload(ADDRESS);
                    code.invokestatic(MMU, (update ? "update" : "load") + 8 * place.bytes(),
                            MethodTypeDesc.of(ConstantDescs.CD_long, CPU, ConstantDescs.CD_long));
                    leaveIfFaulted();
                }
                case ADDRESS -> code.lload(ADDRESS);
                case IMMEDIATE -> code.aload(THIS).getfield(INSN, "imm", ConstantDescs.CD_long);
                case ONE -> code.lconst_1();
                case COUNT -> code.aload(REGS).iconst_1().laload();
            }
        }

        private void register(int operand) {
            code.aload(REGS).aload(THIS).getfield(INSN, "op" + operand, ConstantDescs.CD_byte).laload();
        }

        private void store(Place place, Label retry) {
            switch (place) {
                case REG8 -> put("put8");
                case REG16 -> put("put16");
                case REG32 -> put("put32");
                case REG64 -> code.aload(REGS).aload(THIS).getfield(INSN, "op0", ConstantDescs.CD_byte).lload(RESULT).lastore();
                case HIGH8 -> put("putHigh8");
                case MEM8, MEM16, MEM32, MEM64 -> {
                    if (shape.lock()) {
                        code.aload(CPU_VAR).lload(ADDRESS).loadConstant(place.bytes()).lload(OPERANDS).lload(RESULT);
                        code.invokestatic(MMU, "compareAndSet", MethodTypeDesc.of(ConstantDescs.CD_boolean, CPU, ConstantDescs.CD_long,
                                ConstantDescs.CD_int, ConstantDescs.CD_long, ConstantDescs.CD_long));
                        code.ifeq(retry);
                    } else {
                        code.aload(CPU_VAR).lload(ADDRESS).lload(RESULT);
                        code.invokestatic(MMU, "store" + 8 * place.bytes(),
                                MethodTypeDesc.of(ConstantDescs.CD_void, CPU, ConstantDescs.CD_long, ConstantDescs.CD_long));
                    }
                    leaveIfStopped();
                }
                case ADDRESS, IMMEDIATE, ONE, COUNT -> throw new AssertionError(shape + " writes to " + place);
            }
        }

        private void put(String method) {
            code.aload(REGS).aload(THIS).getfield(INSN, "op0", ConstantDescs.CD_byte).lload(RESULT).invokestatic(INSN, method, PUT);
        }

        /// Calls the operation's method; for value operations the arguments are on the stack already ([#invoke]).
        private void call() {
            code.aload(CPU_VAR);
            if (shape.op().method().getParameterCount() == 2) code.aload(THIS);
            invoke();
        }

        private void invoke() {
            var method = shape.op().method();
            MethodTypeDesc type = java.lang.invoke.MethodType.methodType(method.getReturnType(), method.getParameterTypes())
                    .describeConstable()
                    .orElseThrow();
            code.invokestatic(method.getDeclaringClass().describeConstable().orElseThrow(), method.getName(), type);
        }

        /// A locked operation may run its method several times, which must see the same flags each time.
        private void saveFlags() {
            int slot = SAVED_FLAGS;
            for (String flag : List.of("flagResult", "flagCarry", "flagAux")) {
                code.aload(CPU_VAR).getfield(CPU, flag, ConstantDescs.CD_long).lstore(slot);
                slot += 2;
            }
        }

        private void restoreFlags() {
            int slot = SAVED_FLAGS;
            for (String flag : List.of("flagResult", "flagCarry", "flagAux")) {
                code.aload(CPU_VAR).lload(slot).putfield(CPU, flag, ConstantDescs.CD_long);
                slot += 2;
            }
        }

        private void leaveIfFaulted() {
            Label on = code.newLabel();
            code.aload(CPU_VAR).getfield(CPU, "stop", ConstantDescs.CD_int).ifge(on);
            leave();
            code.labelBinding(on);
        }

        private void leaveIfStopped() {
            Label on = code.newLabel();
            code.aload(CPU_VAR).getfield(CPU, "stop", ConstantDescs.CD_int).ifeq(on);
            leave();
            code.labelBinding(on);
        }

        private void leave() {
            code.aload(THIS).aload(CPU_VAR).invokevirtual(INSN, "stopped", STOPPED).areturn();
        }

        private void next() {
            code.aload(THIS).getfield(INSN, "next", INSN).aload(CPU_VAR).aload(REGS).invokevirtual(INSN, "exec", EXEC).areturn();
        }
    }
}
