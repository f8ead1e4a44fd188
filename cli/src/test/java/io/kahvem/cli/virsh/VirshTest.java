package io.kahvem.cli.virsh;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.cli.TestContext;
import io.kahvem.daemon.Daemon;
import io.kahvem.daemon.DaemonConfig;
import io.kahvem.daemon.MachineStarter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The verbs against a daemon in this process.
@Timeout(300)
@SuppressWarnings("NullAway.Init") // before each test
class VirshTest {
    private static final Path VIRSH = Path.of("/usr/bin/virsh");
    private static final String DOMAIN = """
            <domain type='qemu'><name>a</name><uuid>c7c7c7c7-0000-4000-8000-00000000000a</uuid><memory unit='MiB'>64</memory>
            <vcpu current='1'>2</vcpu><os><type machine='q35'>hvm</type><kernel>/boot/vmlinuz</kernel></os>
            <devices><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='%s/pool/d.raw'/>
            <target dev='vda' bus='virtio'/></disk><disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
            <serial type='pty'/></devices></domain>
            """;
    private static final String SECRET = """
            <secret ephemeral='no' private='no'><uuid>c7c7c7c7-0000-4000-8000-00000000a001</uuid>
            <usage type='volume'><volume>/x.luks</volume></usage></secret>
            """;

    @TempDir
    Path directory;

    private final List<Daemon> daemons = new ArrayList<>();
    private Path home;

    @BeforeEach
    void start() throws IOException {
        home = daemon("one");
    }

    @AfterEach
    void stop() {
        daemons.forEach(Daemon::close);
    }

    /// A daemon with a directory of its own, where the files are that commands name.
    private Path daemon(String name) throws IOException {
        Path home = Files.createDirectories(directory.resolve(name));
        DaemonConfig config = DaemonConfig.standard(false, Map.of(), Path.of("/usr/bin/kahvem"), MachineStarter.of(List.of("/bin/false")))
                .at(home.resolve("sock"), home.resolve("state"));
        daemons.add(Daemon.start(config, () -> false));
        Files.writeString(home.resolve("a.xml"), DOMAIN.formatted(home));
        Files.writeString(home.resolve("secret.xml"), SECRET);
        Files.writeString(home.resolve("cpu.xml"), "<cpu><arch>x86_64</arch><model>qemu64</model></cpu>");
        Files.writeString(home.resolve("content"), "content ".repeat(1000));
        return home;
    }

    private record Said(int status, String out, String err) {
        /// Without what may differ from run to run.
        Said normal(Path home) {
            return new Said(status, normal(out, home), normal(err, home));
        }

        private static String normal(String text, Path home) {
            return text.replace(home.toString(), "HOME")
                    .replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID")
                    .replaceAll("\\d{4,}(\\.\\d+)?", "N")
                    .replaceAll(" *\\d+\\.\\d+ (GiB|TiB)", " SIZE");
        }
    }

    private static String uri(Path home) {
        return "qemu:///system?socket=" + home.resolve("sock");
    }

    private static Said kahvem(Path home, List<String> words) {
        return kahvem(home, InputStream.nullInputStream(), words);
    }

    private static Said kahvem(Path home, InputStream in, List<String> words) {
        TestContext process = new TestContext(Map.of("EDITOR", "true", "VISUAL", "true"), in);
        List<String> command = new ArrayList<>(List.of("-c", uri(home)));
        command.addAll(words);
        int status = process.run(command.toArray(String[]::new));
        return new Said(status, process.out(), process.err());
    }

