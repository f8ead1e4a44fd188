package io.kahvem.vmm.control;

import io.kahvem.config.Actions;
import io.kahvem.config.PanicAction;
import io.kahvem.config.ShutdownAction;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Balloons;
import io.kahvem.qmp.schema.Blocks;
import io.kahvem.qmp.schema.Control.Quit;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.RunStates;
import io.kahvem.qmp.schema.RunStates.Cont;
import io.kahvem.qmp.schema.RunStates.InjectNmi;
import io.kahvem.qmp.schema.RunStates.QueryStatus;
import io.kahvem.qmp.schema.RunStates.RebootAction;
import io.kahvem.qmp.schema.RunStates.SetAction;
import io.kahvem.qmp.schema.RunStates.StatusInfo;
import io.kahvem.qmp.schema.RunStates.Stop;
import io.kahvem.qmp.schema.RunStates.SystemPowerdown;
import io.kahvem.qmp.schema.RunStates.SystemReset;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.MachineEvent;
import io.kahvem.vmm.RunState;
import io.kahvem.vmm.ShutdownCause;

/// Running, stopped, reset, ended.
final class RunStateCommands {
    private static final Empty DONE = new Empty();

    private final Machine machine;

    RunStateCommands(Machine machine) {
        this.machine = machine;
    }

    void addTo(QmpService service) {
        service.on(QueryStatus.class, command -> status());
        service.on(Stop.class, command -> {
            machine.pause();
            return DONE;
        });
        service.on(Cont.class, command -> {
            cont();
            return DONE;
        });
        service.on(SystemReset.class, (command, call) -> {
            call.afterReply(machine::reset);
            return DONE;
        });
        service.on(SystemPowerdown.class, (command, call) -> {
            call.afterReply(machine::powerButton);
            return DONE;
        });
        service.on(Quit.class, (command, call) -> {
            call.afterReply(() -> machine.stop(ShutdownCause.HOST_QMP_QUIT));
            return DONE;
        });
        service.on(InjectNmi.class, command -> {
            machine.injectNmi();
            return DONE;
        });
        service.on(SetAction.class, command -> {
            setAction(command);
            return DONE;
        });
    }

    private StatusInfo status() {
        RunState state = machine.state();
        return new StatusInfo(state == RunState.RUNNING, false, RunStates.RunState.valueOf(state.name()));
    }

    private void cont() {
        if (machine.state() == RunState.SHUTDOWN) throw new QmpException("Resetting the Virtual Machine is required");
        machine.resume();
    }

    private void setAction(SetAction wanted) {
        if (wanted.watchdog().isPresent()) throw new QmpException("this machine has no watchdog");
        Actions actions = machine.actions();
        if (wanted.reboot().isPresent()) actions = actions.withNoReboot(wanted.reboot().get() == RebootAction.SHUTDOWN);
        if (wanted.shutdown().isPresent()) actions = actions.with(ShutdownAction.valueOf(wanted.shutdown().get().name()));
        if (wanted.panic().isPresent()) actions = actions.with(PanicAction.valueOf(wanted.panic().get().name()));
        machine.setActions(actions);
    }

    /// The event in QMP's words.
    static Event told(MachineEvent event) {
        return switch (event) {
            case MachineEvent.Stopped ignored -> new RunStates.StopEvent();
            case MachineEvent.Resumed ignored -> new RunStates.ResumeEvent();
            case MachineEvent.Reset reset -> new RunStates.ResetEvent(reset.cause().isGuests(), cause(reset.cause()));
            case MachineEvent.PowerDown ignored -> new RunStates.PowerdownEvent();
            case MachineEvent.Shutdown shutdown -> new RunStates.ShutdownEvent(shutdown.cause().isGuests(), cause(shutdown.cause()));
            case MachineEvent.Panicked panicked -> new RunStates.GuestPanickedEvent(panic(panicked.action()));
            case MachineEvent.BalloonChanged changed -> new Balloons.BalloonChangeEvent(changed.actualBytes());
            case MachineEvent.TrayMoved moved -> new Blocks.DeviceTrayMovedEvent(moved.drive(), moved.drive(), moved.open());
            case MachineEvent.CrashLoaded ignored -> new RunStates.GuestCrashloadedEvent(RunStates.GuestPanicAction.RUN);
        };
    }

    private static RunStates.ShutdownCause cause(ShutdownCause cause) {
        return RunStates.ShutdownCause.valueOf(cause.name());
    }

    private static RunStates.GuestPanicAction panic(PanicAction action) {
        return switch (action) {
            case NONE -> RunStates.GuestPanicAction.RUN;
            case PAUSE -> RunStates.GuestPanicAction.PAUSE;
            case SHUTDOWN, EXIT_FAILURE -> RunStates.GuestPanicAction.POWEROFF;
        };
    }
}
