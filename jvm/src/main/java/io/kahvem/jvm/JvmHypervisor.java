package io.kahvem.jvm;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vm;
import io.kahvem.memory.GuestMemory;

/// The engine in Java: available wherever the JVM is.
public final class JvmHypervisor implements Hypervisor {
    @Override
    public String name() {
        return "jvm";
    }

    @Override
    public Availability availability() {
        return new Availability.Available();
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model) {
        return new JvmVm(memory, model);
    }
}
