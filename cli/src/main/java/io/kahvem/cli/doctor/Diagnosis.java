package io.kahvem.cli.doctor;

import io.kahvem.hypervisor.Availability;
import io.kahvem.hypervisor.Hypervisor;
import io.kahvem.hypervisor.Hypervisor.Feature;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// All that was found, and which engines can run.
record Diagnosis(List<Check> checks, List<String> engines) {
    Diagnosis {
        checks = List.copyOf(checks);
        engines = List.copyOf(engines);
    }

    static Diagnosis of(Host host, List<Hypervisor> installed) {
        List<Check> checks = new ArrayList<>();
        checks.addAll(new KvmChecks(host).all());
        checks.addAll(new HostChecks(host).all());
        List<String> engines = new ArrayList<>();
        for (Hypervisor engine : installed) {
            Check check = engine(engine);
            checks.add(check);
            features(engine).ifPresent(checks::add);
            if (check.status() == Status.PASS) engines.add(engine.name());
        }
        if (engines.isEmpty()) {
            checks.add(Check.fail("engines", installed.isEmpty() ? "none installed" : "none of those installed can run", ""));
        }
        return new Diagnosis(checks, engines);
    }

    /// The same with another finding, before the engines'.
    Diagnosis with(Check check) {
        List<Check> more = new ArrayList<>(checks);
        int engine = 0;
        while (engine < more.size() && !more.get(engine).name().startsWith("engine")) engine++;
        more.add(engine, check);
        return new Diagnosis(more, engines);
    }

    /// One finding for all of them: what is missing costs something, and mends itself with another kernel or processor only.
    private static Optional<Check> features(Hypervisor engine) {
        List<Feature> features = engine.features();
        if (features.isEmpty()) return Optional.empty();
        String name = "engine " + engine.name() + " has";
        String has = features.stream().filter(Feature::present).map(Feature::name).collect(Collectors.joining(", "));
        String lacks = features.stream().filter(feature -> !feature.present())
                .map(feature -> feature.name() + " (" + feature.otherwise() + ")").collect(Collectors.joining(", "));
        if (lacks.isEmpty()) return Optional.of(Check.pass(name, has));
        return Optional.of(Check.warn(name, has + "; has not: " + lacks, ""));
    }

    private static Check engine(Hypervisor engine) {
        String name = "engine " + engine.name();
        return switch (engine.availability()) {
            case Availability.Available() -> Check.pass(name, "can run here");
            case Availability.Unavailable(Availability.Reason reason, String evidence, String remedy) -> Check.warn(name, evidence, remedy);
        };
    }
}
