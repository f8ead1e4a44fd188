package io.kahvem.jvm.translate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kahvem.jvm.Assembler;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.hostcpu.HostCpu;
import io.kahvem.jvm.hostcpu.UserCpu;
import io.kahvem.jvm.translate.Translator.Policy;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Translated code takes no more than it may: what was not entered for long is evicted, and can be unloaded.
class EvictionTest {
    private static final long BASE = 0x2000_0000L;
    private static final long BOUND = 6_000;
    private static final int LOOPS = 60;
    private static final int STEP = 64;

    private final UserCpu cpu = new UserCpu(BASE, Opcodes.map(), new Policy(100, 1, 0, false, BOUND));

    /// Loops far from each other: one region each.
    EvictionTest() {
        Assembler code = new Assembler(BASE + HostCpu.CODE);
        for (int n = 0; n < LOOPS; n++) {
            code.label("loop" + n).hex("4883c0 01 ffc9 75").to8("loop" + n).hex("0f0b").align(STEP); // add rax, 1; dec ecx; jnz; ud2
        }
        cpu.write(HostCpu.CODE, code.assembled());
    }

    private void loop(int n) {
        cpu.c.r[Cpu.RAX] = 0;
        cpu.c.r[Cpu.RCX] = 1000;
        assertTrue(cpu.go(HostCpu.CODE + n * STEP, 10_000));
        assertEquals(1000, cpu.c.r[Cpu.RAX]);
    }

    private long counter(String name) {
        Map<String, Long> counters = new HashMap<>();
        cpu.translator.count(counters);
        return Objects.requireNonNull(counters.get(name));
    }

    private Class<?> regionOf(int n) {
        return Objects.requireNonNull(cpu.c.entries.find(cpu.c, BASE + HostCpu.CODE + n * STEP)).region().getClass();
    }

    @Test
    void theRegionsStayWithinTheBoundAndWhatIsInUseStays() {
        loop(0);
        Class<?> inUse = regionOf(0);
        for (int n = 1; n < LOOPS; n++) {
            loop(0);
            loop(n);
            assertTrue(counter("regions-live-bytes") <= BOUND, () -> counter("regions-live-bytes") + " bytes");
        }
        assertTrue(counter("regions-evicted") > LOOPS / 2, () -> counter("regions-evicted") + " evicted");
        assertEquals(inUse, regionOf(0));
        assertEquals(counter("regions-made") - counter("regions-evicted"), counter("regions-live"));
        long made = counter("regions-made");
        loop(1);
        assertEquals(made + 1, counter("regions-made"), "what was evicted is made again once it is hot");
        assertEquals(0, counter("regions-failed"));
    }

    @Test
    void whatIsEvictedIsUnloaded() throws InterruptedException {
        loop(0);
        WeakReference<Class<?>> first = new WeakReference<>(regionOf(0));
        for (int n = 1; n < LOOPS; n++) loop(n);
        for (int tries = 0; tries < 100 && first.get() != null; tries++) {
            System.gc();
            Thread.sleep(10);
        }
        assertTrue(first.get() == null, "the class of an evicted region is still there");
        assertTrue(new WeakReference<>(regionOf(LOOPS - 1)).get() != null);
    }

    @Test
    void aFlightRecordingTellsWhatBecomesOfEachRegion(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("recording.jfr");
        try (Recording recording = new Recording()) {
            for (String name : List.of("Made", "Evicted", "Invalidated", "Failed")) {
                recording.enable("kahvem.Region" + name).withoutThreshold();
            }
            recording.start();
            for (int n = 0; n < LOOPS; n++) loop(n);
            cpu.write(HostCpu.CODE, new byte[LOOPS * STEP]);
            recording.stop();
            recording.dump(file);
        }
        Map<String, Long> events = RecordingFile.readAllEvents(file).stream()
                .collect(Collectors.groupingBy(event -> event.getEventType().getName(), Collectors.counting()));
        assertEquals(Map.of("kahvem.RegionMade", counter("regions-made"), "kahvem.RegionEvicted", counter("regions-evicted"),
                "kahvem.RegionInvalidated", counter("regions-invalidated")), events);
        assertEquals(0, counter("regions-live"), "all their code was written");
        assertEquals(0, counter("regions-live-bytes"));
    }
}
