package io.kahvem.vmm;

import io.kahvem.config.PanicAction;

/// What happens to a machine, as [Machine#listen] tells it.
public sealed interface MachineEvent {
    /// Its vCPUs are stopped.
    record Stopped() implements MachineEvent {}

    /// Its vCPUs are about to run again.
    record Resumed() implements MachineEvent {}

    /// It starts again from its first state.
    record Reset(ShutdownCause cause) implements MachineEvent {}

    /// The power button was pressed.
    record PowerDown() implements MachineEvent {}

    /// Its guest told that it has panicked; what is done about it.
    record Panicked(PanicAction action) implements MachineEvent {}

    /// Its guest told that it has panicked, and goes on to a kernel that saves what happened.
    record CrashLoaded() implements MachineEvent {}

    /// The guest has given memory back, or taken it: what it has now.
    record BalloonChanged(long actualBytes) implements MachineEvent {}

    /// Its guest, or a user, has moved a drive's tray.
    record TrayMoved(String drive, boolean open) implements MachineEvent {}

    /// It has ended, or its guest has switched it off and it stays, stopped.
    record Shutdown(ShutdownCause cause) implements MachineEvent {}
}
