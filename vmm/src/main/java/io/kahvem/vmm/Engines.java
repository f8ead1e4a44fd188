package io.kahvem.vmm;

import io.kahvem.config.Accel;
import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.Availability.Available;
import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.HypervisorException;
import java.util.List;
import java.util.Optional;

/// Which engine runs a machine.
final class Engines {
    private static final List<Accel> PREFERENCE = List.of(Accel.KVM, Accel.JVM);

    private Engines() {}

    /// Throws HypervisorException, with what was found and what mends it, where there is none.
    static Hypervisor pick(Accel accel, List<Hypervisor> engines) {
        return switch (accel) {
            case AUTO -> first(engines);
            case KVM, JVM -> named(accel, engines);
        };
    }

    private static Hypervisor first(List<Hypervisor> engines) {
        StringBuilder why = new StringBuilder();
        for (Accel accel : PREFERENCE) {
            Optional<Hypervisor> engine = find(accel, engines);
            if (engine.isEmpty()) continue;
            switch (engine.get().availability()) {
                case Available ignored -> {
                    return engine.get();
                }
                case Unavailable not -> why.append("; ").append(tell(accel, not));
            }
        }
        throw new HypervisorException("no engine can run here" + why);
    }

    /// One that is asked for by name may be without hardware virtualization: slow, and not complete, but what was asked for.
    private static Hypervisor named(Accel accel, List<Hypervisor> engines) {
        Hypervisor engine = find(accel, engines)
                .orElseThrow(() -> new HypervisorException("engine %s is not part of this Kahvem; there is: %s"
                        .formatted(accel.id(), String.join(", ", engines.stream().map(Hypervisor::name).toList()))));
        Availability availability = engine.availability();
        if (availability instanceof Unavailable not && not.reason() != Reason.SOFTWARE_ONLY) {
            throw new HypervisorException(tell(accel, not));
        }
        return engine;
    }

    private static Optional<Hypervisor> find(Accel accel, List<Hypervisor> engines) {
        return engines.stream().filter(engine -> engine.name().equals(accel.id())).findFirst();
    }

    private static String tell(Accel accel, Unavailable not) {
        return "engine %s cannot run here: %s%s".formatted(accel.id(), not.evidence(), not.remedy().isEmpty() ? "" : "\n  " + not.remedy());
    }
}
