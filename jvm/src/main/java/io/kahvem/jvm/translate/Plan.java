package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.semantics.FarTransfer;
import io.kahvem.jvm.semantics.Interrupts;
import io.kahvem.jvm.semantics.Transfer;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.function.IntToLongFunction;

/// What a region is to consist of: the instructions that direct jumps and calls reach from its head in a few pages, as basic blocks in the
/// order of their addresses. All places are offsets from the head's page.
final class Plan {
    final int head;
    final List<Piece> pieces = new ArrayList<>();

    /// The pieces where the region can be entered, by entry number.
    final List<Piece> entries = new ArrayList<>();

    /// The pieces that follow calls of functions inside the region.
    final List<Piece> returnSites = new ArrayList<>();

    /// The pieces that indirect jumps of the region go to.
    final List<Piece> jumpTargets = new ArrayList<>();

    /// What they were made from: for each page, by its offset, the bits of its 64-byte parts.
    final TreeMap<Integer, Long> granules = new TreeMap<>();

    int instructions;

    private final Surroundings code;
    private final Decoder decoder;
    private final Bounds bounds;
    private final TreeMap<Integer, Piece.Node> nodes = new TreeMap<>();
    private final TreeMap<Integer, Piece> leaders = new TreeMap<>();
    private final Set<Integer> pages = new HashSet<>();

    /// Places to follow, and functions to follow after them.
    private final ArrayDeque<Integer> open = new ArrayDeque<>();

    private final ArrayDeque<Integer> called = new ArrayDeque<>();
    private final Set<Integer> targets = new TreeSet<>();

    /// Where indirect calls go, by the place they return to.
    private final Map<Integer, Integer> callees = new HashMap<>();

    private final byte[] window = new byte[Decoder.MAX_LENGTH];

    /// @param most instructions
    /// @param pages from which they may be at most
    /// @param wanted places that are worth including
    /// @param covered places that are left to regions that are entered there
    /// @param entered where others than the head and the loops' heads are to be entered: control flow that comes in at many places costs
    ///     HotSpot's second compiler its optimizations
    /// @param targets where the indirect jumps of a page go, by its offset
    /// @param callees how far the function is that the indirect call always goes to that returns to a place, from there; 0 if there is none
    record Bounds(int most, int pages, IntPredicate wanted, IntPredicate covered, IntPredicate entered, IntFunction<int[]> targets,
            IntToLongFunction callees) {
        Bounds fewer(int instructions) {
            return new Bounds(instructions, pages, wanted, covered, entered, targets, callees);
        }
    }

    /// Plans the region that starts `head` bytes into its page.
    Plan(Surroundings code, int head, Decoder decoder, Bounds bounds) {
        this.code = code;
        this.head = head;
        this.decoder = decoder;
        this.bounds = bounds;
        lead(head);
        // Function by function, so that those that are there are whole.
        for (; ; ) {
            Integer at = open.poll();
            if (at == null) at = called.poll();
            if (at == null) break;
            follow(at);
        }
        cut();
    }

    private void lead(int at) {
        if (leaders.putIfAbsent(at, new Piece(at)) == null || called.remove(at)) open.add(at);
    }

    private void leadLater(int at) {
        if (leaders.putIfAbsent(at, new Piece(at)) == null) called.add(at);
    }

    private boolean worth(long target) {
        return code.has(target) && (leaders.containsKey((int) target) || bounds.wanted.test((int) target));
    }

    /// The region's [Region#place]s.
    long[] places() {
        TreeMap<Integer, Long> places = new TreeMap<>();
        for (Piece piece : pieces) {
            int rest = piece.nodes.size();
            for (Piece.Node node : piece.nodes) places.put(node.at, Region.place(node.at, node.d.length, rest--));
        }
        return places.values().stream().mapToLong(Long::longValue).toArray();
    }

    /// Whether the code at `at`, outside the region, is known to be rarely executed.
    boolean cold(long at) {
        return code.has(at) && !worth(at) && !bounds.covered.test((int) at);
    }

    /// Decodes from `at` to the next branch, or to what is known already.
    private void follow(int at) {
        for (int first = at; nodes.size() < bounds.most && code.has(at) && !nodes.containsKey(at); ) {
            if (at != first && bounds.covered.test(at)) return;
            Decoded d = new Decoded();
            if (!decoder.decode(window, code.read(at, window), Mode.CODE64 | Mode.FLAT, d)) return;
            Piece.Node node = new Piece.Node(d, at);
            if (!fits(node)) return;
            nodes.put(at, node);
            at = node.end;
            if (node.kind() == Op.Kind.BRANCH) {
                long target = node.end + d.imm;
                if (worth(target)) {
                    if (node.is(Transfer.class, "call")) {
                        leadLater((int) target);
                    } else {
                        lead((int) target);
                    }
                }
                if (falls(node) && worth(at)) lead(at);
                return;
            }
            if (node.is(Transfer.class, "jmpIndirect")) {
                for (int target : bounds.targets.apply(node.at & -GuestMemory.PAGE_SIZE)) {
                    targets.add(target);
                    lead(target);
                }
            }
            if (node.is(Transfer.class, "callIndirect")) {
                long callee = bounds.callees.applyAsLong(at);
                if (callee != 0 && worth(at + callee)) {
                    callees.put(at, (int) (at + callee));
                    leadLater((int) (at + callee));
                }
            }
            if (mayGoOn(node) && worth(at)) lead(at);
            if (d.row.endsBlock()) return;
        }
    }

