package io.kahvem.cli;

import io.kahvem.cli.sandbox.ProcessConfinement;
import io.kahvem.host.HostException;
import io.kahvem.host.Terminal;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.QmpConnectionException;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.Balloons;
import io.kahvem.qmp.schema.Machines;
import io.kahvem.qmp.schema.RunStates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/// The training run of the AOT cache of all but daemons: a machine on each engine, in the sandbox but for the confining itself, verbs that
/// ask a daemon, and work on images. The launcher runs it once a build; an engine that this host does not have is not rehearsed.
///
/// Arguments: the command that runs the machine, `--`, and the command that starts a daemon, up to its options.
public final class Rehearsal {
    private static final List<String> ENGINES = List.of("auto", "kvm", "jvm");

    private static final String CONTROL = "unix:";
    private static final long LOOK_NANOS = 5_000_000;
    private static final long BALLOON_BYTES = 12L << 20;

    private Rehearsal() {}

    public static void main(String[] args) {
        Locale.setDefault(Locale.Category.FORMAT, Locale.US);
        CliContext context = Main.context(
                ProcessEnd.ofThisProcess(), Terminal.standardInput(), ProcessConfinement.rehearsal());
        int end = List.of(args).indexOf("--");
        List<String> machine = List.of(args).subList(0, end);
        List<String> daemon = List.of(args).subList(end + 1, args.length);
        String socket = machine.stream().filter(arg -> arg.startsWith(CONTROL)).findFirst().orElseThrow();
        Path control = Path.of(socket.substring(CONTROL.length()));
        for (String engine : ENGINES) {
            Thread asDaemonsDo = Thread.ofPlatform().daemon().start(() -> resume(control));
            int status = new Cli(context).run(Stream.concat(machine.stream(), Stream.of("--accel", engine)).toArray(String[]::new));
            asDaemonsDo.interrupt();
            System.err.println("rehearsed on engine %s: exit status %d".formatted(engine, status));
        }
        Path kernel = Path.of(machine.get(machine.indexOf("--kernel") + 1));
        inDirectory("a daemon", directory -> new DaemonRehearsal(context, directory, kernel, daemon).ask());
        inDirectory("images", directory -> rehearseImages(context, directory));
        System.exit(ExitStatus.OK);
    }

    /// What the daemon asks of a machine that it has started; its first answer is there when the machine is.
    private static void resume(Path control) {
        while (!Thread.currentThread().isInterrupted()) {
            try (QmpClient machine = QmpClient.connect(control, Duration.ofSeconds(10), event -> {})) {
                machine.execute(new Machines.QueryChardev());
                machine.execute(new Machines.QueryCpusFast());
                machine.execute(new Balloons.Balloon(BALLOON_BYTES));
                machine.execute(new RunStates.QueryStatus());
                machine.execute(new RunStates.Cont());
                return;
            } catch (HostException | QmpException | QmpConnectionException notYet) {
                LockSupport.parkNanos(LOOK_NANOS);
            }
        }
    }

    /// Does something in a directory of its own.
    interface Act {
        void in(Path directory) throws IOException, InterruptedException;
    }

    static void inDirectory(String what, Act act) {
        try {
            Path directory = Files.createTempDirectory("kahvem-rehearsal");
            try {
                act.in(directory);
            } finally {
                remove(directory);
            }
        } catch (IOException | CliException | LibvirtException e) {
            System.err.println("not rehearsed on " + what + ": " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Images of every kind that are converted often, there and back.
    private static void rehearseImages(CliContext context, Path directory) throws IOException {
        Path raw = directory.resolve("raw");
        byte[] content = new byte[8 << 20];
        Arrays.fill(content, 1 << 20, 5 << 20, (byte) 'x');
        Files.write(raw, content);
        for (String options : List.of("-O qcow2", "-c -O qcow2", "-c -O qcow2 -o compression_type=zstd")) {
            Path packed = directory.resolve("packed");
            rehearseImage(context, "convert %s %s %s".formatted(options, raw, packed));
            rehearseImage(context, "info %s".formatted(packed));
            rehearseImage(context, "check -q %s".formatted(packed));
            rehearseImage(context, "convert -O raw %s %s".formatted(packed, directory.resolve("out")));
        }
        rehearseImage(context, "create -q -f qcow2 %s 1G".formatted(directory.resolve("new")));
    }

    private static void rehearseImage(CliContext context, String words) {
        int status = new Cli(context).run(("image " + words).split(" "));
        System.err.println("rehearsed image %s: exit status %d".formatted(words, status));
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
        }
    }
}
