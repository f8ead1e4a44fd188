package io.kahvem.jvm.decode;

import static io.kahvem.jvm.decode.Op.branch;
import static io.kahvem.jvm.decode.Op.compute;
import static io.kahvem.jvm.decode.Op.consume;
import static io.kahvem.jvm.decode.Op.control;
import static io.kahvem.jvm.decode.Op.update;
import static io.kahvem.jvm.decode.Op.whole;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.semantics.Arith;
import io.kahvem.jvm.semantics.Bits;
import io.kahvem.jvm.semantics.Condition;
import io.kahvem.jvm.semantics.Decimal;
import io.kahvem.jvm.semantics.Logic;
import io.kahvem.jvm.semantics.Move;
import io.kahvem.jvm.semantics.MulDiv;
import io.kahvem.jvm.semantics.Shift;
import io.kahvem.jvm.semantics.Stack;
import io.kahvem.jvm.semantics.Strings;
import io.kahvem.jvm.semantics.Transfer;

/// The general-purpose instructions of SDM Vol. 2, Tables.
public final class IntegerRows {
    private IntegerRows() {}

    public static void define(OpcodeMap map) {
        arithmetic(map);
        shifts(map);
        moves(map);
        exchanges(map);
        stack(map);
        transfers(map);
        bits(map);
        strings(map);
        decimal(map);
    }

    private static void arithmetic(OpcodeMap map) {
        Op[] ops = {
            update(Arith.class, "add"), update(Logic.class, "or"), update(Arith.class, "adc"), update(Arith.class, "sbb"),
            update(Logic.class, "and"), update(Arith.class, "sub"), update(Logic.class, "xor"), consume(Arith.class, "cmp")
        };
        for (int n = 0; n < 8; n++) {
            Op op = ops[n];
            int base = 8 * n;
            alu(map.row(base, op, Eb, Gb), n);
            alu(map.row(base + 1, op, Ev, Gv), n);
            alu(map.row(base + 2, op, Gb, Eb), n);
            alu(map.row(base + 3, op, Gv, Ev), n);
            alu(map.row(base + 4, op, AL, Ib), n);
            alu(map.row(base + 5, op, rAX, Iz), n);
            alu(map.group(0x80, n, op, Eb, Ib), n);
            alu(map.group(0x81, n, op, Ev, Iz), n);
            alu(map.group(0x82, n, op, Eb, Ib), n).not64();
            alu(map.group(0x83, n, op, Ev, sIb), n);
        }

        Op inc = update(Arith.class, "inc");
        Op dec = update(Arith.class, "dec");
        for (int n = 0; n < 8; n++) {
            map.row(0x40 + n, inc, Zv).not64().changesFlags();
            map.row(0x48 + n, dec, Zv).not64().changesFlags();
        }
        map.group(0xfe, 0, inc, Eb).lockable().changesFlags();
        map.group(0xfe, 1, dec, Eb).lockable().changesFlags();
        map.group(0xff, 0, inc, Ev).lockable().changesFlags();
        map.group(0xff, 1, dec, Ev).lockable().changesFlags();

        Op test = consume(Logic.class, "test");
        map.row(0x84, test, Eb, Gb).setsFlags();
        map.row(0x85, test, Ev, Gv).setsFlags();
        map.row(0xa8, test, AL, Ib).setsFlags();
        map.row(0xa9, test, rAX, Iz).setsFlags();
        for (int reg = 0; reg < 2; reg++) {
            map.group(0xf6, reg, test, Eb, Ib).setsFlags();
            map.group(0xf7, reg, test, Ev, Iz).setsFlags();
        }
        Operand[] byteAndWord = {Eb, Ev};
        for (int n = 0; n < 2; n++) {
            Operand e = byteAndWord[n];
            map.group(0xf6 + n, 2, update(Logic.class, "not"), e).lockable();
            map.group(0xf6 + n, 3, update(Arith.class, "neg"), e).lockable().setsFlags();
            map.group(0xf6 + n, 4, consume(MulDiv.class, "mul"), e).setsFlags();
            map.group(0xf6 + n, 5, consume(MulDiv.class, "imul1"), e).setsFlags();
            map.group(0xf6 + n, 6, consume(MulDiv.class, "div"), e).faults();
            map.group(0xf6 + n, 7, consume(MulDiv.class, "idiv"), e).faults();
        }
        map.row0f(0xaf, update(MulDiv.class, "imul"), Gv, Ev).setsFlags();
        map.row(0x69, compute(MulDiv.class, "imul"), Gv, Ev, Iz).setsFlags();
        map.row(0x6b, compute(MulDiv.class, "imul"), Gv, Ev, sIb).setsFlags();
        map.row(0x98, compute(Move.class, "extend"), rAX, rAX);
        map.row(0x99, consume(Move.class, "extendDouble"), rAX);
    }

