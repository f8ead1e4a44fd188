package io.kahvem.jvm.translate;

import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.interpret.Spinner.Place;
import io.kahvem.jvm.semantics.Arith;
import io.kahvem.jvm.semantics.Bits;
import io.kahvem.jvm.semantics.Condition;
import io.kahvem.jvm.semantics.Form;
import io.kahvem.jvm.semantics.Logic;
import io.kahvem.jvm.semantics.MulDiv;
import io.kahvem.jvm.semantics.Shift;
import io.kahvem.jvm.semantics.Transfer;
import io.kahvem.jvm.semantics.sse.Floats;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What is known about flags and registers at each point of a region.
///
/// **Lazy flags.** An instruction that sets all six flags only leaves its operands behind and the number of its [Kind]; whoever needs the
/// flags as the [io.kahvem.jvm.cpu.Cpu] keeps them executes the operation's own method again. INC, DEC and the bit tests, which set
/// some flags only, lie over that as an overlay. The numbers are ordinary variables of the generated code; where they are the same on every
/// way to a point, they are also known here, and a condition can look at the operands directly.
final class Flow {
    /// A way to set flags: an operation of a form. `carry` operations take the carry flag beside their operands.
    record Kind(Op op, int form, int operands, boolean carry) {
        int size() {
            return form & Form.SIZE;
        }

        boolean is(Class<?> owner, String name) {
            return op.method().getDeclaringClass() == owner && op.name().equals(name);
        }

        /// A comparison by subtraction of its second operand from its first.
        boolean subtracts() {
            return is(Arith.class, "sub") || is(Arith.class, "cmp");
        }

        /// AND, OR, XOR or TEST, of which only the result is left behind.
        boolean logic() {
            return op.method().getDeclaringClass() == Logic.class;
        }

        /// SHL, SHR or SAR.
        boolean shift() {
            return is(Shift.class, "shl") || is(Shift.class, "shr") || is(Shift.class, "sar");
        }

        boolean rotates() {
            return is(Shift.class, "rol") || is(Shift.class, "ror");
        }

        /// COMISD and UCOMISD.
        boolean comparesDoubles() {
            return equals(COMPARED);
        }

        /// ZF and SF are those of the result, which is simple to have again.
        boolean resultTells() {
            return op.method().getDeclaringClass() == Arith.class || logic() || shift();
        }
    }

    /// A comparison of doubles, whose operands are left behind as they count.
    private static final Kind COMPARED = new Kind(Op.consume(Floats.class, "compareFlags"), 0, 2, false);

    static final int IN_CPU = 0;
    static final int UNKNOWN = -1;

    /// The numbers of the kinds that made the flags, [#IN_CPU] (for an overlay: none) or [#UNKNOWN].
    record State(int base, int overlay) {
        static final State CPU = new State(IN_CPU, IN_CPU);
        static final State ANY = new State(UNKNOWN, UNKNOWN);

        State meet(State other) {
            return new State(base == other.base ? base : UNKNOWN, overlay == other.overlay ? overlay : UNKNOWN);
        }
    }

    /// How an instruction's flags are made.
    enum Setting {
        /// It touches none, or none that anyone will see.
        NONE,
        /// All six, lazily.
        LAZY,
        /// All six, lazily, unless its count in CL is 0.
        LAZY_BY_COUNT,
        /// All but CF, as an overlay.
        STEP,
        /// CF alone, as an overlay.
        BIT,
        /// CF and OF, as an overlay.
        ROTATE,
        /// At once, in the CPU, from flags in the CPU.
        EAGER,
        /// At once, in the CPU, whatever they were.
        EAGER_ALL
    }

    final List<Kind> kinds = new ArrayList<>();
    private final Map<Kind, Integer> numbers = new HashMap<>();
    private final Plan plan;

    /// Registers kept in local variables.
    long cached;

    /// Registers that some instruction of the region writes.
    long written;

    Flow(Plan plan) {
        this.plan = plan;
        kinds.add(new Kind(Op.update(Arith.class, "add"), 0, 0, false)); // number 0 is no kind
        liveness();
        registers();
        states();
    }

    Kind kind(int number) {
        return kinds.get(number);
    }

    int number(Kind kind) {
        return numbers.computeIfAbsent(kind, k -> {
            kinds.add(k);
            return kinds.size() - 1;
        });
    }

    static Kind kindOf(Piece.Node node) {
        if (FloatCode.compares(node)) return COMPARED;
        Decoded d = node.d;
        boolean compute = node.kind() == Op.Kind.COMPUTE;
        boolean carry = node.is(Arith.class, "adc") || node.is(Arith.class, "sbb");
        return new Kind(d.row.op, form(node) & ~Form.FLAGS_DEAD, d.operands - (compute ? 1 : 0), carry);
    }

    static int form(Piece.Node node) {
        return node.d.size | Form.CODE64;
    }

