package io.kahvem.cli;

import io.kahvem.cli.sandbox.ProcessConfinement;
import io.kahvem.host.Terminal;
import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.ConnectionLostException;
import io.kahvem.libvirt.Domain;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// The training run of the daemon's AOT cache: one daemon is given machines and starts one of them; the next one, which is trained, finds
/// it and is asked a client's usual questions. The verbs that ask are in the other cache, whose [Rehearsal] uses a daemon too.
public final class DaemonRehearsal {
    private static final int ROUNDS = 20;
    private static final long LOOK_NANOS = 2_000_000;
    private static final long PATIENCE_SECONDS = 180;
    private static final String MACHINE = """
            <domain type='qemu'><name>rehearsed%d</name><memory unit='MiB'>16</memory>
            <os><type machine='q35'>hvm</type><kernel>%s</kernel></os><devices><serial type='pty'/></devices></domain>
            """;
    private static final List<String> COMMANDS = List.of("list --all", "domstate rehearsed1", "dominfo rehearsed1", "domstats",
            "dumpxml rehearsed1", "pool-list --all", "uri; version");

    private final CliContext context;
    private final Path directory;
    private final Path kernel;
    private final List<String> daemon;

    /// @param directory for the daemon's state
    /// @param kernel of its machines
    /// @param daemon the command that starts one, up to its options
    DaemonRehearsal(CliContext context, Path directory, Path kernel, List<String> daemon) {
        this.context = context;
        this.directory = directory;
        this.kernel = kernel;
        this.daemon = daemon;
    }

    /// Arguments: the cache to be made, a kernel, and the daemon's command.
    public static void main(String[] args) {
        Locale.setDefault(Locale.Category.FORMAT, Locale.US);
        CliContext context = Main.context(
                ProcessEnd.ofThisProcess(), Terminal.standardInput(), ProcessConfinement.rehearsal());
        List<String> daemon = List.of(args).subList(2, args.length);
        Rehearsal.inDirectory("a daemon", directory ->
                new DaemonRehearsal(context, directory, Path.of(args[1]), daemon).train(Path.of(args[0])));
        System.exit(ExitStatus.OK);
    }

    private void train(Path cache) throws IOException, InterruptedException {
        during(List.of(), () -> {
            keep(0);
            virsh("start rehearsed1");
        });
        during(List.of("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTRecordTraining", "-XX:AOTCacheOutput=" + cache), () -> {
            for (String command : COMMANDS) virsh(command);
            virsh("start rehearsed3; destroy rehearsed3; destroy rehearsed1; undefine rehearsed3");
            keep(ROUNDS);
        });
    }

    /// What those do who ask a daemon.
    void ask() throws IOException, InterruptedException {
        during(List.of(), () -> {
            keep(0);
            virsh("start rehearsed1");
            for (String command : COMMANDS) virsh(command);
            virsh("destroy rehearsed1");
        });
    }

    private Path socket() {
        return directory.resolve("sock");
    }

    private String uri() {
        return "qemu:///system?socket=" + socket();
    }

    /// Does this while a daemon runs whose JVM has these options more.
    private void during(List<String> options, Runnable action) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(daemon);
        command.addAll(1, options);
        command.addAll(List.of("--socket", socket().toString(), "--state", directory.resolve("state").toString()));
        Process process = new ProcessBuilder(command).inheritIO().start();
        try {
            awaitSocket(process);
            action.run();
        } finally {
            process.destroy();
            if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) process.destroyForcibly();
        }
        System.err.println("rehearsed a daemon: exit status " + process.waitFor());
    }

    private void awaitSocket(Process daemon) {
        while (daemon.isAlive()) {
            try (Connection ignored = Connection.open(uri())) {
                return;
            } catch (ConnectionLostException notYet) {
                LockSupport.parkNanos(LOOK_NANOS);
            }
        }
    }

    private void virsh(String command) {
        int status = new Cli(context).run("-c", uri(), command);
        System.err.println("rehearsed %s: exit status %d".formatted(command, status));
    }

    /// Machines from this number on, of which every other one stays.
    private void keep(int first) {
        for (int round = first; round < first + ROUNDS; round++) {
            try (Connection connection = Connection.open(uri())) {
                connection.define(MACHINE.formatted(round, kernel));
                for (Domain domain : connection.domains()) {
                    domain.state();
                    domain.describe();
                    domain.statistics();
                }
                if (round % 2 == 0) connection.domain("rehearsed" + round).undefine();
            }
        }
    }
}
