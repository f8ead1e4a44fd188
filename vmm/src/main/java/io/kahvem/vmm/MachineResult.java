package io.kahvem.vmm;

import java.time.Duration;

/// How a machine ended.
public sealed interface MachineResult {
    /// The guest switched itself off (ACPI S5).
    record PoweredOff() implements MachineResult {}

    /// The guest asked for a reset, and the machine is not to reboot.
    record ResetRequested() implements MachineResult {}

    /// The guest wrote `value` to isa-debug-exit.
    record DebugExit(int value) implements MachineResult {}

    /// A processor shut down by a triple fault, and the machine is not to reboot.
    record TripleFault(String reason) implements MachineResult {}

    /// It ran for as long as it was allowed to.
    record TimedOut(Duration after) implements MachineResult {}

    /// [Machine#stop] or [Machine#close] was called.
    record Stopped() implements MachineResult {}

    /// The host, or Kahvem itself, could not go on.
    record HostFailure(Throwable cause) implements MachineResult {}
}
