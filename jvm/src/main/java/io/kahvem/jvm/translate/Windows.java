package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.interpret.Spinner.Place;
import io.kahvem.jvm.semantics.Arith;
import io.kahvem.jvm.semantics.Move;
import io.kahvem.jvm.semantics.Stack;
import io.kahvem.jvm.semantics.Transfer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Which accesses to memory share a look-up in the TLB: pushes, the fields of a structure, what is on a stack's frame. The first of them
/// looks for all the bytes that they touch together, a *window*, and leaves the native address in a local.
///
/// Addresses are near each other when they are the same values of registers plus constants, which is followed through moves, additions of
/// constants, pushes and pops. A window is there where every way comes from the access that opened it, and nothing since may have changed
/// the TLB: no loop, no entry, no call, no operation that takes the whole instruction. Other vCPUs change it only while this one asks for
/// its budget, or is in such an operation.
///
/// A window in two pages has no look-up: its first access then leaves to the interpreter, each time ([Region#crossed]).
final class Windows {
    /// The largest window: one of a stack's frame is in two pages about as often as this is part of a page.
    private static final int MOST_BYTES = 512;

    /// Bytes that several accesses are to, as offsets from a value that only its accesses' addresses know.
    static final class Window {
        private final Key key;

        /// Its accesses may be stores; what may be stored to can be loaded, too.
        final boolean write;

        private long low;
        private long high;
        private int uses;
        private final int firstPiece;
        private int lastPiece;

        /// Has the native address of the first byte.
        int local;

        Window(Key key, boolean write, Access first, int piece) {
            this.key = key;
            this.write = write;
            this.low = first.at;
            this.high = first.at + first.bytes;
            this.firstPiece = piece;
        }

        private boolean holds(Key other, Access access) {
            return key.equals(other) && (write || !access.write)
                    && Math.max(high, access.at + access.bytes) - Math.min(low, access.at) <= MOST_BYTES;
        }

        /// The offset of the last byte from the first.
        int last() {
            return (int) (high - low - 1);
        }

        /// How far into it the access is.
        int offset(Access access) {
            return (int) (access.at - low);
        }
    }

    /// What an address is, a constant aside: a sum of values, of which each has a number, and of a segment's base.
    private record Key(int base, int index, int scale, int segment) {}

    private static final int NOTHING = 0;
    private static final int REGION = 1;

    /// What is known at a point.
    private static final class State {
        /// Each general register's value, and what was added to it.
        final int[] value = new int[16];

        final long[] offset = new long[16];

        /// The windows there are; for each, where in it something is known to be aligned, and to how many bytes.
        final Map<Window, Aligned> windows = new LinkedHashMap<>();

        State copy() {
            State copy = new State();
            System.arraycopy(value, 0, copy.value, 0, 16);
            System.arraycopy(offset, 0, copy.offset, 0, 16);
            copy.windows.putAll(windows);
            return copy;
        }
    }

    private record Aligned(int to, long at) {
        static final Aligned NOT = new Aligned(1, 0);

        boolean covers(Access access) {
            return to >= access.alignment && (access.at - at & access.alignment - 1) == 0;
        }
    }

    private int values = REGION;
    private int pieceNumber;
    private final List<Access> all = new ArrayList<>();
    private final List<Window> opened = new ArrayList<>();

    private Windows() {}

    /// Notes in the instructions of `plan` what they share; locals are numbered from `firstLocal` on.
    static void find(Plan plan, int firstLocal) {
        Windows these = new Windows();
        these.follow(plan);
        these.assign(firstLocal);
    }

    private void follow(Plan plan) {
        Map<Piece, List<State>> incoming = new HashMap<>();
        Set<Piece> unknown = new HashSet<>(plan.entries);
        unknown.addAll(plan.returnSites);
        unknown.addAll(plan.jumpTargets);
        for (Piece piece : plan.pieces) {
            if (piece.taken != null && piece.taken.at <= piece.at) unknown.add(piece.taken);
            if (piece.next != null && !fallsThrough(piece)) unknown.add(piece.next);
        }
        for (Piece piece : plan.pieces) {
            State state = unknown.contains(piece) ? unknown() : meet(incoming.getOrDefault(piece, List.of()));
            for (Piece.Node node : piece.nodes) visit(node, state);
            for (Piece to : new Piece[] {piece.taken, piece.next}) {
                if (to != null) incoming.computeIfAbsent(to, p -> new ArrayList<>()).add(state);
            }
            pieceNumber++;
        }
    }

    /// Whether nothing happens between the piece and the next.
    private static boolean fallsThrough(Piece piece) {
        Op.Kind kind = piece.last().kind();
        return !piece.calls() && kind != Op.Kind.CONTROL && !(kind == Op.Kind.WHOLE && piece.last().d.row.endsBlock());
    }

    private State unknown() {
        State state = new State();
        for (int n = 0; n < 16; n++) state.value[n] = ++values;
        return state;
    }

    private State meet(List<State> states) {
        if (states.isEmpty()) return unknown();
        State met = states.getFirst().copy();
        for (State other : states.subList(1, states.size())) {
            for (int n = 0; n < 16; n++) {
                if (met.value[n] != other.value[n] || met.offset[n] != other.offset[n]) set(met, n, ++values, 0);
            }
            met.windows.keySet().retainAll(other.windows.keySet());
            met.windows.replaceAll((window, aligned) -> aligned.equals(other.windows.get(window)) ? aligned : Aligned.NOT);
        }
        return met;
    }

