package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Mode;
import org.jspecify.annotations.Nullable;

/// A decoded instruction, linked to the next of its block. Shared by all vCPUs and never changed once its block is published, links between
/// blocks aside.
public abstract class Insn {
    /// The next instruction of the block; the last one has none.
    public @Nullable Insn next;

    /// What the decoder found: prefixes, registers, address, immediate.
    public byte form;

    /// Byte offsets of this instruction and of the one after it from the start of the block.
    public short start;

    public short end;

    // Address: ((r[base] + (r[index] << scale) + disp) & addressMask()) + r[segment]
    public byte base = Cpu.ZERO;
    public byte index = Cpu.ZERO;
    public byte scale;
    public long disp;

    /// The slot of `r` that holds the segment's base, [Cpu#ZERO] for a flat one.
    public byte segmentBase = Cpu.ZERO;

    /// The segment of the memory operand, ES to GS.
    public byte segment;

    /// ModRM r/m is memory.
    public boolean memory;

    /// The address must pass the segment's limit and rights (legacy code with segments that are not flat).
    public boolean checked;

    /// ModRM.reg with REX.R, and ModRM.rm with REX.B (a register number when `memory` is false).
    public byte reg;

    public byte rm;

    /// Register numbers of up to three operands in order, as the spun classes use them: slots of `r`.
    public byte op0;

    public byte op1;
    public byte op2;

    /// The immediate, sign-extended as the encoding says; a branch's displacement; a far pointer's offset.
    public long imm;

    /// A second immediate: ENTER's level, a far pointer's selector.
    public int imm2;

    /// REX was present (SPL to DIL instead of AH to BH).
    public boolean rex;

    /// LOCK was present.
    public boolean lock;

    /// F3H or F2H as a REP prefix: 0, 0xf3 or 0xf2.
    public short rep;

    /// The first source of a vector instruction: VEX.vvvv, or without VEX ModRM.reg, which is also the destination.
    public byte vvvv;

    /// A VEX prefix was present: the destination's upper bits are cleared, memory operands need no alignment.
    public boolean vex;

    /// VEX.L: 256-bit operands.
    public boolean vl256;

    /// Code size and stack size it was decoded for ([io.kahvem.jvm.cpu.Mode] bits).
    public byte mode;

    /// The address size as a power of two: 1, 2, 3 for 16, 32, 64 bits.
    public byte addressSize;

    /// Executes from here to the end of the block, or to where it must stop. Returns the next block if it is known and valid, else null.
    public abstract @Nullable Block exec(Cpu c, long[] r);

    /// A new instruction of this class, without operands.
    abstract Insn fresh();

    /// What an address's offset part is cut to, by the address size.
    public final long addressMask() {
        return -1L >>> 64 - (8 << addressSize);
    }

    /// What an instruction pointer is cut to, by the code size: 16, 32 or 64 bits of ones.
    final long ripMask() {
        return -1L >>> 64 - (16 << (mode & Mode.SIZE));
    }

    /// The linear address of the memory operand. May note a fault ([Cpu#faulted()]) when `checked`; `bytes` and `write` matter only then.
    public final long address(Cpu c, int bytes, boolean write) {
        return address(c, offset(c), bytes, write);
    }

    /// The linear address of an offset in the memory operand's segment; faults as [#address(Cpu, int, boolean)] does.
    public final long address(Cpu c, long offset, int bytes, boolean write) {
        return checked ? SegmentCheck.linear(c, segment, offset, bytes, write) : offset + c.r[segmentBase];
    }

    /// The offset part of the memory operand's address (LEA).
    public final long offset(Cpu c) {
        long[] r = c.r;
        return (r[base] + (r[index] << scale) + disp) & addressMask();
    }

    /// RIP of this instruction, while its block runs.
    public final long rip(Cpu c) {
        return c.r[Cpu.RIP] + start;
    }

    /// RIP of the instruction after this one, while its block runs.
    public final long nextRip(Cpu c) {
        return c.r[Cpu.RIP] + end;
    }

    /// The operand size as a power of two.
    public final int size() {
        return form & 3;
    }

    /// Ends the block here because of `c.stop`: after this instruction for LEAVE, else at it.
    final @Nullable Block stopped(Cpu c) {
        boolean completed = c.stop == Cpu.LEAVE;
        c.r[Cpu.RIP] = c.r[Cpu.RIP] + (completed ? end : start) & ripMask();
        int unexecuted = completed ? 0 : 1;
        for (Insn i = next; i != null && !(i instanceof EndOfBlock); i = i.next) unexecuted++;
        c.retired -= unexecuted;
        return null;
    }

    /// Before a control transfer: RIP stands at the next instruction.
    final void enterControl(long[] r) {
        r[Cpu.RIP] = r[Cpu.RIP] + end & ripMask();
    }

    /// After one: back to this instruction if it faulted.
    final @Nullable Block leaveControl(Cpu c) {
        if (c.faulted() || c.stop == Cpu.REPEAT) {
            c.r[Cpu.RIP] = c.r[Cpu.RIP] - (end - start) & ripMask();
            c.retired--;
        }
        return null;
    }

    /// The address formula without segment checks.
    static long linear(Insn i, long[] r) {
        return ((r[i.base] + (r[i.index] << i.scale) + i.disp) & i.addressMask()) + r[i.segmentBase];
    }

    // Register writes by operand size, for generated code.

    static void put8(long[] r, int n, long value) {
        r[n] = r[n] & ~0xffL | value & 0xff;
    }

    static void putHigh8(long[] r, int n, long value) {
        r[n] = r[n] & ~0xff00L | (value & 0xff) << 8;
    }

    static void put16(long[] r, int n, long value) {
        r[n] = r[n] & ~0xffffL | value & 0xffff;
    }

    static void put32(long[] r, int n, long value) {
        r[n] = value & 0xffff_ffffL;
    }
}
