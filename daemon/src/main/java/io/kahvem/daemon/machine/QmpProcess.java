package io.kahvem.daemon.machine;

import io.kahvem.daemon.domain.MachineLauncher.Listener;
import io.kahvem.daemon.domain.MachineProcess;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.QmpConnectionException;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.Balloons;
import io.kahvem.qmp.schema.Blocks;
import io.kahvem.qmp.schema.Command;
import io.kahvem.qmp.schema.Control;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.Machines;
import io.kahvem.qmp.schema.RunStates;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/// A machine's process, driven by QMP.
final class QmpProcess implements MachineProcess {
    private static final long END_SECONDS = 5;
    private static final String PTY = "pty:";

    private final ProcessHandle handle;
    private final long startTicks;
    private final QmpClient qmp;
    private final String terminal;
    private volatile boolean keepAtShutdown;
    private volatile boolean released;

    /// Throws what [QmpClient#connect] throws.
    QmpProcess(ProcessHandle handle, Path socket, Duration patience, Listener listener) {
        this.handle = handle;
        this.startTicks = Processes.startTicks(handle.pid());
        this.qmp = QmpClient.connect(socket, patience, new QmpClient.Listener() {
            @Override
            public void event(QmpClient.Received event) {
                event.known().ifPresent(known -> heard(known, listener));
            }

            @Override
            public void ended() {
                if (released) return;
                handle.onExit().join();
                listener.ended();
            }
        });
        this.terminal = qmp.execute(new Machines.QueryChardev()).stream()
                .filter(line -> line.label().equals("serial0") && line.filename().startsWith(PTY))
                .map(line -> line.filename().substring(PTY.length())).findFirst().orElse("");
    }

    private static void heard(Event event, Listener listener) {
        switch (event) {
            case RunStates.StopEvent ignored -> listener.paused();
            case RunStates.ResumeEvent ignored -> listener.resumed();
            case RunStates.ResetEvent ignored -> listener.reset();
            case RunStates.ShutdownEvent shutdown -> listener.shutdown(shutdown.guest());
            case Balloons.BalloonChangeEvent change -> listener.balloonChanged(change.actual() / 1024);
            case Blocks.DeviceTrayMovedEvent moved -> listener.trayMoved(moved.id(), moved.trayOpen());
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
        return handle.isAlive();
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

    /// Its disks are flushed where it ends by itself.
    @Override
    public void destroy() {
        try {
            qmp.execute(new Control.Quit());
        } catch (QmpException | QmpConnectionException gone) {
            handle.destroy();
        }
        try {
            handle.onExit().get(END_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException stuck) {
            handle.destroyForcibly();
            handle.onExit().join();
        } catch (InterruptedException e) {
            handle.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        qmp.close();
    }

    @Override
    public void balloon(long kib) {
        execute(new Balloons.Balloon(kib * 1024));
    }

    @Override
    public OptionalLong balloonKib() {
        try {
            return OptionalLong.of(qmp.execute(new Balloons.QueryBalloon()).actual() / 1024);
        } catch (QmpException none) {
            return OptionalLong.empty();
        } catch (QmpConnectionException e) {
            throw lost(e);
        }
    }

    @Override
    public void balloonStatisticsPeriod(int seconds) {
        execute(new Balloons.QomSetNumber("/machine/peripheral/balloon0", "guest-stats-polling-interval", seconds));
    }

    @Override
    public void changeMedium(String alias, String file, String format) {
        execute(new Blocks.BlockdevChangeMedium(Optional.empty(), Optional.of(alias), file, Optional.of(format)));
    }

    @Override
    public void ejectMedium(String alias) {
        execute(new Blocks.Eject(Optional.empty(), Optional.of(alias), Optional.of(true)));
    }

    @Override
    public List<DiskStatistics> diskStatistics() {
        List<Blocks.BlockStats> counted;
        try {
            counted = qmp.execute(new Blocks.QueryBlockstats(Optional.empty()));
        } catch (QmpException none) {
            return List.of();
        } catch (QmpConnectionException e) {
            throw lost(e);
        }
        return counted.stream().map(disk -> {
            Blocks.BlockDeviceStats stats = disk.stats();
            return new DiskStatistics(disk.qdev().or(disk::device).orElse(""), stats.rdOperations(), stats.rdBytes(), stats.rdTotalTimeNs(),
                    stats.wrOperations(), stats.wrBytes(), stats.wrTotalTimeNs(), stats.flushOperations(), stats.flushTotalTimeNs());
        }).toList();
    }

    @Override
    public List<Long> vcpuThreads() {
        return execute(new Machines.QueryCpusFast()).stream().map(Machines.CpuInfoFast::threadId).toList();
    }

    @Override
    public String command(String command, boolean human) {
        try {
            if (!human) return qmp.executeJson(command);
            return qmp.execute(new Control.HumanMonitorCommand(command, Optional.empty()));
        } catch (QmpException e) {
            throw QmpLauncher.failed("unable to execute QEMU command: " + e.getMessage());
        } catch (QmpConnectionException e) {
            throw lost(e);
        }
    }

    @Override
    public void release() {
        released = true;
        qmp.close();
    }

    private <R> R execute(Command<R> command) {
        try {
            return qmp.execute(command);
        } catch (QmpException e) {
            throw QmpLauncher.failed("unable to execute QEMU command '%s': %s".formatted(command.getClass().getSimpleName(),
                    e.getMessage()));
        } catch (QmpConnectionException e) {
            throw lost(e);
        }
    }

    private static LibvirtException lost(QmpConnectionException e) {
        return LibvirtException.of(ErrorCode.OPERATION_FAILED, ErrorDomain.QEMU, "the machine's control socket: " + e.getMessage());
    }
}
