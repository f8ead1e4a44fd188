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

    /// An engine, and where it is not the one most wanted, a line that says why.
    record Choice(Hypervisor engine, Optional<String> remark) {}

    /// Throws HypervisorException, with what was found and what mends it, where there is none.
    static Choice pick(Accel accel, List<Hypervisor> engines) {
        return switch (accel) {
            case AUTO -> first(engines);
            case KVM, JVM -> new Choice(named(accel, engines), Optional.empty());
        };
    }

    private static Choice first(List<Hypervisor> engines) {
        StringBuilder why = new StringBuilder();
        StringBuilder passed = new StringBuilder();
        for (Accel accel : PREFERENCE) {
            Optional<Hypervisor> engine = find(accel, engines);
            if (engine.isEmpty()) continue;
            switch (engine.get().availability()) {
                case Available ignored -> {
                    Optional<String> remark = passed.isEmpty() ? Optional.empty() : Optional.of("engine " + accel.id() + passed);
                    return new Choice(engine.get(), remark);
                }
                case Unavailable not -> {
                    why.append("; ").append(tell(accel, not));
                    passed.append(", not ").append(accel.id()).append(": ").append(not.evidence());
                    if (!not.remedy().isEmpty()) passed.append("  -> ").append(not.remedy());
                }
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
