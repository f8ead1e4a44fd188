package io.kahvem.jvm.decode;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.OpcodeMap.Entry;
import io.kahvem.jvm.decode.OpcodeMap.Group;
import io.kahvem.jvm.decode.OpcodeMap.Leaf;
import io.kahvem.jvm.interpret.Spinner.Place;
import io.kahvem.jvm.semantics.Undefined;
import org.jspecify.annotations.Nullable;

/// Reads one instruction (SDM Vol. 2, chapter 2) by the rows of an [OpcodeMap]. Not thread-safe: one a vCPU.
public final class Decoder {
    /// An instruction is at most 15 bytes long; a longer one is #GP.
    public static final int MAX_LENGTH = 15;

    static final Row UNDEFINED = new Row(Op.whole(Undefined.class, "undefined"), new Operand[0]);
    private static final Row TOO_LONG = new Row(Op.whole(Undefined.class, "tooLong"), new Operand[0]);

    private final OpcodeMap map;
    private byte[] code = {};
    private int available;
    private int at;
    private boolean truncated;

    // Of the instruction being read.
    private boolean code64;
    private boolean consumed66;
    private boolean hasModRm;
    private int modRm;
    private int lastOpcode;
    private int rex;
    private boolean vvvvUsed;

    public Decoder(OpcodeMap map) {
        this.map = map;
    }

    /// Decodes the instruction at the start of `code`, of which `available` bytes are there, for `mode`. Returns false if it goes on beyond
    /// `available` (less than 15); otherwise `out` is filled, and bytes that are no instruction give one that raises the right exception.
    public boolean decode(byte[] code, int available, int mode, Decoded out) {
        this.code = code;
        this.available = Math.min(available, MAX_LENGTH);
        at = 0;
        truncated = false;
        out.clear();
        read(mode, out);
        if (truncated) {
            if (available < MAX_LENGTH) return false;
            out.clear();
            out.row = TOO_LONG;
            at = MAX_LENGTH;
        }
        if (out.row == UNDEFINED) out.operands = 0;
        out.length = at;
        return true;
    }

    private void read(int mode, Decoded out) {
        code64 = (mode & Mode.SIZE) == Mode.CODE64;
        boolean code32 = (mode & Mode.SIZE) == Mode.CODE32;
        boolean operandPrefix = false;
        boolean addressPrefix = false;
        int segment = -1;
        rex = 0;
        vvvvUsed = false;
        out.code64 = code64;
        int opcode;
        prefixes:
        for (; ; ) {
            opcode = u8();
            switch (opcode) {
                case 0x66 -> operandPrefix = true;
                case 0x67 -> addressPrefix = true;
                case 0xf0 -> out.lock = true;
                case 0xf2, 0xf3 -> out.rep = opcode;
                case 0x26, 0x2e, 0x36, 0x3e -> {
                    if (!code64) segment = opcode >> 3 & 3;
                }
                case 0x64 -> segment = Cpu.FS;
                case 0x65 -> segment = Cpu.GS;
                default -> {
                    if (!code64 || (opcode & 0xf0) != 0x40) break prefixes;
                    rex = opcode;
                    opcode = u8();
                    if (!isPrefix(opcode)) break prefixes;
                    rex = 0; // a REX prefix counts only right before the opcode
                    at--;
                }
            }
            if (truncated) return;
        }
        out.rex = rex != 0;

        Row row;
        if ((opcode == 0xc4 || opcode == 0xc5) && startsVex()) {
            boolean refused = out.lock || out.rep != 0 || operandPrefix || out.rex;
            row = vexRow(opcode, out);
            if (refused) row = null;
        } else {
            row = opcodeRow(opcode, operandPrefix, out);
        }
        boolean mandatory66 = out.vex || consumed66 && row != null && !row.size66;
        if (row == null || (code64 ? row.not64 : row.only64)) {
            out.row = UNDEFINED;
            return;
        }
        out.row = row;

        boolean wide = (rex & 8) != 0;
        if (code64) {
            boolean short66 = operandPrefix && !mandatory66;
            out.size = wide || row.force64 ? 3 : short66 ? 1 : row.default64 ? 3 : 2;
            out.addressSize = addressPrefix ? 2 : 3;
        } else {
            out.size = code32 != (operandPrefix && !mandatory66) ? 2 : 1;
            out.addressSize = code32 != addressPrefix ? 2 : 1;
        }
        out.addressMask = out.addressSize == 3 ? -1 : out.addressSize == 2 ? 0xffff_ffffL : 0xffff;

        int defaultSegment = Cpu.DS;
        if (hasModRm) defaultSegment = modRm(row, out);
        if (!out.vex) out.vvvv = out.reg;
        if (out.vex && vvvvUsed && !row.takesVvvv(out.memory)) out.row = UNDEFINED;
        operands(row, out);
        out.size = operationSize(row, out.size);
        out.segment = segment >= 0 ? segment : defaultSegment;
        if (code64) {
            out.segmentBase = out.segment >= Cpu.FS ? Cpu.ES_BASE + out.segment : Cpu.ZERO;
        } else {
            out.checked = (mode & Mode.FLAT) == 0 || out.segment >= Cpu.FS;
            out.segmentBase = out.checked ? Cpu.ES_BASE + out.segment : Cpu.ZERO;
        }
        if (row.memoryOnly && !out.memory || out.lock && !(out.memory && row.locksMemory())) out.row = UNDEFINED;
    }

