package io.kahvem.jvm.decode;

import org.jspecify.annotations.Nullable;

/// The opcode maps of SDM Vol. 2, Appendix A: one-byte, 0FH, 0F38H and 0F3AH, each of the latter three four-fold by mandatory prefix (none,
/// 66H, F3H, F2H). An entry is a [Row], or a choice by ModRM: by its reg field (a group), by whether r/m is memory, or by its r/m field.
///
/// A row defined without a mandatory prefix in map 0FH and up stands for all four prefixes that no other row takes. Defining an entry twice
/// is an AssertionError.
public final class OpcodeMap {
    /// Mandatory prefixes, as indexes.
    public static final int NP = 0;

    public static final int P66 = 1;
    public static final int PF3 = 2;
    public static final int PF2 = 3;

    /// The VEX maps (VEX.mmmmm), as indexes.
    public static final int M0F = 1;

    public static final int M0F38 = 2;
    public static final int M0F3A = 3;

    /// What a VEX row allows of VEX.W and VEX.L, to be or-ed: the values themselves, or any (ignored).
    public static final int W0 = 1;

    public static final int W1 = 2;
    public static final int WIG = W0 | W1;
    public static final int L0 = 4;
    public static final int L1 = 8;
    public static final int LIG = L0 | L1;

    /// What an opcode leads to.
    sealed interface Entry {}

    record Leaf(Row row) implements Entry {}

    /// Chosen by ModRM: `key` is reg for memory operands and 8 + reg for register operands; 16 + 8 * reg + rm names one register form
    /// exactly.
    static final class Group implements Entry {
        final @Nullable Row[] memory = new @Nullable Row[8];
        final @Nullable Row[] register = new @Nullable Row[8];
        final @Nullable Row[] exact = new @Nullable Row[64];
    }

    private final @Nullable Entry[] oneByte = new @Nullable Entry[256];
    private final @Nullable Entry[] legacy = new @Nullable Entry[256];
    private final @Nullable Entry[][] map0f = new @Nullable Entry[4][256];
    private final @Nullable Entry[][] map38 = new @Nullable Entry[4][256];
    private final @Nullable Entry[][] map3a = new @Nullable Entry[4][256];
    private final @Nullable Entry[] any0f = new @Nullable Entry[256];

    /// By [#vexMap].
    private final @Nullable Entry[][] vex = new @Nullable Entry[4 * 4 * 4][256];

    /// Map 1: one-byte opcodes.
    public Row row(int opcode, Op op, Operand... operands) {
        return put(oneByte, opcode, op, operands);
    }

    /// A one-byte opcode that means something else outside 64-bit code.
    public Row legacyRow(int opcode, Op op, Operand... operands) {
        return put(legacy, opcode, op, operands);
    }

    /// Map 0FH, whatever the mandatory prefix (66H is then an operand-size prefix).
    public Row row0f(int opcode, Op op, Operand... operands) {
        return put(any0f, opcode, op, operands);
    }

    /// Map 0FH with a mandatory prefix: NP, P66, PF3 or PF2.
    public Row row0f(int prefix, int opcode, Op op, Operand... operands) {
        return put(map0f[prefix], opcode, op, operands);
    }

    public Row row38(int prefix, int opcode, Op op, Operand... operands) {
        return put(map38[prefix], opcode, op, operands);
    }

    public Row row3a(int prefix, int opcode, Op op, Operand... operands) {
        return put(map3a[prefix], opcode, op, operands);
    }

    /// A group member of map 1, chosen by ModRM.reg, for both memory and register forms.
    public Row group(int opcode, int reg, Op op, Operand... operands) {
        return member(oneByte, opcode, reg, op, operands, true, true);
    }

    public Row groupMemory(int opcode, int reg, Op op, Operand... operands) {
        return member(oneByte, opcode, reg, op, operands, true, false);
    }

    public Row groupRegister(int opcode, int reg, Op op, Operand... operands) {
        return member(oneByte, opcode, reg, op, operands, false, true);
    }

    /// One register form exactly: ModRM is C0H + 8 * reg + rm.
    public Row groupExact(int opcode, int modRm, Op op, Operand... operands) {
        return exact(oneByte, opcode, modRm, op, operands);
    }

    public Row group0f(int opcode, int reg, Op op, Operand... operands) {
        return member(any0f, opcode, reg, op, operands, true, true);
    }

    public Row group0fMemory(int opcode, int reg, Op op, Operand... operands) {
        return member(any0f, opcode, reg, op, operands, true, false);
    }

    public Row group0fRegister(int opcode, int reg, Op op, Operand... operands) {
        return member(any0f, opcode, reg, op, operands, false, true);
    }

    public Row group0fExact(int opcode, int modRm, Op op, Operand... operands) {
        return exact(any0f, opcode, modRm, op, operands);
    }

