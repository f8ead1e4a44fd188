package io.kahvem.cli;

import io.kahvem.cli.daemon.ConfinedMachines;
import io.kahvem.cli.daemon.DaemonCommand;
import io.kahvem.cli.sandbox.ProcessConfinement;
import io.kahvem.daemon.MachineStarter;
import io.kahvem.host.Terminal;
import io.kahvem.libvirt.Connection;
import io.kahvem.libvirt.ConnectionLostException;
import io.kahvem.libvirt.Domain;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;

/// The daemon's part of a rehearsal: one in this process, and a client's usual questions to it; then the next one, which finds a machine
/// running that the first has started. The machine is in this process too, and a process that does nothing stands for it; the JVM that is
/// started confined has nothing to run and ends.
final class DaemonRehearsal {
    private static final int TERM = 15;
    private static final int ROUNDS = 20;
    private static final long LOOK_NANOS = 2_000_000;
    private static final String MACHINE = """
            <domain type='qemu'><name>rehearsed%d</name><memory unit='MiB'>16</memory>
            <os><type machine='q35'>hvm</type><kernel>%s</kernel></os><devices><serial type='pty'/></devices></domain>
            """;
    private static final List<String> COMMANDS = List.of("list --all", "domstate rehearsed1", "dominfo rehearsed1", "domstats",
            "dumpxml rehearsed1", "pool-list --all", "uri; version");

    private final CliContext context;
    private final Path directory;
    private final Path kernel;

    DaemonRehearsal(CliContext context, Path directory, Path kernel) {
        this.context = context;
        this.directory = directory;
        this.kernel = kernel;
    }

    void run() throws InterruptedException {
        during(() -> {
            keep();
            for (String command : COMMANDS) virsh(command);
            virsh("start rehearsed1");
        });
        during(() -> {
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

    /// Does this while a daemon runs.
    private void during(Runnable action) throws InterruptedException {
        ProcessEnd end = new ProcessEnd();
        CliContext own = Main.context(end, Terminal.standardInput(), ProcessConfinement.rehearsal());
        DaemonCommand daemon = new DaemonCommand(own, this::machines);
        daemon.takesPlainly(List.of("--socket", socket().toString(), "--state", directory.resolve("state").toString()));
        CompletableFuture<Integer> status = CompletableFuture.supplyAsync(() -> {
            try {
                return daemon.call();
            } catch (InterruptedException e) {
                throw new CompletionException(e);
            }
        });
        try {
            awaitSocket(status);
            action.run();
        } finally {
            end.raise(TERM);
        }
        System.err.println("rehearsed a daemon: exit status " + status.join());
    }

    private void awaitSocket(CompletableFuture<Integer> daemon) {
        while (!daemon.isDone()) {
            try (Connection ignored = Connection.open(uri())) {
                return;
            } catch (ConnectionLostException notYet) {
                LockSupport.parkNanos(LOOK_NANOS);
            }
        }
    }

    private MachineStarter machines() {
        MachineStarter confined = ConfinedMachines.of(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()), context);
        return (arguments, log) -> {
            confined.start(arguments, log);
            Process standIn = new ProcessBuilder("sleep", "60").start();
            Thread.ofPlatform().daemon().start(() -> {
                int status = new Cli(context).run(arguments.toArray(String[]::new));
                System.err.println("rehearsed a daemon's machine: exit status " + status);
                standIn.destroy();
            });
            return standIn.toHandle();
        };
    }

    private void virsh(String command) {
        int status = new Cli(context).run("-c", uri(), command);
        System.err.println("rehearsed %s: exit status %d".formatted(command, status));
    }

    private void keep() {
        for (int round = 0; round < ROUNDS; round++) {
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
