package io.kahvem.jvm.semantics;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.EngineUnderTest;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.HostFeatures;
import io.kahvem.jvm.hostcpu.State;
import java.util.HexFormat;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// BMI1, BMI2, LZCNT, MOVBE and ADX do in the engine what they do in the host processor.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BmiHostTest {
    private static final int CASES = 400;
    private static final int CF = 1;
    private static final int PF = 4;
    private static final int AF = 0x10;
    private static final int ZF = 0x40;
    private static final int SF = 0x80;
    private static final int OF = 0x800;
    private static final long BASE = 0x2000_0000L;

    private @Nullable HostCpu host;

    @AfterAll
    void close() {
        if (host != null) host.close();
    }

    /// Instructions without ModRM: EAX, ECX, EDX, [RDI + 16] and the 64-bit forms follow from it. `undefined` are the flags that the
    /// manual leaves open.
    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            andn c4e270f2 c4e2f0f2 AP
            bextr c4e270f7 c4e2f0f7 APS
            bzhi c4e270f5 c4e2f0f5 AP
            pdep c4e273f5 c4e2f3f5 -
            pext c4e272f5 c4e2f2f5 -
            mulx c4e273f6 c4e2f3f6 -
            mulx-same c4e27bf6 c4e2fbf6 -
            shlx c4e271f7 c4e2f1f7 -
            sarx c4e272f7 c4e2f2f7 -
            shrx c4e273f7 c4e2f3f7 -
            lzcnt f30fbd f3480fbd APSO
            tzcnt f30fbc f3480fbc APSO
            lzcnt16 66f30fbd 66f30fbd APSO
            tzcnt16 f3660fbc f3660fbc APSO
            adcx 660f38f6 66480f38f6 -
            adox f30f38f6 f3480f38f6 -
            """)
    void onRegistersAndMemory(String name, String narrow, String wide, String undefined) {
        HostFeatures.assume("bmi1", "bmi2", "abm", "adx");
        compare(name, undefined, narrow + "c2", wide + "c2", narrow + "4710", wide + "4710", narrow + "5710", wide + "c9");
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(delimiter = ' ', textBlock = """
            blsr c4e270f3 c4e2f0f3 c9 4f10 AP
            blsmsk c4e270f3 c4e2f0f3 d2 5710 AP
            blsi c4e270f3 c4e2f0f3 d9 5f10 AP
            """)
    void lowestBits(String name, String narrow, String wide, String register, String memory, String undefined) {
        HostFeatures.assume("bmi1");
        compare(name, undefined, narrow + register, wide + register, narrow + memory, wide + memory);
    }

    @Test
    void rotatesByAnImmediate() {
        HostFeatures.assume("bmi2");
        for (int n = 0; n < 130; n += 3) {
            compare("rorx", "-", "c4e37bf0c2%02x".formatted(n), "c4e3fbf0c2%02x".formatted(n), "c4e3fbf04710%02x".formatted(n));
        }
    }

    @Test
    void movesBigEndianWords() {
        HostFeatures.assume("movbe");
        compare("movbe", "-", "0f38f04710", "660f38f04710", "480f38f04710", "66480f38f04710", "0f38f15710", "660f38f15710", "480f38f15710");
    }

    @Test
    void areUndefinedWhereTheManualSaysSo() {
        HostFeatures.assume("bmi1", "bmi2");
        try (HostCpu host = HostCpu.openChild().orElseThrow(); EngineUnderTest engine = new EngineUnderTest(host)) {
            String[] wrong = {
                "f0c4e270f2c2", "66c4e270f2c2", "f2c4e270f2c2", "f3c4e270f2c2", "48c4e270f2c2", "40c4e270f2c2", // prefixes
                "c4e274f2c2", "c4e37ff0c205", // VEX.L
                "c4e373f0c205", // VEX.vvvv of RORX
                "c4e078f2c2", "c4e478f2c2", "c4ff78f2c2", // maps that are not defined
                "c4e270f3c2", "c4e270f3e2", "c4e271f2c2", // no such instruction
                "0f38f0c2", "0f38f1c2", // MOVBE of registers
            };
            StringBuilder differences = new StringBuilder();
            State in = new State();
            in.gpr[7] = host.data();
            for (String hex : wrong) {
                byte[] code = HexFormat.of().parseHex(hex);
                String difference = engine.run(in, code).differences(host.run(in, code), CF | PF | AF | ZF | SF | OF);
                if (!difference.isEmpty()) differences.append(hex).append(": ").append(difference);
            }
            assertEquals("", differences.toString());
        }
    }

    /// In legacy code C4H is LES but for ModRM bytes that LES cannot have; VEX.W and the highest bit of VEX.vvvv count for nothing.
    @Test
    void decodeInLegacyCodeAsWell() {
        try (EngineUnderTest engine = new EngineUnderTest(BASE, Opcodes.map())) {
            State in = new State();
            in.gpr[1] = 0xf0;
            in.gpr[2] = 0xff;
            State out = new State();
            engine.run32At(HostCpu.CODE, in, HexFormat.of().parseHex("c4e2f0f2c2"), out);
            assertEquals(State.COMPLETED, out.vector);
            assertEquals(0x0f, out.gpr[0]);
            engine.run32At(HostCpu.CODE, in, HexFormat.of().parseHex("c4e230f2c2"), out);
            assertEquals(0x0f, out.gpr[0]);
        }
    }

    @Test
    void areUndefinedInRealMode() {
        try (TestMachine m = new TestMachine().real()) {
            m.run(0xc4, 0xe2, 0x70, 0xf2, 0xc2);
            assertEquals(Exceptions.UD, m.c.faultVector);
        }
    }

    private void compare(String name, String undefined, String... codes) {
        long open = 0;
        for (int at = 0; at < undefined.length(); at++) {
            open |= switch (undefined.charAt(at)) {
                case 'A' -> AF;
                case 'P' -> PF;
                case 'S' -> SF;
                case 'O' -> OF;
                case 'Z' -> ZF;
                default -> 0;
            };
        }
        Random random = new Random(name.hashCode());
        if (host == null) host = HostCpu.openChild().orElseThrow();
        try (EngineUnderTest engine = new EngineUnderTest(host)) {
            for (String hex : codes) {
                byte[] code = HexFormat.of().parseHex(hex);
                for (int n = 0; n < CASES; n++) {
                    State in = random(host.data(), random);
                    assertEquals("", engine.run(in, code).differences(host.run(in, code), open), () -> name + " " + hex);
                }
            }
        }
    }

    private static State random(long data, Random random) {
        State s = new State();
        for (int n = 0; n < 16; n++) {
            if (n != 4) s.gpr[n] = value(random);
        }
        s.gpr[7] = data;
        s.rflags = random.nextLong() & 0x8d5;
        for (int n = 0; n < 64; n += 8) s.data(n, value(random));
        return s;
    }

    private static long value(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> 0;
            case 1 -> 1L << random.nextInt(64);
            case 2 -> -1L << random.nextInt(64);
            case 3 -> random.nextInt(70) | random.nextInt(70) << 8;
            default -> random.nextLong();
        };
    }
}
