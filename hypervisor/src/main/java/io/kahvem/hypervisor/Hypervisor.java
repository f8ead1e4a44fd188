package io.kahvem.hypervisor;

import io.kahvem.memory.GuestMemory;
import java.nio.file.Path;
import java.util.List;

/// An engine: something that runs virtual CPUs. Found by ServiceLoader.
public interface Hypervisor {
    /// The name `--accel` knows it by.
    String name();

    /// Whether it can run on this host, and if not, why.
    Availability availability();

    /// What the engine can make use of on this host, and what is missing; nothing where it cannot run.
    default List<Feature> features() {
        return List.of();
    }

    /// @param name what it is, in a few words
    /// @param present whether this host has it
    /// @param otherwise what is done, or cannot be done, without it
    record Feature(String name, boolean present, String otherwise) {}

    /// The files of the host that [#availability] and [#createVm] open, devices for writing too; a sandbox leaves them to the process.
    default List<Path> files() {
        return List.of();
    }

    /// Begins, on a thread of its own, with what the next virtual machine needs of the engine: called as early as it is known that there
    /// will be one.
    default void prepare() {}

    /// Creates a virtual machine without vCPUs over `memory`, which the caller goes on owning.
    /// Throws HypervisorException where the host refuses.
    Vm createVm(GuestMemory memory, CpuModel model);

    /// The same with options; an engine without a choice takes no notice of them.
    default Vm createVm(GuestMemory memory, CpuModel model, VmOptions options) {
        return createVm(memory, model);
    }
}
