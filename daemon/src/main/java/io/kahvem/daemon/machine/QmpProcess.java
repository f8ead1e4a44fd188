package io.kahvem.daemon.machine;

import io.kahvem.daemon.domain.MachineLauncher.Listener;
import io.kahvem.daemon.domain.MachineProcess;
import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.QmpConnectionException;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.json.Names;
import io.kahvem.qmp.schema.Balloons;
import io.kahvem.qmp.schema.Blocks;
import io.kahvem.qmp.schema.Command;
import io.kahvem.qmp.schema.Control;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.Machines;
import io.kahvem.qmp.schema.RunStates;
import io.kahvem.qmp.schema.Screens;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/// A machine's process, driven by QMP.
final class QmpProcess implements MachineProcess {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration END = Duration.ofSeconds(5);
    private static final Duration UNTIL_IT_ENDS = Duration.ofDays(36_500);
    private static final String PTY = "pty:";
    private static final String DRIVE = "drive";
    /// What the machine calls the file that it is given open.
    private static final String SCREEN = "screen";

    private final ProcessHandle handle;
    private final long startTicks;
    private final CompletableFuture<QmpClient> qmp;
    private final Path socket;
    private final String terminal;
    private final List<String> disks;
    private volatile boolean keepAtShutdown;
    private volatile boolean released;

    private QmpProcess(ProcessHandle handle, Path socket, List<String> disks, Executor connecting, Optional<String> terminal,
            Listener listener) {
        this.disks = disks;
        this.handle = handle;
        this.socket = socket;
        this.startTicks = Processes.startTicks(handle.pid());
        this.qmp = CompletableFuture.supplyAsync(() -> connect(listener), connecting);
        this.terminal = terminal.orElseGet(this::askTerminal);
    }

    /// One that is being started. Throws what [QmpClient#connect] throws.
    ///
    /// @param disks the aliases of the disks, in the machine's order
    static QmpProcess started(ProcessHandle handle, Path socket, List<String> disks, Listener listener) {
        return new QmpProcess(handle, socket, disks, Runnable::run, Optional.empty(), listener);
    }

    /// One that runs already; what is asked of it waits until its socket is connected.
    static QmpProcess found(ProcessHandle handle, Path socket, List<String> disks, String terminal, Listener listener) {
        return new QmpProcess(handle, socket, disks, Thread::startVirtualThread, Optional.of(terminal), listener);
    }

    private QmpClient connect(Listener listener) {
        return QmpClient.connect(socket, PATIENCE, new QmpClient.Listener() {
            @Override
            public void event(QmpClient.Received event) {
                event.known().ifPresent(known -> heard(known, listener));
            }

            @Override
            public void ended() {
                if (released) return;
                Processes.awaitEnd(handle.pid(), startTicks, UNTIL_IT_ENDS);
                listener.ended();
            }
        });
    }

