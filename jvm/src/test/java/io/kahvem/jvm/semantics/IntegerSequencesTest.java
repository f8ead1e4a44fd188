package io.kahvem.jvm.semantics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Random sequences of integer instructions: what one leaves the next finds, flags nobody reads are rightly not computed, blocks follow
/// each other.
class IntegerSequencesTest {
    private static final long SEED = 19_780_608;
    private static final int SEQUENCES = 4_000;

    /// Flags every instruction of the sequence so far leaves undefined; later ones must not read them.
    private long undefined;

    private final List<IntegerTemplate> templates = IntegerTemplate.all().stream().filter(IntegerSequencesTest::usable).toList();

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux: its processor cannot say what is right");
    }

    /// Addresses are fixed beforehand: instructions that need an address or a divisor from earlier results are left to the tests of single
    /// ones.
    private static boolean usable(IntegerTemplate t) {
        boolean tied = t.has(IntegerTemplate.XLAT | IntegerTemplate.DIVIDES) || t.name().equals("enter") || t.name().equals("leave");
        boolean undefinedResult = t.name().equals("bsf") || t.name().equals("bsr") || t.has(IntegerTemplate.DOUBLE_SHIFT)
                && t.has(IntegerTemplate.BY_COUNT);
        return !tied && !undefinedResult;
    }

    @Test
    void sequencesLeaveWhatTheProcessorLeaves() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            for (int n = 0; n < SEQUENCES; n++) {
                Random random = new Random(SEED + n);
                InstructionGenerator g = new InstructionGenerator(d.host, random);
                State s = g.randomState();
                s.gpr[15] = d.host.data();
                s.gpr[14] = random.nextInt(8);
                s.gpr[4] = d.host.data() + 600;
                byte[] code = sequence(g, s, d.host.code(), 2 + random.nextInt(11));
                String subject = "sequence of seed " + n;
                d.host.run(s, code, d.expected);
                if (!d.compareAt(HostCpu.CODE, subject, s, code, undefined)) continue;
                // Once more from the cache of blocks, by other data, which takes other branches.
                State other = g.randomState();
                System.arraycopy(s.gpr, 14, other.gpr, 14, 2);
                other.gpr[4] = s.gpr[4];
                d.compare(subject + ", again", other, code, undefined);
            }
            assertEquals("", d.report());
        }
    }

    private byte[] sequence(InstructionGenerator g, State s, long at, int length) {
        ByteArrayOutputStream code = new ByteArrayOutputStream();
        undefined = 0;
        for (int n = 0; n < length; n++) {
            boolean skips = g.random.nextInt(5) == 0;
            long before = undefined;
            if (skips) {
                int condition = g.random.nextInt(16);
                if ((IntegerTemplate.conditionReads(condition) & undefined) != 0) continue;
                byte[] skipped = g.sequenced(pick(g.random), s, at + code.size() + 2);
                apply(g);
                code.write(0x70 | condition);
                code.write(skipped.length);
                code.writeBytes(skipped);
                undefined |= before;
            } else {
                code.writeBytes(g.sequenced(pick(g.random), s, at + code.size()));
                apply(g);
            }
        }
        return code.toByteArray();
    }

    private IntegerTemplate picked = templates.getFirst();

    private IntegerTemplate pick(Random random) {
        do {
            picked = templates.get(random.nextInt(templates.size()));
        } while ((picked.reads() & undefined) != 0);
        return picked;
    }

    private void apply(InstructionGenerator g) {
        boolean conditional = picked.has(IntegerTemplate.SHIFT | IntegerTemplate.ROTATE | IntegerTemplate.DOUBLE_SHIFT);
        undefined = (conditional ? undefined : undefined & ~picked.writes()) | g.undefined;
    }
}
