package io.kahvem.jvm.hostcpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;

/// What the host's processor can do, in the words of /proc/cpuinfo.
public final class HostFeatures {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");

    private HostFeatures() {}

    /// Skips the test, with the reason, where the host is not x86-64 Linux or its processor has not all of `features`.
    public static void assume(String... features) {
        assumeTrue(HostCpu.available(), "the host is not x86-64 Linux");
        Set<String> missing = new TreeSet<>(Arrays.asList(features));
        missing.removeAll(all());
        assumeTrue(missing.isEmpty(), "the host's processor cannot say what is right: it has no " + String.join(", ", missing));
    }

    static boolean has(String feature) {
        return HostCpu.available() && all().contains(feature);
    }

    private static Set<String> all() {
        try (var lines = Files.lines(CPUINFO)) {
            return lines.filter(l -> l.startsWith("flags"))
                    .findFirst()
                    .map(l -> Set.copyOf(Arrays.asList(l.substring(l.indexOf(':') + 1).trim().split(" +"))))
                    .orElse(Set.of());
        } catch (IOException e) {
            return Set.of();
        }
    }
}
