package io.kahvem.jvm.semantics;

import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.semantics.IntegerTemplate.Form;
import io.kahvem.jvm.semantics.IntegerTemplate.Immediate;
import java.io.ByteArrayOutputStream;
import java.util.Random;

/// Makes an instruction of a template with random operands, addressing and prefixes, and sets the registers of a [State] so that its memory
/// operand lies
/// where it is wanted.
final class InstructionGenerator {
    static final int RSP = 4;
    private static final int[] EDGES = {0, 1, -1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000};

    final Random random;
    private final long data;
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();

    /// Registers whose value is fixed already, a bit each.
    private int pinned;

    /// Registers that must keep their value (in sequences).
    private int reserved;

    private State state = new State();
    private int disp32At;
    private long disp32Target;

    // Of the instruction made last.

    /// Operand size in bytes.
    int size;

    /// Whether it has a memory operand, at this offset from the data's start.
    boolean memory;

    int memoryOffset;

    /// Whether its memory operand is addressed from RIP, so that it means another place at another address.
    boolean ripRelative() {
        return disp32At >= 0;
    }

    /// The flags that are undefined after it, as far as the encoding tells.
    long undefined;

    InstructionGenerator(HostCpu host, Random random) {
        this.random = random;
        this.data = host.data();
    }

    /// Registers, flags and memory of random contents.
    State randomState() {
        State s = new State();
        for (int i = 0; i < 16; i++) s.gpr[i] = value();
        s.rflags = random.nextInt() & (State.FLAGS & ~0x400);
        for (int i = 0; i < State.DATA_BYTES; i += 8) s.data(i, value());
        return s;
    }

    long value() {
        return switch (random.nextInt(6)) {
            case 0 -> EDGES[random.nextInt(EDGES.length)];
            case 1 -> random.nextInt(256) - 128;
            case 2 -> (1L << random.nextInt(64)) - random.nextInt(2);
            case 3 -> random.nextInt();
            default -> random.nextLong();
        };
    }

    /// One instruction at linear address `at`, its memory operand anywhere in the data.
    byte[] instruction(IntegerTemplate t, State s, long at) {
        return instruction(t, s, at, -1);
    }

    /// One instruction at linear address `at`, its memory operand at the offset `where` from the data's start if that is not negative.
    byte[] instruction(IntegerTemplate t, State s, long at, int where) {
        pinned = reserved;
        state = s;
        return encode(t, at, where, false);
    }

    /// An instruction of a sequence: addresses use R15, which holds the data's start, and R14, which holds a small number; RSP points into
    /// the data.
    byte[] sequenced(IntegerTemplate t, State s, long at) {
        reserved = 1 << 15 | 1 << 14 | 1 << RSP;
        pinned = reserved;
        state = s;
        byte[] code = encode(t, at, -1, true);
        reserved = 0;
        return code;
    }