    /// Waits for the connection. Throws what [QmpClient#connect] throws.
    private QmpClient qmp() {
        try {
            return qmp.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException why) throw why;
            throw e;
        }
    }

    private String askTerminal() {
        return qmp().execute(new Machines.QueryChardev()).stream()
                .filter(line -> line.label().equals("serial0") && line.filename().startsWith(PTY))
                .map(line -> line.filename().substring(PTY.length())).findFirst().orElse("");
    }

    private void heard(Event event, Listener listener) {
        switch (event) {
            case RunStates.StopEvent ignored -> listener.paused();
            case RunStates.ResumeEvent ignored -> listener.resumed();
            case RunStates.ResetEvent ignored -> listener.reset();
            case RunStates.ShutdownEvent shutdown -> listener.shutdown(shutdown.guest());
            case Balloons.BalloonChangeEvent change -> listener.balloonChanged(change.actual() / 1024);
            case Blocks.DeviceTrayMovedEvent moved -> listener.trayMoved(alias(moved.device()), moved.trayOpen());
            default -> {} // what changes nothing that a client is told of
        }
    }

    @Override
    public long pid() {
        return handle.pid();
    }

    @Override
    public long startTicks() {
        return startTicks;
    }

    @Override
    public String terminal() {
        return terminal;
    }

    @Override
    public boolean isAlive() {
        return Processes.isAlive(handle.pid(), startTicks);
    }

    @Override
    public boolean isRunning() {
        return execute(new RunStates.QueryStatus()).running();
    }

    @Override
    public void pause() {
        execute(new RunStates.Stop());
    }

    @Override
    public void resume() {
        execute(new RunStates.Cont());
    }

    @Override
    public void reset() {
        execute(new RunStates.SystemReset());
    }

    @Override
    public void pressPowerButton() {
        execute(new RunStates.SystemPowerdown());
    }

    @Override
    public void keepAtShutdown(boolean keep) {
        RunStates.ShutdownAction action = keep ? RunStates.ShutdownAction.PAUSE : RunStates.ShutdownAction.POWEROFF;
        execute(new RunStates.SetAction(Optional.empty(), Optional.of(action), Optional.empty(), Optional.empty()));
        keepAtShutdown = keep;
    }

    @Override
    public boolean keepsAtShutdown() {
        return keepAtShutdown;
    }

    @Override
    public void injectNmi() {
        execute(new RunStates.InjectNmi());
    }

    @Override
    public void pressKeys(List<Integer> numbers, int holdMillis) {
        List<Screens.KeyValue> keys = new ArrayList<>();
        for (int number : numbers) keys.add(new Screens.KeyValue.Number(number));
        execute(new Screens.SendKey(keys, holdMillis == 0 ? Optional.empty() : Optional.of((long) holdMillis)));
    }

    @Override
    public void shootScreen(Descriptor file) {
        execute(new Screens.Screendump(SCREEN, Optional.empty(), Optional.empty(), Optional.empty()), List.of(file));
    }

    /// Its disks are flushed where it ends by itself.
    @Override
    public void destroy() {
        try {
            qmp().execute(new Control.Quit());
        } catch (QmpException | QmpConnectionException | HostException gone) {
            handle.destroy();
        }
        if (!Processes.awaitEnd(handle.pid(), startTicks, END)) Processes.kill(handle.pid(), startTicks);
        CompletableFuture<Void> _ = qmp.thenAccept(QmpClient::close);
    }

    @Override
    public void balloon(long kib) {
        execute(new Balloons.Balloon(kib * 1024));
    }

    @Override
    public OptionalLong balloonKib() {
        try {
            return OptionalLong.of(qmp().execute(new Balloons.QueryBalloon()).actual() / 1024);
        } catch (QmpException none) {
            return OptionalLong.empty();
        } catch (QmpConnectionException | HostException e) {
            throw lost(e);
        }
    }

    @Override
    public void balloonStatisticsPeriod(int seconds) {
        execute(new Balloons.QomSetNumber("/machine/peripheral/balloon0", "guest-stats-polling-interval", seconds));
    }

    @Override
    public void changeMedium(String alias, String file, String format) {
        // The machine opens no file itself: it is given one that is open.
        try (Descriptor descriptor = Descriptor.openForReading(file)) {
            execute(new Blocks.BlockdevChangeMedium(Optional.of(drive(alias)), Optional.empty(), file, Optional.of(format)),
                    List.of(descriptor));
        } catch (HostException e) {
            throw QmpLauncher.failed(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public void ejectMedium(String alias) {
        execute(new Blocks.Eject(Optional.of(drive(alias)), Optional.empty(), Optional.of(true)));
    }

    @Override
    public void throttle(String alias, Map<String, Long> limits) {
        execute(new Blocks.BlockSetIoThrottle(Optional.of(drive(alias)), Optional.empty(), limits.getOrDefault("total_bytes_sec", 0L),
                limits.getOrDefault("read_bytes_sec", 0L), limits.getOrDefault("write_bytes_sec", 0L),
                limits.getOrDefault("total_iops_sec", 0L), limits.getOrDefault("read_iops_sec", 0L),
                limits.getOrDefault("write_iops_sec", 0L)));
    }

    @Override
    public void resizeDisk(String alias, long bytes) {
        execute(new Blocks.BlockResize(Optional.of(drive(alias)), Optional.empty(), bytes));
    }

    @Override
    public List<DiskStatistics> diskStatistics() {
        List<Blocks.BlockStats> counted;
        try {
            counted = qmp().execute(new Blocks.QueryBlockstats(Optional.empty()));
        } catch (QmpException none) {
            return List.of();
        } catch (QmpConnectionException | HostException e) {
            throw lost(e);
        }
        return counted.stream().map(disk -> {
            Blocks.BlockDeviceStats stats = disk.stats();
            return new DiskStatistics(alias(disk.device().orElse("")), stats.rdOperations(), stats.rdBytes(), stats.rdTotalTimeNs(),
                    stats.wrOperations(), stats.wrBytes(), stats.wrTotalTimeNs(), stats.flushOperations(), stats.flushTotalTimeNs());
        }).toList();
    }

    @Override
    public List<Long> vcpuThreads() {
        return execute(new Machines.QueryCpusFast()).stream().map(Machines.CpuInfoFast::threadId).toList();
    }

    @Override
    public String command(String command, boolean human, List<Descriptor> descriptors) {
        try {
            if (!human) return qmp().executeJson(command, descriptors);
            return qmp().execute(new Control.HumanMonitorCommand(command, Optional.empty()));
        } catch (QmpException e) {
            throw QmpLauncher.failed("unable to execute QEMU command: " + e.getMessage());
        } catch (QmpConnectionException | HostException e) {
            throw lost(e);
        }
    }

    @Override
    public void tidy() {
        QmpLauncher.remove(socket);
    }

    @Override
    public void release() {
        released = true;
        CompletableFuture<Void> _ = qmp.thenAccept(QmpClient::close);
    }

    private String drive(String alias) {
        return DRIVE + disks.indexOf(alias);
    }

    private String alias(String drive) {
        for (int n = 0; n < disks.size(); n++) {
            if (drive.equals(DRIVE + n)) return disks.get(n);
        }
        return drive;
    }

    private <R> R execute(Command<R> command) {
        return execute(command, List.of());
    }

    private <R> R execute(Command<R> command, List<Descriptor> descriptors) {
        try {
            return qmp().execute(command, descriptors);
        } catch (QmpException e) {
            throw QmpLauncher.failed("unable to execute QEMU command '%s': %s".formatted(Names.of(command.getClass()),
                    e.getMessage()));
        } catch (QmpConnectionException | HostException e) {
            throw lost(e);
        }
    }

    private static LibvirtException lost(RuntimeException e) {
        return LibvirtException.of(ErrorCode.OPERATION_FAILED, ErrorDomain.QEMU, "the machine's control socket: " + e.getMessage());
    }
}
