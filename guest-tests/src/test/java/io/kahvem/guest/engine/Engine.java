package io.kahvem.guest.engine;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.VmOptions;
import io.kahvem.hypervisor.VmOptions.KernelIrqchip;
import java.util.List;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/// An engine as a test sees it.
///
/// @param name as `--accel` takes it
record Engine(Hypervisor hypervisor, String name, VmOptions options) {
    private static final String EARLY = "jvm,translate=early";
    private static final String OWN_APICS = "kvm,kernel-irqchip=off";

    /// Those installed: KVM once more with local APICs of ours, the Java engine once more translating everything early.
    static List<Engine> all() {
        return ServiceLoader.load(Hypervisor.class).stream().map(ServiceLoader.Provider::get).flatMap(hypervisor -> {
            Engine engine = new Engine(hypervisor, hypervisor.name(), VmOptions.DEFAULT);
            return switch (engine.name) {
                case "kvm" -> Stream.of(engine, new Engine(hypervisor, OWN_APICS, VmOptions.DEFAULT.with(KernelIrqchip.OFF)));
                case "jvm" -> Stream.of(engine, new Engine(hypervisor, EARLY, VmOptions.DEFAULT.with(VmOptions.Translation.EARLY)));
                default -> Stream.of(engine);
            };
        }).toList();
    }

    static Engine named(String name) {
        return all().stream().filter(engine -> engine.name().equals(name)).findFirst().orElseThrow();
    }

    Engine translating(VmOptions.Translation when) {
        return new Engine(hypervisor, name, options.with(when));
    }

    /// Aborts the test where the engine cannot run at all; one without hardware virtualization can, as far as it goes.
    Engine orSkip() {
        if (hypervisor.availability() instanceof Unavailable not && not.reason() != Reason.SOFTWARE_ONLY) throw skip(not.evidence());
        return this;
    }

    boolean isSoftwareOnly() {
        return hypervisor.availability() instanceof Availability.Unavailable not && not.reason() == Reason.SOFTWARE_ONLY;
    }

    TestAbortedException skip(String reason) {
        System.out.println("skipped on engine " + name() + ": " + reason);
        return new TestAbortedException("engine " + name() + ": " + reason);
    }

    @Override
    public String toString() {
        return name();
    }
}
