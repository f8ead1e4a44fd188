package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.interpret.Spinner.Place;
import io.kahvem.jvm.semantics.Bits;
import io.kahvem.jvm.semantics.ControlRegisters;
import io.kahvem.jvm.semantics.Cpuid;
import io.kahvem.jvm.semantics.FlagControl;
import io.kahvem.jvm.semantics.Hints;
import io.kahvem.jvm.semantics.ModelSpecific;
import io.kahvem.jvm.semantics.Move;
import io.kahvem.jvm.semantics.MulDiv;
import io.kahvem.jvm.semantics.Stack;
import io.kahvem.jvm.semantics.Strings;
import io.kahvem.jvm.semantics.sse.Avx;
import io.kahvem.jvm.semantics.sse.Lanes;
import io.kahvem.jvm.semantics.sse.SaveArea;
import io.kahvem.jvm.semantics.x87.X87;
import java.util.Set;

/// Which registers and flags an instruction touches. Sets of registers are masks: bit n for general register n, bit 16 + n for XMM register
/// n; upper halves of YMM registers are always in the CPU. For operations that take the whole instruction this errs on the side of too
/// many.
///
/// @param reads registers whose values it may use
/// @param writes registers it may change
/// @param flags what it does with the arithmetic flags, for whole operations
record Effects(long reads, long writes, FlagUse flags) {
    enum FlagUse {
        /// Neither reads nor writes them.
        NONE,
        /// Writes all six once it can no longer fault.
        WRITES,
        /// Reads or changes some.
        READS
    }

    static final long GENERAL = 0xffff;
    static final long VECTOR = 0xffff_0000L;

    private static final long RAX = 1 << Cpu.RAX;
    private static final long RCX = 1 << Cpu.RCX;
    private static final long RDX = 1 << Cpu.RDX;
    private static final long RBX = 1 << Cpu.RBX;
    private static final long RSP = 1 << Cpu.RSP;
    private static final long RBP = 1 << Cpu.RBP;
    private static final long RSI = 1 << Cpu.RSI;
    private static final long RDI = 1 << Cpu.RDI;
    private static final long XMM0 = 1 << 16;

    private static final String SSE = Lanes.class.getPackageName();
    private static final String X87_PACKAGE = X87.class.getPackageName();

    /// Operations of the SSE package that touch the flags.
    private static final Set<String> SSE_COMPARES = Set.of("ucomiss", "ucomisd", "comiss", "comisd", "ptest", "pcmpestrm", "pcmpestri",
            "pcmpistrm", "pcmpistri", "testps", "testpd");

    static Effects of(Piece.Node node) {
        Decoded d = node.d;
        long address = d.memory ? bit(d.base) | bit(d.index) : 0;
        return switch (node.kind()) {
            case UPDATE, COMPUTE, CONSUME -> value(node, address);
            case WHOLE -> whole(node, address);
            case BRANCH -> new Effects(RCX | RSP, RCX | RSP, FlagUse.NONE);
            case CONTROL -> new Effects(address | bit(d.rm) | RSP, RSP, FlagUse.NONE);
            default -> {
                long vectors = xmm(d.reg) | xmm(d.rm) | xmm(d.vvvv);
                yield new Effects(address | vectors, vectors, FlagUse.NONE);
            }
        };
    }

    private static Effects value(Piece.Node node, long address) {
        Decoded d = node.d;
        long reads = address;
        long writes = 0;
        for (int i = 0; i < d.operands; i++) {
            Place place = d.places[i];
            if (place == Place.COUNT) reads |= RCX;
            if (place.compareTo(Place.HIGH8) > 0) continue;
            reads |= bit(d.registers[i]);
            if (i == 0 && node.kind() != Op.Kind.CONSUME) writes |= bit(d.registers[0]);
        }
        Class<?> owner = d.row.op.method().getDeclaringClass();
        if (owner == MulDiv.class && node.kind() == Op.Kind.CONSUME || node.is(Move.class, "extendDouble")) {
            reads |= RAX | RDX;
            writes |= RAX | RDX;
        }
        if (owner == Stack.class) {
            reads |= RSP;
            writes |= RSP;
        }
        return new Effects(reads, writes, FlagUse.NONE);
    }

