package io.kahvem.daemon.node;

import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/// Whether a processor can run what another was asked for, and the most that all of several have.
public final class CpuComparison {
    /// virCPUCompareResult.
    public static final int INCOMPATIBLE = 0;
    public static final int IDENTICAL = 1;
    public static final int SUPERSET = 2;

    private static final int FAIL_INCOMPATIBLE = 2;

    private CpuComparison() {}

    /// How `features` stand to the processor that `document` describes.
    public static int compare(Set<String> features, String document, int flags) {
        Set<String> wanted = wanted(document);
        if ((flags & FAIL_INCOMPATIBLE) != 0) requireAll(features, document);
        if (!features.containsAll(wanted)) return INCOMPATIBLE;
        return features.equals(wanted) ? IDENTICAL : SUPERSET;
    }

    /// The features of the processor that `document` describes.
    public static Set<String> wanted(String document) {
        return features(parse(document));
    }

    /// Throws [LibvirtException] where `features` lack some of them.
    public static void requireAll(Set<String> features, String document) {
        Set<String> missing = new TreeSet<>(wanted(document));
        missing.removeAll(features);
        if (missing.isEmpty()) return;
        throw LibvirtException.of(ErrorCode.CPU_INCOMPATIBLE, ErrorDomain.CPU,
                "Host CPU does not provide required features: " + String.join(", ", missing));
    }

    /// The richest processor that each of those described, and `limit`, can be.
    public static String baseline(List<String> documents, Set<String> limit) {
        if (documents.isEmpty()) throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.CPU, "no CPUs given");
        Set<String> common = new TreeSet<>(limit);
        Set<String> vendors = new TreeSet<>();
        for (String document : documents) {
            Element cpu = parse(document);
            common.retainAll(features(cpu));
            cpu.textAt("vendor").ifPresent(vendors::add);
            cpu.textAt("model").flatMap(CpuModels::find).map(CpuModels.Model::vendor).filter(vendor -> !vendor.isEmpty())
                    .ifPresent(vendors::add);
        }
        if (vendors.size() > 1) throw LibvirtException.of(ErrorCode.OPERATION_FAILED, ErrorDomain.CPU, "CPU vendors do not match");
        CpuModels.Model model = CpuModels.richest(common, vendors.stream().findFirst().orElse(""));
        Element cpu = new Element("cpu").with("mode", "custom").with("match", "exact");
        cpu.add(new Element("model", model.name()).with("fallback", "forbid"));
        if (!model.vendor().isEmpty()) cpu.add(new Element("vendor", model.vendor()));
        common.removeAll(model.features());
        for (String feature : common) cpu.add(new Element("feature").with("policy", "require").with("name", feature));
        return cpu.toString();
    }

    private static Element parse(String document) {
        Element root = Xml.parse("CPU_definition", document);
        Element cpu = root.name().equals("cpu") ? root : root.at("host/cpu") != null ? root.at("host/cpu") : root.child("cpu");
        if (cpu == null) throw LibvirtException.of(ErrorCode.XML_ERROR, ErrorDomain.CPU, "no <cpu> in the document");
        return cpu;
    }

    private static Set<String> features(Element cpu) {
        Set<String> features = new TreeSet<>();
        String name = cpu.textAt("model").orElse("");
        if (!name.isEmpty()) {
            features.addAll(CpuModels.find(name).orElseThrow(() ->
                    LibvirtException.of(ErrorCode.INTERNAL_ERROR, ErrorDomain.CPU, "Unknown CPU model %s".formatted(name))).features());
        }
        for (Element feature : cpu.children("feature")) {
            String policy = feature.attribute("policy", "require");
            if (policy.equals("disable") || policy.equals("forbid")) features.remove(feature.attribute("name", ""));
            else features.add(feature.attribute("name", ""));
        }
        return features;
    }
}
