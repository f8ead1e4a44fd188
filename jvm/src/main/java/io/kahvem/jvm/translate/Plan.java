package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Decoded;
import io.kahvem.jvm.decode.Decoder;
import io.kahvem.jvm.decode.Op;
import io.kahvem.jvm.semantics.FarTransfer;
import io.kahvem.jvm.semantics.Interrupts;
import io.kahvem.jvm.semantics.Transfer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/// What a region is to consist of: the instructions that direct jumps reach from its head in one or two pages, as basic blocks in the
/// order of their addresses.
final class Plan {
    final int head;
    final List<Piece> pieces = new ArrayList<>();

    /// The pieces where the region can be entered, by entry number.
    final List<Piece> entries = new ArrayList<>();

    /// The pieces that follow calls of functions inside the region.
    final List<Piece> returnSites = new ArrayList<>();

    /// The pieces that indirect jumps of the region go to.
    final List<Piece> jumpTargets = new ArrayList<>();

    int instructions;
    long granules;
    long secondGranules;

    private final byte[] code;
    private final int length;
    private final Decoder decoder;
    private final IntPredicate wanted;
    private final IntPredicate covered;
    private final IntPredicate entered;
    private final int limit;
    private final int[] knownTargets;
    private final TreeMap<Integer, Piece.Node> nodes = new TreeMap<>();
    private final TreeMap<Integer, Piece> leaders = new TreeMap<>();
    private final ArrayDeque<Integer> open = new ArrayDeque<>();
    private final byte[] window = new byte[Decoder.MAX_LENGTH];

    /// Plans the region that starts `head` bytes into `code`, of which `length` bytes are known. `wanted` tells which other offsets are
    /// worth including, `covered` which are left to regions that are entered there, and `entered` where others than the head and the loops'
    /// heads are to be entered: control flow that comes in at many places costs HotSpot's second compiler its optimizations;
    /// `knownTargets` are where indirect jumps go. At most `limit` instructions are taken.
    Plan(byte[] code, int length, int head, Decoder decoder, IntPredicate wanted, IntPredicate covered, IntPredicate entered,
            int[] knownTargets, int limit) {
        this.code = code;
        this.length = length;
        this.head = head;
        this.decoder = decoder;
        this.wanted = wanted;
        this.covered = covered;
        this.entered = entered;
        this.knownTargets = knownTargets;
        this.limit = limit;
        lead(head);
        while (!open.isEmpty()) follow(open.poll());
        cut();
    }

    private void lead(int at) {
        if (leaders.putIfAbsent(at, new Piece(at)) == null) open.add(at);
    }

    private boolean worth(long target) {
        return target >= 0 && target < length && (leaders.containsKey((int) target) || wanted.test((int) target));
    }

    /// The region's [Region#place]s.
    int[] places() {
        TreeMap<Integer, Integer> places = new TreeMap<>();
        for (Piece piece : pieces) {
            int rest = piece.nodes.size();
            for (Piece.Node node : piece.nodes) places.put(node.at, Region.place(node.at, node.d.length, rest--));
        }
        return places.values().stream().mapToInt(Integer::intValue).toArray();
    }

    /// Whether the code at `at`, outside the region, is known to be rarely executed.
    boolean cold(long at) {
        return at >= 0 && at < length && !worth(at) && !covered.test((int) at);
    }

    /// Decodes from `at` to the next branch, or to what is known already.
    private void follow(int at) {
        for (int first = at; nodes.size() < limit && at < length && !nodes.containsKey(at); ) {
            if (at != first && covered.test(at)) return;
            Decoded d = new Decoded();
            int available = Math.min(Decoder.MAX_LENGTH, length - at);
            System.arraycopy(code, at, window, 0, available);
            if (!decoder.decode(window, available, Mode.CODE64 | Mode.FLAT, d)) return;
            Piece.Node node = new Piece.Node(d, at);
            nodes.put(at, node);
            at = node.end;
            if (node.kind() == Op.Kind.BRANCH) {
                boolean falls = !node.is(Transfer.class, "always");
                if (worth(node.end + d.imm)) lead((int) (node.end + d.imm));
                if (falls && worth(at)) lead(at);
                return;
            }
            if (node.is(Transfer.class, "jmpIndirect")) {
                for (int target : knownTargets) lead(target);
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
                mark(node);
                at = node.end;
                if (node.d.row.endsBlock() || byStart.containsKey(at)) break;
            }
            instructions += piece.nodes.size();
            pieces.add(piece);
        }
        for (Piece piece : pieces) {
            Piece.Node last = piece.last();
            boolean branch = last.kind() == Op.Kind.BRANCH;
            boolean call = last.is(Transfer.class, "call");
            boolean falls = branch ? !last.is(Transfer.class, "always") : mayGoOn(last);
            if (falls) piece.next = byStart.get(last.end);
            if (branch) {
                long target = piece.target();
                if (target >= 0 && target < length) piece.taken = byStart.get((int) target);
                if (piece.taken != null && target <= last.at) piece.taken.loopHead = true;
            }
            if ((call || !branch && last.d.row.endsBlock()) && piece.next != null && entered.test(last.end)) enter(piece.next);
            if (call && piece.taken != null && piece.next != null) returnSites.add(piece.next);
        }
        if (pieces.stream().anyMatch(piece -> piece.last().is(Transfer.class, "jmpIndirect"))) {
            for (int target : knownTargets) {
                Piece piece = byStart.get(target);
                if (piece == null) continue;
                jumpTargets.add(piece);
                piece.loopHead = true;
            }
        }
        // A piece that begins inside another's instruction overlaps it; the addresses of both then mean what they say.
        Piece first = byStart.get(head);
        if (first != null) enter(first);
        for (Piece piece : pieces) {
            if (piece.loopHead || entered.test(piece.at) && !piece.looksAtFlags()) enter(piece);
        }
    }

    /// Whether the next instruction may follow an instruction that is no relative branch.
    private static boolean mayGoOn(Piece.Node node) {
        if (node.is(Transfer.class, "ret") || node.is(Transfer.class, "jmpIndirect")) return false;
        Class<?> owner = node.d.row.op.method().getDeclaringClass();
        return owner != FarTransfer.class && owner != Interrupts.class && !node.name().startsWith("sys");
    }

    private void enter(Piece piece) {
        if (piece.entry >= 0 || piece.at >= 4096) return;
        piece.entry = entries.size();
        entries.add(piece);
    }

    private void mark(Piece.Node node) {
        for (int at = node.at & -64; at < node.end; at += 64) {
            if (at < 4096) {
                granules |= 1L << (at >> 6);
            } else {
                secondGranules |= 1L << (at - 4096 >> 6);
            }
        }
    }
}