    private static Effects whole(Piece.Node node, long address) {
        Decoded d = node.d;
        String name = node.name();
        Class<?> owner = d.row.op.method().getDeclaringClass();
        long named = bit(d.reg) | (d.memory ? 0 : bit(d.rm));
        if (d.size == 0) named |= named >> 4 & 0xf; // AH to BH are numbered 4 to 7
        if (owner == SaveArea.class) return new Effects(GENERAL | VECTOR, VECTOR, FlagUse.NONE);
        if (VectorMoves.inline(node)) return move(node, address);
        if (FloatCode.compares(node)) return new Effects(address | xmm(d.reg) | (d.memory ? 0 : xmm(d.rm)), 0, FlagUse.WRITES);
        if (FloatCode.toDouble(node)) return new Effects(address | named | xmm(d.reg), xmm(d.reg), FlagUse.NONE);
        if (FloatCode.toInteger(node)) return new Effects(address | xmm(d.rm) | bit(d.reg), bit(d.reg), FlagUse.NONE);
        if (owner.getPackageName().equals(SSE)) {
            long vectors = xmm(d.reg) | xmm(d.rm) | xmm(d.vvvv) | XMM0;
            if (owner == Avx.class && (name.equals("vzeroall") || name.startsWith("gather"))) vectors = VECTOR; // the index is one, too
            if (d.vex && name.contains("blendv")) vectors |= xmm((int) d.imm >> 4 & 15);
            boolean compares = SSE_COMPARES.contains(name);
            long implied = compares || name.startsWith("mask") ? RAX | RCX | RDX | RDI : 0;
            return new Effects(address | named | vectors | implied, named | vectors | implied, compares ? FlagUse.WRITES : FlagUse.NONE);
        }
        if (owner.getPackageName().equals(X87_PACKAGE)) {
            boolean flags = name.contains("comi") || name.startsWith("fcmov");
            return new Effects(address | RAX, RAX, flags ? FlagUse.READS : FlagUse.NONE);
        }
        if (owner == Move.class) {
            return switch (name) {
                case "nop" -> new Effects(0, 0, FlagUse.NONE);
                case "xchg" -> new Effects(address | named, named, FlagUse.NONE);
                case "xchgAccumulator" -> {
                    long both = RAX | bit(d.registers[0]);
                    yield new Effects(both, both, FlagUse.NONE);
                }
                case "xlat" -> new Effects(RAX | RBX, RAX, FlagUse.NONE);
                case "xadd", "cmpxchg" -> new Effects(address | named | RAX, named | RAX, FlagUse.WRITES);
                default -> new Effects(address | RAX | RBX | RCX | RDX, RAX | RDX, FlagUse.READS); // CMPXCHG8B
            };
        }
        if (owner == Strings.class) {
            long both = RSI | RDI | RCX | RAX;
            return new Effects(both, both, name.equals("scas") || name.equals("cmps") ? FlagUse.READS : FlagUse.NONE);
        }
        if (owner == Bits.class) return new Effects(address | named, named, FlagUse.READS);
        if (owner == Stack.class && name.equals("leave")) return new Effects(RSP | RBP, RSP | RBP, FlagUse.NONE);
        if (owner == Hints.class) return new Effects(address, 0, FlagUse.NONE);
        if (owner == Cpuid.class) return new Effects(RAX | RCX, RAX | RBX | RCX | RDX, FlagUse.NONE);
        if (owner == ModelSpecific.class && name.startsWith("rd")) return new Effects(RCX, RAX | RCX | RDX, FlagUse.NONE);
        if (owner == ControlRegisters.class || owner == FlagControl.class) return system(name, d);
        return new Effects(GENERAL, GENERAL, FlagUse.READS);
    }

    /// What kernels execute in their hottest code, exactly: each register that may be changed has to be loaded after it.
    private static Effects system(String name, Decoded d) {
        return switch (name) {
            case "swapgs", "clts", "cli", "sti", "cld", "std", "clac", "stac" -> new Effects(0, 0, FlagUse.NONE);
            case "rdfsbase", "rdgsbase", "movFromControl" -> new Effects(0, bit(d.rm), FlagUse.NONE);
            case "wrfsbase", "wrgsbase" -> new Effects(bit(d.rm), 0, FlagUse.NONE);
            case "pushf" -> new Effects(RSP, RSP, FlagUse.READS);
            case "clc", "stc", "cmc" -> new Effects(0, 0, FlagUse.READS);
            default -> new Effects(GENERAL, GENERAL, FlagUse.READS);
        };
    }

    private static Effects move(Piece.Node node, long address) {
        Decoded d = node.d;
        long other = d.memory ? 0 : node.name().startsWith("movd") && !node.name().equals("movddup") ? bit(d.rm) : xmm(d.rm);
        boolean toOther = VectorMoves.stores(node);
        return new Effects(address | xmm(d.reg) | other, toOther ? other : xmm(d.reg), FlagUse.NONE);
    }

    private static long bit(int register) {
        return register < 16 ? 1L << register : 0;
    }

    private static long xmm(int register) {
        return 1L << 16 + register;
    }
}
