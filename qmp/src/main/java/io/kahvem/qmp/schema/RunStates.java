package io.kahvem.qmp.schema;

import java.util.Optional;

/// Whether the machine runs, and why not: QEMU's run-state.json.
public interface RunStates {
    enum RunState {
        DEBUG,
        INMIGRATE,
        INTERNAL_ERROR,
        IO_ERROR,
        PAUSED,
        POSTMIGRATE,
        PRELAUNCH,
        FINISH_MIGRATE,
        RESTORE_VM,
        RUNNING,
        SAVE_VM,
        SHUTDOWN,
        SUSPENDED,
        WATCHDOG,
        GUEST_PANICKED,
        COLO
    }

    enum ShutdownCause {
        NONE,
        HOST_ERROR,
        HOST_QMP_QUIT,
        HOST_QMP_SYSTEM_RESET,
        HOST_SIGNAL,
        HOST_UI,
        GUEST_SHUTDOWN,
        GUEST_RESET,
        GUEST_PANIC,
        SUBSYSTEM_RESET
    }

    record QueryStatus() implements Command<StatusInfo> {}

    record StatusInfo(boolean running, boolean singlestep, RunState status) {}

    record Stop() implements Command<Empty> {}

    record Cont() implements Command<Empty> {}

    @Name("system_reset")
    record SystemReset() implements Command<Empty> {}

    @Name("system_powerdown")
    record SystemPowerdown() implements Command<Empty> {}

    record InjectNmi() implements Command<Empty> {}

    record SetAction(
            Optional<RebootAction> reboot, Optional<ShutdownAction> shutdown, Optional<PanicAction> panic,
            Optional<WatchdogAction> watchdog) implements Command<Empty> {}

    enum RebootAction {
        RESET,
        SHUTDOWN
    }

    enum ShutdownAction {
        POWEROFF,
        PAUSE
    }

    enum PanicAction {
        PAUSE,
        SHUTDOWN,
        EXIT_FAILURE,
        NONE
    }

    enum WatchdogAction {
        RESET,
        SHUTDOWN,
        POWEROFF,
        PAUSE,
        DEBUG,
        NONE,
        INJECT_NMI
    }

    @Name("SHUTDOWN")
    record ShutdownEvent(boolean guest, ShutdownCause reason) implements Event {}

    @Name("POWERDOWN")
    record PowerdownEvent() implements Event {}

    @Name("RESET")
    record ResetEvent(boolean guest, ShutdownCause reason) implements Event {}

    @Name("STOP")
    record StopEvent() implements Event {}

    @Name("RESUME")
    record ResumeEvent() implements Event {}

    enum GuestPanicAction {
        PAUSE,
        POWEROFF,
        RUN
    }

    @Name("GUEST_PANICKED")
    record GuestPanickedEvent(GuestPanicAction action) implements Event {}

    @Name("GUEST_CRASHLOADED")
    record GuestCrashloadedEvent(GuestPanicAction action) implements Event {}
}