    private static boolean isPrefix(int b) {
        return switch (b) {
            case 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 -> true;
            default -> (b & 0xf0) == 0x40;
        };
    }

    private @Nullable Row opcodeRow(int opcode, boolean operandPrefix, Decoded out) {
        consumed66 = false;
        hasModRm = false;
        Entry entry;
        if (opcode != 0x0f) {
            entry = map.oneByte(opcode, code64);
        } else {
            opcode = u8();
            int escape = 0x0f;
            if (opcode == 0x38 || opcode == 0x3a) {
                escape = opcode;
                opcode = u8();
            }
            lastOpcode = opcode;
            int prefix = out.rep == 0xf3 ? OpcodeMap.PF3 : out.rep == 0xf2 ? OpcodeMap.PF2 : operandPrefix ? OpcodeMap.P66 : OpcodeMap.NP;
            entry = map.escaped(escape, prefix, opcode);
            if (map.prefixed(escape, prefix, opcode)) {
                consumed66 = prefix == OpcodeMap.P66;
                if (prefix == OpcodeMap.PF2 || prefix == OpcodeMap.PF3) out.rep = 0;
            }
            return choose(entry);
        }
        lastOpcode = opcode;
        return choose(entry);
    }

    /// Whether C4H or C5H, just read, begins a VEX prefix: always in 64-bit code; elsewhere it is LES or LDS unless a ModRM byte that
    /// followed would be one with a register operand (SDM Vol. 2A, 2.3.5).
    private boolean startsVex() {
        if (code64) return true;
        int next = u8();
        if (truncated) return false;
        at--;
        return next >= 0xc0;
    }

    /// Reads the rest of a VEX prefix and the opcode (SDM Vol. 2A, 2.3.5 and 2.3.6).
    private @Nullable Row vexRow(int first, Decoded out) {
        int b = u8();
        int map = OpcodeMap.M0F;
        rex = ~b >> 5 & 4; // VEX.R
        boolean w = false;
        if (first == 0xc4) {
            map = b & 0x1f;
            rex = ~b >> 5 & 7;
            b = u8();
            w = b >= 0x80;
        }
        if (!code64) rex = 0;
        if (w && code64) rex |= 8;
        int vvvv = ~b >> 3 & 15;
        boolean l = (b & 4) != 0;
        int opcode = u8();
        lastOpcode = opcode;
        out.vex = true;
        out.vl256 = l;
        out.vvvv = code64 ? vvvv : vvvv & 7;
        vvvvUsed = vvvv != 0;
        int prefix = switch (b & 3) {
            case 1 -> OpcodeMap.P66;
            case 2 -> OpcodeMap.PF3;
            case 3 -> OpcodeMap.PF2;
            default -> OpcodeMap.NP;
        };
        hasModRm = false;
        return truncated ? null : choose(this.map.vexEntry(map, prefix, opcode, w, l));
    }

    private @Nullable Row choose(@Nullable Entry entry) {
        return switch (entry) {
            case null -> null;
            case Leaf(Row row) -> {
                hasModRm = row.needsModRm();
                if (hasModRm) modRm = u8();
                yield row;
            }
            case Group group -> {
                hasModRm = true;
                modRm = u8();
                int reg = modRm >> 3 & 7;
                if (modRm < 0xc0) yield group.memory[reg];
                Row exact = group.exact[modRm & 63];
                yield exact != null ? exact : group.register[reg];
            }
        };
    }

    /// Reads SIB and displacement. Returns the address's default segment.
    private int modRm(Row row, Decoded out) {
        int mod = modRm >> 6;
        int rm = modRm & 7;
        out.reg = modRm >> 3 & 7 | (rex & 4) << 1;
        out.rm = rm | (rex & 1) << 3;
        if (mod == 3) return Cpu.DS;
        out.memory = true;
        if (row.vsib && (rm != 4 || out.addressSize == 1)) out.row = UNDEFINED;
        return out.addressSize == 1 ? address16(mod, rm, out) : address32(mod, rm, row.vsib, out);
    }

