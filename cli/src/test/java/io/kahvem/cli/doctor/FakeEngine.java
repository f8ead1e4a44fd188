package io.kahvem.cli.doctor;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vm;
import io.kahvem.memory.GuestMemory;

/// An engine that only says whether it can run.
record FakeEngine(String name, Availability availability) implements Hypervisor {
    @Override
    public Vm createVm(GuestMemory memory, CpuModel model) {
        throw new AssertionError("the doctor starts no machine");
    }
}