    private byte[] encode(IntegerTemplate t, long at, int where, boolean sequence) {
        text.reset();
        disp32At = -1;
        memory = false;
        boolean immediateCount = t.has(IntegerTemplate.SHIFT | IntegerTemplate.ROTATE | IntegerTemplate.DOUBLE_SHIFT)
                && t.immediate() == Immediate.B;
        int log2 = t.byteSized() ? 0 : t.has(IntegerTemplate.ONLY_32_64) ? 2 + random.nextInt(2) : 1 + random.nextInt(3);
        if (t.has(IntegerTemplate.STACK) && log2 == 2) log2 = 3;
        size = 1 << log2;
        boolean wide = log2 == 3 && (!t.has(IntegerTemplate.STACK) || random.nextInt(4) == 0);
        boolean prefix66 = log2 == 1 || wide && t.opcode() >> 16 == 0 && t.opcode() != 0x0fc3 && random.nextInt(8) == 0;
        boolean registersOnly = sequence && t.has(IntegerTemplate.BIT_OFFSET);
        boolean uses = !registersOnly && (t.form() == Form.MEMORY || t.form() == Form.OFFSET || t.form() == Form.RM && (where >= 0
                || random.nextInt(5) < 2));
        memory = uses || t.has(IntegerTemplate.XLAT);
        boolean prefix67 = memory && random.nextInt(6) == 0;
        int register = t.extension() >= 0 ? t.extension() : destination(sequence);
        int rm = destination(sequence);

        if (t.has(IntegerTemplate.STACK) && !sequence) pin(RSP, data + 400 + random.nextInt(400));
        if (t.immediate() == Immediate.ENTER || t.opcode() == 0xc9) pin(5, data + 400 + random.nextInt(400));
        int operandBytes = t.has(IntegerTemplate.PAIR) ? 2 * size : size;
        int offset = where >= 0 ? where : placed(t, operandBytes);
        memoryOffset = offset;
        long target = data + offset;
        if (t.has(IntegerTemplate.BIT_OFFSET) && uses) {
            long bits = random.nextInt(128 * 8) - 512;
            pin(register, size == 8 ? bits : random.nextLong() << 8 * size | bits & (1L << 8 * size) - 1);
        }
        if (t.has(IntegerTemplate.XLAT)) {
            long al = state.gpr[0] & 0xff;
            pin(3, target - al & (prefix67 ? 0xffff_ffffL : -1) | (prefix67 ? random.nextLong() << 32 : 0));
        }

        byte[] operand = {};
        int rex = wide ? 8 : 0;
        if (t.form() == Form.RM || t.form() == Form.MEMORY) {
            if (register >= 8 && t.extension() < 0) rex |= 4;
            if (uses) {
                Address a = address(target, prefix67, sequence);
                rex |= a.rex;
                operand = a.bytes;
                operand[0] |= (byte) ((register & 7) << 3);
            } else {
                if (rm >= 8) rex |= 1;
                operand = new byte[] {(byte) (0xc0 | (register & 7) << 3 | rm & 7)};
            }
        } else if (t.form() == Form.OPCODE_REGISTER && rm >= 8) {
            rex |= 1;
        }
        boolean emitRex = rex != 0 || random.nextInt(4) == 0;

        if (t.has(IntegerTemplate.LOCK) && uses && random.nextInt(4) == 0) text.write(0xf0);
        if (prefix66) text.write(0x66);
        if (random.nextInt(16) == 0) text.write(0x3e);
        if (prefix67) text.write(0x67);
        if (t.opcode() >> 16 != 0) text.write(t.opcode() >> 16);
        if (emitRex) text.write(0x40 | rex);
        if ((t.opcode() >> 8 & 0xff) != 0) text.write(t.opcode() >> 8);
        text.write(t.form() == Form.OPCODE_REGISTER ? t.opcode() | rm & 7 : t.opcode());
        if (disp32At >= 0) disp32At += text.size();
        text.writeBytes(operand);
        if (t.form() == Form.OFFSET) little(prefix67 ? 4 : 8, target);
        int count = t.has(IntegerTemplate.ONCE) ? 1 : (int) state.gpr[1] & 0xff;
        switch (t.immediate()) {
            case NONE -> {}
            case B -> {
                count = random.nextInt(3) == 0 ? random.nextInt(256) : random.nextInt(66);
                if (sequence && t.has(IntegerTemplate.DOUBLE_SHIFT)) count &= 15;
                if (!immediateCount) count = (int) value();
                little(1, count);
            }
            case Z -> little(Math.min(size, 4), value());
            case V -> little(size, value());
            case ENTER -> {
                little(2, random.nextInt(64));
                little(1, random.nextInt(4) == 0 ? random.nextInt(32) : random.nextInt(3));
            }
        }
        byte[] code = text.toByteArray();
        if (disp32At >= 0) {
            int disp = (int) (disp32Target - (at + code.length));
            for (int i = 0; i < 4; i++) code[disp32At + i] = (byte) (disp >> 8 * i);
        }
        if (t.has(IntegerTemplate.COMPARES_ACCUMULATOR) && !sequence && random.nextBoolean()) equalAccumulator(uses, rm, operandBytes,
                offset);
        if (t.has(IntegerTemplate.PAIR) && random.nextBoolean() && (pinned & 5) == 0) {
            state.gpr[0] = memoryValue(offset, size);
            state.gpr[2] = memoryValue(offset + size, size);
        }
        if (t.has(IntegerTemplate.DIVIDES) && random.nextInt(4) != 0 && (pinned & 5) == 0) {
            if (size > 1) state.gpr[2] = random.nextBoolean() ? random.nextInt(100) : state.gpr[0] << 64 - 8 * size >> 63;
        }
        undefined = undefinedFlags(t, count, immediateCount || t.has(IntegerTemplate.ONCE) || !sequence);
        return code;
    }

    private void equalAccumulator(boolean uses, int rm, int bytes, int offset) {
        if ((pinned & 1) != 0) return;
        state.gpr[0] = uses ? memoryValue(offset, bytes) : state.gpr[rm];
    }

