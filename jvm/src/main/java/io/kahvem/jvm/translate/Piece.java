package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.semantics.Hints;
import io.kahvem.jvm.semantics.Move;
import io.kahvem.jvm.semantics.Stack;
import io.kahvem.jvm.semantics.Transfer;
import java.lang.classfile.Label;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A basic block of a region: instructions entered only at the first.
final class Piece {
    /// An instruction at `at` bytes from the region's first byte.
    static final class Node {
        final Decoded d;
        final int at;
        final int end;

        /// Whether a later instruction, or whoever handles a fault, may see the flags after it.
        boolean flagsLive = true;

        /// What it accesses by its memory operand, and on the stack, as far as regions have code of their own for it.
        final @Nullable Access operand;

        final @Nullable Access stack;

        Node(Decoded d, int at) {
            this.d = d;
            this.at = at;
            this.end = at + d.length;
            this.operand = Access.ofOperand(this);
            this.stack = Access.ofStack(this);
        }

        Op.Kind kind() {
            return d.row.op.kind();
        }

        String name() {
            return d.row.op.name();
        }

        /// NOP of any length, and XCHG of the accumulator with itself, which is one.
        boolean doesNothing() {
            return is(Hints.class, "nop") || is(Move.class, "nop") || is(Move.class, "xchgAccumulator") && d.registers[0] == Cpu.RAX;
        }

        /// LEAVE with all of RBP.
        boolean isLeave() {
            return is(Stack.class, "leave") && d.size == 3;
        }

        /// Whether regions have code for it although it takes the whole instruction.
        boolean emittedHere() {
            return VectorMoves.inline(this) || FloatCode.inline(this) || isLeave() || doesNothing();
        }

        boolean is(Class<?> owner, String name) {
            return d.row.op.method().getDeclaringClass() == owner && name().equals(name);
        }
    }

    final int at;
    final List<Node> nodes = new ArrayList<>();

    /// Successors inside the region: by falling through (or returning from a call), and by the last instruction's jump or call, where
    /// it goes there if it is an indirect call.
    @Nullable Piece next;

    @Nullable Piece taken;

    /// Reached by a jump backwards.
    boolean loopHead;

    /// The number of its entry, or -1.
    int entry = -1;

    /// The lazy flags at its start.
    Flow.@Nullable State flagsIn;

    /// Registers that may differ from the CPU's at its start: bit n for general register n, bit 16 + n for XMM register n.
    long dirtyIn;

    @Nullable Label label;

    Piece(int at) {
        this.at = at;
    }

    Node last() {
        return nodes.getLast();
    }

    int end() {
        return last().end;
    }

    /// Whether it ends with a call of a function, which may be at a place that is only known at run time.
    boolean calls() {
        return last().is(Transfer.class, "call") || callsIndirectly();
    }

    boolean callsIndirectly() {
        return last().is(Transfer.class, "callIndirect");
    }

    /// Whether it looks at flags that were set before it.
    boolean looksAtFlags() {
        for (Node node : nodes) {
            if (node.d.row.seesFlags()) return true;
            if (node.d.setsAllFlags()) return false;
        }
        return false;
    }

    /// Where the last instruction jumps to, if it is a relative branch.
    long target() {
        return last().end + last().d.imm;
    }
}
