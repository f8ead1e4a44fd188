package io.kahvem.jvm.translate;

import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.semantics.sse.Moves;
import java.lang.classfile.CodeBuilder;
import java.util.Set;

/// Emits the moves between XMM registers and memory that are frequent enough to be worth their own code; what they do is
/// [Moves]'s.
final class VectorMoves {
    private static final Set<String> LOADS =
            Set.of("load", "loadAligned", "lddqu", "movss", "movsd", "movq", "movlps", "movhps", "movddup");
    private static final Set<String> STORES = Set.of("store", "storeAligned", "storeNonTemporal", "movssStore", "movsdStore", "movqStore",
            "storeLow", "storeHigh");
    private static final Set<String> MEMORY_ONLY = Set.of("movlpd", "movhpd", "storeLow", "storeHigh", "storeNonTemporal", "lddqu");
    /// With VEX those that are plain moves, and those that are with a memory operand.
    private static final Set<String> VEX = Set.of("load", "loadAligned", "store", "storeAligned", "movq", "movqStore", "movd", "movdStore");

    /// Those that VEX.L makes moves of 256 bits.
    private static final Set<String> WIDE = Set.of("load", "loadAligned", "lddqu", "store", "storeAligned", "storeNonTemporal");

    private static final Set<String> UNALIGNED = Set.of("load", "lddqu", "store");
    private static final Set<String> VEX_MEMORY = Set.of("lddqu", "storeNonTemporal", "movss", "movsd", "movssStore", "movsdStore");
    private static final long LOW32 = 0xffff_ffffL;

    private final Code out;
    private final CodeBuilder code;

    VectorMoves(Code out) {
        this.out = out;
        this.code = out.code;
    }

    /// Whether the instruction is one of those.
    static boolean inline(Piece.Node node) {
        if (node.kind() != Op.Kind.WHOLE || node.d.row.op.method().getDeclaringClass() != Moves.class) return false;
        String name = node.name();
        if (node.d.vex) return VEX.contains(name) || node.d.memory && VEX_MEMORY.contains(name);
        if (MEMORY_ONLY.contains(name) && !node.d.memory) return false;
        return LOADS.contains(name) || STORES.contains(name) || name.equals("movlpd") || name.equals("movhpd") || name.equals("movd")
                || name.equals("movdStore");
    }

    /// Whether the register of ModRM.reg is the source.
    static boolean stores(Piece.Node node) {
        return STORES.contains(node.name()) || node.name().equals("movdStore");
    }

    /// What it accesses; it has a memory operand.
    static Access access(Piece.Node node) {
        String name = node.name();
        boolean write = stores(node);
        if (WIDE.contains(name)) {
            int bytes = node.d.vl256 ? 32 : 16;
            return Access.of(bytes, write, UNALIGNED.contains(name) ? 1 : bytes);
        }
        if (name.startsWith("movss")) return Access.of(4, write);
        boolean word = (name.equals("movd") || name.equals("movdStore")) && node.d.size != 3;
        return Access.of(word ? 4 : 8, write);
    }

    void emit(Piece.Node node) {
        boolean toMemory = node.d.memory && stores(node);
        if (node.d.vl256 && WIDE.contains(node.name())) {
            move256(node);
        } else if (STORES.contains(node.name())) {
            store(node);
        } else if (node.name().equals("movd")) {
            movd(node);
        } else if (node.name().equals("movdStore")) {
            movdStore(node);
        } else {
            load(node);
        }
        if (node.d.vex && !toMemory && !node.name().equals("movdStore") && !(node.d.vl256 && WIDE.contains(node.name()))) {
            int n = STORES.contains(node.name()) ? node.d.rm : node.d.reg;
            for (int half = 2; half < 4; half++) out.putHalf(n, half, code::lconst_0);
        }
    }

    private void move256(Piece.Node node) {
        boolean store = STORES.contains(node.name());
        int to = store ? node.d.rm : node.d.reg;
        int from = store ? node.d.reg : node.d.rm;
        if (!node.d.memory) {
            for (int half = 0; half < 4; half++) {
                int h = half;
                out.putHalf(to, h, () -> out.half(from, h));
            }
            return;
        }
        if (store) {
            out.storeFour(from, node);
            return;
        }
        out.loadFour(node);
        for (int half = 0; half < 4; half++) {
            int local = Code.T0 + 2 * half;
            out.putHalf(to, half, () -> code.lload(local));
        }
    }

