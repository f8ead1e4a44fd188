package io.kahvem.guest.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.VmOptions.Translation;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The Java engine keeps x86's memory order between vCPUs (SDM Vol. 3A, 9.2), interpreted and translated: one exchange is free, a store
/// with a later load.
@Timeout(120)
class MemoryOrderTest {
    private static final int PASSES = Integer.getInteger("kahvem.test.litmus", 40);
    private static final int MEETINGS = 5;

    private static Map<String, Integer> outcomes(Translation when, int cpus, String... programs) throws Exception {
        Engine engine = Engine.named("jvm").translating(when);
        try (Litmus litmus = new Litmus(engine, cpus, programs)) {
            return litmus.outcomes(PASSES);
        }
    }

    /// The interpreter takes so long from one instruction to the next that the store has always left the store buffer.
    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void aLoadMayPassAnEarlierStoreInTranslatedCode(int cpus) throws Exception {
        Assumptions.assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "one processor never sees its store buffer");
        seen("a=0 b=0 x=1 y=1", Translation.EARLY, cpus, "x=1 a=y", "y=1 b=x");
    }

    /// What the other tests look for is seen where the programs have it.
    @ParameterizedTest
    @EnumSource(names = {"EARLY", "OFF"})
    void storesInTheOtherOrderAreSeenInThatOrder(Translation when) throws Exception {
        Assumptions.assumeTrue(Runtime.getRuntime().availableProcessors() > 1, "on one processor programs seldom meet");
        seen("a=1 b=0 x=1 y=1", when, 2, "y=1 x=1", "a=y b=x");
    }

    /// Runs the programs until they have the outcome, which is allowed and needs them to meet: a busy host may not let them.
    private static void seen(String outcome, Translation when, int cpus, String... programs) throws Exception {
        for (int tries = 0; tries < MEETINGS; tries++) {
            if (outcomes(when, cpus, programs).containsKey(outcome)) return;
        }
        Assumptions.abort("the host did not run the vCPUs side by side: " + outcome + " was not seen in " + MEETINGS * PASSES + " passes");
    }

    private record Forbidden(String name, String outcome, String... programs) {
        @Override
        public String toString() {
            return name;
        }
    }

    private static List<Forbidden> forbidden() {
        return List.of(
                new Forbidden("store buffering, fenced", "a=0 b=0 x=1 y=1", "x=1 mfence a=y", "y=1 mfence b=x"),
                new Forbidden("store buffering, exchanged", "a=0 b=0 x=1 y=1", "x<>1 a=y", "y<>1 b=x"),
                new Forbidden("store buffering, locked", "a=0 b=0 x=1 y=1", "x=1 lock a=y", "y=1 lock b=x"),
                new Forbidden("message passing", "a=1 b=0 x=1 y=1", "x=1 y=1", "a=y b=x"),
                new Forbidden("load buffering", "a=1 b=1 x=1 y=1", "a=x y=1", "b=y x=1"),
                new Forbidden("two stores each", "x=1 y=1", "x=1 y=2", "y=1 x=2"),
                new Forbidden("one location read twice", "a=1 b=0 x=1 y=0", "x=1", "a=x b=x"),
                new Forbidden("cause and effect through a third", "a=1 b=1 c=0 x=1 y=1", "x=1", "a=x y=1", "b=y c=x"),
                new Forbidden("independent reads of independent writes", "a=1 b=0 c=1 d=0 x=1 y=1", "x=1", "y=1", "a=x b=y", "c=y d=x"));
    }

    @ParameterizedTest
    @MethodSource("forbidden")
    void nothingElseChangesPlaces(Forbidden test) throws Exception {
        for (Translation when : new Translation[] {Translation.EARLY, Translation.OFF}) {
            for (int cpus : new int[] {2, 4}) {
                if (test.programs.length > cpus) continue;
                assertThat(outcomes(when, cpus, test.programs)).as("%s, %d vCPUs, translation %s", test, cpus, when)
                        .doesNotContainKey(test.outcome);
            }
        }
    }
}
