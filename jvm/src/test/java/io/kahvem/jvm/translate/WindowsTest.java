package io.kahvem.jvm.translate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.hostcpu.UserCpu;
import io.kahvem.jvm.translate.Translator.Policy;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Accesses near each other, which share look-ups in the TLB when translated, do what they do when interpreted: also where they are in two
/// pages, where some of them fault, and where an address comes about in several ways.
class WindowsTest {
    private static final long BASE = 0x2000_0000L;
    private static final int PROGRAMS = 150;

    /// RBX, RBP, RSI, RDI, R12 and R13: what addresses are made of.
    private static final int[] BASES = {3, 5, 6, 7, 12, 13};

    /// A page that nothing else stores to.
    private static final int PAGE = HostCpu.STACK + 0x3000;

    private static final int VALUES = 3; // RAX, RCX, RDX

    private static UserCpu cpu(Policy policy, byte[] code) {
        UserCpu cpu = new UserCpu(BASE, Opcodes.map(), policy);
        cpu.write(HostCpu.CODE, code);
        return cpu;
    }

    private static Assembler code() {
        return new Assembler(BASE + HostCpu.CODE);
    }

    /// An instruction with REX.W, a register and `[base + disp8]`.
    private static void memory(Assembler out, String opcode, int reg, int base, int disp) {
        int rex = 0x48 | reg >> 3 << 2 | base >> 3;
        out.hex("%02x%s%02x".formatted(rex, opcode, 0x40 | (reg & 7) << 3 | base & 7));
        if ((base & 7) == 4) out.hex("24");
        out.hex("%02x".formatted(disp & 0xff));
    }

    /// Loads, stores, pushes and pops near a few addresses that move by constants, with forward jumps over some of them.
    private static byte[] program(Random random) {
        Assembler out = code();
        int skipUntil = 0;
        for (int n = 0; n < 60; n++) {
            if (n == skipUntil && skipUntil > 0) out.label("skip" + n);
            int base = random.nextInt(8) == 0 ? Cpu.RSP : BASES[random.nextInt(BASES.length)];
            int other = BASES[random.nextInt(BASES.length)];
            int value = random.nextInt(VALUES);
            int disp = random.nextInt(-100, 100);
            switch (random.nextInt(10)) {
                case 0, 1 -> memory(out, "8b", value, base, disp); // mov value, [base + disp]
                case 2, 3 -> memory(out, "89", value, base, disp);
                case 4 -> memory(out, "03", value, base, disp); // add value, [base + disp]
                case 5 -> memory(out, "31", value, base, disp); // xor [base + disp], value
                case 6 -> memory(out, "8d", other, base, disp / 8); // lea other, [base + disp / 8]
                case 7 -> out.hex("%02x83%02x%02x".formatted(0x48 | other >> 3, 0xc0 | other & 7, disp / 8 & 0xff)); // add other, disp / 8
                case 8 -> out.hex("%02x".formatted((random.nextBoolean() ? 0x50 : 0x58) + value)); // push or pop
                default -> {
                    if (n < skipUntil) continue;
                    skipUntil = n + 1 + random.nextInt(6);
                    out.hex("a801 75").to8("skip" + skipUntil); // test al, 1; jnz
                }
            }
        }
        for (int n = 60; n <= skipUntil; n++) out.label("skip" + n);
        return out.assembled();
    }

    private static void start(UserCpu cpu, Random random) {
        State in = new State();
        cpu.set(in);
        for (int base : BASES) cpu.c.r[base] = near(random);
        cpu.c.r[Cpu.RSP] = near(random) & -8;
        for (int n = 0; n < VALUES; n++) cpu.c.r[n] = random.nextLong();
    }

    /// An address near the border of two pages, and sometimes of the one that is not there.
    private static long near(Random random) {
        int page = random.nextInt(12) == 0 ? HostCpu.GUARD + 0x1000 : HostCpu.STACK + 0x1000 * (2 + random.nextInt(3));
        return BASE + page + random.nextInt(-700, 700);
    }

    @Test
    void neighboursInAnyOrder() {
        int faults = 0;
        long translated = 0;
        long retired = 0;
        for (int seed = 1; seed <= PROGRAMS; seed++) {
            byte[] code = program(new Random(seed));
            try (UserCpu interpreter = cpu(Policy.OFF, code); UserCpu translator = cpu(UserCpu.TRANSLATED, code)) {
                for (int run = 0; run < 30; run++) {
                    String where = "seed " + seed + ", run " + run;
                    long begin = seed * 1_000L + run;
                    start(interpreter, new Random(begin));
                    start(translator, new Random(begin));
                    interpreter.go(HostCpu.CODE, 1_000);
                    translator.go(HostCpu.CODE, 1_000);
                    State expected = new State();
                    State actual = new State();
                    interpreter.get(expected);
                    translator.get(actual);
                    assertEquals("", actual.differences(expected, 0), where);
                    assertEquals(expected.faultOffset, actual.faultOffset, where);
                    assertEquals(expected.cr2, actual.cr2, where);
                    assertTrue(Arrays.equals(interpreter.stack(), translator.stack()), where);
                    if (expected.vector == Exceptions.PF) faults++;
                }
                translated += translator.translatedInstructions();
                retired += translator.c.retired;
            }
        }
        assertTrue(faults > PROGRAMS, faults + " faults");
        assertTrue(translated > retired / 3, translated + " of " + retired + " instructions were executed by regions");
    }

    /// Ten fields of a structure that lies in two pages: at first each round leaves the region, later none does.
    @Test
    void aRegionWhoseNeighboursAreOftenInTwoPagesIsMadeAnew() {
        Assembler out = code().hex("b900400000").label("next"); // mov ecx, 0x4000
        for (int n = 0; n < 10; n++) memory(out, "03", Cpu.RAX, Cpu.RBX, 8 * n);
        byte[] bytes = out.hex("ffc9 75").to8("next").assembled(); // dec ecx; jnz next
        try (UserCpu cpu = cpu(new Policy(1, 0, 100, false), bytes)) {
            long interpreted = 0;
            for (int run = 0; run < 3; run++) {
                long before = cpu.c.retired - cpu.translatedInstructions();
                cpu.set(new State());
                cpu.c.r[Cpu.RBX] = BASE + HostCpu.STACK + 0x1000 - 40;
                assertTrue(cpu.go(HostCpu.CODE, 1_000_000));
                interpreted = cpu.c.retired - cpu.translatedInstructions() - before;
                if (run == 0) assertTrue(interpreted > 0x4000, "nothing has left the region");
            }
            assertTrue(interpreted < 100, interpreted + " instructions were interpreted in the end");
        }
    }

    /// The store's page was never written: its window's look-up must not mark it so for the load before it.
    @Test
    void aLoadDoesNotAskForTheRightToStore() {
        byte[] bytes = code().hex("488b03 a801 75").to8("end").hex("48894308 48894310").label("end").assembled(); // load; skipped stores
        try (UserCpu cpu = cpu(UserCpu.TRANSLATED, bytes)) {
            for (int run = 0; run < 50; run++) {
                cpu.set(new State());
                cpu.c.r[Cpu.RBX] = BASE + PAGE + (run % 2 == 0 ? 0 : 0x100);
                cpu.poke(PAGE, new byte[] {(byte) 1});
                assertTrue(cpu.go(HostCpu.CODE, 1_000));
                assertEquals(run % 2 == 1, cpu.takeDirty(PAGE), "run " + run);
            }
        }
    }
}