    private static Row alu(Row row, int operation) {
        boolean usesCarry = operation == 2 || operation == 3;
        boolean compares = operation == 7;
        if (usesCarry) row.readsFlags();
        return compares ? row.setsFlags() : row.setsFlags().lockable();
    }

    private static void shifts(OpcodeMap map) {
        String[] names = {"rol", "ror", "rcl", "rcr", "shl", "shr", "shl", "sar"};
        for (int n = 0; n < 8; n++) {
            Op op = update(Shift.class, names[n]);
            Row[] byImmediate = {map.group(0xc0, n, op, Eb, Ib), map.group(0xc1, n, op, Ev, Ib)};
            Row[] byOne = {map.group(0xd0, n, op, Eb, One), map.group(0xd1, n, op, Ev, One)};
            Row[] byCount = {map.group(0xd2, n, op, Eb, CL), map.group(0xd3, n, op, Ev, CL)};
            boolean rotates = n < 4;
            boolean throughCarry = n == 2 || n == 3;
            for (int e = 0; e < 2; e++) {
                if (rotates) {
                    byImmediate[e].changesFlags();
                    byOne[e].changesFlags();
                } else {
                    byImmediate[e].setsFlagsByCount();
                    byOne[e].setsFlags();
                }
                byCount[e].changesFlags();
                if (throughCarry) {
                    for (Row row : new Row[] {byImmediate[e], byOne[e], byCount[e]}) row.readsFlags();
                }
            }
        }
        map.row0f(0xa4, update(Shift.class, "shld"), Ev, Gv, Ib).setsFlagsByCount();
        map.row0f(0xa5, update(Shift.class, "shld"), Ev, Gv, CL).changesFlags();
        map.row0f(0xac, update(Shift.class, "shrd"), Ev, Gv, Ib).setsFlagsByCount();
        map.row0f(0xad, update(Shift.class, "shrd"), Ev, Gv, CL).changesFlags();
    }

    private static void moves(OpcodeMap map) {
        Op mov = compute(Move.class, "mov");
        map.row(0x88, mov, Eb, Gb);
        map.row(0x89, mov, Ev, Gv);
        map.row(0x8a, mov, Gb, Eb);
        map.row(0x8b, mov, Gv, Ev);
        map.row(0xa0, mov, AL, Ob);
        map.row(0xa1, mov, rAX, Ov);
        map.row(0xa2, mov, Ob, AL);
        map.row(0xa3, mov, Ov, rAX);
        for (int n = 0; n < 8; n++) {
            map.row(0xb0 + n, mov, Zb, Ib);
            map.row(0xb8 + n, mov, Zv, Iv);
        }
        map.group(0xc6, 0, mov, Eb, Ib);
        map.group(0xc7, 0, mov, Ev, Iz);
        map.row(0x8d, mov, Gv, M);
        map.row(0x63, compute(Move.class, "movsx32"), Gv, Ed).only64();
        map.row0f(0xb6, compute(Move.class, "movzx8"), Gv, Eb);
        map.row0f(0xb7, compute(Move.class, "movzx16"), Gv, Ew);
        map.row0f(0xbe, compute(Move.class, "movsx8"), Gv, Eb);
        map.row0f(0xbf, compute(Move.class, "movsx16"), Gv, Ew);
        map.row0f(OpcodeMap.NP, 0xc3, mov, Ey, Gy).memoryOnly(); // MOVNTI
        for (int n = 0; n < 16; n++) {
            map.row0f(0x40 + n, update(Condition.class, "cmov" + Condition.NAMES[n]), Gv, Ev).readsFlags();
            map.row0f(0x90 + n, compute(Condition.class, "set" + Condition.NAMES[n]), Eb).readsFlags();
        }
        map.row(0xd7, whole(Move.class, "xlat"));
    }

    private static void exchanges(OpcodeMap map) {
        map.row(0x86, whole(Move.class, "xchg"), Eb, Gb).lockable();
        map.row(0x87, whole(Move.class, "xchg"), Ev, Gv).lockable();
        for (int n = 0; n < 8; n++) map.row(0x90 + n, whole(Move.class, "xchgAccumulator"), Zv).noFlags();
        map.row0f(0xb0, whole(Move.class, "cmpxchg"), Eb, Gb).lockable();
        map.row0f(0xb1, whole(Move.class, "cmpxchg"), Ev, Gv).lockable();
        map.row0f(0xc0, whole(Move.class, "xadd"), Eb, Gb).lockable();
        map.row0f(0xc1, whole(Move.class, "xadd"), Ev, Gv).lockable();
        map.group0fMemory(0xc7, 1, whole(Move.class, "cmpxchg8b"), Ex).lockable();
        for (int n = 0; n < 8; n++) map.row0f(0xc8 + n, update(Bits.class, "bswap"), Zv);
    }

