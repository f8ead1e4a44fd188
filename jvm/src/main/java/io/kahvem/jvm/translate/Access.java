package io.kahvem.jvm.translate;

import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.interpret.Spinner.Place;
import io.kahvem.jvm.semantics.Stack;
import io.kahvem.jvm.semantics.Transfer;
import io.kahvem.jvm.translate.Windows.Window;
import org.jspecify.annotations.Nullable;

/// An access to memory that a region has its own code for: by an instruction's memory operand, or to the stack.
final class Access {
    final int bytes;
    final boolean write;

    /// Has to be aligned to so many bytes, and is not known to be; 1 for any place.
    int alignment;

    /// What it shares its look-up in the TLB with, and where it is by the window's account; null for none.
    @Nullable Window window;

    long at;

    /// Looks the window up.
    boolean opens;

    private Access(int bytes, boolean write, int alignment) {
        this.bytes = bytes;
        this.write = write;
        this.alignment = alignment;
    }

    /// By the memory operand, or null.
    static @Nullable Access ofOperand(Piece.Node node) {
        Decoded d = node.d;
        if (!d.memory) return null;
        return switch (node.kind()) {
            case UPDATE, COMPUTE, CONSUME -> ofValue(node);
            case WHOLE -> VectorMoves.inline(node) ? VectorMoves.access(node) : FloatCode.inline(node) ? ofConversion(node) : null;
            case CONTROL -> node.is(Transfer.class, "jmpIndirect") || node.is(Transfer.class, "callIndirect") ? of(8, false) : null;
            default -> VectorCode.inline(node.kind()) ? ofVector(node) : null;
        };
    }

    private static @Nullable Access ofValue(Piece.Node node) {
        Decoded d = node.d;
        for (int i = 0; i < d.operands; i++) {
            Place place = d.places[i];
            if (place.isMemory()) return of(place.bytes(), i == 0 && node.kind() != Op.Kind.CONSUME);
        }
        return null;
    }

    private static Access ofConversion(Piece.Node node) {
        return of(FloatCode.toDouble(node) && node.d.size != 3 ? 4 : 8, false);
    }

    private static Access ofVector(Piece.Node node) {
        Op.Kind kind = node.kind();
        if (kind.scalar()) return of(kind.source.equals("scalar32") ? 4 : 8, false);
        if (!kind.vex()) return of(16, false, 16);
        return of(node.d.vl256 && kind != Op.Kind.VEX_SHIFT ? 32 : 16, false);
    }

    /// To the stack, or null.
    static @Nullable Access ofStack(Piece.Node node) {
        if (node.is(Transfer.class, "call") || node.is(Transfer.class, "callIndirect")) return of(8, true);
        if (node.is(Transfer.class, "ret") || node.isLeave()) return of(8, false);
        boolean push = node.is(Stack.class, "push");
        return push || node.is(Stack.class, "pop") ? of(node.d.size == 3 ? 8 : 2, push) : null;
    }

    static Access of(int bytes, boolean write) {
        return of(bytes, write, 1);
    }

    static Access of(int bytes, boolean write, int alignment) {
        return new Access(bytes, write, alignment);
    }
}
