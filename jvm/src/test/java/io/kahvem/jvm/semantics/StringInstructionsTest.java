package io.kahvem.jvm.semantics;

import static io.kahvem.jvm.hostcpu.State.DATA_BYTES;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.io.ByteArrayOutputStream;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// MOVS, CMPS, STOS, LODS and SCAS, repeated or not, in both directions, to the end or to a page fault on the way.
class StringInstructionsTest {
    private static final long SEED = 19_850_101;
    private static final int CASES = 6_000;
    private static final int[] OPCODES = {0xa4, 0xa6, 0xaa, 0xac, 0xae};
    private static final String[] NAMES = {"movs", "cmps", "stos", "lods", "scas"};
    private static final int DIRECTION = 0x400;

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux: its processor cannot say what is right");
    }

    @Test
    void moveCountAndFaultLikeTheProcessor() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            for (int n = 0; n < CASES; n++) {
                Random random = new Random(SEED + n);
                State s = new InstructionGenerator(d.host, random).randomState();
                int which = random.nextInt(5);
                int log2 = random.nextInt(4);
                boolean backwards = random.nextBoolean();
                if (backwards) s.rflags |= DIRECTION;
                int repeat = random.nextInt(4);
                long count = random.nextInt(10) == 0 ? 0 : 1 + random.nextInt(40);
                if (random.nextBoolean()) alike(s, random);
                boolean narrow = random.nextInt(4) == 0;
                s.gpr[1] = count;
                s.gpr[6] = place(d.host, random, backwards);
                s.gpr[7] = random.nextInt(4) == 0 ? s.gpr[6] + random.nextInt(17) - 8 : place(d.host, random, backwards);
                // Which of two faulting operands of CMPS is reported is the processor's choice: only one may.
                if (which == 1) s.gpr[random.nextBoolean() ? 6 : 7] = d.host.data() + 330 + random.nextInt(340);
                if (narrow && count != 0) { // what a count of 0 leaves of the upper halves differs between processors
                    for (int r : new int[] {1, 6, 7}) s.gpr[r] |= random.nextLong() << 32;
                }
                ByteArrayOutputStream code = new ByteArrayOutputStream();
                if (log2 == 1) code.write(0x66);
                if (narrow) code.write(0x67);
                if (repeat > 1) code.write(repeat == 2 ? 0xf3 : 0xf2);
                if (log2 == 3) code.write(0x48);
                code.write(log2 == 0 ? OPCODES[which] : OPCODES[which] + 1);
                d.compare(NAMES[which] + (repeat > 1 ? " repeated" : "") + (backwards ? " down" : " up"), s, code.toByteArray(), 0);
            }
            assertEquals("", d.report());
        }
    }

    /// Thousands of elements over several pages, as memcpy, memset and memcmp do; then a look at the middle of them.
    @Test
    void longRunsCrossPages() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            for (int n = 0; n < 120; n++) {
                Random random = new Random(SEED + n);
                State s = new InstructionGenerator(d.host, random).randomState();
                int log2 = random.nextInt(4);
                long area = d.host.base() + HostCpu.STACK + 0x2000;
                boolean backwards = random.nextInt(4) == 0;
                long count = 200 + random.nextInt(0x1800 >> log2);
                ByteArrayOutputStream code = new ByteArrayOutputStream();
                if (backwards) s.rflags |= DIRECTION;
                s.gpr[1] = count;
                s.gpr[7] = backwards ? area + 0x5000 + random.nextInt(64) : area + random.nextInt(0x1000);
                s.gpr[6] = switch (random.nextInt(3)) {
                    case 0 -> s.gpr[7] + random.nextInt(33) - 16;
                    case 1 -> area + (backwards ? 0x6000 : 0x3000) + random.nextInt(64);
                    default -> backwards ? d.host.data() + DATA_BYTES - 8 : d.host.base() + HostCpu.STACK;
                };
                if (backwards) s.gpr[6] = Math.max(s.gpr[6], area + 0x4000);
                s.gpr[8] = (s.gpr[7] + (backwards ? -1 : 1) * (count << log2) / 2 & -8) - 256;
                s.gpr[9] = d.host.data();
                int opcode = new int[] {0xa4, 0xaa, 0xa6, 0xae}[random.nextInt(4)];
                element(code, log2, opcode);
                code.writeBytes(new byte[] {0x4c, (byte) 0x89, (byte) 0xc6}); // MOV RSI, R8
                code.writeBytes(new byte[] {0x49, (byte) 0x89, (byte) 0xca}); // MOV R10, RCX
                code.writeBytes(new byte[] {0x49, (byte) 0x89, (byte) 0xfb}); // MOV R11, RDI
                code.writeBytes(new byte[] {0x4c, (byte) 0x89, (byte) 0xcf}); // MOV RDI, R9
                code.writeBytes(new byte[] {(byte) 0xb9, 64, 0, 0, 0}); // MOV ECX, 64
                if (backwards) code.writeBytes(new byte[] {(byte) 0x48, (byte) 0x81, (byte) 0xc6, (byte) 0xf8, 1, 0, 0}); // ADD RSI, 504
                if (backwards) code.writeBytes(new byte[] {(byte) 0x48, (byte) 0x81, (byte) 0xc7, (byte) 0xf8, 1, 0, 0}); // ADD RDI, 504
                element(code, 3, 0xa4);
                d.compare("long run of %02x".formatted(opcode) + (backwards ? " down" : " up"), s, code.toByteArray(), 0);
            }
            assertEquals("", d.report());
        }
    }

    private static void element(ByteArrayOutputStream code, int log2, int opcode) {
        if (log2 == 1) code.write(0x66);
        code.write(0xf3);
        if (log2 == 3) code.write(0x48);
        code.write(log2 == 0 ? opcode : opcode + 1);
    }

    /// Inside the data, or where the run will reach the unmapped page or starts in it.
    private static long place(HostCpu host, Random random, boolean backwards) {
        return switch (random.nextInt(6)) {
            case 0 -> backwards ? host.base() + HostCpu.STACK + random.nextInt(100) : host.data() + DATA_BYTES - random.nextInt(100);
            case 1 -> host.base() + HostCpu.GUARD - 4 + random.nextInt(8);
            default -> host.data() + 330 + random.nextInt(340);
        };
    }

    /// Comparisons should find long equal runs.
    private static void alike(State s, Random random) {
        long pattern = random.nextBoolean() ? 0 : 0x0101_0101_0101_0101L * random.nextInt(256);
        for (int i = 0; i < DATA_BYTES; i += 8) s.data(i, pattern);
        s.gpr[0] = pattern;
        for (int n = 0; n < 3; n++) s.data[random.nextInt(DATA_BYTES)] ^= (byte) random.nextInt(3);
    }
}
