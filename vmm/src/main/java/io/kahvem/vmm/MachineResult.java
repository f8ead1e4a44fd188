package io.kahvem.vmm;

import java.time.Duration;

/// How a machine ended.
public sealed interface MachineResult {
    /// In QEMU's words.
    default ShutdownCause shutdownCause() {
        return switch (this) {
            case PoweredOff ignored -> ShutdownCause.GUEST_SHUTDOWN;
            case ResetRequested reset -> reset.by();
            case Panicked ignored -> ShutdownCause.GUEST_PANIC;
            case DebugExit ignored -> ShutdownCause.GUEST_SHUTDOWN;
            case TripleFault ignored -> ShutdownCause.GUEST_RESET;
            case TimedOut ignored -> ShutdownCause.HOST_SIGNAL;
            case Stopped stopped -> stopped.by();
            case HostFailure ignored -> ShutdownCause.HOST_ERROR;
        };
    }

    /// The guest switched itself off (ACPI S5).
    record PoweredOff() implements MachineResult {}

    /// A reset was asked for, and the machine is not to reboot.
    record ResetRequested(ShutdownCause by) implements MachineResult {}

    /// The guest told that it has panicked, and the machine is to end then.
    ///
    /// @param failure whether that counts as a failure of the guest
    record Panicked(boolean failure) implements MachineResult {}

    /// The guest wrote `value` to isa-debug-exit.
    record DebugExit(int value) implements MachineResult {}

    /// A processor shut down by a triple fault, and the machine is not to reboot.
    record TripleFault(String reason) implements MachineResult {}

    /// It ran for as long as it was allowed to.
    record TimedOut(Duration after) implements MachineResult {}

    /// [Machine#stop] or [Machine#close] was called.
    record Stopped(ShutdownCause by) implements MachineResult {}

    /// The host, or Kahvem itself, could not go on.
    record HostFailure(Throwable cause) implements MachineResult {}
}
