package io.kahvem.jvm.semantics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import io.kahvem.jvm.hostcpu.UserCpu;
import io.kahvem.jvm.translate.Translator.Policy;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Interpreter and translated code agree on long random programs, wherever these come to rest: at the end of a section or at a fault.
///
/// `-Dtest.more=-Dkahvem.test.programs=5000` runs more of them; `-Dtest.more=-Dkahvem.test.seed=N` starts at another seed, that of a
/// failure for example. A program that fails is told with everything replaced by NOPs that the failure does not need.
class RandomProgramsTest {
    private static final long BASE = 0x2000_0000L;
    private static final int FIRST_SEED = Integer.getInteger("kahvem.test.seed", 1);
    private static final int PROGRAMS = Integer.getInteger("kahvem.test.programs", 60);

    /// Through all sections: at first cold, then hot.
    private static final int PASSES = 2;

    private static final int MOST_BLOCKS = 400_000;

    private long translated;
    private long retired;
    private int sectionsEnded;
    private int sectionsFaulted;

    @Test
    void longProgramsLeaveTheSame() {
        for (int seed = FIRST_SEED; seed < FIRST_SEED + PROGRAMS; seed++) {
            RandomProgram program = new RandomProgram(BASE, seed);
            String difference = difference(program, program.code);
            if (!difference.isEmpty()) assertEquals("", minimized(program, difference));
        }
        assertTrue(sectionsEnded > 3 * sectionsFaulted, () -> "%d sections ended, %d faulted".formatted(sectionsEnded, sectionsFaulted));
        assertTrue(translated > retired / 2, () -> "of %d instructions, %d were executed by regions".formatted(retired, translated));
    }

    private String difference(RandomProgram program, byte[] code) {
        Policy policy = program.seed % 2 == 0 ? Policy.EARLY : UserCpu.TRANSLATED;
        try (UserCpu interpreter = new UserCpu(BASE, Opcodes.map(), Policy.OFF);
                UserCpu translator = new UserCpu(BASE, Opcodes.map(), policy)) {
            State expected = new State();
            State actual = new State();
            for (UserCpu cpu : new UserCpu[] {interpreter, translator}) {
                cpu.write(HostCpu.CODE, code);
                cpu.set(program.initial);
            }
            for (int n = 0; n < PASSES * program.sections.length; n++) {
                int start = HostCpu.CODE + program.sections[n % program.sections.length];
                boolean ends = interpreter.go(start, MOST_BLOCKS);
                if (!ends) return "";
                if (!translator.go(start, MOST_BLOCKS)) return "section %d does not end".formatted(n);
                interpreter.get(expected);
                translator.get(actual);
                if (expected.vector == Exceptions.UD) {
                    sectionsEnded++;
                } else {
                    sectionsFaulted++;
                }
                String differences = actual.differences(expected, 0);
                if (actual.faultOffset != expected.faultOffset) {
                    differences += "ends at %x, not %x%n".formatted(actual.faultOffset, expected.faultOffset);
                }
                if (actual.cr2 != expected.cr2) differences += "CR2 %x, not %x%n".formatted(actual.cr2, expected.cr2);
                if (!Arrays.equals(interpreter.stack(), translator.stack())) differences += "the stack differs\n";
                if (!differences.isEmpty()) {
                    return "section %d, pass %d, translated (called host: interpreted):%n%s".formatted(
                            n % program.sections.length, n / program.sections.length, differences);
                }
            }
            Map<String, Long> counters = new HashMap<>();
            translator.translator.count(counters);
            if (counters.getOrDefault("regions-failed", 0L) != 0) return "regions could not be made: " + counters;
            translated += translator.translatedInstructions();
            retired += translator.c.retired;
            return "";
        } catch (RuntimeException | Error e) {
            return "throws " + e + " at " + Arrays.toString(Arrays.copyOf(e.getStackTrace(), 6));
        }
    }

    /// Leaves out part after part as long as it fails.
    private String minimized(RandomProgram program, String difference) {
        byte[] code = program.code;
        for (int[] part : program.parts) {
            byte[] less = RandomProgram.without(code, part);
            String still = difference(program, less);
            if (still.isEmpty()) continue;
            code = less;
            difference = still;
        }
        StringBuilder text = new StringBuilder("seed %d: %s%nsections at %s, code from %x:%n".formatted(
                program.seed, difference, Arrays.toString(program.sections), BASE + HostCpu.CODE));
        for (int at = 0; at < code.length; at++) {
            if (code[at] == (byte) 0x90) continue;
            int from = at;
            while (at < code.length && code[at] != (byte) 0x90) at++;
            text.append("  %4x: %s%n".formatted(from, HexFormat.ofDelimiter(" ").formatHex(code, from, at)));
        }
        return text.toString();
    }
}
