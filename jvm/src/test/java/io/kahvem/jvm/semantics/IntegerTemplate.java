package io.kahvem.jvm.semantics;

import java.util.ArrayList;
import java.util.List;

/// What [InstructionGenerator] needs to know of an integer instruction: encoding, and what SDM Vol. 2 says of its flags.
///
/// @param opcode with its escape and mandatory prefix bytes: 0x01, 0x0fa3, 0xf30fb8
/// @param extension ModRM.reg, or REGISTER where that is an operand
/// @param form how operands are encoded
/// @param byteSized operands are bytes; else of 16, 32 or 64 bits
/// @param immediate bytes: B, Z (2 or 4), V (up to 8), ENTER (a word and a byte)
/// @param reads flags it depends on
/// @param writes flags it changes, undefined ones included
/// @param undefined flags the manual leaves undefined
/// @param traits what is special
record IntegerTemplate(
        String name, int opcode, int extension, Form form, boolean byteSized, Immediate immediate, int reads, int writes, int undefined,
                int traits) {
    enum Form { RM, MEMORY, OPCODE_REGISTER, OFFSET, FIXED }

    enum Immediate { NONE, B, Z, V, ENTER }

    static final int REGISTER = -1;

    static final int CF = 1;
    static final int PF = 4;
    static final int AF = 0x10;
    static final int ZF = 0x40;
    static final int SF = 0x80;
    static final int OF = 0x800;
    static final int ALL = CF | PF | AF | ZF | SF | OF;

    // Traits.
    static final int LOCK = 1;
    static final int STACK = 2;
    static final int SHIFT = 4;
    static final int ROTATE = 8;
    static final int DOUBLE_SHIFT = 0x10;
    static final int BIT_OFFSET = 0x20;
    static final int BY_COUNT = 0x40;
    static final int COMPARES_ACCUMULATOR = 0x80;
    static final int DIVIDES = 0x100;
    static final int PAIR = 0x200;
    static final int XLAT = 0x400;
    static final int ONLY_32_64 = 0x800;
    static final int ONCE = 0x1000;

    /// Flag conditions in the order of their encodings: what each reads.
    private static final int[] CONDITION_READS = {OF, CF, ZF, CF | ZF, SF, PF, SF | OF, ZF | SF | OF};

    static int conditionReads(int condition) {
        return CONDITION_READS[condition / 2];
    }

    boolean has(int trait) {
        return (traits & trait) != 0;
    }

    static List<IntegerTemplate> all() {
        List<IntegerTemplate> t = new ArrayList<>();
        String[] alu = {"add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"};
        for (int n = 0; n < 8; n++) {
            int reads = n == 2 || n == 3 ? CF : 0;
            int undefined = n == 1 || n == 4 || n == 6 ? AF : 0;
            int lock = n == 7 ? 0 : LOCK;
            for (int b = 0; b < 2; b++) {
                boolean bytes = b == 0;
                t.add(new IntegerTemplate(alu[n] + " E,G", 8 * n + b, REGISTER, Form.RM, bytes, Immediate.NONE, reads, ALL, undefined,
                        lock));
                t.add(new IntegerTemplate(alu[n] + " G,E", 8 * n + 2 + b, REGISTER, Form.RM, bytes, Immediate.NONE, reads, ALL, undefined,
                        0));
                t.add(new IntegerTemplate(alu[n] + " A,I", 8 * n + 4 + b, 0, Form.FIXED, bytes, bytes ? Immediate.B : Immediate.Z, reads,
                        ALL, undefined, 0));
                t.add(new IntegerTemplate(alu[n] + " E,I", 0x80 + b, n, Form.RM, bytes, bytes ? Immediate.B : Immediate.Z, reads, ALL,
                        undefined, lock));
            }
            t.add(new IntegerTemplate(alu[n] + " E,sI", 0x83, n, Form.RM, false, Immediate.B, reads, ALL, undefined, lock));
        }
        for (int b = 0; b < 2; b++) {
            boolean bytes = b == 0;
            Immediate z = bytes ? Immediate.B : Immediate.Z;
            t.add(rm("inc", 0xfe + b, 0, bytes, 0, ALL & ~CF, 0, LOCK));
            t.add(rm("dec", 0xfe + b, 1, bytes, 0, ALL & ~CF, 0, LOCK));
            t.add(rm("test E,G", 0x84 + b, REGISTER, bytes, 0, ALL, AF, 0));
            t.add(new IntegerTemplate("test A,I", 0xa8 + b, 0, Form.FIXED, bytes, z, 0, ALL, AF, 0));
            t.add(new IntegerTemplate("test E,I", 0xf6 + b, 0, Form.RM, bytes, z, 0, ALL, AF, 0));
            t.add(new IntegerTemplate("test E,I /1", 0xf6 + b, 1, Form.RM, bytes, z, 0, ALL, AF, 0));
            t.add(rm("not", 0xf6 + b, 2, bytes, 0, 0, 0, LOCK));
            t.add(rm("neg", 0xf6 + b, 3, bytes, 0, ALL, 0, LOCK));
            t.add(rm("mul", 0xf6 + b, 4, bytes, 0, ALL, ALL & ~(CF | OF), 0));
            t.add(rm("imul", 0xf6 + b, 5, bytes, 0, ALL, ALL & ~(CF | OF), 0));
            t.add(rm("div", 0xf6 + b, 6, bytes, 0, ALL, ALL, DIVIDES));
            t.add(rm("idiv", 0xf6 + b, 7, bytes, 0, ALL, ALL, DIVIDES));
            t.add(rm("mov E,G", 0x88 + b, REGISTER, bytes, 0, 0, 0, 0));
            t.add(rm("mov G,E", 0x8a + b, REGISTER, bytes, 0, 0, 0, 0));
            t.add(new IntegerTemplate("mov A,O", 0xa0 + b, 0, Form.OFFSET, bytes, Immediate.NONE, 0, 0, 0, 0));
            t.add(new IntegerTemplate("mov O,A", 0xa2 + b, 0, Form.OFFSET, bytes, Immediate.NONE, 0, 0, 0, 0));
            t.add(new IntegerTemplate("mov E,I", 0xc6 + b, 0, Form.RM, bytes, z, 0, 0, 0, 0));
            t.add(rm("xchg", 0x86 + b, REGISTER, bytes, 0, 0, 0, LOCK));
            t.add(rm("cmpxchg", 0x0fb0 + b, REGISTER, bytes, 0, ALL, 0, LOCK | COMPARES_ACCUMULATOR));
            t.add(rm("xadd", 0x0fc0 + b, REGISTER, bytes, 0, ALL, 0, LOCK));
            t.add(rm("movzx" + 8 * (b + 1), 0x0fb6 + b, REGISTER, false, 0, 0, 0, 0));
            t.add(rm("movsx" + 8 * (b + 1), 0x0fbe + b, REGISTER, false, 0, 0, 0, 0));
            String[] shifts = {"rol", "ror", "rcl", "rcr", "shl", "shr", "sal", "sar"};
            for (int n = 0; n < 8; n++) {
                int reads = n == 2 || n == 3 ? CF : 0;
                int kind = n < 4 ? ROTATE : SHIFT;
                int writes = n < 4 ? CF | OF : ALL;
                int undefined = n < 4 ? OF : n == 7 ? OF | AF : OF | AF | CF;
                t.add(new IntegerTemplate(shifts[n] + " E,I", 0xc0 + b, n, Form.RM, bytes, Immediate.B, reads, writes, undefined, kind));
                t.add(rm(shifts[n] + " E,1", 0xd0 + b, n, bytes, reads, writes, n < 4 ? 0 : AF, kind | ONCE));
                t.add(rm(shifts[n] + " E,CL", 0xd2 + b, n, bytes, reads, writes, undefined, kind | BY_COUNT));
            }
        }
        t.add(rm("imul G,E", 0x0faf, REGISTER, false, 0, ALL, ALL & ~(CF | OF), 0));
        t.add(new IntegerTemplate("imul G,E,I", 0x69, REGISTER, Form.RM, false, Immediate.Z, 0, ALL, ALL & ~(CF | OF), 0));
        t.add(new IntegerTemplate("imul G,E,sI", 0x6b, REGISTER, Form.RM, false, Immediate.B, 0, ALL, ALL & ~(CF | OF), 0));
        t.add(fixed("cbw", 0x98));
        t.add(fixed("cwd", 0x99));
        for (int n = 0; n < 2; n++) {
            String name = n == 0 ? "shld" : "shrd";
            t.add(new IntegerTemplate(name + " I", 0x0fa4 + 8 * n, REGISTER, Form.RM, false, Immediate.B, 0, ALL, AF | OF, DOUBLE_SHIFT));
            t.add(rm(name + " CL", 0x0fa5 + 8 * n, REGISTER, false, 0, ALL, AF | OF, DOUBLE_SHIFT | BY_COUNT));
        }
        t.add(opcodeRegister("mov r8,I", 0xb0, true, Immediate.B, 0));
        t.add(opcodeRegister("mov r,I", 0xb8, false, Immediate.V, 0));
        t.add(new IntegerTemplate("lea", 0x8d, REGISTER, Form.MEMORY, false, Immediate.NONE, 0, 0, 0, 0));
        t.add(rm("movsxd", 0x63, REGISTER, false, 0, 0, 0, 0));
        t.add(new IntegerTemplate("movnti", 0x0fc3, REGISTER, Form.MEMORY, false, Immediate.NONE, 0, 0, 0, ONLY_32_64));
        for (int n = 0; n < 16; n++) {
            int reads = CONDITION_READS[n / 2];
            t.add(rm("cmov" + Condition.NAMES[n], 0x0f40 + n, REGISTER, false, reads, 0, 0, 0));
            t.add(rm("set" + Condition.NAMES[n], 0x0f90 + n, 0, true, reads, 0, 0, 0));
        }
        t.add(new IntegerTemplate("xlat", 0xd7, 0, Form.FIXED, true, Immediate.NONE, 0, 0, 0, XLAT));
        t.add(opcodeRegister("xchg A,r", 0x90, false, Immediate.NONE, 0));
        t.add(new IntegerTemplate("cmpxchg8b", 0x0fc7, 1, Form.MEMORY, false, Immediate.NONE, 0, ZF, 0, LOCK | PAIR | ONLY_32_64));
        t.add(opcodeRegister("bswap", 0x0fc8, false, Immediate.NONE, ONLY_32_64));
        t.add(opcodeRegister("push r", 0x50, false, Immediate.NONE, STACK));
        t.add(opcodeRegister("pop r", 0x58, false, Immediate.NONE, STACK));
        t.add(new IntegerTemplate("push Iz", 0x68, 0, Form.FIXED, false, Immediate.Z, 0, 0, 0, STACK));
        t.add(new IntegerTemplate("push Ib", 0x6a, 0, Form.FIXED, false, Immediate.B, 0, 0, 0, STACK));
        t.add(rm("push E", 0xff, 6, false, 0, 0, 0, STACK));
        t.add(rm("pop E", 0x8f, 0, false, 0, 0, 0, STACK));
        t.add(new IntegerTemplate("enter", 0xc8, 0, Form.FIXED, false, Immediate.ENTER, 0, 0, 0, STACK));
        t.add(new IntegerTemplate("leave", 0xc9, 0, Form.FIXED, false, Immediate.NONE, 0, 0, 0, STACK));
        String[] tests = {"bt", "bts", "btr", "btc"};
        for (int n = 0; n < 4; n++) {
            int lock = n == 0 ? 0 : LOCK;
            t.add(new IntegerTemplate(tests[n] + " E,I", 0x0fba, 4 + n, Form.RM, false, Immediate.B, 0, CF | OF | SF | AF | PF,
                    OF | SF | AF | PF, lock));
            t.add(rm(tests[n] + " E,G", 0x0fa3 + 8 * n, REGISTER, false, 0, CF | OF | SF | AF | PF, OF | SF | AF | PF, lock | BIT_OFFSET));
        }
        t.add(rm("bsf", 0x0fbc, REGISTER, false, 0, ALL, ALL & ~ZF, 0));
        t.add(rm("bsr", 0x0fbd, REGISTER, false, 0, ALL, ALL & ~ZF, 0));
        t.add(rm("popcnt", 0xf30fb8, REGISTER, false, 0, ALL, 0, 0));
        return t;
    }

    private static IntegerTemplate rm(String name, int opcode, int extension, boolean bytes, int reads, int writes, int undefined,
            int traits) {
        return new IntegerTemplate(name, opcode, extension, Form.RM, bytes, Immediate.NONE, reads, writes, undefined, traits);
    }

    private static IntegerTemplate fixed(String name, int opcode) {
        return new IntegerTemplate(name, opcode, 0, Form.FIXED, false, Immediate.NONE, 0, 0, 0, 0);
    }

    private static IntegerTemplate opcodeRegister(String name, int opcode, boolean bytes, Immediate immediate, int traits) {
        return new IntegerTemplate(name, opcode, 0, Form.OPCODE_REGISTER, bytes, immediate, 0, 0, 0, traits);
    }
}
