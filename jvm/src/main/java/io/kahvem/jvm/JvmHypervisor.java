package io.kahvem.jvm;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Vm;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.jvm.translate.Translator;
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
        return createVm(memory, model, VmOptions.DEFAULT);
    }

    @Override
    public Vm createVm(GuestMemory memory, CpuModel model, VmOptions options) {
        Translator.Policy policy = switch (options.translation()) {
            case OFF -> Translator.Policy.OFF;
            case EARLY -> Translator.Policy.EARLY;
            case NORMAL -> Translator.Policy.NORMAL;
        };
        return new JvmVm(memory, model, policy);
    }
}
