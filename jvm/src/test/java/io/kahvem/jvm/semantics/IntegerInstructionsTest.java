package io.kahvem.jvm.semantics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.State;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Every integer instruction, alone, with random operands, addresses and prefixes: the engine leaves what the host's processor leaves.
class IntegerInstructionsTest {
    private static final long SEED = 20_240_607;
    private static final int CASES_EACH = 60;

    @BeforeAll
    static void needsTheProcessor() {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux: its processor cannot say what is right");
    }

    @Test
    void agreesWithTheProcessor() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            InstructionGenerator generator = new InstructionGenerator(d.host, new Random(SEED));
            for (IntegerTemplate t : IntegerTemplate.all()) {
                if (t.has(IntegerTemplate.DIVIDES)) continue;
                for (int n = 0; n < CASES_EACH; n++) one(d, generator, t);
            }
            assertEquals("", d.report());
        }
    }

    @Test
    void dividesAndRaisesDivideErrorsLikeTheProcessor() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            InstructionGenerator generator = new InstructionGenerator(d.host, new Random(SEED));
            for (IntegerTemplate t : IntegerTemplate.all()) {
                if (!t.has(IntegerTemplate.DIVIDES)) continue;
                for (int n = 0; n < 10 * CASES_EACH; n++) one(d, generator, t);
            }
            assertEquals("", d.report());
        }
    }

    /// Memory operands that reach into the unmapped page, or begin in it: the same fault, and nothing changed.
    @Test
    void faultsLikeTheProcessor() {
        try (Differential d = new Differential(HostCpu.openChild().orElseThrow())) {
            Random random = new Random(SEED);
            InstructionGenerator generator = new InstructionGenerator(d.host, random);
            for (IntegerTemplate t : IntegerTemplate.all()) {
                if (t.form() == IntegerTemplate.Form.FIXED || t.form() == IntegerTemplate.Form.OPCODE_REGISTER) continue;
                for (int n = 0; n < 12; n++) {
                    State s = generator.randomState();
                    int where = State.DATA_BYTES - (t.has(IntegerTemplate.BIT_OFFSET) ? 0 : random.nextInt(9));
                    if (t.has(IntegerTemplate.PAIR)) where = State.DATA_BYTES + 16;
                    byte[] code = generator.instruction(t, s, d.host.code(), where);
                    if (!InstructionGenerator.undefinedResult(t, code, generator.size, s)) d.compare(t.name(), s, code,
                            generator.undefined);
                }
            }
            assertEquals("", d.report());
        }
    }

    private static void one(Differential d, InstructionGenerator generator, IntegerTemplate t) {
        State s = generator.randomState();
        byte[] code = generator.instruction(t, s, d.host.code());
        if (InstructionGenerator.undefinedResult(t, code, generator.size, s)) return;
        d.compare(t.name(), s, code, generator.undefined);
    }
}