    static Setting setting(Piece.Node node) {
        Decoded d = node.d;
        switch (node.kind()) {
            case UPDATE, COMPUTE, CONSUME -> {
                if (!d.row.writesFlags() || !node.flagsLive) return Setting.NONE;
                Class<?> owner = d.row.op.method().getDeclaringClass();
                boolean wide = owner == MulDiv.class && node.kind() == Op.Kind.CONSUME;
                if (wide) return Setting.EAGER_ALL;
                if (d.setsAllFlags()) return Setting.LAZY;
                String name = node.name();
                if (owner == Arith.class && (name.equals("inc") || name.equals("dec"))) return Setting.STEP;
                if (owner == Bits.class && name.startsWith("bt") && d.places[d.operands - 1] == Place.IMMEDIATE) return Setting.BIT;
                boolean shift = owner == Shift.class && (name.equals("shl") || name.equals("shr") || name.equals("sar"));
                if (shift && d.places[1] == Place.COUNT) return Setting.LAZY_BY_COUNT;
                if (rotation(node) != 0) return Setting.ROTATE;
                return Setting.EAGER;
            }
            case WHOLE -> {
                if (FloatCode.compares(node)) return Setting.LAZY;
                return switch (Effects.of(node).flags()) {
                    case NONE -> Setting.NONE;
                    case WRITES -> Setting.EAGER_ALL;
                    case READS -> Setting.EAGER;
                };
            }
            default -> {
                return Setting.NONE;
            }
        }
    }

    /// By how many bits ROL or ROR rotates, where that is known and not 0; else 0.
    static int rotation(Piece.Node node) {
        if (!node.is(Shift.class, "rol") && !node.is(Shift.class, "ror")) return 0;
        return switch (node.d.places[1]) {
            case ONE -> 1;
            case IMMEDIATE -> (int) node.d.imm & (node.d.size == 3 ? 63 : 31);
            default -> 0;
        };
    }

    /// The number of the condition a value operation or branch depends on, or -1.
    static int condition(Piece.Node node) {
        if (node.d.row.op.method().getDeclaringClass() != Condition.class) return -1;
        String name = node.name();
        String cc = name.startsWith("cmov") ? name.substring(4) : name.startsWith("set") ? name.substring(3) : name;
        return Arrays.asList(Condition.NAMES).indexOf(cc);
    }

    /// Whether condition `cc` can be told from the operands left behind, without making the flags.
    boolean direct(int cc, State state) {
        if (state.base == IN_CPU && state.overlay == IN_CPU) return true;
        if (state.overlay == UNKNOWN) return false;
        int what = cc >> 1;
        if (state.overlay != IN_CPU) {
            Kind overlay = kind(state.overlay);
            boolean step = overlay.op.method().getDeclaringClass() == Arith.class;
            if (overlay.rotates()) return (what == 2 || what == 4) && direct(cc, new State(state.base, IN_CPU));
            if (!step) return what == 1 || what != 3 && direct(cc, new State(state.base, IN_CPU));
            return switch (what) {
                case 1 -> direct(cc, new State(state.base, IN_CPU));
                case 2, 4 -> true;
                case 6, 7 -> overlay.is(Arith.class, "dec");
                default -> false;
            };
        }
        if (state.base == UNKNOWN) return false;
        if (state.base == IN_CPU) return true;
        Kind base = kind(state.base);
        return switch (what) {
            case 1 -> base.subtracts() || base.logic() || base.is(Arith.class, "add") || base.comparesDoubles();
            case 2 -> base.resultTells() || base.comparesDoubles();
            case 3 -> base.subtracts() || base.logic() || base.comparesDoubles();
            case 4 -> base.resultTells();
            case 5 -> base.comparesDoubles();
            case 6, 7 -> base.subtracts() || base.logic();
            default -> false;
        };
    }

    /// Whether the carry flag can be told from the operands left behind.
    boolean directCarry(State state) {
        if (state.overlay == UNKNOWN || state.base == UNKNOWN) return false;
        if (state.overlay != IN_CPU) {
            if (kind(state.overlay).op.method().getDeclaringClass() == Bits.class) return true;
            if (kind(state.overlay).rotates()) return false;
        }
        if (state.base == IN_CPU) return true;
        Kind base = kind(state.base);
        return base.logic() || base.subtracts() || base.carry() || base.is(Arith.class, "add");
    }

    /// The state after `node`.
    State after(Piece.Node node, State state) {
        int cc = condition(node);
        if (cc >= 0) return direct(cc, state) ? state : State.CPU;
        return switch (setting(node)) {
            case NONE -> readsEagerly(node) ? State.CPU : state;
            case LAZY -> new State(number(kindOf(node)), IN_CPU);
            case LAZY_BY_COUNT -> {
                number(kindOf(node));
                yield new State(UNKNOWN, state.overlay == IN_CPU ? IN_CPU : UNKNOWN);
            }
            case STEP, BIT, ROTATE -> new State(overlayFits(node, state) ? state.base : IN_CPU, number(kindOf(node)));
            case EAGER, EAGER_ALL -> State.CPU;
        };
    }

