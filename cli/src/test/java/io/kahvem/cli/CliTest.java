package io.kahvem.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.cli.daemon.DaemonCommand;
import io.kahvem.cli.run.RunCommand;
import io.kahvem.cli.sandbox.Confinement;
import io.kahvem.host.Clock;
import io.kahvem.host.EventLoops;
import io.kahvem.host.HostException;
import io.kahvem.host.HostMemory;
import io.kahvem.host.Landlock;
import io.kahvem.host.Landlock.Access;
import io.kahvem.host.Terminal;
import io.kahvem.hypervisor.VmExit;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.schema.Control.Quit;
import io.kahvem.qmp.schema.Machines.QueryName;
import io.kahvem.qmp.schema.Machines.QueryUuid;
import io.kahvem.qmp.schema.RunStates.Cont;
import io.kahvem.qmp.schema.RunStates.QueryStatus;
import io.kahvem.qmp.schema.RunStates.RunState;
import io.kahvem.vmm.MachineHost;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/// Exit statuses and streams of whole commands, on an engine whose guest is a script.
@Timeout(30)
class CliTest {
    private static final int COM1 = 0x3f8;
    private static final int COM1_LSR = 0x3fd;
    private static final int PM1A_CNT = 0x604;
    private static final int DEBUG_EXIT = 0xf4;
    private static final int RST_CNT = 0xcf9;
    private static final int SIGTERM = 15;
    private static final ScriptedEngine.Script HALT = (io, kicks) -> {
        kicks.acquire();
        return new VmExit.Kicked();
    };

    @TempDir
    Path directory;

    private Path kernel;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final ProcessEnd processEnd = new ProcessEnd();
    private final FakeTerminal terminal = new FakeTerminal();
    private InputStream in = InputStream.nullInputStream();
    private OutputStream stdout = out;
    private ScriptedEngine.Script script = HALT;
    private final FakeConfinement confinement = new FakeConfinement();

    private static final class FakeTerminal implements Terminal {
        private final List<String> calls = new ArrayList<>();
        private boolean present;

        @Override
        public boolean isTerminal() {
            return present;
        }

        @Override
        public synchronized void raw() {
            calls.add("raw");
        }

        @Override
        public synchronized void restore() {
            calls.add("restore");
        }
    }

    private static final class FakeConfinement implements Confinement {
        private final List<String> calls = new ArrayList<>();
        private Optional<String> whyNot = Optional.empty();
        private List<Landlock.Rule> files = List.of();
        private List<String> arguments = List.of();

        @Override
        public Optional<String> confineFiles(List<Landlock.Rule> files, List<String> arguments) {
            calls.add("files");
            this.files = files;
            this.arguments = arguments;
            return whyNot;
        }

        @Override
        public Optional<String> confineCalls() {
            calls.add("calls");
            return Optional.empty();
        }
    }

    /// A Multiboot kernel of 36 bytes.
    @BeforeEach
    void writeKernel() throws IOException {
        int address = 0x10_0000;
        ByteBuffer image = ByteBuffer.allocate(36).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(0x1bad_b002).putInt(1 << 16).putInt(-(0x1bad_b002 + (1 << 16)));
        image.putInt(address).putInt(address).putInt(0).putInt(0).putInt(address + 32).putInt(0);
        kernel = Files.write(directory.resolve("kernel"), image.array());
    }

    private int kahvem(String... arguments) {
        CliContext context = new CliContext(
                Map.of(),
                in,
                stdout,
                new PrintStream(err, true, StandardCharsets.UTF_8),
                terminal,
                () -> false,
                () -> false,
                processEnd,
                () -> new MachineHost(
                        HostMemory.system(),
                        handler -> EventLoops.start(Clock.SYSTEM, "devices", handler),
                        List.of(new ScriptedEngine(script)),
                        () -> new byte[32]),
                confinement);
        return new Cli(context).run(arguments);
    }

    private int run(ScriptedEngine.Script guest, String... more) {
        script = guest;
        List<String> arguments = new ArrayList<>(List.of("run", "--memory", "4M", "--kernel", kernel.toString()));
        arguments.addAll(List.of(more));
        return kahvem(arguments.toArray(String[]::new));
    }

    private String said() {
        return err.toString(StandardCharsets.UTF_8);
    }

    private static void print(VmIo io, String text) {
        for (byte b : text.getBytes(StandardCharsets.ISO_8859_1)) io.portWrite(COM1, 1, b);
    }

    private static VmExit powerOff(VmIo io, Semaphore kicks) throws InterruptedException {
        io.portWrite(PM1A_CNT, 2, 1 << 13);
        return HALT.run(io, kicks);
    }

