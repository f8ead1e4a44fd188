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
        /// Vector operations: a method `long f([Cpu, [Insn,]] long first, long second)` on 64-bit halves of registers, called for the low
        /// halves and for the high halves. With `Cpu` it may note SIMD floating-point exceptions. PACKED: XMM registers, the second
        /// operand aligned in memory.
        PACKED("packed"),
        PACKED_MMX("mmx"),
        /// As PACKED, but the result's low half comes from the halves of the first operand, its high half from those of the second.
        HORIZONTAL("packed"),
        /// The second argument is the low half of the second operand, for both halves.
        SHIFT("count"),
        /// The register is ModRM r/m, the second argument the immediate.
        SHIFT_IMMEDIATE("immediate"),
        SHIFT_IMMEDIATE_MMX("immediateMmx"),
        /// The low 32 bits of the low half, the low half.
        SCALAR32("scalar32"),
        SCALAR64("scalar64"),
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
