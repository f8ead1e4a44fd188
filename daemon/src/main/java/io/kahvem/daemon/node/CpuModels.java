package io.kahvem.daemon.node;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Processors by the names libvirt has for them, each by what it adds to another. Features have the names of the kernel's cpufeatures,
/// which are those of /proc/cpuinfo.
public final class CpuModels {
    private static final String NO_VENDOR = "";
    private static final String INTEL = "Intel";
    private static final String AMD = "AMD";
    private static final Map<String, Model> MODELS = new LinkedHashMap<>();

    /// What the engine in Java has (x86-64-v3 and what goes with it), whatever the host's processor is.
    private static final Set<String> JAVA_ENGINE;

    static {
        model("486", NO_VENDOR, "", "fpu vme pse");
        model("pentium", NO_VENDOR, "486", "de tsc msr mce cx8 mmx");
        model("pentiumpro", NO_VENDOR, "pentium", "pae apic sep mtrr pge mca cmov pat pse36 fxsr");
        model("pentium2", NO_VENDOR, "pentiumpro", "");
        model("pentium3", NO_VENDOR, "pentium2", "sse");
        model("coreduo", INTEL, "pentium3", "clflush sse2 pni nx");
        model("n270", INTEL, "coreduo", "ssse3");
        model("qemu32", NO_VENDOR, "pentium3", "clflush sse2 pni");
        model("kvm32", NO_VENDOR, "pentium3", "clflush sse2 pni");
        model("kvm64", NO_VENDOR, "pentium3", "clflush sse2 pni cx16 lm nx syscall");
        model("qemu64", NO_VENDOR, "kvm64", "lahf_lm");
        model("core2duo", INTEL, "kvm64", "ssse3 lahf_lm");
        model("Conroe", INTEL, "kvm64", "ssse3 lahf_lm");
        model("Penryn", INTEL, "Conroe", "sse4_1");
        model("Nehalem", INTEL, "Penryn", "sse4_2 popcnt");
        model("Nehalem-IBRS", INTEL, "Nehalem", "ibrs");
        model("Westmere", INTEL, "Nehalem", "aes");
        model("Westmere-IBRS", INTEL, "Westmere", "ibrs");
        model("SandyBridge", INTEL, "Westmere", "avx xsave pclmulqdq x2apic tsc_deadline_timer rdtscp");
        model("SandyBridge-IBRS", INTEL, "SandyBridge", "ibrs");
        model("IvyBridge", INTEL, "SandyBridge", "f16c rdrand fsgsbase smep erms");
        model("IvyBridge-IBRS", INTEL, "IvyBridge", "ibrs");
        model("Haswell-noTSX", INTEL, "IvyBridge", "fma movbe avx2 bmi1 bmi2 abm invpcid pcid");
        model("Haswell-noTSX-IBRS", INTEL, "Haswell-noTSX", "ibrs");
        model("Haswell", INTEL, "Haswell-noTSX", "hle rtm");
        model("Haswell-IBRS", INTEL, "Haswell", "ibrs");
        model("Broadwell-noTSX", INTEL, "Haswell-noTSX", "adx rdseed smap 3dnowprefetch");
        model("Broadwell-noTSX-IBRS", INTEL, "Broadwell-noTSX", "ibrs");
        model("Broadwell", INTEL, "Broadwell-noTSX", "hle rtm");
        model("Broadwell-IBRS", INTEL, "Broadwell", "ibrs");
        model("Skylake-Client-noTSX-IBRS", INTEL, "Broadwell-noTSX", "xsavec xgetbv1 ibrs");
        model("Skylake-Client", INTEL, "Broadwell", "xsavec xgetbv1 mpx");
        model("Skylake-Client-IBRS", INTEL, "Skylake-Client", "ibrs");
        model("Skylake-Server-noTSX-IBRS", INTEL, "Skylake-Client-noTSX-IBRS", "avx512f avx512dq avx512cd avx512bw avx512vl clwb pdpe1gb");
        model("Skylake-Server", INTEL, "Skylake-Client", "avx512f avx512dq avx512cd avx512bw avx512vl clwb pdpe1gb");
        model("Skylake-Server-IBRS", INTEL, "Skylake-Server", "ibrs");
        model("Cascadelake-Server-noTSX", INTEL, "Skylake-Server-noTSX-IBRS", "avx512_vnni ssbd");
        model("Cascadelake-Server", INTEL, "Skylake-Server-IBRS", "avx512_vnni ssbd");
        model("Cooperlake", INTEL, "Cascadelake-Server", "avx512_bf16");
        model("Icelake-Server-noTSX", INTEL, "Cascadelake-Server-noTSX",
                "avx512vbmi avx512_vbmi2 avx512_bitalg avx512_vpopcntdq gfni vaes vpclmulqdq umip la57");
        model("Icelake-Server", INTEL, "Cascadelake-Server",
                "avx512vbmi avx512_vbmi2 avx512_bitalg avx512_vpopcntdq gfni vaes vpclmulqdq umip la57");
        model("athlon", AMD, "pentium3", "3dnow 3dnowext mmxext");
        model("Opteron_G1", AMD, "pentium3", "clflush sse2 lm nx syscall");
        model("Opteron_G2", AMD, "Opteron_G1", "pni cx16 lahf_lm rdtscp svm");
        model("phenom", AMD, "kvm64", "3dnow 3dnowext mmxext rdtscp svm abm sse4a fxsr_opt");
        model("Opteron_G3", AMD, "Opteron_G2", "monitor popcnt abm misalignsse sse4a");
        model("Opteron_G4", AMD, "Opteron_G2",
                "ssse3 sse4_1 sse4_2 popcnt aes avx xsave pclmulqdq abm misalignsse sse4a 3dnowprefetch xop fma4");
        model("Opteron_G5", AMD, "Opteron_G4", "f16c fma tbm");
        model("EPYC", AMD, "Opteron_G2", """
                ssse3 sse4_1 sse4_2 popcnt aes avx xsave pclmulqdq abm misalignsse sse4a 3dnowprefetch f16c fma movbe rdrand fsgsbase smep
                smap
                avx2 bmi1 bmi2 adx rdseed sha_ni clflushopt xsavec xgetbv1 mmxext fxsr_opt pdpe1gb cr8_legacy osvw""");
        model("EPYC-IBPB", AMD, "EPYC", "ibpb");
        model("EPYC-Rome", AMD, "EPYC-IBPB", "clwb umip rdpid wbnoinvd ssbd");
        model("EPYC-Milan", AMD, "EPYC-Rome", "pcid invpcid erms fsrm pku vaes vpclmulqdq");
        JAVA_ENGINE = Set.copyOf(union(union(find("Haswell-noTSX").orElseThrow().features(), find("qemu64").orElseThrow().features()),
                words("hypervisor")));
    }