    private long memoryValue(int offset, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) {
            if (offset + i < State.DATA_BYTES) value |= (state.data[offset + i] & 0xffL) << 8 * i;
        }
        return value;
    }

    /// What the manual leaves undefined after a shift by a known `count` differs with it.
    private long undefinedFlags(IntegerTemplate t, int count, boolean known) {
        if (!t.has(IntegerTemplate.SHIFT | IntegerTemplate.ROTATE | IntegerTemplate.DOUBLE_SHIFT) || !known) return t.undefined();
        int n = count & (size == 8 ? 63 : 31);
        if (n == 0) return 0;
        long undefined = t.undefined();
        if (n == 1) undefined &= ~IntegerTemplate.OF;
        if (n < 8 * size) undefined &= ~IntegerTemplate.CF;
        return undefined;
    }

    /// Whether the register or memory it writes is undefined: a 16-bit double shift by more than 16, a 32-bit BSF or BSR's upper half.
    static boolean undefinedResult(IntegerTemplate t, byte[] code, int size, State s) {
        if (t.name().startsWith("bs") && size == 4) return true;
        if (!t.has(IntegerTemplate.DOUBLE_SHIFT) || size != 2) return false;
        int count = t.immediate() == Immediate.B ? code[code.length - 1] : (int) s.gpr[1];
        return (count & 31) > 16;
    }

    private int placed(IntegerTemplate t, int bytes) {
        if (t.has(IntegerTemplate.BIT_OFFSET)) return 200 + random.nextInt(500);
        if (t.has(IntegerTemplate.PAIR)) return random.nextInt(State.DATA_BYTES / bytes) * bytes;
        int last = State.DATA_BYTES - 8 - bytes;
        return random.nextInt(8) == 0 ? last : random.nextInt(last);
    }

    private int destination(boolean sequence) {
        for (; ; ) {
            int r = random.nextInt(16);
            if (!sequence || (reserved >> r & 1) == 0) return r;
        }
    }

    private void pin(int register, long value) {
        state.gpr[register] = value;
        pinned |= 1 << register;
    }

    private boolean free(int register) {
        return (pinned >> register & 1) == 0;
    }

    private record Address(int rex, byte[] bytes) {}

    /// ModRM without reg, SIB and displacement for `target`.
    private Address address(long target, boolean prefix67, boolean sequence) {
        if (sequence) return sequencedAddress((int) (target - data));
        for (; ; ) {
            int kind = random.nextInt(10);
            long mask = prefix67 ? 0xffff_ffffL : -1;
            if (kind == 0) return ripRelative(target);
            if (kind == 1) return new Address(0, bytes(4, 0x25, target)); // absolute
            int index = random.nextInt(16);
            int scale = random.nextInt(4);
            boolean hasIndex = index != 4 && kind < 7;
            if (kind == 2) { // index and displacement
                if (!hasIndex || !free(index)) continue;
                pin(index, random.nextInt(1 << 20) | (prefix67 ? random.nextLong() << 32 : 0));
                long disp = target - ((state.gpr[index] & mask) << scale);
                return new Address(index >= 8 ? 2 : 0, bytes(4, 5 | (index & 7) << 3 | scale << 6, disp));
            }
            int base = random.nextInt(16);
            boolean solveBase = free(base) && !(hasIndex && index == base);
            if (!solveBase && hasIndex && free(index) && index != base) {
                hasIndex = false;
            }
            if (hasIndex && index == base && free(index)) {
                if (prefix67) continue;
                pin(index, random.nextInt(1 << 20));
            }
            if (hasIndex && free(index)) pin(index, value());
            long scaled = hasIndex ? state.gpr[index] << scale : 0;
            int mod;
            long disp;
            if (solveBase) {
                mod = random.nextInt(3);
                if (mod == 0 && (base & 7) == 5) mod = 1;
                disp = mod == 0 ? 0 : mod == 1 ? (byte) random.nextInt() : random.nextInt();
                long value = target - scaled - disp;
                pin(base, prefix67 ? value & mask | random.nextLong() << 32 : value);
            } else {
                mod = 2;
                disp = target - scaled - state.gpr[base];
                if (prefix67) {
                    disp = disp << 32 >> 32;
                } else if (disp != (int) disp) {
                    continue;
                }
            }
            int rex = (base >= 8 ? 1 : 0) | (hasIndex && index >= 8 ? 2 : 0);
            boolean sib = hasIndex || (base & 7) == 4 || random.nextInt(8) == 0;
            ByteArrayOutputStream a = new ByteArrayOutputStream();
            a.write(mod << 6 | (sib ? 4 : base & 7));
            if (sib) a.write(base & 7 | (hasIndex ? index & 7 : 4) << 3 | scale << 6);
            int length = mod == 0 ? 0 : mod == 1 ? 1 : 4;
            for (int i = 0; i < length; i++) a.write((int) (disp >> 8 * i));
            return new Address(rex, a.toByteArray());
        }
    }

    private Address ripRelative(long target) {
        disp32At = 1;
        disp32Target = target;
        return new Address(0, new byte[] {5, 0, 0, 0, 0});
    }

    /// [R15 + disp], [R15 + R14 * scale + disp] (R14 is at most 8), [RIP + disp].
    private Address sequencedAddress(int offset) {
        int kind = random.nextInt(4);
        if (kind == 0) return ripRelative(data + offset);
        if (kind == 1) {
            int scale = random.nextInt(3);
            int disp = offset - (int) (state.gpr[14] << scale);
            return new Address(3, new byte[] {(byte) 0x84, (byte) (7 | 6 << 3 | scale << 6), (byte) disp, (byte) (disp >> 8),
                    (byte) (disp >> 16), (byte) (disp >> 24)});
        }
        return new Address(1, new byte[] {(byte) 0x87, (byte) offset, (byte) (offset >> 8), (byte) (offset >> 16), (byte) (offset >> 24)});
    }

    private static byte[] bytes(int modRm, int sib, long disp) {
        return new byte[] {(byte) modRm, (byte) sib, (byte) disp, (byte) (disp >> 8), (byte) (disp >> 16), (byte) (disp >> 24)};
    }

    private void little(int bytes, long value) {
        for (int i = 0; i < bytes; i++) text.write((int) (value >> 8 * i));
    }
}
