package io.kahvem.daemon.machine;

import io.kahvem.daemon.domain.DomainDefinition;
import io.kahvem.daemon.domain.MachineLauncher;
import io.kahvem.daemon.domain.MachineProcess;
import io.kahvem.host.HostException;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.qmp.QmpConnectionException;
import io.kahvem.qmp.QmpException;
import java.io.File;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/// Starts each machine as a process of this program, in a session of its own, so that nothing that ends the daemon ends it.
public final class QmpLauncher implements MachineLauncher {
    private static final Logger LOG = System.getLogger("io.kahvem.daemon.machine");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration START = Duration.ofSeconds(60);
    private static final int SWEEP_LOOKS = 5;
    private static final long SWEEP_NANOS = 20_000_000;
    private static final long POLL_MILLIS = 20;
    private static final int LOG_LINES = 12;
    private static final Path SETSID = Path.of("/usr/bin/setsid");

    private final List<String> program;

    /// @param program the command that starts this program, up to its verb
    public QmpLauncher(List<String> program) {
        this.program = List.copyOf(program);
    }

    @Override
    public MachineProcess start(DomainDefinition definition, Path directory, Listener listener) {
        Path socket = socket(directory, definition);
        Path log = directory.resolve("log").resolve(definition.name() + ".log");
        List<String> command = new ArrayList<>();
        if (Files.isExecutable(SETSID)) command.add(SETSID.toString());
        command.addAll(program);
        command.addAll(MachineCommand.arguments(definition, socket));
        Process process;
        try {
            Files.createDirectories(log.getParent());
            Files.deleteIfExists(socket);
            process = new ProcessBuilder(command)
                    .redirectInput(new File("/dev/null"))
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException e) {
            throw failed("cannot start %s: %s".formatted(command.getFirst(), e.getMessage()));
        }
        try {
            return connected(process, socket, log, MachineCommand.aliases(definition), listener);
        } catch (RuntimeException e) {
            process.destroyForcibly();
            process.onExit().join();
            remove(socket);
            throw e;
        }
    }

    /// Waits for the process to have its socket, which it has when all of the machine is made.
    private static MachineProcess connected(Process process, Path socket, Path log, List<String> disks, Listener listener) {
        long end = System.nanoTime() + START.toNanos();
        while (System.nanoTime() < end) {
            if (Files.exists(socket)) {
                try {
                    return new QmpProcess(process.toHandle(), socket, PATIENCE, disks, listener);
                } catch (HostException | QmpConnectionException notYet) {
                    if (!process.isAlive()) break;
                } catch (QmpException e) {
                    throw failed("the machine's control socket: " + e.getMessage());
                }
            }
            try {
                if (process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) break;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw failed("interrupted");
            }
        }
        String what = process.isAlive() ? "does not answer within %d s".formatted(START.toSeconds()) : "ended unexpectedly";
        throw failed("the machine's process %s: %s".formatted(what, Processes.lastLines(log, LOG_LINES)));
    }

    @Override
    public MachineProcess find(long pid, long startTicks, DomainDefinition definition, Path directory, Listener listener) {
        if (Processes.startTicks(pid) != startTicks) throw failed("its process %d has ended".formatted(pid));
        ProcessHandle handle = ProcessHandle.of(pid).orElseThrow(() -> failed("its process %d has ended".formatted(pid)));
        try {
            return new QmpProcess(handle, socket(directory, definition), PATIENCE, MachineCommand.aliases(definition), listener);
        } catch (HostException | QmpConnectionException | QmpException e) {
            throw failed("its control socket: " + e.getMessage());
        }
    }

    @Override
    public void sweep(DomainDefinition definition, Path directory) {
        Path socket = socket(directory, definition);
        // A process that is just becoming another has no arguments for a moment: it is looked for until it is not there for a while.
        for (int looks = 0; looks < SWEEP_LOOKS; looks++) {
            for (long pid : Processes.withArgument(MachineCommand.control(socket))) {
                looks = 0;
                ProcessHandle.of(pid).ifPresent(process -> {
                    process.destroyForcibly();
                    process.onExit().join();
                });
            }
            LockSupport.parkNanos(SWEEP_NANOS);
        }
        remove(socket);
    }

    static void remove(Path socket) {
        try {
            Files.deleteIfExists(socket);
        } catch (IOException e) {
            LOG.log(Level.WARNING, "cannot remove {0}: {1}", socket, e.getMessage());
        }
    }

    /// Short, since a socket's name is: by number and not by name.
    private static Path socket(Path directory, DomainDefinition definition) {
        return directory.resolve(definition.uuid().toString().substring(0, 8) + definition.uuid().toString().substring(24) + ".qmp");
    }

    static LibvirtException failed(String detail) {
        return LibvirtException.of(ErrorCode.INTERNAL_ERROR, ErrorDomain.QEMU, detail);
    }
}
