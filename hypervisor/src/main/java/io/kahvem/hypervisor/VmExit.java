package io.kahvem.hypervisor;

/// Why [Vcpu#run] returned: only the rare reasons. Port and memory accesses go to [VmIo] instead.
public sealed interface VmExit {
    /// [Vcpu#kick] was called.
    record Kicked() implements VmExit {}

    /// A triple fault: the processor shut down, and only a reset revives it.
    record Shutdown(String reason) implements VmExit {}

    /// What [Vcpu#setDebug] asked for: the vCPU is before the instruction at the linear address `rip`. `dr6` tells why as the register does
    /// (SDM Vol. 3B, 17.2.3); it is 0 for an INT3.
    record Debug(long rip, long dr6) implements VmExit {}

    /// The engine cannot go on: a hole of its own, told with where the guest was.
    record Fatal(String reason, String mode, long rip, byte[] bytes) implements VmExit {}
}