    /// Whether an operation needs the flags in the CPU although it sets none.
    private static boolean readsEagerly(Piece.Node node) {
        if (node.kind() == Op.Kind.BRANCH) return node.is(Transfer.class, "loope") || node.is(Transfer.class, "loopne");
        boolean value = node.kind() == Op.Kind.UPDATE || node.kind() == Op.Kind.COMPUTE || node.kind() == Op.Kind.CONSUME;
        return value && node.d.row.seesFlags() && !node.is(Arith.class, "adc") && !node.is(Arith.class, "sbb");
    }

    /// An overlay may replace one that sets the same flags.
    boolean overlayFits(Piece.Node node, State state) {
        if (state.overlay == IN_CPU) return true;
        return state.overlay != UNKNOWN
                && kind(state.overlay).op.method().getDeclaringClass() == node.d.row.op.method().getDeclaringClass();
    }

    /// Backwards: where flags may be seen by a later instruction, by a fault's handler or by what follows the region.
    private void liveness() {
        Map<Piece, Boolean> liveIn = new HashMap<>();
        boolean changed = true;
        while (changed) {
            changed = false;
            for (int p = plan.pieces.size() - 1; p >= 0; p--) {
                Piece piece = plan.pieces.get(p);
                boolean live = liveOut(piece, liveIn);
                for (int n = piece.nodes.size() - 1; n >= 0; n--) {
                    Piece.Node node = piece.nodes.get(n);
                    node.flagsLive = live || node.d.storesResult();
                    if (node.d.setsAllFlags()) live = false;
                    if (node.d.row.seesFlags() || node.d.mayFault()) live = true;
                }
                if (!Boolean.valueOf(live).equals(liveIn.put(piece, live))) changed = true;
            }
        }
    }

    private static boolean liveOut(Piece piece, Map<Piece, Boolean> liveIn) {
        Piece.Node last = piece.last();
        boolean jumps = last.kind() == Op.Kind.BRANCH;
        if (jumps && (last.is(Transfer.class, "call") || piece.taken == null) || last.kind() == Op.Kind.CONTROL) return true;
        boolean falls = !last.is(Transfer.class, "always");
        boolean live = jumps && liveIn.getOrDefault(piece.taken, false);
        if (falls) live |= piece.next == null || liveIn.getOrDefault(piece.next, false);
        return live;
    }

    private void registers() {
        for (Piece piece : plan.pieces) {
            for (Piece.Node node : piece.nodes) {
                Effects effects = Effects.of(node);
                written |= effects.writes();
                boolean here = node.kind() != Op.Kind.WHOLE || node.emittedHere();
                if (here) cached |= effects.reads() | effects.writes();
            }
        }
        boolean changed = true;
        while (changed) {
            changed = false;
            for (Piece piece : plan.pieces) {
                long dirty = piece.dirtyIn;
                for (Piece.Node node : piece.nodes) dirty |= Effects.of(node).writes();
                changed |= spread(piece.taken, dirty) | spread(piece.next, dirty);
                for (Piece to : indirect(piece)) changed |= spread(to, dirty);
            }
        }
    }

    /// Where in the region a return or an indirect jump at the end of `piece` may go.
    private List<Piece> indirect(Piece piece) {
        if (piece.last().is(Transfer.class, "ret")) return plan.returnSites;
        return piece.last().is(Transfer.class, "jmpIndirect") ? plan.jumpTargets : List.of();
    }

    private static boolean spread(@Nullable Piece piece, long dirty) {
        if (piece == null || (piece.dirtyIn | dirty) == piece.dirtyIn) return false;
        piece.dirtyIn |= dirty;
        return true;
    }

    private void states() {
        ArrayDeque<Piece> open = new ArrayDeque<>();
        for (Piece piece : plan.entries) {
            piece.flagsIn = State.CPU;
            open.add(piece);
        }
        while (!open.isEmpty()) {
            Piece piece = open.poll();
            State state = piece.flagsIn;
            if (state == null) throw new AssertionError("an open piece has a state");
            for (Piece.Node node : piece.nodes) state = after(node, state);
            boolean calls = piece.last().is(Transfer.class, "call") || piece.last().kind() == Op.Kind.CONTROL;
            flow(piece.taken, state, open);
            flow(piece.next, calls ? State.CPU : state, open);
            for (Piece to : indirect(piece)) flow(to, state, open);
        }
        for (Piece piece : plan.pieces) {
            if (piece.flagsIn != null) continue;
            State state = piece.flagsIn = State.ANY;
            for (Piece.Node node : piece.nodes) state = after(node, state); // which numbers its kinds
        }
    }

    private static void flow(@Nullable Piece piece, State state, ArrayDeque<Piece> open) {
        if (piece == null) return;
        State met = piece.flagsIn == null ? state : piece.flagsIn.meet(state);
        if (met.equals(piece.flagsIn)) return;
        piece.flagsIn = met;
        open.add(piece);
    }
}
