package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Checks what a description says of the processor and fills in what it leaves out (virCPUDefParseXML, qemuDomainDefCPUPostParse). Where it
/// says nothing, the machine's processor is all that the engine can do.
final class CpuFiller {
    private static final Set<String> POLICIES = Set.of("force", "require", "optional", "disable", "forbid");

    private final Element domain;

    CpuFiller(Element domain) {
        this.domain = domain;
    }

    void fill() {
        Element cpu = domain.childOrNew("cpu");
        boolean modelled = cpu.child("model") != null;
        if (cpu.attribute("mode") == null && !modelled) {
            cpu.attributes().clear();
            cpu.with("mode", "maximum").with("check", "none").with("migratable", "on");
        }
        cpu.withDefault("mode", "custom");
        String mode = cpu.attribute("mode", "");
        if (!List.of("custom", "host-model", "host-passthrough", "maximum").contains(mode)) {
            throw Errors.unsupported("Invalid mode attribute '%s'", mode);
        }
        allowed(cpu, "match", "minimum", "exact", "strict");
        allowed(cpu, "check", "none", "partial", "full");
        if (mode.equals("custom") && modelled) {
            cpu.withDefault("match", "exact");
            cpu.childOrNew("model").withDefault("fallback", "allow");
        }
        cpu.withDefault("check", check(mode));
        if (mode.equals("host-passthrough")) cpu.withDefault("migratable", "on");
        Set<String> seen = new HashSet<>();
        for (Element feature : cpu.children("feature")) feature(feature, seen);
        arrange(cpu);
    }

    private static void allowed(Element cpu, String attribute, String... values) {
        String value = cpu.attribute(attribute);
        if (value == null || List.of(values).contains(value)) return;
        throw Errors.xml("Invalid value for attribute '%s' in element 'cpu': '%s'.", attribute, value);
    }

    /// A processor that is emulated need not be compared with the host's.
    private String check(String mode) {
        return switch (mode) {
            case "host-model" -> "partial";
            case "custom" -> domain.hasAttribute("type", "kvm") ? "partial" : "none";
            default -> "none";
        };
    }

    private static void feature(Element feature, Set<String> seen) {
        String name = feature.attribute("name", "");
        if (name.isEmpty()) throw Errors.xml("Invalid CPU feature name");
        String policy = feature.attribute("policy", "require");
        if (!POLICIES.contains(policy)) throw Errors.unsupported("Invalid CPU feature policy");
        if (!seen.add(name)) throw Errors.xml("CPU feature '%s' specified more than once", name);
        feature.attributes().clear();
        feature.with("policy", policy).with("name", name);
    }

    /// The attributes in libvirt's order.
    private static void arrange(Element cpu) {
        for (String attribute : List.of("mode", "match", "check", "migratable")) {
            String value = cpu.attributes().remove(attribute);
            if (value != null) cpu.with(attribute, value);
        }
    }
}
