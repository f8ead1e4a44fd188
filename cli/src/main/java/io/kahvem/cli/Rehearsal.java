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

/// The training run of the AOT cache: the command it is given, on each engine, in the sandbox but for the confining itself. The launcher
/// runs it once a build; an engine that this host does not have is not rehearsed.
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
        String socket = Stream.of(args).filter(arg -> arg.startsWith(CONTROL)).findFirst().orElseThrow();
        Path control = Path.of(socket.substring(CONTROL.length()));
        for (String engine : ENGINES) {
            Thread asDaemonsDo = Thread.ofPlatform().daemon().start(() -> resume(control));
            int status = new Cli(context).run(Stream.concat(Stream.of(args), Stream.of("--accel", engine)).toArray(String[]::new));
            asDaemonsDo.interrupt();
            System.err.println("rehearsed on engine %s: exit status %d".formatted(engine, status));
        }
        rehearseDaemon(context, Path.of(args[List.of(args).indexOf("--kernel") + 1]));
        rehearseImages(context);
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

    private static void rehearseDaemon(CliContext context, Path kernel) {
        try {
            Path directory = Files.createTempDirectory("kahvem-rehearsal");
            try {
                new DaemonRehearsal(context, directory, kernel).run();
            } finally {
                remove(directory);
            }
        } catch (IOException | CliException | LibvirtException e) {
            System.err.println("not rehearsed on a daemon: " + e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Images of every kind that are converted often, there and back.
    private static void rehearseImages(CliContext context) {
        try {
            Path directory = Files.createTempDirectory("kahvem-rehearsal");
            try {
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
            } finally {
                remove(directory);
            }
        } catch (IOException e) {
            System.err.println("not rehearsed on images: " + e);
        }
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
