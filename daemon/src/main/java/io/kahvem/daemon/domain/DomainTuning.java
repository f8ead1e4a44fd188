package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.host.CpuAffinity;
import io.kahvem.host.HostException;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/// Limits that control groups would keep. The daemon makes no groups, so what concerns a running machine is refused as libvirt refuses it
/// on a host without them; what concerns a description is kept in it.
public final class DomainTuning {
    private static final List<String> MEMORY = List.of("hard_limit", "soft_limit", "min_guarantee", "swap_hard_limit");

    /// virDomainNumatuneMemMode.
    private static final List<String> MODES = List.of("strict", "preferred", "interleave", "restrictive");

    private static final List<String> MEMORY_SHOWN = List.of("hard_limit", "soft_limit", "swap_hard_limit");
    private static final long UNLIMITED = 9_007_199_254_740_991L; // VIR_DOMAIN_MEMORY_PARAM_UNLIMITED

    private static final List<String> BLKIO_OF_DEVICES = List.of("device_weight", "device_read_iops_sec", "device_write_iops_sec",
            "device_read_bytes_sec", "device_write_bytes_sec");

    /// Of virsh's names, in its order, the elements of cputune.
    private static final Map<String, String> SCHEDULER = new LinkedHashMap<>();

    static {
        SCHEDULER.put("cpu_shares", "shares");
        SCHEDULER.put("vcpu_period", "period");
        SCHEDULER.put("vcpu_quota", "quota");
        for (String whose : List.of("emulator", "global", "iothread")) {
            for (String what : List.of("_period", "_quota")) SCHEDULER.put(whose + what, whose + what);
        }
    }

    private static final String NO_CPU_GROUP = "cgroup CPU controller is not mounted";
    private static final String NO_MEMORY_GROUP = "cgroup memory controller is not mounted";
    private static final String NO_BLKIO_GROUP = "blkio cgroup isn't mounted";

    private final DomainRegistry registry;

    public DomainTuning(DomainRegistry registry) {
        this.registry = registry;
    }

    // ---- memory

    /// The limits of a description, KiB, in virsh's order.
    public List<TypedParameter> memory(Domain domain, int flags) {
        Element tree = settings(domain, flags, NO_MEMORY_GROUP);
        return MEMORY_SHOWN.stream().map(limit -> TypedParameter.ofULong(limit, number(tree, "memtune/" + limit, UNLIMITED))).toList();
    }

    public static int memoryCount() {
        return MEMORY_SHOWN.size();
    }

    public void setMemory(Domain domain, List<TypedParameter> parameters, int flags) {
        change(domain, "virDomainSetMemoryParameters", flags, NO_MEMORY_GROUP, tree -> {
            for (TypedParameter parameter : parameters) {
                if (!MEMORY.contains(parameter.field())) throw Errors.argument("parameter '%s' not supported", parameter.field());
                tree.childOrNew("memtune").put(new Element(parameter.field(), parameter.asLong()).with("unit", "KiB"));
            }
        });
    }

    // ---- disks

    public List<TypedParameter> blkio(Domain domain, int flags) {
        Element tree = settings(domain, flags, NO_BLKIO_GROUP);
        List<TypedParameter> parameters = new ArrayList<>();
        parameters.add(TypedParameter.ofUInt("weight", (int) number(tree, "blkiotune/weight", 0)));
        for (String device : BLKIO_OF_DEVICES) parameters.add(TypedParameter.ofText(device, ""));
        return parameters;
    }

    public static int blkioCount() {
        return 1 + BLKIO_OF_DEVICES.size();
    }

    public void setBlkio(Domain domain, List<TypedParameter> parameters, int flags) {
        change(domain, "virDomainSetBlkioParameters", flags, NO_BLKIO_GROUP, tree -> {
            for (TypedParameter parameter : parameters) {
                if (!parameter.field().equals("weight")) throw Errors.argument("parameter '%s' not supported", parameter.field());
                tree.childOrNew("blkiotune").put(new Element("weight", parameter.asLong()));
            }
        });
    }

    // ---- processors

    /// How many parameters the scheduler of a machine has. Throws for one that runs.
    public int schedulerCount(Domain domain) {
        if (domain.isActive()) throw Errors.invalid(NO_CPU_GROUP);
        return SCHEDULER.size();
    }

    public List<TypedParameter> scheduler(Domain domain, int flags) {
        Element tree = settings(domain, flags, NO_CPU_GROUP);
        List<TypedParameter> parameters = new ArrayList<>();
        SCHEDULER.forEach((field, element) -> {
            long value = number(tree, "cputune/" + element, 0);
            parameters.add(field.endsWith("quota") ? TypedParameter.ofLong(field, value) : TypedParameter.ofULong(field, value));
        });
        return parameters;
    }