    private int address16(int mod, int rm, Decoded out) {
        switch (rm) {
            case 0, 1, 7 -> out.base = Cpu.RBX;
            case 2, 3 -> out.base = Cpu.RBP;
            case 4 -> out.base = Cpu.RSI;
            case 5 -> out.base = Cpu.RDI;
            default -> out.base = mod == 0 ? Cpu.ZERO : Cpu.RBP;
        }
        if (rm < 4) out.index = (rm & 1) == 0 ? Cpu.RSI : Cpu.RDI;
        out.disp = mod == 1 ? (byte) u8() : mod == 2 || rm == 6 && mod == 0 ? (short) u16() : 0;
        return out.base == Cpu.RBP ? Cpu.SS : Cpu.DS;
    }

    /// With `vsib` the index is a vector register, whose number is left in `imm2`.
    private int address32(int mod, int rm, boolean vsib, Decoded out) {
        int base = rm;
        if (rm == 4) {
            int sib = u8();
            base = sib & 7;
            int index = sib >> 3 & 7 | (rex & 2) << 2;
            if (vsib) {
                out.imm2 = index;
                out.scale = sib >> 6;
            } else if (index != 4) {
                out.index = index;
                out.scale = sib >> 6;
            }
        }
        if (mod == 0 && base == 5) {
            out.disp = u32();
            out.base = rm == 5 && code64 ? Cpu.RIP : Cpu.ZERO;
            return Cpu.DS;
        }
        out.base = base | (rex & 1) << 3;
        out.disp = mod == 1 ? (byte) u8() : mod == 2 ? u32() : 0;
        return base == Cpu.RSP || base == Cpu.RBP ? ((rex & 1) == 0 ? Cpu.SS : Cpu.DS) : Cpu.DS;
    }

    private void operands(Row row, Decoded out) {
        out.operands = row.operands.length;
        for (int i = 0; i < row.operands.length; i++) {
            Operand o = row.operands[i];
            int size = o.log2Size(out.size);
            switch (o.place) {
                case RM -> {
                    if (out.memory) {
                        out.places[i] = Place.memory(size);
                    } else {
                        register(i, out.rm, size, out);
                    }
                }
                case REG -> register(i, out.reg, size, out);
                case OPCODE -> register(i, lastOpcode & 7 | (rex & 1) << 3, size, out);
                case ACCUMULATOR -> register(i, Cpu.RAX, size, out);
                case COUNT -> out.places[i] = Place.COUNT;
                case ONE -> out.places[i] = Place.ONE;
                case IMMEDIATE -> {
                    out.places[i] = Place.IMMEDIATE;
                    long value = switch (o.width) {
                        case B, SB -> (byte) u8();
                        case W -> (short) u16();
                        case Z -> size == 1 ? (short) u16() : u32();
                        default -> size == 3 ? u64() : size == 2 ? u32() : (short) u16();
                    };
                    if (i > 0 && row.operands[i - 1].place == Operand.Place.IMMEDIATE) {
                        out.imm2 = (int) value;
                    } else {
                        out.imm = value;
                    }
                }
                case RELATIVE -> out.imm = size == 0 ? (byte) u8() : size == 1 ? (short) u16() : u32();
                case FAR -> {
                    out.imm = size == 1 ? u16() : u32() & 0xffff_ffffL;
                    out.imm2 = u16();
                }
                case MEMORY -> {
                    if (!out.memory) out.row = UNDEFINED;
                    out.places[i] = Place.ADDRESS;
                }
                case OFFSET -> {
                    out.memory = true;
                    out.disp = out.addressSize == 3 ? u64() : out.addressSize == 2 ? u32() & 0xffff_ffffL : u16();
                    out.places[i] = Place.memory(size);
                }
                case VVVV -> register(i, out.vvvv, size, out);
                case OWN_REG, OWN_RM, OWN_VVVV -> out.places[i] = Place.ADDRESS;
            }
        }
    }

    /// The size of the first operand that is a register or memory of the general kind; without one, the prefixes'.
    private static int operationSize(Row row, int size) {
        for (Operand o : row.operands) {
            switch (o.place) {
                case RM, REG, OPCODE, ACCUMULATOR, OFFSET, VVVV -> {
                    return o.log2Size(size);
                }
                case COUNT, IMMEDIATE, ONE, RELATIVE, FAR, MEMORY, OWN_REG, OWN_RM, OWN_VVVV -> {}
            }
        }
        return size;
    }

    private static void register(int operand, int number, int size, Decoded out) {
        if (size == 0 && !out.rex && number >= 4) {
            out.places[operand] = Place.HIGH8;
            out.registers[operand] = number - 4;
        } else {
            out.places[operand] = Place.register(size);
            out.registers[operand] = number;
        }
    }

    private int u8() {
        if (at >= available) {
            truncated = true;
            return 0;
        }
        return code[at++] & 0xff;
    }

    private int u16() {
        return u8() | u8() << 8;
    }

    private int u32() {
        return u16() | u16() << 16;
    }

    private long u64() {
        return u32() & 0xffff_ffffL | (long) u32() << 32;
    }
}
