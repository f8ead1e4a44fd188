package io.kahvem.jvm.semantics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// All conditions under all flags, near transfers, and shifts by every count.
class ConditionsAndTransfersTest {
    private static final long SEED = 19_991_231;
    private static final int[] FLAG_BITS = {0, 2, 4, 6, 7, 11};

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux: its processor cannot say what is right");
    }

    @Test
    void everyConditionUnderEveryCombinationOfFlags() {
        try (Differential d = new Differential(HostCpu.open().orElseThrow())) {
            State s = new InstructionGenerator(d.host, new Random(SEED)).randomState();
            for (int cc = 0; cc < 16; cc++) {
                byte[][] codes = {
                    bytes(0x70 | cc, 3, 0x48, 0xff, 0xc0), // Jcc over INC RAX
                    bytes(0x0f, 0x80 | cc, 3, 0, 0, 0, 0x48, 0xff, 0xc0),
                    bytes(0xeb, 3, 0x48, 0xff, 0xc0, 0x70 | cc, 0xfb), // JMP to a Jcc back to INC RAX
                    bytes(0x0f, 0x90 | cc, 0xc4), // SETcc AH
                    bytes(0x41, 0x0f, 0x90 | cc, 0xc4), // SETcc R12B
                    bytes(0x66, 0x0f, 0x40 | cc, 0xc3), // CMOVcc AX, BX
                    bytes(0x0f, 0x40 | cc, 0xc3),
                    bytes(0x4c, 0x0f, 0x40 | cc, 0xc3) // CMOVcc R8, RBX
                };
                for (int kind = 0; kind < codes.length; kind++) {
                    for (int flags = 0; flags < 64; flags++) {
                        s.rflags = 0;
                        for (int i = 0; i < 6; i++) s.rflags |= (long) (flags >> i & 1) << FLAG_BITS[i];
                        // The third runs INC in a circle unless the condition changes: only where INC leaves what it reads (CF).
                        if (kind == 2 && cc != 2 && cc != 3) continue;
                        if (kind == 2 && (cc == 2) == ((s.rflags & 1) != 0)) continue;
                        d.compare(Condition.NAMES[cc] + " in form " + kind, s, codes[kind], 0);
                    }
                }
            }
            assertEquals("", d.report());
        }
    }

    @Test
    void shiftsAndRotatesByEveryCount() {
        try (Differential d = new Differential(HostCpu.open().orElseThrow())) {
            Random random = new Random(SEED);
            InstructionGenerator g = new InstructionGenerator(d.host, random);
            State s = g.randomState();
            int[] operand = {0xc3, 0xc7}; // RBX, RDI; BH without REX
            for (int extension = 0; extension < 8; extension++) {
                for (int form = 0; form < 5; form++) {
                    int rm = operand[form & 1] | extension << 3;
                    byte[] byCl = switch (form) {
                        case 0, 1 -> bytes(0xd2, rm);
                        case 2 -> bytes(0x66, 0xd3, rm);
                        case 3 -> bytes(0xd3, rm);
                        default -> bytes(0x48, 0xd3, rm);
                    };
                    int size = form < 2 ? 8 : 8 << form - 1;
                    for (int count = 0; count < 256; count++) {
                        s.gpr[1] = random.nextLong() << 8 | count;
                        s.gpr[3] = g.value();
                        s.gpr[7] = g.value();
                        s.rflags = random.nextInt() & State.FLAGS & ~0x400;
                        int n = count & (size == 64 ? 63 : 31);
                        long undefined = n == 0 ? 0 : extension < 4 ? 0 : IntegerTemplate.AF;
                        if (n > 1) undefined |= IntegerTemplate.OF;
                        if (n >= size && extension >= 4 && extension < 7) undefined |= IntegerTemplate.CF;
                        d.compare("shift " + extension + " of " + size, s, byCl, undefined);
                    }
                }
            }
            assertEquals("", d.report());
        }
    }

    @Test
    void loopsCallsAndReturns() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            Random random = new Random(SEED);
            InstructionGenerator g = new InstructionGenerator(d.host, random);
            for (int n = 0; n < 400; n++) {
                State s = g.randomState();
                s.gpr[4] = d.host.data() + 512;
                s.gpr[8] = random.nextInt(50);
                s.gpr[1] = random.nextInt(100);
                int limit = random.nextInt(64);
                boolean narrow = random.nextBoolean();
                if (narrow) s.gpr[1] |= random.nextLong() << 32;
                int prefix = narrow ? 0x67 : 0x3e;
                if (s.gpr[1] << (narrow ? 32 : 0) == 0) s.gpr[1] = 1;
                d.compare("loop", s, bytes(0x49, 0xff, 0xc0, prefix, 0xe2, 0xfa), 0); // L: INC R8; LOOP L
                for (int opcode = 0xe0; opcode < 0xe2; opcode++) { // L: INC R8; CMP R8, limit; LOOPNE or LOOPE L
                    d.compare("loop %x".formatted(opcode), s, bytes(0x49, 0xff, 0xc0, 0x49, 0x83, 0xf8, limit, prefix, opcode, 0xf6), 0);
                }
                if (random.nextBoolean()) s.gpr[1] = narrow ? random.nextLong() << 32 : 0;
                d.compare("jcxz", s, bytes(prefix, 0xe3, 3, 0x49, 0xff, 0xc0), 0);
                // CALL L; INC R8; JMP end; L: INC R9; RET
                d.compare("call", s, bytes(0xe8, 5, 0, 0, 0, 0x49, 0xff, 0xc0, 0xeb, 4, 0x49, 0xff, 0xc1, 0xc3), 0);
                d.compare("ret n", s, bytes(0xe8, 5, 0, 0, 0, 0x49, 0xff, 0xc0, 0xeb, 6, 0x49, 0xff, 0xc1, 0xc2, 0x18, 0), 0);
                // LEA RAX, [RIP + 5], JMP RAX over INC R9
                d.compare("jmp r", s, bytes(0x48, 0x8d, 0x05, 5, 0, 0, 0, 0xff, 0xe0, 0x49, 0xff, 0xc1), 0);
                // LEA RAX, [RIP + 7]; CALL RAX; INC R8; JMP end; L: INC R9; RET
                d.compare("call r", s, bytes(0x48, 0x8d, 0x05, 7, 0, 0, 0, 0xff, 0xd0, 0x49, 0xff, 0xc0, 0xeb, 4, 0x49, 0xff, 0xc1, 0xc3),
                        0);
                s.data(520, d.host.code() + 9);
                // CALL [RSP + 8]; INC R8; JMP end; L: INC R9; RET
                d.compare("call m", s, bytes(0xff, 0x54, 0x24, 8, 0x49, 0xff, 0xc0, 0xeb, 4, 0x49, 0xff, 0xc1, 0xc3), 0);
                s.data(520, d.host.code() + 8);
                d.compare("jmp m", s, bytes(0x3e, 0xff, 0x64, 0x24, 8, 0x49, 0xff, 0xc0), 0);
                d.compare("push [rsp], pop [rsp]", s, bytes(0xff, 0x34, 0x24, 0x8f, 0x44, 0x24, 0x10, 0x54, 0x5c), 0);
                d.compare("lahf", s, bytes(0x9f), 0);
                d.compare("sahf", s, bytes(0x9e), 0);
                int flags = new int[] {0xf5, 0xf8, 0xf9, 0xfc, 0xfd}[random.nextInt(5)];
                d.compare("flag %02x".formatted(flags), s, bytes(flags, 0x0f, 0x92, 0xc0), 0);
                d.compare("popf", s, bytes(0x48, 0x25, 0xd5, 0x0c, 0, 0, 0x50, 0x9d, 0x9c, 0x58, 0x48, 0x25, 0xd5, 0x0c, 0, 0), 0);
            }
            assertEquals("", d.report());
        }
    }

    static byte[] bytes(int... values) {
        byte[] b = new byte[values.length];
        for (int i = 0; i < b.length; i++) b[i] = (byte) values[i];
        return b;
    }
}
