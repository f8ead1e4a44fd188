package io.kahvem.jvm.decode;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.interpret.Spinner.Addressing;
import io.kahvem.jvm.interpret.Spinner.Place;
import java.util.Arrays;

/// One instruction as [Decoder] read it: what becomes the fields of an [Insn]. A scratch object, filled anew for each instruction.
public final class Decoded {
    /// What the instruction does; the decoder substitutes a row that raises #UD or #GP for bytes that are no instruction.
    public Row row = Decoder.UNDEFINED;

    public int length;
    public int size;
    public int addressSize;
    public int base;
    public int index;
    public int scale;
    public long disp;
    public long addressMask;
    public int segment;
    public int segmentBase;
    public boolean memory;
    public boolean checked;
    public int reg;
    public int rm;
    public final int[] registers = new int[4];
    public final Place[] places = new Place[4];
    public int operands;
    public long imm;
    public int imm2;
    public boolean rex;
    public boolean lock;
    public int rep;

    /// VEX.vvvv; of an instruction without VEX, ModRM.reg.
    public int vvvv;

    public boolean vex;
    public boolean vl256;
    public boolean code64;

    void clear() {
        length = 0;
        base = Cpu.ZERO;
        index = Cpu.ZERO;
        scale = 0;
        disp = 0;
        addressMask = -1;
        segment = Cpu.DS;
        segmentBase = Cpu.ZERO;
        memory = false;
        checked = false;
        reg = 0;
        rm = 0;
        operands = 0;
        imm = 0;
        imm2 = 0;
        rex = false;
        lock = false;
        rep = 0;
        vvvv = 0;
        vex = false;
        vl256 = false;
        Arrays.fill(registers, 0);
    }

    /// How the memory operand's address is to be made, if one of the operands needs it.
    public Addressing addressing() {
        boolean used = false;
        boolean addressOnly = false;
        for (int i = 0; i < operands; i++) {
            Place p = places[i];
            addressOnly |= p == Place.ADDRESS;
            used |= p == Place.ADDRESS || p.compareTo(Place.MEM8) >= 0 && p.compareTo(Place.MEM64) <= 0;
        }
        if (!used) return Addressing.NONE;
        boolean plain = index == Cpu.ZERO && addressMask == -1 && (segmentBase == Cpu.ZERO || addressOnly);
        if (plain && (!checked || addressOnly)) return Addressing.BASE;
        return checked && !addressOnly ? Addressing.CHECKED : Addressing.FULL;
    }

    /// Whether it sets all six arithmetic flags.
    public boolean setsAllFlags() {
        return row.setsAllFlags(imm, size);
    }

    /// Whether executing it may end in a fault, so that the flags before it can be seen.
    public boolean mayFault() {
        boolean lea = row.op.kind() == Op.Kind.COMPUTE && operands == 2 && places[1] == Place.ADDRESS;
        return memory && !lea || operationMayFault();
    }

    /// Whether a value operation itself, its memory operands aside, may note a fault.
    public boolean operationMayFault() {
        return row.mayFault(code64);
    }

    /// Whether a value operation's result goes to memory: the store may end the block, should it overwrite code, so that the flags after it
    /// can be seen.
    public boolean storesResult() {
        Op.Kind kind = row.op.kind();
        return memory && (kind == Op.Kind.UPDATE || kind == Op.Kind.COMPUTE) && places[0].compareTo(Place.MEM8) >= 0
                && places[0].compareTo(Place.MEM64) <= 0;
    }

    /// Copies everything but the links into `insn`, which starts `start` bytes into its block.
    public void fill(Insn insn, int start, int form, int mode) {
        insn.form = (byte) form;
        insn.start = (short) start;
        insn.end = (short) (start + length);
        insn.base = (byte) base;
        insn.index = (byte) index;
        insn.scale = (byte) scale;
        // RIP stands at the block's start, but for a control operation already at the next instruction.
        boolean fromStart = base == Cpu.RIP && row.op.kind() != Op.Kind.CONTROL;
        insn.disp = fromStart ? disp + insn.end : disp;
        insn.segment = (byte) segment;
        insn.segmentBase = (byte) segmentBase;
        insn.memory = memory;
        insn.checked = checked;
        insn.reg = (byte) reg;
        insn.rm = (byte) rm;
        insn.op0 = (byte) registers[0];
        insn.op1 = (byte) registers[1];
        insn.op2 = (byte) registers[2];
        insn.imm = imm;
        insn.imm2 = imm2;
        insn.rex = rex;
        insn.lock = lock;
        insn.rep = (short) rep;
        insn.vvvv = (byte) vvvv;
        insn.vex = vex;
        insn.vl256 = vl256;
        insn.mode = (byte) mode;
        insn.addressSize = (byte) addressSize;
    }
}
