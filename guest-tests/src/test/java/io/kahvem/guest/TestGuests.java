package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/// The Linux guests of guests/make-guests, whose head comment says what each `task=` does. Built once, in KAHVEM_GUESTS or the user's
/// cache; where the host cannot build them the test is skipped with what the script said.
record TestGuests(Path directory) {
    private static final Built BUILT = build(Path.of(System.getProperty("kahvem.make-guests")));

    private record Built(int status, String said, Path directory) {}

    static TestGuests orSkip() {
        assumeTrue(BUILT.status == 0, () -> "no test guests: " + BUILT.said);
        return new TestGuests(BUILT.directory);
    }

    /// A Debian on a disk, by guests/make-debian; where the host cannot make it the test is skipped with what the script said.
    static Path debianOrSkip() {
        Built debian = Debian.BUILT;
        assumeTrue(debian.status == 0, () -> "no Debian: " + debian.said);
        return debian.directory.resolve("debian.qcow2");
    }

    /// A file system with fio, by guests/make-fio; where the host cannot make it the test is skipped with what the script said.
    static Path fioOrSkip() {
        Built fio = Fio.BUILT;
        assumeTrue(fio.status == 0, () -> "no fio: " + fio.said);
        return fio.directory.resolve("fio.img");
    }

    private static final class Fio {
        static final Built BUILT = build(Path.of(System.getProperty("kahvem.make-guests")).resolveSibling("make-fio"));
    }

    private static final class Debian {
        static final Built BUILT = build(Path.of(System.getProperty("kahvem.make-guests")).resolveSibling("make-debian"));
    }

    Path vmlinuz() {
        return directory.resolve("vmlinuz");
    }

    Path vmlinux() {
        return directory.resolve("vmlinux");
    }

    Path initrd() {
        return directory.resolve("initrd.gz");
    }

    /// Debian's kernel for real hardware, which has drivers that the cloud kernel has not: AHCI, NVMe.
    Path fullVmlinuz() {
        return directory.resolve("vmlinuz-full");
    }

    Path fullInitrd() {
        return directory.resolve("initrd-full.gz");
    }

    private static Built build(Path script) {
        Map<String, String> env = System.getenv();
        String cache = env.getOrDefault("XDG_CACHE_HOME", "");
        Path base = cache.isEmpty() ? Path.of(env.getOrDefault("HOME", "/tmp"), ".cache") : Path.of(cache);
        String given = env.getOrDefault("KAHVEM_GUESTS", "");
        Path directory = given.isEmpty() ? base.resolve("kahvem").resolve("test-guests") : Path.of(given);
        try {
            Process process = new ProcessBuilder(script.toString(), directory.toString()).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), UTF_8);
            return new Built(process.waitFor(), said, directory);
        } catch (IOException e) {
            return new Built(1, e.toString(), directory);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Built(1, e.toString(), directory);
        }
    }
}
