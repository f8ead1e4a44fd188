package io.kahvem.host;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class ConfinedProcessTest {
    @TempDir
    Path directory;

    private Path log;

    @BeforeEach
    void logThere() throws IOException {
        Optional<String> why = ConfinedProcess.whyNot();
        Assumptions.assumeTrue(why.isEmpty(), why.orElse(""));
        log = Files.createFile(directory.resolve("log"));
    }

    /// Runs a shell's command with the system's programs and `rules`, and gives what it says.
    private String run(String command, Landlock.Rule... rules) throws IOException {
        List<Landlock.Rule> system = Stream.of("/bin", "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/proc")
                .<Landlock.Rule>map(path -> new Landlock.PathRule(Path.of(path), Set.of(Landlock.Access.READ, Landlock.Access.EXECUTE)))
                .toList();
        List<Landlock.Rule> all = Stream.concat(system.stream(), Stream.of(rules)).toList();
        List<byte[]> arguments = Stream.of("sh", "-c", command).map(word -> word.getBytes(UTF_8)).toList();
        try (Descriptor output = Descriptor.openForAppending(log.toString())) {
            ConfinedProcess.start(all, "/bin/sh", arguments, output).onExit().join();
        }
        return Files.readString(log);
    }

    @Test
    void aProcessHasItsFilesAndNoOthers() throws IOException {
        Path mine = Files.writeString(directory.resolve("mine"), "mine\n");
        Path other = Files.writeString(directory.resolve("other"), "other\n");
        String said = run("cat %s; cat %s; echo end".formatted(mine, other), new Landlock.PathRule(mine, Set.of(Landlock.Access.READ)));
        assertThat(said).contains("mine\n").contains("Permission denied").endsWith("end\n").doesNotContain("other\n");
    }

    @Test
    void itHasASessionOfItsOwnAndNoneOfOurDescriptors() throws IOException {
        try (LocalServerSocket open = LocalServerSocket.listen(directory.resolve("socket"))) {
            String said = run("echo $(cut -d' ' -f6 /proc/$$/stat) $$; ls -l /proc/$$/fd");
            String[] session = said.lines().findFirst().orElseThrow().split(" ");
            assertThat(session[0]).isEqualTo(session[1]);
            assertThat(said).contains("/dev/null").doesNotContain("socket:").doesNotContain(" 4 ->");
            assertThat(open).isNotNull();
        }
    }

    @Test
    void itReachesThePortsThatWereLeft() throws IOException {
        Assumptions.assumeTrue(Landlock.abi() >= 4, "this kernel's Landlock leaves TCP alone");
        InetAddress here = InetAddress.getLoopbackAddress();
        try (ServerSocket left = new ServerSocket(0, 5, here); ServerSocket other = new ServerSocket(0, 5, here)) {
            String connect = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d && echo reached %s'; ";
            String command = connect.formatted(left.getLocalPort(), "one") + connect.formatted(other.getLocalPort(), "another");
            assertThat(run(command, new Landlock.PortRule(left.getLocalPort()))).contains("reached one", "Permission denied")
                    .doesNotContain("reached another");
        }
    }

    @Test
    void whoStartsItStaysUnconfined() throws IOException {
        run("true");
        assertThat(Files.list(Path.of("/"))).isNotEmpty();
    }

    @Test
    void whatCannotBeStartedIsSaid() {
        assertThatThrownBy(() -> ConfinedProcess.start(List.of(), "/no/such/program", List.of("no".getBytes(UTF_8)),
                Descriptor.openForAppending(log.toString())))
                        .isInstanceOf(HostException.class).hasMessageContaining("cannot start /no/such/program");
    }
}
