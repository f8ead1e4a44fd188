package io.kahvem.jvm.semantics.sse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.HostFeatures;
import io.kahvem.jvm.hostcpu.State;
import java.util.HexFormat;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// SSE floating point does in the engine what it does in the host processor, bit for bit and flag for flag, in every rounding mode, with
/// and without DAZ and FTZ.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SseFloatHostTest {
    private static final int FTZ = 0x8000;
    private static final int DAZ = 0x40;

    private HostCpu host;
    private EngineUnderTest guest;
    private @Nullable HostCpu child;

    @BeforeAll
    void open() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux");
        host = HostCpu.open().orElseThrow();
        guest = new EngineUnderTest(host);
    }

    @AfterAll
    void close() {
        if (guest != null) guest.close();
        if (child != null) child.close();
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            addps 0f58
            addpd 660f58
            addss f30f58
            addsd f20f58
            mulps 0f59
            mulpd 660f59
            mulss f30f59
            mulsd f20f59
            subps 0f5c
            subpd 660f5c
            subss f30f5c
            subsd f20f5c
            minps 0f5d
            minpd 660f5d
            minss f30f5d
            minsd f20f5d
            divps 0f5e
            divpd 660f5e
            divss f30f5e
            divsd f20f5e
            maxps 0f5f
            maxpd 660f5f
            maxss f30f5f
            maxsd f20f5f
            sqrtps 0f51
            sqrtpd 660f51
            sqrtss f30f51
            sqrtsd f20f51
            haddpd 660f7c
            haddps f20f7c
            hsubpd 660f7d
            hsubps f20f7d
            addsubpd 660fd0
            addsubps f20fd0
            ucomiss 0f2e
            ucomisd 660f2e
            comiss 0f2f
            comisd 660f2f
            cvtps2pd 0f5a
            cvtpd2ps 660f5a
            cvtss2sd f30f5a
            cvtsd2ss f20f5a
            cvtdq2ps 0f5b
            cvtps2dq 660f5b
            cvttps2dq f30f5b
            cvttpd2dq 660fe6
            cvtdq2pd f30fe6
            cvtpd2dq f20fe6
            cvttss2si f30f2c
            cvttsd2si f20f2c
            cvtss2si f30f2d
            cvtsd2si f20f2d
            cvttss2si-q f3480f2c
            cvttsd2si-q f2480f2c
            cvtss2si-q f3480f2d
            cvtsd2si-q f2480f2d
            cvtsi2ss f30f2a
            cvtsi2sd f20f2a
            cvtsi2ss-q f3480f2a
            cvtsi2sd-q f2480f2a
            cvtpi2ps 0f2a
            cvtpi2pd 660f2a
            cvttps2pi 0f2c
            cvttpd2pi 660f2c
            cvtps2pi 0f2d
            cvtpd2pi 660f2d
            """)
    void inEveryMode(String name, String opcode) {
        Random random = new Random(opcode.hashCode());
        byte[] registers = code(opcode + "c1");
        byte[] memory = code(opcode + "4f10"); // [RDI + 16]
        for (int n = 0; n < 3000; n++) compare(host, n % 8 == 0 ? memory : registers, random(random), name);
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            cmpps 0fc2 8
            cmppd 660fc2 8
            cmpss f30fc2 8
            cmpsd f20fc2 8
            roundps 660f3a08 16
            roundpd 660f3a09 16
            roundss 660f3a0a 16
            roundsd 660f3a0b 16
            dpps 660f3a40 256
            dppd 660f3a41 256
            """)
    void withAnImmediate(String name, String opcode, int immediates) {
        Random random = new Random(opcode.hashCode());
        for (int n = 0; n < 3000; n++) {
            byte[] code = code(opcode + "c1%02x".formatted(n / 12 % immediates));
            compare(host, code, random(random), name);
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            addsd f20f58
            addss f30f58
            mulsd f20f59
            mulps 0f59
            divpd 660f5e
            divss f30f5e
            sqrtsd f20f51
            maxsd f20f5f
            ucomisd 660f2e
            cvtsd2ss f20f5a
            cvtps2pd 0f5a
            cvttsd2si f20f2c
            cvtsi2ss f30f2a
            cmpps 0fc2
            dpps 660f3a40
            """)
    void raiseWhatIsUnmasked(String name, String opcode) {
        if (child == null) child = HostCpu.openChild().orElseThrow();
        try (EngineUnderTest engine = new EngineUnderTest(child)) {
            Random random = new Random(opcode.hashCode());
            byte[] code = code(opcode + (name.equals("cmpps") ? "c101" : name.equals("dpps") ? "c1ff" : "c1"));
            for (int n = 0; n < 1000; n++) {
                State in = random(random);
                in.mxcsr(in.mxcsr() & ~0x1f80 | random.nextInt() & 0x1f80);
                in.gpr[7] = child.data();
                compare(child, engine, code, in, name);
            }
        }
    }

    /// RCPPS and its kind are approximations that processors make differently: exact where the manual is, else within its error.
    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            rcpss f30f53
            rsqrtss f30f52
            """)
    void approximately(String name, String opcode) {
        Random random = new Random(opcode.hashCode());
        for (int n = 0; n < 3000; n++) {
            State in = random(random);
            float expected = Float.intBitsToFloat((int) host.run(in, code(opcode + "c1")).xmm(0, 0));
            float mine = Float.intBitsToFloat((int) guest.run(in, code(opcode + "c1")).xmm(0, 0));
            boolean close = Float.compare(mine, expected) == 0 || Math.abs((double) mine / expected - 1) <= 0x3p-12;
            assertTrue(close, () -> "%s of %x: %s, host %s".formatted(name, in.xmm(1, 0) & 0xffff_ffffL, mine, expected));
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            pcmpestrm 660f3a60
            pcmpestri 660f3a61
            pcmpistrm 660f3a62
            pcmpistri 660f3a63
            pcmpestri-q 66480f3a61
            """)
    void stringsCompareAlike(String name, String opcode) {
        Random random = new Random(opcode.hashCode());
        for (int n = 0; n < 128 * 40; n++) {
            State in = new State();
            in.gpr[0] = random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(40) - 20;
            in.gpr[2] = random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(20);
            for (int x = 0; x < 2; x++) in.xmm(x, text(random), text(random));
            compare(host, code(opcode + "c1%02x".formatted(n / 40)), in, name);
        }
    }

    private static long text(Random random) {
        long text = 0;
        for (int n = 0; n < 8; n++) text = text << 8 | (random.nextInt(9) == 0 ? random.nextInt(256) : random.nextInt(3));
        return random.nextInt(3) == 0 ? text : text | 0x0101_0101_0101_0101L;
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            stmxcsr,ldmxcsr 0fae5f040fae5704
            fxrstor 480fae4f40
            fxrstor32 0fae4f40
            """)
    void loadsItsState(String name, String opcode) {
        Random random = new Random(opcode.hashCode());
        for (int n = 0; n < 200; n++) {
            State in = random(random);
            State image = random(random);
            image.fx[1] = (byte) (random.nextInt() & 0x0f);
            image.fx[3] = (byte) (random.nextInt() & 0x7f);
            image.fx[4] = (byte) random.nextInt();
            System.arraycopy(image.fx, 0, in.data, 64, 512);
            compare(host, code(opcode), in, name);
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            fxsave 480fae4740
            fxsave32 0fae4740
            xsave 480fae6740
            xsaveopt 480fae7740
            xsavec 480fc76740
            """)
    void savesItsState(String name, String opcode) {
        if (name.startsWith("xsave")) HostFeatures.assume(name, "avx");
        Random random = new Random(opcode.hashCode());
        for (int n = 0; n < 200; n++) {
            State in = random(random);
            in.gpr[0] = random.nextInt(8);
            in.gpr[2] = 0;
            // What the host's XSAVE leaves out because it is in its initial state is not to differ.
            State expected = host.run(in, code(opcode));
            State mine = guest.run(in, code(opcode));
            for (State s : new State[] {expected, mine}) {
                for (int mask = 28; mask < 32; mask++) s.data[64 + mask] = 0;
                if (name.startsWith("xsave")) s.data(64 + 512, s.data(64 + 512) | in.gpr[0]);
            }
            assertEquals("", mine.differences(expected, 0), name + in.gpr[0]);
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            xsave 480fae6740
            xsaveopt 480fae7740
            xsavec 480fc76740
            """)
    void restoresWhatXsaveHasSaved(String name, String opcode) {
        HostFeatures.assume(name, "avx");
        Random random = new Random(11);
        // XSAVE64 [RDI + 64]; VZEROALL; change MXCSR; take or keep the registers saved for XRSTOR64 [RDI + 64]
        byte[] code = code(opcode + "c5fc77" + "0fae17" + "89c8" + "480fae6f40");
        for (int n = 0; n < 400; n++) {
            State in = random(random);
            in.gpr[0] = random.nextInt(8);
            in.gpr[1] = random.nextInt(8);
            in.gpr[2] = 0;
            in.data(0, 0x1f80 | random.nextInt(64));
            for (int at = 64 + 512; at < 64 + 576; at += 8) in.data(at, 0);
            for (int at = 64; at < 64 + 512; at += 8) in.data(at, in.data(at) & 0xffff);
            in.data(64 + 24, 0x1f80);
            State mine = guest.run(in, code);
            State expected = host.run(in, code);
            System.arraycopy(expected.data, 0, mine.data, 0, State.DATA_BYTES);
            assertEquals("", mine.differences(expected, 0), name + " " + in.gpr[0] + " " + in.gpr[1]);
        }
    }

    private static byte[] code(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private State random(Random random) {
        State s = new State();
        int rounding = random.nextInt(2) * random.nextInt(4) << 13;
        int flushing = random.nextInt(3) == 0 ? random.nextInt() & (FTZ | DAZ) : 0;
        s.mxcsr(0x1f80 | rounding | flushing | (random.nextInt(3) == 0 ? random.nextInt(64) : 0));
        boolean doubles = random.nextBoolean();
        for (int n = 0; n < 2; n++) s.xmm(n, FloatSamples.lane(random, doubles), FloatSamples.lane(random, doubles));
        if (random.nextInt(6) == 0) s.xmm(1, s.xmm(0, 0) + random.nextInt(3) - 1, s.xmm(0, 1) ^ Long.MIN_VALUE);
        s.gpr[1] = random.nextBoolean() ? random.nextLong() >> random.nextInt(64) : random.nextInt(64);
        for (int n = 0; n < 8; n++) s.mmx(n, random.nextLong() >> random.nextInt(64));
        for (int n = 0; n < 32; n++) s.ymmUpper[n] = random.nextLong();
        s.gpr[7] = host.data();
        for (int n = 0; n < 64; n += 8) s.data(n, FloatSamples.lane(random, doubles));
        return s;
    }

    private void compare(HostCpu on, byte[] code, State in, String what) {
        compare(on, guest, code, in, what);
    }

    private static void compare(HostCpu on, EngineUnderTest engine, byte[] code, State in, String what) {
        State expected = on.run(in, code);
        State mine = engine.run(in, code);
        String differences = mine.differences(expected, 0);
        if (differences.isEmpty()) return;
        assertEquals("", differences, () -> "%s %s, from xmm0 %016x %016x xmm1 %016x %016x data %016x %016x rcx %x mxcsr %x".formatted(
                what, HexFormat.of().formatHex(code), in.xmm(0, 1), in.xmm(0, 0), in.xmm(1, 1), in.xmm(1, 0),
                in.data(24), in.data(16), in.gpr[1], in.mxcsr()));
    }
}
