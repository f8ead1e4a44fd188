package io.kahvem.cli.doctor;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vm;
import io.kahvem.memory.GuestMemory;
import java.util.List;

/// An engine that only says whether it can run, and what it has.
record FakeEngine(String name, Availability availability, List<Feature> features) implements Hypervisor {
    FakeEngine(String name, Availability availability) {
        this(name, availability, List.of());
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model) {
        throw new AssertionError("the doctor starts no machine");
    }
}