    private void load(Piece.Node node) {
        int low = Code.vector(node.d.reg, 0);
        int high = Code.vector(node.d.reg, 1);
        int fromLow = Code.vector(node.d.rm, 0);
        int fromHigh = Code.vector(node.d.rm, 1);
        boolean memory = node.d.memory;
        switch (node.name()) {
            case "load", "lddqu", "loadAligned" -> {
                if (!memory) {
                    copy(fromLow, low);
                    copy(fromHigh, high);
                    return;
                }
                out.loadPair(Code.T0, Code.T1, node);
                copy(Code.T0, low);
                copy(Code.T1, high);
            }
            case "movss" -> {
                if (memory) {
                    out.load(Code.T0, node);
                    copy(Code.T0, low);
                    zero(high);
                } else {
                    code.lload(low).loadConstant(~LOW32).land().lload(fromLow).loadConstant(LOW32).land().lor().lstore(low);
                }
            }
            case "movsd" -> {
                half(memory, fromLow, node);
                copy(Code.T0, low);
                if (memory) zero(high);
            }
            case "movq" -> {
                half(memory, fromLow, node);
                copy(Code.T0, low);
                zero(high);
            }
            case "movddup" -> {
                half(memory, fromLow, node);
                copy(Code.T0, low);
                copy(Code.T0, high);
            }
            case "movlps", "movlpd" -> {
                half(memory, fromHigh, node);
                copy(Code.T0, low);
            }
            default -> { // movhps, movhpd
                half(memory, fromLow, node);
                copy(Code.T0, high);
            }
        }
    }

    /// Leaves 8 bytes of memory, or the local `register`, in T0.
    private void half(boolean memory, int register, Piece.Node node) {
        if (memory) {
            out.load(Code.T0, node);
        } else {
            copy(register, Code.T0);
        }
    }

    private void store(Piece.Node node) {
        int low = Code.vector(node.d.reg, 0);
        int high = Code.vector(node.d.reg, 1);
        int toLow = Code.vector(node.d.rm, 0);
        int toHigh = Code.vector(node.d.rm, 1);
        boolean memory = node.d.memory;
        switch (node.name()) {
            case "store", "storeAligned", "storeNonTemporal" -> {
                if (!memory) {
                    copy(low, Code.T0);
                    copy(high, Code.T1);
                    copy(Code.T0, toLow);
                    copy(Code.T1, toHigh);
                    return;
                }
                out.storePair(low, high, node);
            }
            case "movssStore" -> {
                if (memory) {
                    out.store(low, node);
                } else {
                    code.lload(toLow).loadConstant(~LOW32).land().lload(low).loadConstant(LOW32).land().lor().lstore(toLow);
                }
            }
            case "movsdStore" -> {
                if (memory) {
                    out.store(low, node);
                } else {
                    copy(low, toLow);
                }
            }
            case "movqStore" -> {
                if (memory) {
                    out.store(low, node);
                } else {
                    copy(low, toLow);
                    zero(toHigh);
                }
            }
            case "storeLow" -> out.store(low, node);
            default -> out.store(high, node);
        }
    }

    private void movd(Piece.Node node) {
        if (node.d.memory) {
            out.load(Code.T0, node);
            code.lload(Code.T0);
        } else {
            code.lload(Code.general(node.d.rm));
            if (node.d.size != 3) code.loadConstant(LOW32).land();
        }
        code.lstore(Code.vector(node.d.reg, 0));
        zero(Code.vector(node.d.reg, 1));
    }

    private void movdStore(Piece.Node node) {
        int low = Code.vector(node.d.reg, 0);
        if (node.d.memory) {
            out.store(low, node);
            return;
        }
        code.lload(low);
        if (node.d.size != 3) code.loadConstant(LOW32).land();
        code.lstore(Code.general(node.d.rm));
    }

    private void copy(int from, int to) {
        code.lload(from).lstore(to);
    }

    private void zero(int local) {
        code.lconst_0().lstore(local);
    }
}
