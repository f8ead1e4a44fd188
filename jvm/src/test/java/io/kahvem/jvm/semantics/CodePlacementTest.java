package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.semantics.ConditionsAndTransfersTest.bytes;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Instructions across pages, and code that changes itself.
class CodePlacementTest {
    private static final long SEED = 20_010_911;
    private static final int PAGE = 0x1000;
    private static final long FETCH_OF_ABSENT_USER_PAGE = 0x14;

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux: its processor cannot say what is right");
    }

    @Test
    void instructionsAcrossPagesDoWhatTheyDoInside() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            Random random = new Random(SEED);
            InstructionGenerator g = new InstructionGenerator(d.host, random);
            List<IntegerTemplate> templates = IntegerTemplate.all();
            for (int n = 0; n < 1_000; n++) {
                IntegerTemplate t = templates.get(random.nextInt(templates.size()));
                State s = g.randomState();
                byte[] code = g.instruction(t, s, d.host.code());
                if (g.ripRelative() || t.has(IntegerTemplate.DIVIDES) || InstructionGenerator.undefinedResult(t, code, g.size, s)) continue;
                byte[] twice = new byte[code.length + 3];
                System.arraycopy(code, 0, twice, 0, code.length);
                System.arraycopy(bytes(0x0f, 0x1f, 0x00), 0, twice, code.length, 3); // NOP [RAX]
                d.host.run(s, twice, d.expected);
                d.compareAt(PAGE - 1 - random.nextInt(code.length + 2), t.name(), s, twice, g.undefined);
            }
            assertEquals("", d.report());
        }
    }

    @Test
    void faultsWhereTheNextPageIsAbsent() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            byte[] code = bytes(0x48, 0xff, 0xc0, 0x48, 0x81, 0xc3, 1, 0, 0, 0); // INC RAX; ADD RBX, 1
            for (int here = 1; here < code.length; here++) {
                State s = new State();
                System.arraycopy(code, 0, s.data, State.DATA_BYTES - here, here);
                State out = new State();
                d.engine.runAt(HostCpu.GUARD - here, s, code, out);
                assertEquals(Exceptions.PF, out.vector);
                assertEquals(FETCH_OF_ABSENT_USER_PAGE, out.error);
                assertEquals(d.host.base() + HostCpu.GUARD, out.cr2);
                assertEquals(here < 3 ? 0 : 3, out.faultOffset, "the instruction that reaches over the border faults");
                assertEquals(here < 3 ? 0 : 1, out.gpr[0]);
                assertEquals(0, out.gpr[3]);
            }
        }
    }

    @Test
    void changedCodeIsSeenByTheNextInstruction() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            State s = new InstructionGenerator(d.host, new Random(SEED)).randomState();
            s.gpr[1] = 0x5a;
            s.gpr[4] = d.host.code() + 14;
            changing(d, "an immediate ahead", s, bytes(0xc6, 0x05, 1, 0, 0, 0, 0x77, 0xb0, 0x11)); // MOV BYTE [RIP + 1], 77H; MOV AL, 11H
            // ADD BYTE [RIP], 6EH makes ADD AL, 2 a JC over MOV DL, 5: the carry that nothing in the decoded block would have read is read.
            s.rflags = 1;
            changing(d, "a flag writer becomes a reader", s, bytes(0x80, 0x05, 0, 0, 0, 0, 0x6e, 0x04, 2, 0xb2, 5));
            // L: MOV AL, 1; ADD R8B, AL; INC BYTE [L + 1]; DEC CL; JNZ L
            changing(d, "a loop", s, bytes(0xb0, 1, 0x41, 0x00, 0xc0, 0xfe, 0x05, 0xf6, 0xff, 0xff, 0xff, 0xfe, 0xc9, 0x75, 0xf1));
            // PUSH RBX onto the eight NOPs that follow it
            changing(d, "by PUSH", s, bytes(0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x53, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90),
                    NOPS_IN_RBX);
            // LEA RDI, [RIP + 9]; MOV AL, 90H; MOV ECX, 3; REP STOSB over INC RDX
            changing(d, "by REP STOSB", s, bytes(0x48, 0x8d, 0x3d, 9, 0, 0, 0, 0xb0, 0x90, 0xb9, 3, 0, 0, 0, 0xf3, 0xaa, 0x48, 0xff, 0xc2));
            // LOCK XADD [RIP + 1], AL; MOV DL, 5
            changing(d, "by LOCK XADD", s, bytes(0xb0, 1, 0xf0, 0x0f, 0xc0, 0x05, 1, 0, 0, 0, 0xb2, 5));
            changing(d, "by XCHG", s, bytes(0xb0, 1, 0x86, 0x05, 1, 0, 0, 0, 0xb2, 5));
            // CALL over a block that was linked: L: CALL F; INC BYTE [F + 1]; DEC CL; JNZ L; JMP end; F: ADD DL, 1; RET
            changing(d, "a linked block", s, bytes(0xe8, 12, 0, 0, 0, 0xfe, 0x05, 8, 0, 0, 0, 0xfe, 0xc9, 0x75, 0xf1, 0xeb, 4, 0x80, 0xc2,
                    1, 0xc3), d.host.data() + 512);
            assertEquals("", d.report());
        }
    }

    private static final long NOPS_IN_RBX = -1;

    private static void changing(Differential d, String subject, State s, byte[] code, long special) {
        State other = s.copy();
        if (special == NOPS_IN_RBX) {
            other.gpr[3] = 0x90c0_ff48_9090_9090L;
            other.gpr[4] = d.host.code() + 15;
        } else {
            other.gpr[4] = special;
        }
        changing(d, subject, other, code);
    }

    /// Runs `code` twice from its original bytes.
    private static void changing(Differential d, String subject, State s, byte[] code) {
        for (int n = 0; n < 2; n++) {
            d.compare("reload", s, bytes(0x90 + n), 0);
            d.compare(subject, s, code, 0);
        }
    }

    /// Loops of additions of immediates and stores that change the immediates of others, before and after themselves.
    @Test
    void randomCodeThatChangesItself() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            for (int n = 0; n < 500; n++) {
                Random random = new Random(SEED + n);
                State s = new InstructionGenerator(d.host, random).randomState();
                s.gpr[1] = 4;
                int count = 4 + random.nextInt(16);
                boolean[] stores = new boolean[count];
                int[] at = new int[count];
                int length = 0;
                for (int i = 0; i < count; i++) {
                    stores[i] = random.nextInt(3) == 0;
                    at[i] = length;
                    length += stores[i] ? 7 : 4;
                }
                ByteArrayOutputStream code = new ByteArrayOutputStream();
                for (int i = 0; i < count; i++) {
                    if (stores[i]) { // ADD or MOV BYTE [RIP + disp], imm
                        int victim = random.nextInt(count);
                        int disp = at[victim] + (stores[victim] ? 6 : 3) - (at[i] + 7);
                        code.writeBytes(bytes(random.nextBoolean() ? 0x80 : 0xc6, 0x05, disp, disp >> 8, disp >> 16, disp >> 24,
                                random.nextInt(256)));
                    } else { // ADD, ADC, SUB, XOR R8 + x, imm
                        int operation = new int[] {0, 2, 5, 6}[random.nextInt(4)];
                        code.writeBytes(bytes(0x49, 0x83, 0xc0 | operation << 3 | random.nextInt(4), random.nextInt(256)));
                    }
                }
                int back = -(length + 4);
                code.writeBytes(bytes(0xfe, 0xc9, 0x75, back)); // DEC CL; JNZ
                if (back < -128) continue;
                changing(d, "seed " + n, s, code.toByteArray());
            }
            assertEquals("", d.report());
        }
    }
}
