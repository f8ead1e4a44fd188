package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `kahvem run` with nothing to boot: the small Linux from the host's own package sources, from an empty home directory.
class SmallLinuxTest {
    /// The end of it: before it comes the directory, `/root` or `~` as the busybox was built.
    private static final String PROMPT = "# ";

    @TempDir
    private Path home;

    @BeforeAll
    static void aptKnowsItsPackages() {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/apt-get")) && Files.isExecutable(Path.of("/usr/bin/dpkg-deb")),
                "no small Linux: this host has no apt");
        assumeTrue(said("apt-cache", "policy", "busybox-static:amd64").contains("Candidate: 1"),
                "no small Linux: apt's lists lack busybox-static (apt-get update fetches them)");
    }

    private static String said(String... command) {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            process.getOutputStream().close();
            return new String(process.getInputStream().readAllBytes(), UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }

    @Test
    void givesAShellThatRebootsAndPowersOffByThePlainCommands() throws IOException {
        try (Guest guest = Guest.start(Guest.livingIn(home), "run", "--accel", "jvm")) {
            guest.await("on Kahvem.");
            guest.await(PROMPT);
            assertThat(guest.shell(PROMPT, "uname -a")).startsWith("Linux kahvem ").contains("x86_64");
            // By exec: what the interrupt key meets is surely the foreground job, not the shell on its way to start one.
            guest.type("sh -c 'echo sle\"\"eping; exec sleep 100000'\n");
            guest.await("sleeping");
            guest.type("\u0003");
            guest.await(PROMPT);
            assertThat(guest.shell(PROMPT, "echo status $?")).startsWith("status 130\n");
            assertThat(guest.shell(PROMPT, "ps | grep -c '[s]leep'")).startsWith("0\n");
            guest.type("reboot\n");
            guest.await("on Kahvem.");
            guest.await(PROMPT);
            guest.type("poweroff\n");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            assertThat(guest.stderr()).as("no progress on a pipe").isEmpty();
        }
        assertThat(names(home)).containsExactly("cache");
        Path cache = home.resolve("cache/kahvem");
        Path built = only(cache, "small-linux-[0-9a-f]+");
        assertThat(names(built)).containsExactly("SHA256SUMS", "initrd", "vmlinuz");
    }

    private static List<String> names(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static Path only(Path directory, String pattern) throws IOException {
        List<String> matching = names(directory).stream().filter(name -> name.matches(pattern)).toList();
        assertThat(matching).hasSize(1);
        return directory.resolve(matching.getFirst());
    }
}