    private static Said virsh(Path home, List<String> words) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(VIRSH.toString(), "-c", uri(home)));
        command.addAll(words);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(Map.of("LC_ALL", "C", "EDITOR", "true", "VISUAL", "true"));
        Path err = home.resolve("virsh.err");
        Process process = builder.redirectError(err.toFile()).redirectInput(Path.of("/dev/null").toFile()).start();
        String out = new String(process.getInputStream().readAllBytes(), UTF_8);
        return new Said(process.waitFor(), out, Files.readString(err));
    }

    private Said kahvem(String... words) {
        return kahvem(home, List.of(words));
    }

    /// Each line of virsh-commands.txt, in order, to a daemon of its own each: the same words, the same status.
    @Test
    void eachVerbSaysWhatVirshSays() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(VIRSH), "no virsh here: apt-get install libvirt-clients");
        Path other = daemon("two");
        List<String> differences = new ArrayList<>();
        String commands;
        try (InputStream in = Optional.ofNullable(VirshTest.class.getResourceAsStream("virsh-commands.txt")).orElseThrow()) {
            commands = new String(in.readAllBytes(), UTF_8);
        }
        for (List<String> words : Parser.split(commands)) {
            Said expected = virsh(other, in(other, words)).normal(other);
            Said actual = kahvem(home, in(home, words)).normal(home);
            if (!expected.equals(actual)) differences.add("%s%n  virsh  %s%n  kahvem %s".formatted(words, expected, actual));
        }
        assertThat(differences).as(String.join("\n", differences)).isEmpty();
    }

    private static List<String> in(Path home, List<String> words) {
        return words.stream().map(word -> word.replace("HOME", home.toString())).toList();
    }

    @Test
    void listsAreJsonForScripts() {
        kahvem("define", home.resolve("a.xml").toString());
        assertThat(kahvem("-q", "list", "--all", "--json").out())
                .contains("\"name\" : \"a\"", "\"state\" : \"shut off\"").doesNotContain("\"id\"");
        assertThat(kahvem("-q", "dominfo", "a", "--json").out()).contains("\"max-memory\" : 65536", "\"cpus\" : 1");
        assertThat(kahvem("-q", "domblklist", "a", "--json").out()).contains("\"target\" : \"vda\"");
        assertThat(kahvem("-q", "pool-list", "--all", "--json").out().strip()).isEqualTo("[ ]");
    }

    @Test
    void theShellReadsCommandsAndGoesOnAfterAFailure() {
        Said said = kahvem(home, new ByteArrayInputStream("start none\nhostname; uri\nquit\nlist\n".getBytes(UTF_8)), List.of());
        assertThat(said.status()).isZero();
        assertThat(said.err()).isEqualTo("error: failed to get domain 'none'\n");
        assertThat(said.out()).contains(uri(home)).doesNotContain("Id   Name");
    }

    @Test
    void theShellCompletesVerbsOptionsAndNames() {
        kahvem("define", home.resolve("a.xml").toString());
        TestContext process = new TestContext(Map.of(), InputStream.nullInputStream());
        try (Session session = new Session(process.context(), GlobalOptions.parse(List.of("-c", uri(home))))) {
            assertThat(Completion.candidates(session, List.of(), "vol-up")).containsExactly("vol-upload");
            assertThat(Completion.candidates(session, List.of("start"), "")).containsExactly("a");
            assertThat(Completion.candidates(session, List.of("start", "a"), "--pa")).containsExactly("--paused");
            assertThat(Completion.candidates(session, List.of("start", "a", "--paused"), "--pa")).isEmpty();
            assertThat(Completion.candidates(session, List.of("change-media", "a"), "s")).containsExactly("sda");
            assertThat(Completion.candidates(session, List.of("change-media", "--domain", "a", "--path"), "s")).containsExactly("sda");
        }
    }

    @Test
    void aConnectionThatOnlyReadsRefusesTheRest() {
        Said said = kahvem("-r", "define", home.resolve("a.xml").toString());
        assertThat(said.status()).isOne();
        assertThat(said.err()).contains("error: operation forbidden: read only access prevents virDomainDefineXML");
    }

    @Test
    void theDefaultUriIsTheEnvironments() {
        TestContext process = new TestContext(Map.of("LIBVIRT_DEFAULT_URI", uri(home)), InputStream.nullInputStream());
        assertThat(process.run("list", "--all")).isZero();
        assertThat(process.out()).contains("Id   Name   State");
    }

    @Test
    void completionScriptsAreWhatTheirShellsRead() throws IOException, InterruptedException {
        for (String shell : List.of("bash", "zsh", "fish")) {
            String script = kahvem("-q", "completion", shell).out();
            assertThat(script).contains("vol-upload", "paused");
            if (Files.isExecutable(Path.of("/usr/bin", shell))) {
                Path file = Files.writeString(directory.resolve(shell), script);
                Process process = new ProcessBuilder(shell, "-n", file.toString()).redirectErrorStream(true).start();
                String said = new String(process.getInputStream().readAllBytes(), UTF_8);
                assertThat(process.waitFor()).as(said).isZero();
            }
        }
    }

    /// Completes `kahvem start --pau` as bash does.
    @Test
    void bashCompletes() throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(Path.of("/bin/bash")), "no bash here");
        String test = kahvem("-q", "completion", "bash").out()
                + "COMP_WORDS=(kahvem -c test start a --pau); COMP_CWORD=5; _kahvem; echo \"${COMPREPLY[*]}\"\n"
                + "COMP_WORDS=(kahvem vol-upl); COMP_CWORD=1; _kahvem; echo \"${COMPREPLY[*]}\"\n";
        Process process = new ProcessBuilder("/bin/bash", "-c", test).redirectErrorStream(true).start();
        assertThat(new String(process.getInputStream().readAllBytes(), UTF_8)).isEqualTo("--paused\nvol-upload\n");
        assertThat(process.waitFor()).isZero();
    }
}