    private static char read(VmIo io) {
        while ((io.portRead(COM1_LSR, 1) & 1) == 0) Thread.onSpinWait();
        return (char) io.portRead(COM1, 1);
    }

    @Test
    void helpAndVersionAreAnswers() {
        assertThat(kahvem("--version")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("kahvem ");
        assertThat(kahvem("run", "--help")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("--kernel", "--no-reboot", "Exit status");
        assertThat(said()).isEmpty();
    }

    @ParameterizedTest(name = "kahvem {0}")
    @CsvSource(delimiter = '|', textBlock = """
            ''                              | no command given
            rnu                             | no command "rnu"
            run --frob                      | unknown option --frob
            run --floppy=a.img              | unknown option --floppy
            run --net none                  | unknown option --net
            run --machine pc                | "pc" is no machine; give q35 or microvm
            run --gdb 127.0.0.1:1           | unknown option --gdb
            run --floppy a.img              | unknown option --floppy
            run disk.qcow2                  | unexpected argument "disk.qcow2"
            run --memory                    | Missing required parameter
            run --memory 12Q                | 12Q
            run --memory 1K                 | memory
            run --cpus 0                    | cpus
            run --cpus many                 | --cpus
            run --timeout soon              | soon
            run --timeout 0                 | timeout
            run --serial tty                | tty
            run --accel kvm                 | --accel kvm: this version has no such engine
            run --accel tcg                 | tcg
            run --accel jvm,translate=on    | give translate=off, early or normal
            run --accel jvm,jit=off         | "jit=off", which is no option
            run --accel kvm,translate=off   | give jvm,translate=
            run --cpu host                  | host
            run --initrd i.gz               | --initrd goes with a kernel
            run --kernel /no/such/kernel    | /no/such/kernel
            """)
    void wrongArgumentsEndWithTwoAndNameTheCause(String arguments, String cause) {
        String[] split = arguments.isEmpty() ? new String[0] : arguments.split(" ");
        assertThat(kahvem(split)).isEqualTo(2);
        assertThat(said()).startsWith("kahvem").contains(cause).doesNotContain("\tat ");
        assertThat(out.toByteArray()).isEmpty();
    }

    @Test
    void aPowerOffEndsWithZeroAndAllOutputWritten() {
        String text = "0123456789abcdef".repeat(8192);
        assertThat(run((io, kicks) -> {
            print(io, text);
            return powerOff(io, kicks);
        })).isZero();
        assertThat(out.toString(StandardCharsets.ISO_8859_1)).isEqualTo(text);
        assertThat(said()).isEmpty();
    }

    @Test
    void aResetUnderNoRebootEndsWithZero() {
        assertThat(run((io, kicks) -> {
            io.portWrite(RST_CNT, 1, 6);
            return HALT.run(io, kicks);
        }, "--no-reboot")).isZero();
    }

    @Test
    void aTripleFaultUnderNoRebootEndsWithFour() {
        assertThat(run((io, kicks) -> new VmExit.Shutdown("no IDT"), "--no-reboot")).isEqualTo(4);
        assertThat(said()).contains("triple fault", "no IDT");
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 3", "16, 33", "127, 255", "255, 255"})
    void debugExitGivesItsOddStatus(int value, int status) {
        assertThat(run((io, kicks) -> {
            io.portWrite(DEBUG_EXIT, 1, value);
            return HALT.run(io, kicks);
        }, "--debug-exit")).isEqualTo(status);
    }

    @Test
    void aHoleInTheEngineEndsWithSeventyAndTellsWhere() {
        assertThat(run((io, kicks) -> new VmExit.Fatal("no such thing", "long mode", 0x1234, new byte[] {0x0f, 0x0b}))).isEqualTo(70);
        assertThat(said()).contains("no such thing", "0x1234", "0f 0b").doesNotContain("\tat ");
    }

    @Test
    void aBugOfOursEndsWithSeventyAndAsksForAReport() {
        assertThat(run((io, kicks) -> {
            throw new IllegalStateException("unheard of");
        })).isEqualTo(70);
        assertThat(said()).contains("bug in Kahvem", "unheard of", "report").doesNotContain("\tat ");
    }

    @Test
    void timeoutEndsWith124() {
        assertThat(run(HALT, "--timeout", "50ms")).isEqualTo(124);
        assertThat(said()).contains("--timeout");
    }

    @Test
    void timeoutEndsAGuestWhoseOutputNobodyReads() throws IOException {
        PipedInputStream unread = new PipedInputStream(1);
        stdout = new PipedOutputStream(unread);
        assertThat(run((io, kicks) -> {
            while (kicks.availablePermits() == 0) print(io, "more");
            return new VmExit.Kicked();
        }, "--timeout", "200ms")).isEqualTo(124);
    }

    @Test
    void aSignalStopsTheMachineRestoresTheTerminalAndEndsWith128AndItsNumber() {
        terminal.present = true;
        assertThat(run((io, kicks) -> {
            processEnd.raise(SIGTERM);
            return HALT.run(io, kicks);
        })).isEqualTo(128 + SIGTERM);
        assertThat(terminal.calls).startsWith("raw").endsWith("restore");
    }

    @Test
    void controlRightBracketOnATerminalLeavesWithZero() {
        terminal.present = true;
        in = new ByteArrayInputStream(new byte[] {0x1d, 'x'});
        assertThat(run(HALT)).isZero();
        assertThat(said()).contains("left");
        assertThat(terminal.calls).startsWith("raw").endsWith("restore");
    }

    @Test
    void aPipeCarriesEveryByteAndItsEndIsNotTheMachines() {
        in = new ByteArrayInputStream(new byte[] {'a', 0x1d, 3, 'z'});
        StringBuilder received = new StringBuilder();
        assertThat(run((io, kicks) -> {
            while (received.length() < 4) received.append(read(io));
            print(io, "still here");
            return powerOff(io, kicks);
        })).isZero();
        assertThat(received.toString()).isEqualTo("a\u001d\u0003z");
        assertThat(out.toString(StandardCharsets.ISO_8859_1)).isEqualTo("still here");
    }

    @Test
    void aClosedStandardOutputDiscardsWhatTheGuestPrints() {
        stdout = new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
        assertThat(run((io, kicks) -> {
            print(io, "x".repeat(300_000));
            return powerOff(io, kicks);
        })).isZero();
        assertThat(said()).isEmpty();
    }

    @Test
    void serialToAFileLeavesStandardOutputAlone() throws IOException {
        Path file = directory.resolve("serial.log");
        terminal.present = true;
        assertThat(run((io, kicks) -> {
            print(io, "to the file");
            return powerOff(io, kicks);
        }, "--serial", "file:" + file)).isZero();
        assertThat(file).hasContent("to the file");
        assertThat(out.toByteArray()).isEmpty();
        assertThat(terminal.calls).doesNotContain("raw");
    }

    @Test
    void aSerialFileThatCannotBeWrittenIsBadInput() {
        assertThat(run(HALT, "--serial", "file:" + directory.resolve("no/such/log"))).isEqualTo(2);
        assertThat(said()).contains("no/such/log", "directory does not exist");
    }

    @Test
    void badInputLeavesNoSerialFileBehind() {
        Path file = directory.resolve("serial.log");
        assertThat(kahvem("run", "--kernel", "/no/such/kernel", "--serial", "file:" + file)).isEqualTo(2);
        assertThat(file).doesNotExist();
    }

    @Test
    void statisticsGoToStandardError() {
        assertThat(run(CliTest::powerOff, "--stats")).isZero();
        assertThat(said()).contains("engine jvm", "vCPU 0: 1000 instructions", "MIPS");
        assertThat(out.toByteArray()).isEmpty();
    }

    @Test
    void aHostThatRefusesIsNoBug() {
        // HostException's constructors are the host module's own; a real refusal, of more memory than any host maps.
        int status = kahvem("run", "--memory", "1T", "--kernel", kernel.toString(), "--timeout", "50ms");
        assertThat(status).isIn(ExitStatus.HOST_FAILED, ExitStatus.TIMEOUT);
        assertThat(said()).doesNotContain("bug in Kahvem").doesNotContain(HostException.class.getName());
    }

    // The sandbox

    @Test
    void filesAreConfinedBeforeTheMachineIsAndCallsBeforeItStarts() {
        ScriptedEngine.Script guest = (io, kicks) -> {
            confinement.calls.add("guest");
            return powerOff(io, kicks);
        };
        Path log = directory.resolve("log");
        assertThat(run(guest, "--serial", "file:" + log)).isZero();
        assertThat(confinement.calls).containsExactly("files", "calls", "guest");
        assertThat(confinement.files).containsExactly(
                new Landlock.PathRule(kernel, Set.of(Access.READ)), new Landlock.PathRule(directory, Set.of(Access.WRITE, Access.CREATE)));
        assertThat(run(CliTest::powerOff, "--serial", "file:" + log)).isZero();
        assertThat(confinement.files).as("a file that is there").contains(new Landlock.PathRule(log, Set.of(Access.WRITE)));
    }

    @Test
    void theControlSocketEndsTheMachine() throws Exception {
        Path socket = directory.resolve("qmp");
        CompletableFuture<Integer> status = CompletableFuture.supplyAsync(() -> run(HALT, "--qmp", "unix:" + socket, "--paused",
                "--name", "a guest", "--uuid", "6f1d9d5e-4a4c-4b6e-9f0e-2f6a1c0a7f3b"));
        while (!Files.exists(socket) && !status.isDone()) Thread.onSpinWait();
        List<String> events = new CopyOnWriteArrayList<>();
        try (QmpClient client = QmpClient.connect(socket, Duration.ofSeconds(20), event -> events.add(event.name()))) {
            assertThat(client.execute(new QueryName()).name()).contains("a guest");
            assertThat(client.execute(new QueryUuid()).uuid()).isEqualTo("6f1d9d5e-4a4c-4b6e-9f0e-2f6a1c0a7f3b");
            assertThat(client.execute(new QueryStatus()).status()).isEqualTo(RunState.PRELAUNCH);
            client.execute(new Cont());
            assertThat(client.execute(new QueryStatus()).running()).isTrue();
            client.execute(new Quit());
            assertThat(status.get()).isZero();
            while (!events.contains("SHUTDOWN")) Thread.onSpinWait(); // read by the client's own thread
        }
        assertThat(events).containsExactly("RESUME", "SHUTDOWN");
        assertThat(socket).doesNotExist();
        assertThat(confinement.files).contains(new Landlock.PathRule(directory, Set.of(Access.LISTEN)));
        assertThat(confinement.arguments).contains("--qmp=unix:" + socket, "--paused", "--name=a guest");
    }

    @Test
    void whatIsNoControlSocketIsRefused() {
        assertThat(run(HALT, "--qmp", "tcp:1.2.3.4:5")).isEqualTo(2);
        assertThat(said()).contains("give unix:PATH");
        assertThat(run(HALT, "--paused")).isEqualTo(2);
        assertThat(said()).contains("--qmp unix:PATH");
        assertThat(run(HALT, "--uuid", "7")).isEqualTo(2);
        assertThat(run(HALT, "--action", "panic=explode")).isEqualTo(2);
        assertThat(said()).contains("exit-failure");
        assertThat(run(HALT, "--qmp", "unix:" + directory.resolve("no/such"))).isEqualTo(70);
        assertThat(said()).contains("Its directory does not exist");
    }

    @Test
    void whatStartsAgainIsTheSameMachine() {
        assertThat(run(CliTest::powerOff, "--no-reboot", "--timeout", "20s", "--append", "a  b", "--sandbox", "require")).isZero();
        List<String> first = confinement.arguments;
        assertThat(first).contains("--memory=4M", "--append=a  b", "--no-reboot", "--timeout=20s", "--kernel=" + kernel)
                .contains("--sandbox=require");
        assertThat(kahvem(first.toArray(String[]::new))).isZero();
        assertThat(confinement.arguments).isEqualTo(first);
    }

    @Test
    void whatCannotBeConfinedIsToldOrRefused() {
        confinement.whyNot = Optional.of("no such kernel");
        assertThat(run(CliTest::powerOff)).isZero();
        assertThat(said()).contains("kahvem: sandbox: files are not confined: no such kernel");
        assertThat(run(CliTest::powerOff, "--sandbox", "require")).isEqualTo(70);
        assertThat(said()).contains("--sandbox on goes on with what this host can do");
        confinement.calls.clear();
        assertThat(run(CliTest::powerOff, "--sandbox", "off")).isZero();
        assertThat(confinement.calls).isEmpty();
        assertThat(run(CliTest::powerOff, "--sandbox", "perhaps")).isEqualTo(2);
    }

    /// Who adds an option adds it to [PlainCommand#takesPlainly] too, or each start reads annotations.
    @Test
    void everyOptionOfRunAndDaemonIsTakenPlainly() {
        CliContext context = new TestContext(Map.of(), InputStream.nullInputStream()).context();
        for (Supplier<PlainCommand> command : List.<Supplier<PlainCommand>>of(
                () -> new RunCommand(context), () -> new DaemonCommand(context))) {
            for (OptionSpec option : new CommandLine(command.get()).getCommandSpec().options()) {
                if (option.usageHelp()) continue;
                String argument = option.arity().max() == 0 ? option.longestName() : option.longestName() + "=1";
                assertThat(command.get().takesPlainly(List.of(argument))).as(argument).isTrue();
            }
            assertThat(command.get().takesPlainly(List.of("--no-such=1"))).isFalse();
        }
        assertThat(new RunCommand(context).takesPlainly(List.of("--memory", "1"))).isTrue();
        assertThat(new RunCommand(context).takesPlainly(List.of("--cpus=many"))).isFalse();
    }
}