    public void setScheduler(Domain domain, List<TypedParameter> parameters, int flags) {
        change(domain, "virDomainSetSchedulerParametersFlags", flags, NO_CPU_GROUP, tree -> {
            for (TypedParameter parameter : parameters) {
                String element = SCHEDULER.get(parameter.field());
                if (element == null) throw Errors.argument("parameter '%s' not supported", parameter.field());
                tree.childOrNew("cputune").put(new Element(element, parameter.asLong()));
            }
        });
    }

    /// What a getter is to read. Throws where that is a running machine's groups.
    private static Element settings(Domain domain, int flags, String missing) {
        Affect affect = Affect.of(domain, flags & (Affect.LIVE | Affect.CONFIG));
        if (affect.live()) throw Errors.invalid(missing);
        DomainDefinition config = domain.config();
        return (config == null ? domain.definition() : config).tree();
    }

    private static long number(Element tree, String path, long otherwise) {
        return tree.textAt(path).map(Long::parseLong).orElse(otherwise);
    }

    public void setNuma(Domain domain, List<TypedParameter> parameters, int flags) {
        change(domain, "virDomainSetNumaParameters", flags, "cgroup cpuset controller is not mounted", tree -> {
            Element numa = tree.childOrNew("numatune");
            Element memory = numa.childOrNew("memory").withDefault("mode", MODES.getFirst());
            for (TypedParameter parameter : parameters) {
                switch (parameter.field()) {
                    case "numa_nodeset" -> memory.with("nodeset", parameter.asText());
                    case "numa_mode" -> {
                        long mode = parameter.asLong();
                        if (mode < 0 || mode >= MODES.size()) throw Errors.argument("unsupported numatune mode: '%d'", mode);
                        memory.with("mode", MODES.get((int) mode));
                    }
                    default -> throw Errors.argument("parameter '%s' not supported", parameter.field());
                }
            }
            if (memory.attribute("nodeset") == null) {
                throw Errors.unsupported("nodeset for NUMA memory tuning must be set if 'placement' is 'static'");
            }
        });
    }

    private void change(Domain domain, String what, int flags, String missing, Consumer<Element> edit) {
        domain.change(what, () -> {
            Affect affect = Affect.of(domain, flags);
            if (affect.live()) throw Errors.invalid(missing);
            DomainDefinition config = domain.config();
            if (config != null) registry.redefine(domain, config.edited(registry.types(), edit));
        });
    }

    /// On which of the host's processors all of a machine's threads but the vCPUs may run.
    public void pinEmulator(Domain domain, BitSet cpus, int flags) {
        domain.change("virDomainPinEmulator", () -> {
            if (cpus.isEmpty()) throw Errors.argument("Failed to convert cpumap");
            Affect affect = Affect.of(domain, flags);
            if (affect.live()) pinThreads(domain, cpus);
            DomainDefinition config = domain.config();
            if (!affect.config() || config == null) return;
            registry.redefine(domain, config.edited(registry.types(), tree -> tree.childOrNew("cputune")
                    .put(new Element("emulatorpin").with("cpuset", set(cpus)))));
        });
    }

    private static void pinThreads(Domain domain, BitSet cpus) {
        List<Long> vcpus = domain.vcpuThreads();
        try {
            for (long thread : threads(domain.requireRunning().process().pid())) {
                if (!vcpus.contains(thread)) CpuAffinity.set(thread, cpus);
            }
        } catch (IOException | HostException e) {
            throw LibvirtException.of(ErrorCode.SYSTEM_ERROR, ErrorDomain.QEMU, String.valueOf(e.getMessage()));
        }
    }

    private static List<Long> threads(long pid) throws IOException {
        List<Long> threads = new ArrayList<>();
        try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/%d/task".formatted(pid)))) {
            for (Path task : tasks) threads.add(Long.parseLong(task.getFileName().toString()));
        }
        return threads;
    }

    /// libvirt's form of a set: 0-1,4.
    private static String set(BitSet cpus) {
        List<String> ranges = new ArrayList<>();
        for (int first = cpus.nextSetBit(0); first >= 0; ) {
            int end = cpus.nextClearBit(first);
            ranges.add(end == first + 1 ? String.valueOf(first) : first + "-" + (end - 1));
            first = cpus.nextSetBit(end);
        }
        return String.join(",", ranges);
    }
}
