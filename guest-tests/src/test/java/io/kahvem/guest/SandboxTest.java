package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.host.Landlock;
import io.kahvem.host.Seccomp;
import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.Hypervisor;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a machine's process can still do, and that its guest runs all the same, on each engine.
@Timeout(120)
class SandboxTest {
    @TempDir
    private Path files;

    @BeforeEach
    void needsAKernelThatCan() {
        Landlock.whyNot().or(Seccomp::whyNot).ifPresent(why -> skip("without a sandbox: " + why));
    }

    private static void skip(String why) {
        System.out.println("skipped " + why);
        Assumptions.abort(why);
    }

    private static void needs(String engine) {
        Hypervisor hypervisor = ServiceLoader.load(Hypervisor.class).stream().map(ServiceLoader.Provider::get)
                .filter(found -> found.name().equals(engine)).findFirst().orElseThrow();
        if (hypervisor.availability() instanceof Unavailable not && not.reason() != Reason.SOFTWARE_ONLY) {
            skip("on engine " + engine + ": " + not.evidence());
        }
    }

    private Guest run(Path kernel, String engine, String sandbox, String... more) {
        List<Object> arguments = new ArrayList<>(List.of("run", "--accel", engine, "--sandbox", sandbox, "--memory", "16M"));
        arguments.addAll(List.of("--kernel", kernel));
        arguments.addAll(List.of(more));
        return Guest.start(Guest.livingIn(files), arguments.toArray());
    }

    private static Payload ending() {
        return new Payload().print("hi").debugExit(16).haltForEver();
    }

    @ParameterizedTest
    @ValueSource(strings = {"jvm", "kvm"})
    void aConfinedProcessKeepsItsFilesAndLosesTheOthersPlusProgramsAndSocketsWhileItsGuestRuns(String engine) throws Exception {
        needs(engine);
        Path kernel = ending().in(files);
        Path mine = Files.writeString(files.resolve("mine"), "mine");
        Path others = Files.writeString(files.resolve("others"), "others");
        List<String> said = confined(engine, kernel, mine, others);
        assertThat(said).satisfiesExactly(
                line -> assertThat(line).isEqualTo("files: confined"),
                line -> assertThat(line).isEqualTo("user: " + System.getProperty("user.name")),
                line -> assertThat(line).isEqualTo("read mine: yes"),
                line -> assertThat(line).isEqualTo("write mine: yes"),
                line -> assertThat(line).startsWith("read others: no: java.nio.file.AccessDeniedException"),
                line -> assertThat(line).startsWith("write others: no: java.nio.file.AccessDeniedException"),
                line -> assertThat(line).startsWith("list root: no: java.nio.file.AccessDeniedException"),
                line -> assertThat(line).startsWith("start a program: no:").contains("EACCES"),
                line -> assertThat(line).isEqualTo("calls: filtered"),
                line -> assertThat(line).isEqualTo("then write what was open: yes"),
                line -> assertThat(line).isEqualTo("then read mine: yes"),
                line -> assertThat(line).startsWith("then write mine: no: java.nio.file.AccessDeniedException"),
                line -> assertThat(line).startsWith("then read others: no: java.nio.file.AccessDeniedException"),
                line -> assertThat(line).startsWith("then start a program: no:").contains("EPERM"),
                line -> assertThat(line).startsWith("then start a process: no: java.io.IOException"),
                line -> assertThat(line).startsWith("then listen: no: java.net.SocketException"),
                line -> assertThat(line).isEqualTo("then start a thread: yes"),
                line -> assertThat(line).startsWith("machine: DebugExit[value=16"));
        assertThat(others).hasContent("others");
    }

    private static List<String> confined(String engine, Path... paths) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Stream.concat(
                        Stream.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+UseSerialGC", "-Xmx256m", "-XX:-UsePerfData",
                                "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED", "--enable-native-access=ALL-UNNAMED",
                                "-cp", System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                                Confined.class.getName(), engine),
                        Stream.of(paths).map(Path::toString)).toList())
                .redirectErrorStream(true)
                .start();
        try {
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(said).isZero();
            return said.lines().toList();
        } finally {
            process.destroyForcibly();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jvm", "kvm"})
    void requiredByTheLauncherItHoldsEveryThreadAndTheGuestPrintsIntoItsFile(String engine) throws IOException {
        needs(engine);
        Path log = files.resolve("log");
        Path kernel = ending().in(files);
        try (Guest guest = run(kernel, engine, "require", "--debug-exit", "--serial", "file:" + log)) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(33);
            assertThat(guest.stderr()).isEmpty();
            assertThat(log).hasContent("hi");
        }
        Path spinning = new Payload().print("up").spinForEver().in(files);
        try (Guest guest = run(spinning, engine, "require", "--cpus", "2")) {
            guest.await("up");
            int threads = 0;
            try (Stream<Path> tasks = Files.list(Path.of("/proc/" + guest.pid() + "/task"))) {
                for (Path task : (Iterable<Path>) tasks::iterator) {
                    assertThat(Files.readAllLines(task.resolve("status"))).as("%s", task).contains("NoNewPrivs:\t1", "Seccomp:\t2");
                    threads++;
                }
            }
            assertThat(threads).isGreaterThan(5);
            guest.signal("TERM");
            assertThat(guest.exitStatus()).isEqualTo(128 + 15);
        }
    }

    @Test
    void offConfinesNothing() throws IOException {
        Path spinning = new Payload().print("up").spinForEver().in(files);
        try (Guest guest = run(spinning, "jvm", "off")) {
            guest.await("up");
            assertThat(Files.readAllLines(Path.of("/proc/" + guest.pid() + "/status"))).contains("Seccomp:\t0");
        }
    }
}
