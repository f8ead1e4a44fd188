package io.kahvem.vmm;

/// What a machine is doing; the names are those of QEMU's run-state.json.
public enum RunState {
    /// Not started, or reset while it was stopped.
    PRELAUNCH,
    RUNNING,
    PAUSED,
    /// Stopped since the guest panicked.
    GUEST_PANICKED,
    /// Stopped since the host's side of a disk failed; what failed is done again when the machine goes on.
    IO_ERROR,
    SHUTDOWN
}
