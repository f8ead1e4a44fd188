package io.kahvem.jvm.translate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.hostcpu.UserCpu;
import io.kahvem.jvm.semantics.sse.FloatSamples;
import io.kahvem.jvm.translate.Translator.Policy;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Chains of arithmetic on doubles in translated code, where what is known of one result spares looking at the next: of any numbers, in any
/// mode of MXCSR, the same as by the interpreter.
class DoublesTest {
    private static final long BASE = 0x2000_0000L;
    private static final int CASES = 20_000;
    private static final int PLAIN = 0x1f80;
    private static final int PRECISION = 1 << 5;
    private static final int FLUSHING = 1 << 15 | 1 << 6;

    /// Takes two doubles and MXCSR at RDI, leaves what it made of them after that.
    private static byte[] chain() {
        return new Assembler(BASE + HostCpu.CODE)
                .hex("f20f1007 f20f104f08 0fae5710") // movsd xmm0, [rdi]; movsd xmm1, [rdi + 8]; ldmxcsr [rdi + 16]
                .hex("660f28d0 f20f58d1") // movapd xmm2, xmm0; addsd xmm2, xmm1
                .hex("660f28da f20f59da f20f5cd9") // movapd xmm3, xmm2; mulsd xmm3, xmm2; subsd xmm3, xmm1
                .hex("f20f5ed8 f20f51e3 660f58e2") // divsd xmm3, xmm0; sqrtsd xmm4, xmm3; addpd xmm4, xmm2
                .hex("f20f115f40 660f116748") // movsd [rdi + 64], xmm3; movupd [rdi + 72], xmm4
                .hex("660f2eda 0f974758 0f924759 0f9a475a 0f94475b") // ucomisd xmm3, xmm2; seta, setb, setp, sete [rdi + 88..91]
                .hex("0f96475c 0f98475d 0f9c475e") // setbe, sets, setl [rdi + 92..94]
                .hex("660f2f27 76").to8("most").hex("ff4760") // comisd xmm4, [rdi]; jbe most; inc dword [rdi + 96]
                .label("most").hex("7b").to8("ordered").hex("834760 10") // jnp ordered; add dword [rdi + 96], 16
                .label("ordered").hex("660f2ed1 75").to8("differ").hex("ff4764") // ucomisd xmm2, xmm1; jne differ; inc dword [rdi + 100]
                .label("differ").hex("f2480f2ccb f20f2cf2") // cvttsd2si rcx, xmm3; cvttsd2si esi, xmm2
                .hex("f2480f2ae9 f20f59e8 f20f2af6 f20f5cf5") // cvtsi2sd xmm5, rcx; mulsd xmm5, xmm0; cvtsi2sd xmm6, esi; subsd xmm6, xmm5
                .hex("48894f68 48897770") // mov [rdi + 104], rcx; mov [rdi + 112], rsi
                .hex("f20f117778 0fae5f14") // movsd [rdi + 120], xmm6; stmxcsr [rdi + 20]
                .hex("41ffc1".repeat(80)) // inc r9d: more than a first region has
                .assembled();
    }

    private static byte[] run(UserCpu cpu, byte[] code, long a, long b, int mxcsr) {
        State in = new State();
        in.data(0, a);
        in.data(8, b);
        in.data(16, mxcsr);
        cpu.write(HostCpu.CODE, code);
        cpu.set(in);
        cpu.c.r[Cpu.RDI] = BASE + HostCpu.DATA;
        cpu.c.budget = 1; // one that is spent would have the region grow at once
        assertTrue(cpu.go(HostCpu.CODE, 1_000_000));
        State out = new State();
        cpu.get(out);
        return out.data;
    }

    /// Where the first regions grow, what is rare leaves to the interpreter, until it has turned out not to be rare.
    @ParameterizedTest
    @ValueSource(ints = {0, 50})
    void chainsAreAsTheInterpreterHasThem(int runsToGrow) {
        byte[] code = chain();
        Random random = new Random(7);
        try (UserCpu interpreter = new UserCpu(BASE, Opcodes.map(), Policy.OFF);
                UserCpu translator = new UserCpu(BASE, Opcodes.map(), new Policy(1, 0, runsToGrow, false))) {
            for (int n = 0; n < CASES; n++) {
                long a = FloatSamples.lane(random, true);
                long b = FloatSamples.lane(random, true);
                int mxcsr = PLAIN | (random.nextBoolean() ? PRECISION : 0);
                if (random.nextInt(4) == 0) mxcsr |= random.nextInt(4) << 13 | (random.nextBoolean() ? FLUSHING : 0);
                byte[] expected = run(interpreter, code, a, b, mxcsr);
                int mode = mxcsr;
                assertArrayEquals(expected, run(translator, code, a, b, mxcsr), () -> "%#x and %#x under %#x".formatted(a, b, mode));
            }
            assertEquals(interpreter.c.retired, translator.c.retired);
            assertTrue(translator.translatedInstructions() > translator.c.retired * 8 / 10,
                    () -> translator.translatedInstructions() + " of " + translator.c.retired + " instructions were translated");
        }
    }
}
