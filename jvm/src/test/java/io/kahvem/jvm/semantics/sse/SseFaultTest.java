package io.kahvem.jvm.semantics.sse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Exceptions of vector instructions other than SIMD floating-point ones.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SseFaultTest {
    private static final long BASE = 0x2000_0000L;

    private @Nullable HostCpu child;

    @AfterAll
    void close() {
        if (child != null) child.close();
    }

    private HostCpu host() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux");
        if (child == null) child = HostCpu.openChild().orElseThrow();
        return child;
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            movaps 0f2807
            movaps-store 0f2907
            movups 0f1007
            movups-store 0f1107
            movdqu f30f6f07
            movdqa-store 660f7f07
            paddb 660ffc07
            addps 0f5807
            addsd f20f5807
            addss f30f5807
            movq f30f7e07
            movd 660f6e07
            movq-mmx 0f6f07
            movlps-store 0f1307
            punpcklbw-mmx 0f6007
            cvtps2pd 0f5a07
            cvtdq2pd f30fe607
            pmovzxbq 660f383207
            pmovzxbw 660f383007
            pcmpistri 660f3a630700
            lddqu f20ff007
            movntps 0f2b07
            maskmovdqu 660ff7c1
            fxsave 480fae07
            fxrstor 480fae0f
            ldmxcsr 0fae17
            stmxcsr 0fae1f
            xsave 480fae27
            xrstor 480fae2f
            insertps 660f3a2107c8
            pextrb 660f3a140703
            pinsrw 660fc40703
            movhlps-form 660f12c1
            movntq-register 0fe7c1
            pmovmskb-memory 660fd707
            psrlw-memory 660f711703
            """)
    void memoryOperandsFaultAsOnTheHost(String name, String opcode) {
        HostCpu host = host();
        try (EngineUnderTest engine = new EngineUnderTest(host)) {
            byte[] code = HexFormat.of().parseHex(opcode);
            for (int before = 0; before <= 18; before++) {
                State in = new State();
                for (int n = 0; n < 16; n++) in.xmm(n, 0x8081_8283_8485_8687L * (n + 1), 0xf0f1_f2f3_f4f5_f6f7L ^ n);
                in.gpr[7] = host.base() + HostCpu.GUARD - before;
                in.gpr[0] = 3;
                for (int at = State.DATA_BYTES - 64; at < State.DATA_BYTES; at += 8) in.data(at, 0x1f80_0000_1f80L);
                State expected = host.run(in, code);
                State mine = engine.run(in, code);
                // Which byte of a range the processor names first is its own affair.
                if (expected.vector == Exceptions.PF) assertEquals(expected.cr2 & -0x1000, mine.cr2 & -0x1000, name);
                String at = name + ", bytes before the border: " + before;
                assertEquals("", mine.differences(expected, 0), at);
            }
        }
    }

    @Test
    void needsTheOperatingSystemsConsent() {
        assertEquals(Exceptions.UD, vector("0f58c1", ControlBits.CR0_EM, 0));
        assertEquals(Exceptions.NM, vector("0f58c1", ControlBits.CR0_TS, 0));
        assertEquals(Exceptions.UD, vector("0f58c1", 0, ControlBits.CR4_OSFXSR));
        assertEquals(Exceptions.UD, vector("0ffcc1", ControlBits.CR0_EM, 0));
        assertEquals(Exceptions.NM, vector("0ffcc1", ControlBits.CR0_TS, 0));
        assertEquals(State.COMPLETED, vector("0ffcc1", 0, ControlBits.CR4_OSFXSR));
        assertEquals(State.COMPLETED, vector("f20f38f0c1", ControlBits.CR0_EM | ControlBits.CR0_TS, ControlBits.CR4_OSFXSR));
        assertEquals(Exceptions.UD, vector("480fae27", 0, ControlBits.CR4_OSXSAVE));
        assertEquals(Exceptions.NM, vector("480fae27", ControlBits.CR0_TS, 0));
        assertEquals(Exceptions.NM, vector("480fae07", ControlBits.CR0_TS, 0));
    }

    @Test
    void anUnmaskedExceptionIsUndefinedWithoutASystemThatHandlesIt() {
        State in = new State();
        in.mxcsr(0x1f80 & ~0x80);
        in.xmm(0, 0x7ff0_0000_0000_0001L, 0);
        assertEquals(Exceptions.XM, run("f20f58c1", in, 0, 0).vector);
        assertEquals(Exceptions.UD, run("f20f58c1", in, 0, ControlBits.CR4_OSXMMEXCPT).vector);
    }

    @Test
    void mmxInstructionsMeetPendingX87Exceptions() {
        State in = new State();
        in.word(0, 0x37e);
        in.word(2, 0x8081);
        assertEquals(Exceptions.MF, run("0ffcc1", in, 0, 0).vector);
        assertEquals(State.COMPLETED, run("660ffcc1", in, 0, 0).vector);
    }

    private static int vector(String code, long setInCr0, long clearedInCr4) {
        State in = new State();
        in.gpr[7] = BASE + HostCpu.DATA;
        return run(code, in, setInCr0, clearedInCr4).vector;
    }

    private static State run(String code, State in, long setInCr0, long clearedInCr4) {
        try (EngineUnderTest engine = new EngineUnderTest(BASE, Opcodes.map())) {
            Cpu c = engine.cpu();
            c.cr0 |= setInCr0;
            c.cr4 &= ~clearedInCr4;
            c.modeChanged();
            return engine.run(in, HexFormat.of().parseHex(code));
        }
    }
}