    private static void stack(OpcodeMap map) {
        Op push = consume(Stack.class, "push");
        Op pop = compute(Stack.class, "pop");
        for (int n = 0; n < 8; n++) {
            map.row(0x50 + n, push, Zv).default64().faults();
            map.row(0x58 + n, pop, Zv).default64().faults();
        }
        map.row(0x68, push, Iz).default64().faults();
        map.row(0x6a, push, sIb).default64().faults();
        map.group(0xff, 6, push, Ev).default64().faults();
        map.groupMemory(0x8f, 0, whole(Stack.class, "popMemory"), Ev).default64();
        map.groupRegister(0x8f, 0, pop, Ev).default64().faults();
        map.row(0x60, whole(Stack.class, "pusha")).not64();
        map.row(0x61, whole(Stack.class, "popa")).not64();
        map.row(0xc8, whole(Stack.class, "enter"), Iw, Ib).default64();
        map.row(0xc9, whole(Stack.class, "leave")).default64();
    }

    private static void transfers(OpcodeMap map) {
        for (int n = 0; n < 16; n++) {
            Op jcc = branch(Condition.class, Condition.NAMES[n]);
            map.row(0x70 + n, jcc, Jb).force64();
            map.row0f(0x80 + n, jcc, Jz).force64();
        }
        map.row(0xeb, branch(Transfer.class, "always"), Jb).force64();
        map.row(0xe9, branch(Transfer.class, "always"), Jz).force64();
        map.row(0xe8, branch(Transfer.class, "call"), Jz).force64();
        map.row(0xe0, branch(Transfer.class, "loopne"), Jb).force64();
        map.row(0xe1, branch(Transfer.class, "loope"), Jb).force64();
        map.row(0xe2, branch(Transfer.class, "loop"), Jb).force64();
        map.row(0xe3, branch(Transfer.class, "jcxz"), Jb).force64();
        map.group(0xff, 2, control(Transfer.class, "callIndirect"), Ev).force64();
        map.group(0xff, 4, control(Transfer.class, "jmpIndirect"), Ev).force64();
        map.row(0xc2, control(Transfer.class, "ret"), Iw).force64();
        map.row(0xc3, control(Transfer.class, "ret")).force64();
    }

    private static void bits(OpcodeMap map) {
        map.group0f(0xba, 4, consume(Bits.class, "bt"), Ev, Ib).changesFlags();
        map.group0f(0xba, 5, update(Bits.class, "bts"), Ev, Ib).changesFlags().lockable();
        map.group0f(0xba, 6, update(Bits.class, "btr"), Ev, Ib).changesFlags().lockable();
        map.group0f(0xba, 7, update(Bits.class, "btc"), Ev, Ib).changesFlags().lockable();
        map.row0f(0xa3, whole(Bits.class, "btReg"), Ev, Gv);
        map.row0f(0xab, whole(Bits.class, "btsReg"), Ev, Gv).lockable();
        map.row0f(0xb3, whole(Bits.class, "btrReg"), Ev, Gv).lockable();
        map.row0f(0xbb, whole(Bits.class, "btcReg"), Ev, Gv).lockable();
        map.row0f(0xbc, update(Bits.class, "bsf"), Gv, Ev).setsFlags();
        map.row0f(0xbd, update(Bits.class, "bsr"), Gv, Ev).setsFlags();
        map.row0f(OpcodeMap.PF3, 0xb8, compute(Bits.class, "popcnt"), Gv, Ev).setsFlags();
    }

    private static void strings(OpcodeMap map) {
        String[] names = {"movs", "cmps", null, "stos", "lods", "scas"};
        int opcode = 0xa4;
        for (String name : names) {
            if (name != null) {
                Op op = whole(Strings.class, name);
                map.row(opcode, op, AL);
                map.row(opcode + 1, op, rAX);
            }
            opcode += 2;
        }
    }

    private static void decimal(OpcodeMap map) {
        map.row(0x27, whole(Decimal.class, "daa")).not64();
        map.row(0x2f, whole(Decimal.class, "das")).not64();
        map.row(0x37, whole(Decimal.class, "aaa")).not64();
        map.row(0x3f, whole(Decimal.class, "aas")).not64();
        map.row(0xd4, whole(Decimal.class, "aam"), Ib).not64();
        map.row(0xd5, whole(Decimal.class, "aad"), Ib).not64();
    }
}