    public Row group0fMemory(int prefix, int opcode, int reg, Op op, Operand... operands) {
        return member(map0f[prefix], opcode, reg, op, operands, true, false);
    }

    public Row group0fRegister(int prefix, int opcode, int reg, Op op, Operand... operands) {
        return member(map0f[prefix], opcode, reg, op, operands, false, true);
    }

    /// A VEX opcode of map M0F, M0F38 or M0F3A with VEX.pp NP, P66, PF3 or PF2, for the values of W and L in `allowed`.
    public Row vex(int map, int prefix, int opcode, int allowed, Op op, Operand... operands) {
        Row row = new Row(op, operands);
        for (int wl = 0; wl < 4; wl++) {
            if (!allows(allowed, wl)) continue;
            @Nullable Entry[] entries = vex[vexMap(map, prefix, wl)];
            if (entries[opcode] != null) throw new AssertionError("VEX opcode %02x defined twice (%s)".formatted(opcode, op.name()));
            entries[opcode] = new Leaf(row);
        }
        return row;
    }

    /// A member of a VEX group, chosen by ModRM.reg.
    public Row vexGroup(int map, int prefix, int opcode, int reg, int allowed, boolean memory, boolean register, Op op,
            Operand... operands) {
        Row row = new Row(op, operands);
        for (int wl = 0; wl < 4; wl++) {
            if (!allows(allowed, wl)) continue;
            Group group = groupAt(vex[vexMap(map, prefix, wl)], opcode);
            if (memory) fill(group.memory, reg, row, opcode);
            if (register) fill(group.register, reg, row, opcode);
        }
        return row;
    }

    /// `wl` is VEX.W * 2 + VEX.L.
    private static int vexMap(int map, int prefix, int wl) {
        return map << 4 | prefix << 2 | wl;
    }

    private static boolean allows(int allowed, int wl) {
        return (allowed & (wl < 2 ? W0 : W1)) != 0 && (allowed & ((wl & 1) == 0 ? L0 : L1)) != 0;
    }

    /// The entry of a VEX opcode; null for maps that are not defined.
    @Nullable Entry vexEntry(int map, int prefix, int opcode, boolean w, boolean l) {
        return map >= M0F && map <= M0F3A ? vex[vexMap(map, prefix, (w ? 2 : 0) | (l ? 1 : 0))][opcode] : null;
    }

    @Nullable Entry oneByte(int opcode, boolean code64) {
        return !code64 && legacy[opcode] != null ? legacy[opcode] : oneByte[opcode];
    }

    /// The entry of a two- or three-byte opcode. `escape` is 0x0f, 0x38 or 0x3a.
    @Nullable Entry escaped(int escape, int prefix, int opcode) {
        return switch (escape) {
            case 0x38 -> map38[prefix][opcode];
            case 0x3a -> map3a[prefix][opcode];
            default -> map0f[prefix][opcode] != null ? map0f[prefix][opcode] : any0f[opcode];
        };
    }

    /// Whether a mandatory prefix takes part in choosing this 0FH opcode, so that 66H is not an operand-size prefix and F2H, F3H are not
    /// REP.
    boolean prefixed(int escape, int prefix, int opcode) {
        return escape != 0x0f || map0f[prefix][opcode] != null;
    }

    private static Row put(@Nullable Entry[] map, int opcode, Op op, Operand[] operands) {
        if (map[opcode] != null) throw new AssertionError("opcode %02x defined twice (%s)".formatted(opcode, op.name()));
        Row row = new Row(op, operands);
        map[opcode] = new Leaf(row);
        return row;
    }

    private static Group groupAt(@Nullable Entry[] map, int opcode) {
        if (map[opcode] == null) map[opcode] = new Group();
        if (map[opcode] instanceof Group g) return g;
        throw new AssertionError("opcode %02x is not a group".formatted(opcode));
    }

    private static Row member(
            @Nullable Entry[] map, int opcode, int reg, Op op, Operand[] operands, boolean memory, boolean register) {
        Group group = groupAt(map, opcode);
        Row row = new Row(op, operands);
        if (memory) fill(group.memory, reg, row, opcode);
        if (register) fill(group.register, reg, row, opcode);
        return row;
    }

    private static Row exact(@Nullable Entry[] map, int opcode, int modRm, Op op, Operand[] operands) {
        Row row = new Row(op, operands);
        fill(groupAt(map, opcode).exact, modRm & 63, row, opcode);
        return row;
    }

    private static void fill(@Nullable Row[] rows, int index, Row row, int opcode) {
        if (rows[index] != null) throw new AssertionError("opcode %02x /%d defined twice (%s)".formatted(opcode, index, row.op.name()));
        rows[index] = row;
    }
}
