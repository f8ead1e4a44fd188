package io.kahvem.guest.engine;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.Hypervisor;
import java.util.List;
import java.util.ServiceLoader;
import org.opentest4j.TestAbortedException;

/// An engine as a test sees it.
record Engine(Hypervisor hypervisor) {
    static List<Engine> all() {
        return ServiceLoader.load(Hypervisor.class).stream().map(provider -> new Engine(provider.get())).toList();
    }

    static Engine named(String name) {
        return all().stream().filter(engine -> engine.name().equals(name)).findFirst().orElseThrow();
    }

    String name() {
        return hypervisor.name();
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
