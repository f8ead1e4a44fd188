package io.kahvem.daemon.machine;

import io.kahvem.daemon.LazyLogger;
import io.kahvem.daemon.MachineStarter;
import io.kahvem.daemon.domain.DomainDefinition;
import io.kahvem.daemon.domain.MachineLauncher;
import io.kahvem.daemon.domain.MachineProcess;
import io.kahvem.host.HostException;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.qmp.QmpConnectionException;
import io.kahvem.qmp.QmpException;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/// Machines as processes of this program, which are told apart by their control sockets.
public final class QmpLauncher implements MachineLauncher {
    private static final Logger LOG = LazyLogger.of("io.kahvem.daemon.machine");
    private static final Duration START = Duration.ofSeconds(60);
    private static final int SWEEP_LOOKS = 5;
    private static final long SWEEP_NANOS = 20_000_000;
    private static final long POLL_NANOS = 2_000_000;
    private static final int LOG_LINES = 12;

    private final MachineStarter starter;
    private final CpuCheck cpuCheck;

    public QmpLauncher(MachineStarter starter, CpuCheck cpuCheck) {
        this.starter = starter;
        this.cpuCheck = cpuCheck;
    }

    @Override
    public MachineProcess start(DomainDefinition definition, Path directory, Listener listener) {
        cpuCheck.require(definition);
        Path socket = socket(directory, definition);
        Path log = directory.resolve("log").resolve(definition.name() + ".log");
        ProcessHandle process;
        try {
            Files.createDirectories(log.getParent());
            if (!Files.exists(log)) Files.createFile(log);
            Files.deleteIfExists(socket);
            Optional<Path> variables = definition.variables().map(Path::getParent);
            if (variables.isPresent()) Files.createDirectories(variables.get());
            process = starter.start(MachineCommand.arguments(definition, socket), log);
        } catch (IOException | HostException e) {
            throw failed("cannot start the machine's process: " + e.getMessage());
        }
        try {
            return connected(process, socket, log, MachineCommand.aliases(definition), listener);
        } catch (RuntimeException e) {
            Processes.kill(process.pid(), Processes.startTicks(process.pid()));
            remove(socket);
            throw e;
        }
    }

    /// Waits for the process to have its socket, which it has when all of the machine is made.
    private static MachineProcess connected(ProcessHandle process, Path socket, Path log, List<String> disks, Listener listener) {
        long end = System.nanoTime() + START.toNanos();
        while (System.nanoTime() < end) {
            boolean alive = Processes.startTicks(process.pid()) >= 0;
            if (Files.exists(socket)) {
                try {
                    return QmpProcess.started(process, socket, disks, listener);
                } catch (HostException | QmpConnectionException notYet) {
                    LOG.log(Level.DEBUG, () -> socket + ": " + notYet.getMessage());
                } catch (QmpException e) {
                    throw failed("the machine's control socket: " + e.getMessage());
                }
            }
            if (!alive) break;
            LockSupport.parkNanos(POLL_NANOS);
            if (Thread.currentThread().isInterrupted()) throw failed("interrupted");
        }
        boolean runs = Processes.startTicks(process.pid()) >= 0;
        String what = runs ? "does not answer within %d s".formatted(START.toSeconds()) : "ended unexpectedly";
        throw failed("the machine's process %s: %s".formatted(what, Processes.lastLines(log, LOG_LINES)));
    }

    @Override
    public MachineProcess find(long pid, long startTicks, DomainDefinition definition, Path directory, Listener listener) {
        if (Processes.startTicks(pid) != startTicks) throw failed("its process %d has ended".formatted(pid));
        ProcessHandle handle = ProcessHandle.of(pid).orElseThrow(() -> failed("its process %d has ended".formatted(pid)));
        return QmpProcess.found(handle, socket(directory, definition), MachineCommand.aliases(definition), definition.terminal(), listener);
    }

    @Override
    public void sweep(DomainDefinition definition, Path directory) {
        Path socket = socket(directory, definition);
        // A process that is just becoming another has no arguments for a moment: it is looked for until it is not there for a while.
        for (int looks = 0; looks < SWEEP_LOOKS; looks++) {
            for (long pid : Processes.withArgument(MachineCommand.control(socket))) {
                looks = 0;
                Processes.kill(pid, Processes.startTicks(pid));
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
