package io.kahvem.jvm.decode;

import java.lang.reflect.Method;
import java.util.Arrays;

/// An operation: a static method of a class in `semantics`, and how operands reach it.
///
/// The method's parameters say most of it: `Cpu`, then for value operations `int form` and a `long` for each operand it reads, or for whole
/// operations `Insn`, from which it takes its operands itself.
///
/// @param kind how operands reach the method
/// @param method the method itself
public record Op(Kind kind, String name, Method method) {
    public enum Kind {
        /// `long f(Cpu, int form, long first, ...)`: reads all operands, the result replaces the first.
        UPDATE,
        /// `long f(Cpu, int form, long second, ...)`: the result is written to the first operand, which is not read.
        COMPUTE,
        /// `void f(Cpu, int form, long first, ...)`: reads operands, writes none (CMP, PUSH).
        CONSUME,
        /// `boolean f(Cpu)`: a condition; the instruction jumps relatively when it holds. Ends the block.
        BRANCH,
        /// `void f(Cpu, Insn)`: does everything itself. RIP still stands at the block's start.
        WHOLE,
        /// Vector operations: a method `long f([Cpu,] [Insn,] [int half,] long first, long second)` on 64-bit halves of registers, called
        /// for the low halves and for the high halves. With `Cpu` it may note SIMD floating-point exceptions; `half` is the number of the
        /// result's half, 0 to 3, always a constant. PACKED: XMM registers, the second operand aligned in memory.
        PACKED("packed"),
        PACKED_MMX("mmx"),
        /// As PACKED, but the result's low half comes from the halves of the first operand, its high half from those of the second.
        HORIZONTAL("packed"),
        /// As PACKED, but each half of the result comes from both halves of both operands.
        CROSS("packed"),
        /// The second argument is the low half of the second operand, for both halves.
        SHIFT("count"),
        /// The register is ModRM r/m, the second argument the immediate.
        SHIFT_IMMEDIATE("immediate"),
        SHIFT_IMMEDIATE_MMX("immediateMmx"),
        /// The low 32 bits of the low half, the low half.
        SCALAR32("scalar32"),
        SCALAR64("scalar64"),
        /// The same with a VEX prefix: the first operand is VEX.vvvv (ModRM r/m for an immediate shift, which writes to VEX.vvvv), two
        /// halves or, by VEX.L, four; memory operands at any alignment; what is above the result is cleared up to bit 255, after a scalar
        /// operation bits 32 or 64 to 127 are the first operand's. HORIZONTAL and CROSS go by 128-bit lanes.
        VEX_PACKED("vexPacked"),
        VEX_HORIZONTAL("vexPacked"),
        VEX_CROSS("vexPacked"),
        VEX_SHIFT("count"),
        VEX_SHIFT_IMMEDIATE("immediate"),
        VEX_SCALAR32("scalar32"),
        VEX_SCALAR64("scalar64"),
        /// Three operands, `long f(Cpu, [int half,] long first, long second, long third)`, in the order of the name's digits: operand 1 is
        /// ModRM.reg, which is written, 2 is VEX.vvvv, 3 is ModRM r/m.
        VEX_FUSED132("vexPacked"),
        VEX_FUSED213("vexPacked"),
        VEX_FUSED231("vexPacked"),
        VEX_FUSED132_SCALAR32("scalar32"),
        VEX_FUSED213_SCALAR32("scalar32"),
        VEX_FUSED231_SCALAR32("scalar32"),
        VEX_FUSED132_SCALAR64("scalar64"),
        VEX_FUSED213_SCALAR64("scalar64"),
        VEX_FUSED231_SCALAR64("scalar64"),
        /// As WHOLE, but `r[RIP]` has been moved to the next instruction, which the method may change; ends the block.
        CONTROL;

        /// The method of [io.kahvem.jvm.semantics.sse.Lanes] that fetches a vector operation's second operand; empty for the other kinds.
        public final String source;

        Kind() {
            this("");
        }

        Kind(String source) {
            this.source = source;
        }

        public boolean vector() {
            return !source.isEmpty();
        }

        public boolean vex() {
            return compareTo(VEX_PACKED) >= 0 && compareTo(VEX_FUSED231_SCALAR64) <= 0;
        }

        /// Of a VEX kind: the low 32 or 64 bits only.
        public boolean scalar() {
            return source.startsWith("scalar");
        }
    }

    static Op of(Kind kind, Class<?> owner, String name) {
        Method[] found = Arrays.stream(owner.getDeclaredMethods())
                .filter(m -> m.getName().equals(name) && java.lang.reflect.Modifier.isPublic(m.getModifiers()))
                .toArray(Method[]::new);
        if (found.length != 1) throw new AssertionError(owner.getName() + " has " + found.length + " public methods " + name);
        return new Op(kind, name, found[0]);
    }

    public static Op update(Class<?> owner, String name) {
        return of(Kind.UPDATE, owner, name);
    }

    public static Op compute(Class<?> owner, String name) {
        return of(Kind.COMPUTE, owner, name);
    }

    public static Op consume(Class<?> owner, String name) {
        return of(Kind.CONSUME, owner, name);
    }

    public static Op branch(Class<?> owner, String name) {
        return of(Kind.BRANCH, owner, name);
    }

    public static Op whole(Class<?> owner, String name) {
        return of(Kind.WHOLE, owner, name);
    }

    public static Op control(Class<?> owner, String name) {
        return of(Kind.CONTROL, owner, name);
    }

    /// One of the vector kinds.
    public static Op vector(Kind kind, Class<?> owner, String name) {
        return of(kind, owner, name);
    }

    /// Whether the instruction is the last of its block.
    public boolean endsBlock() {
        return kind == Kind.BRANCH || kind == Kind.CONTROL;
    }
}