    private void visit(Piece.Node node, State state) {
        Decoded d = node.d;
        if (node.operand != null) use(node.operand, state, operandKey(d, state), operandOffset(node, state));
        if (node.stack != null) {
            int register = node.isLeave() ? Cpu.RBP : Cpu.RSP;
            long below = node.stack.write ? node.stack.bytes : 0;
            use(node.stack, state, new Key(state.value[register], NOTHING, 0, Cpu.ZERO), state.offset[register] - below);
        }
        if (node.kind() == Op.Kind.WHOLE && !node.emittedHere()) state.windows.clear();
        change(node, state);
    }

    private static Key operandKey(Decoded d, State state) {
        int base = d.base == Cpu.RIP ? REGION : d.base < 16 ? state.value[d.base] : NOTHING;
        return new Key(base, d.index < 16 ? state.value[d.index] : NOTHING, d.index < 16 ? d.scale : 0, d.segmentBase);
    }

    private static long operandOffset(Piece.Node node, State state) {
        Decoded d = node.d;
        long base = d.base == Cpu.RIP ? node.end : d.base < 16 ? state.offset[d.base] : 0;
        return base + d.disp + (d.index < 16 ? state.offset[d.index] << d.scale : 0);
    }

    private void use(Access access, State state, Key key, long at) {
        access.at = at;
        Window window = null;
        for (Window there : state.windows.keySet()) {
            if (there.holds(key, access)) window = there;
        }
        if (window == null) {
            window = new Window(key, access.write, access, pieceNumber);
            access.opens = true;
            opened.add(window);
            state.windows.put(window, Aligned.NOT);
        }
        window.low = Math.min(window.low, at);
        window.high = Math.max(window.high, at + access.bytes);
        window.uses++;
        window.lastPiece = pieceNumber;
        access.window = window;
        all.add(access);
        if (access.alignment == 1) return;
        if (state.windows.getOrDefault(window, Aligned.NOT).covers(access)) {
            access.alignment = 1;
        } else {
            state.windows.put(window, new Aligned(access.alignment, at));
        }
    }

    private void set(State state, int register, int value, long offset) {
        state.value[register] = value;
        state.offset[register] = offset;
    }

    private void add(State state, int register, long more) {
        state.offset[register] += more;
    }

    /// What the instruction does with the registers.
    private void change(Piece.Node node, State state) {
        Decoded d = node.d;
        if (node.kind() == Op.Kind.BRANCH && !node.is(Transfer.class, "call")) {
            if (Flow.condition(node) < 0 && !node.is(Transfer.class, "always")) set(state, Cpu.RCX, ++values, 0);
            return;
        }
        if (node.stack != null && node.stack.write) { // PUSH and CALL
            add(state, Cpu.RSP, -node.stack.bytes);
            return;
        }
        if (node.isLeave()) {
            set(state, Cpu.RSP, state.value[Cpu.RBP], state.offset[Cpu.RBP] + 8);
            set(state, Cpu.RBP, ++values, 0);
            return;
        }
        if (node.is(Stack.class, "pop") && node.stack != null) {
            add(state, Cpu.RSP, node.stack.bytes);
            set(state, d.registers[0], ++values, 0);
            return;
        }
        int to = d.registers[0];
        boolean sets = d.operands > 0 && d.places[0] == Place.REG64 && !d.lock;
        boolean constant = d.operands == 2 && d.places[1] == Place.IMMEDIATE;
        boolean moves = sets && node.is(Move.class, "mov");
        if (sets && constant && node.is(Arith.class, "add")) {
            add(state, to, d.imm);
        } else if (sets && constant && node.is(Arith.class, "sub")) {
            add(state, to, -d.imm);
        } else if (sets && node.is(Arith.class, "inc")) {
            add(state, to, 1);
        } else if (sets && node.is(Arith.class, "dec")) {
            add(state, to, -1);
        } else if (moves && d.places[1] == Place.REG64) {
            set(state, to, state.value[d.registers[1]], state.offset[d.registers[1]]);
        } else if (moves && d.places[1] == Place.ADDRESS && d.index >= 16 && d.addressMask == -1 && d.base != Cpu.ZERO) {
            set(state, to, operandKey(d, state).base, operandOffset(node, state));
        } else {
            long written = Effects.of(node).writes() & Effects.GENERAL;
            for (int n = 0; n < 16; n++) {
                if ((written >> n & 1) != 0) set(state, n, ++values, 0);
            }
        }
    }

    /// Gives windows their locals, and lets go those that nothing is shared in.
    private void assign(int firstLocal) {
        for (Access access : all) {
            if (access.window != null && access.window.uses < 2) access.window = null;
        }
        List<Integer> until = new ArrayList<>(); // the last piece that needs the local
        for (Window window : opened) {
            if (window.uses < 2) continue;
            int n = 0;
            while (n < until.size() && until.get(n) >= window.firstPiece) n++;
            if (n == until.size()) {
                until.add(window.lastPiece);
            } else {
                until.set(n, window.lastPiece);
            }
            window.local = firstLocal + 2 * n;
        }
    }
}