    /// Makes basic blocks of the instructions found.
    private void cut() {
        leaders.keySet().removeIf(at -> !nodes.containsKey(at));
        Map<Integer, Piece> byStart = new HashMap<>(leaders);
        for (Piece piece : leaders.values()) {
            int at = piece.at;
            for (; ; ) {
                Piece.Node node = nodes.get(at);
                if (node == null) break;
                piece.nodes.add(node);
                at = node.end;
                if (node.d.row.endsBlock() || byStart.containsKey(at)) break;
            }
            pieces.add(piece);
        }
        for (int target : targets) {
            Piece piece = byStart.get(target);
            if (piece != null) jumpTargets.add(piece);
        }
        for (Piece piece : pieces) {
            Piece.Node last = piece.last();
            boolean branch = last.kind() == Op.Kind.BRANCH;
            if (falls(last)) piece.next = byStart.get(last.end);
            if (branch) {
                long target = piece.target();
                if (code.has(target)) piece.taken = byStart.get((int) target);
            } else if (callees.containsKey(last.end)) {
                piece.taken = byStart.get(callees.get(last.end));
            }
        }
        for (Piece piece : pieces) {
            if (piece.calls() && piece.taken != null && !isWhole(piece.taken)) piece.taken = null;
        }
        Piece first = byStart.get(head);
        if (first == null) {
            pieces.clear();
            return;
        }
        Set<Piece> reached = new HashSet<>();
        reach(first, reached, true);
        pieces.retainAll(reached);
        jumpTargets.retainAll(reached);
        for (Piece piece : pieces) {
            instructions += piece.nodes.size();
            for (Piece.Node node : piece.nodes) mark(node);
            Piece.Node last = piece.last();
            boolean branch = last.kind() == Op.Kind.BRANCH;
            boolean call = piece.calls();
            if (branch && piece.taken != null && piece.target() <= last.at) piece.taken.loopHead = true;
            if ((call || !branch && last.d.row.endsBlock()) && piece.next != null && bounds.entered.test(last.end)) enter(piece.next);
            if (call && piece.taken != null && piece.next != null) returnSites.add(piece.next);
        }
        for (Piece piece : jumpTargets) piece.loopHead = true;
        // A piece that begins inside another's instruction overlaps it; the addresses of both then mean what they say.
        enter(first);
        for (Piece piece : pieces) {
            if (piece.loopHead || bounds.entered.test(piece.at) && !piece.looksAtFlags()) enter(piece);
        }
    }

    /// Whether a function is here as far as it is warm. Calls of others leave the region, so that each has its return: a callee that left
    /// it on its way would come back to code that nobody waits for.
    private boolean isWhole(Piece function) {
        Set<Piece> its = new HashSet<>();
        reach(function, its, false);
        for (Piece piece : its) {
            Piece.Node last = piece.last();
            boolean branch = last.kind() == Op.Kind.BRANCH;
            if (last.is(Transfer.class, "jmpIndirect") && jumpTargets.isEmpty()) return false;
            if (branch && !piece.calls() && piece.taken == null && !cold(piece.target())) return false;
            if (falls(last) && piece.next == null && !cold(last.end)) return false;
        }
        return true;
    }

    /// Adds to `to` what control flow may come to from `from`, in the functions called too if `calls`.
    private void reach(Piece from, Set<Piece> to, boolean calls) {
        ArrayDeque<Piece> found = new ArrayDeque<>();
        for (Piece piece = from; piece != null; piece = found.poll()) {
            if (!to.add(piece)) continue;
            if (piece.next != null) found.add(piece.next);
            if (piece.taken != null && (calls || !piece.calls())) found.add(piece.taken);
            if (piece.last().is(Transfer.class, "jmpIndirect")) found.addAll(jumpTargets);
        }
    }

    /// Whether the next instruction may follow.
    private static boolean falls(Piece.Node node) {
        return node.kind() == Op.Kind.BRANCH ? !node.is(Transfer.class, "always") : mayGoOn(node);
    }

    /// Whether the next instruction may follow an instruction that is no relative branch.
    private static boolean mayGoOn(Piece.Node node) {
        if (node.is(Transfer.class, "ret") || node.is(Transfer.class, "jmpIndirect")) return false;
        Class<?> owner = node.d.row.op.method().getDeclaringClass();
        boolean returns = node.name().equals("syscall") || !node.name().startsWith("sys");
        return owner != FarTransfer.class && owner != Interrupts.class && returns;
    }

    private void enter(Piece piece) {
        if (piece.entry >= 0 || piece.at < 0 || piece.at >= GuestMemory.PAGE_SIZE) return;
        piece.entry = entries.size();
        entries.add(piece);
    }

    /// Whether the instruction is in pages that may be looked at.
    private boolean fits(Piece.Node node) {
        int first = node.at & -GuestMemory.PAGE_SIZE;
        int last = node.end - 1 & -GuestMemory.PAGE_SIZE;
        int more = (pages.contains(first) ? 0 : 1) + (last == first || pages.contains(last) ? 0 : 1);
        if (pages.size() + more > bounds.pages) return false;
        pages.add(first);
        pages.add(last);
        return true;
    }

    /// Notes what the instruction was made from.
    private void mark(Piece.Node node) {
        for (int at = node.at & -64; at < node.end; at += 64) {
            granules.merge(at & -GuestMemory.PAGE_SIZE, 1L << (at >> 6), (a, b) -> a | b);
        }
    }
}
