package io.kahvem.jvm.translate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.hostcpu.UserCpu;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Regions whose functions are in pages apart from each other: they run as one, and are no more once one of the pages is another.
class PagesTest {
    private static final long BASE = 0x2000_0000L;

    /// Pages of code before and after the one that calls.
    private static final int CALLER = 0x9000;

    private static final int BEFORE = 0x5000;
    private static final int AFTER = 0xd000;
    private static final int ANOTHER = 0xf000;

    private static final int ROUNDS = 100;

    /// A loop of `ROUNDS` that adds up in EAX what the functions at these places return in ECX.
    private static byte[] caller(int... functions) {
        Assembler code = new Assembler(BASE + CALLER).hex("31c0 bf").word(4, ROUNDS).label("next"); // xor eax, eax; mov edi, ROUNDS
        for (int function : functions) {
            code.hex("e8").word(4, function - (CALLER + code.size() + 4)).hex("01c8"); // call function; add eax, ecx
        }
        return code.hex("ffcf 75").to8("next").assembled(); // dec edi; jnz next
    }

    /// MOV ECX, value; RET.
    private static byte[] function(int value) {
        return new Assembler(BASE).hex("b9").word(4, value).hex("c3").assembled();
    }

    private static int run(UserCpu cpu, byte[] caller) {
        cpu.write(CALLER, caller);
        cpu.set(new State());
        cpu.c.r[Cpu.RSP] = BASE + HostCpu.STACK + 0x800;
        assertTrue(cpu.go(CALLER, 10_000_000));
        return (int) cpu.c.r[Cpu.RAX];
    }

    private static long made(UserCpu cpu) {
        Map<String, Long> counts = new HashMap<>();
        cpu.translator.count(counts);
        return counts.getOrDefault("regions-made", 0L);
    }

    /// With functions that return 3, 40 and 500.
    private static UserCpu cpu() {
        UserCpu cpu = new UserCpu(BASE, Opcodes.map(), UserCpu.TRANSLATED);
        cpu.poke(BEFORE, function(3));
        cpu.poke(AFTER, function(40));
        cpu.poke(ANOTHER, function(500));
        return cpu;
    }

    private static void assertRunsTranslated(int expected, UserCpu cpu, byte[] caller) {
        long interpreted = cpu.c.retired - cpu.translatedInstructions();
        assertEquals(expected, run(cpu, caller));
        assertTrue(cpu.c.retired - cpu.translatedInstructions() - interpreted < 10);
    }

    @Test
    void functionsBeforeAndAfterTheirCaller() {
        byte[] caller = caller(BEFORE, AFTER);
        try (UserCpu cpu = cpu()) {
            for (int n = 0; n < 5; n++) assertEquals(43 * ROUNDS, run(cpu, caller));
            long before = made(cpu);
            assertRunsTranslated(43 * ROUNDS, cpu, caller);
            assertEquals(before, made(cpu));
        }
    }

    @Test
    void aFunctionThatIsWrittenOverIsTheNewOneAtOnce() {
        byte[] caller = caller(BEFORE, AFTER);
        try (UserCpu cpu = cpu()) {
            for (int n = 1; n < 20; n++) {
                cpu.poke(AFTER, function(40 + n));
                for (int again = 0; again < 3; again++) assertEquals((43 + n) * ROUNDS, run(cpu, caller));
            }
        }
    }

    @Test
    void aPageThatIsMappedElsewhereIsTheOtherOneAtOnce() {
        byte[] caller = caller(BEFORE, AFTER);
        try (UserCpu cpu = cpu()) {
            for (int n = 0; n < 20; n++) {
                cpu.remap(AFTER, n % 2 == 0 ? AFTER : ANOTHER);
                for (int again = 0; again < 3; again++) assertEquals((n % 2 == 0 ? 43 : 503) * ROUNDS, run(cpu, caller));
            }
        }
    }

    /// INVLPG alone is enough, also for a page that outlives changes of address space.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aPageWhoseTranslationIsInvalidatedIsTheOtherOneAtOnce(boolean global) {
        byte[] caller = caller(BEFORE, AFTER);
        try (UserCpu cpu = cpu()) {
            for (int n = 0; n < 20; n++) {
                cpu.remapPage(AFTER, n % 2 == 0 ? AFTER : ANOTHER, global);
                for (int again = 0; again < 3; again++) assertEquals((n % 2 == 0 ? 43 : 503) * ROUNDS, run(cpu, caller));
            }
        }
    }

    /// Until what was made for the other place goes, and the code becomes hot anew.
    @Test
    void aRegionThatIsElsewhereForLongGivesWay() {
        byte[] caller = caller(BEFORE, AFTER);
        try (UserCpu cpu = cpu()) {
            for (int n = 0; n < 5; n++) assertEquals(43 * ROUNDS, run(cpu, caller));
            cpu.remap(AFTER, ANOTHER);
            for (int n = 0; n < 100; n++) assertEquals(503 * ROUNDS, run(cpu, caller));
            assertRunsTranslated(503 * ROUNDS, cpu, caller);
        }
    }
}