    private CpuModels() {}

    /// @param vendor Intel, AMD, or empty for one of no vendor's
    record Model(String name, String vendor, Set<String> features) {}

    private static void model(String name, String vendor, String parent, String added) {
        Set<String> features = words(added);
        if (!parent.isEmpty()) {
            Model base = MODELS.get(parent);
            if (base == null) throw new AssertionError(name + " stands before " + parent);
            features = union(base.features(), features);
        }
        if (MODELS.put(name, new Model(name, vendor, Set.copyOf(features))) != null) throw new AssertionError(name + " stands here twice");
    }

    private static Set<String> words(String text) {
        Set<String> words = new TreeSet<>(List.of(text.strip().split("\\s+")));
        words.remove("");
        return words;
    }

    private static Set<String> union(Set<String> a, Set<String> b) {
        Set<String> all = new TreeSet<>(a);
        all.addAll(b);
        return all;
    }

    public static List<String> names() {
        return List.copyOf(MODELS.keySet());
    }

    static Optional<Model> find(String name) {
        return Optional.ofNullable(MODELS.get(name));
    }

    static Set<String> javaEngine() {
        return JAVA_ENGINE;
    }

    /// The model that has most of `features` and none beside them, of a vendor or of none.
    static Model richest(Set<String> features, String vendor) {
        List<Model> fitting = new ArrayList<>();
        for (Model model : MODELS.values()) {
            boolean allowed = vendor.isEmpty() || model.vendor().isEmpty() || model.vendor().equals(vendor);
            if (allowed && features.containsAll(model.features())) fitting.add(model);
        }
        Model best = fitting.isEmpty() ? MODELS.values().iterator().next() : fitting.getFirst();
        for (Model model : fitting) {
            if (model.features().size() > best.features().size()) best = model;
        }
        return best;
    }
}
