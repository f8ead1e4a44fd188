package io.kahvem.vmm;

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

    /// It has ended.
    record Shutdown(ShutdownCause cause) implements MachineEvent {}
}
