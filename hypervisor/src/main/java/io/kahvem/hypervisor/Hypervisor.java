package io.kahvem.hypervisor;

import io.kahvem.memory.GuestMemory;

/// An engine: something that runs virtual CPUs. Found by ServiceLoader.
public interface Hypervisor {
    /// The name `--accel` knows it by.
    String name();

    /// Whether it can run on this host, and if not, why.
    Availability availability();

    /// Creates a virtual machine without vCPUs over `memory`, which the caller goes on owning.
    /// Throws HypervisorException where the host refuses.
    Vm createVm(GuestMemory memory, CpuModel model);
}
