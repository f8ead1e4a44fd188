package io.kahvem.cli.virsh;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.Flags;
import io.kahvem.libvirt.protocol.Common.MaybeText;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.TextFlags;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Connections.NodeInfo;
import io.kahvem.libvirt.protocol.Connections.NodeStat;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/// The host and its hypervisor.
final class HostVerbs {
    private static final int ALL = -1;
    private static final long KIB = 1024;
    private static final String FEATURES = "--features Name each feature, not only those beside the model.";
    private static final String MIGRATABLE = "--migratable Without features that keep a machine from moving.";
    private static final String CPU_FILE = "<file> A file with a CPU's, a domain's or a host's description.";
    private static final String[] HYPERVISOR = {"[virttype] kvm or qemu.", "[emulator] The emulator's path.",
        "[arch] The architecture.", "[machine] The machine type."};

    static final List<Verb> TABLE = List.of(
            host("capabilities", "Print what the host and its hypervisor can do, as XML.",
                    call -> call.session().print(call.session().call(Connections.GET_CAPABILITIES, new None()).text() + "\n")),
            host("cpu-baseline", "Compute the CPU that several hosts can give.", HostVerbs::baseline, CPU_FILE, FEATURES, MIGRATABLE),
            host("cpu-compare", "Compare a CPU with the host's.", HostVerbs::compare, CPU_FILE,
                    "--error Say why it cannot be had.", "--validate Check the file against the schema first."),
            host("cpu-models", "List the CPU models there are names for.", HostVerbs::models, "<arch> The architecture."),
            host("domcapabilities", "Print what a machine of this hypervisor's can have, as XML.", HostVerbs::domainCapabilities,
                    "[virttype] kvm or qemu.", "[emulatorbin] The emulator's path.", "[arch] The architecture.",
                    "[machine] The machine type."),
            host("freecell", "Print how much memory of a NUMA node is free.", HostVerbs::freeCell, "[cellno:number] The node.",
                    "--all Of all nodes."),
            host("freepages", "Count a NUMA node's free pages.", HostVerbs::freePages, "[cellno:number] The node.",
                    "[pagesize:number] Of this size; a bare number is KiB.", "--all Of all nodes and sizes."),
            host("hostname", "Print the host's name.",
                    call -> call.session().print(call.session().call(Connections.GET_HOSTNAME, new None()).text() + "\n")),
            host("hypervisor-cpu-baseline", "Compute the CPU that a hypervisor can give on several hosts.", HostVerbs::hypervisorBaseline,
                    "[file] A file with CPUs' or hypervisors' descriptions.", HYPERVISOR[0], HYPERVISOR[1], HYPERVISOR[2], HYPERVISOR[3],
                    FEATURES, MIGRATABLE, "[model] Compute the one of this model."),
            host("hypervisor-cpu-compare", "Compare a CPU with what a hypervisor can give.", HostVerbs::hypervisorCompare, CPU_FILE,
                    HYPERVISOR[0], HYPERVISOR[1], HYPERVISOR[2], HYPERVISOR[3], "--error Say why it cannot be had.",
                    "--validate Check the file against the schema first."),
            host("maxvcpus", "Print how many processors a machine may have.", HostVerbs::maxVcpus, "[type] kvm or qemu."),
            host("node-memory-tune", "Print how the host merges equal pages.", HostVerbs::memoryTuning),
            host("nodecpumap", "Print which of the host's processors are on.", HostVerbs::cpuMap, "--pretty As ranges."),
            host("nodecpustats", "Print how the host's processors spend their time.", HostVerbs::cpuStatistics,
                    "[cpu:number] One processor.", "--percent During the next second."),
            host("nodeinfo", "Say what the host is.", HostVerbs::info, Verb.JSON),
            host("nodememstats", "Print how the host's memory is used.", HostVerbs::memoryStatistics, "[cell:number] One NUMA node's."),
            host("sysinfo", "Print what the host's firmware says of it, as XML.", HostVerbs::sysinfo),
            host("uri", "Print the connection's URI.", call -> call.session().print(call.session().uri() + "\n")),
            host("version", "Print versions of this program and of the hypervisor.", HostVerbs::version,
                    "--daemon And of the daemon.", Verb.JSON));

    private HostVerbs() {}

    private static Verb host(String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(Group.HOST, name, summary, action, rows);
    }

    private static String version(long number) {
        return "%d.%d.%d".formatted(number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    }

    private static void version(Call call) {
        Session session = call.session();
        // The protocol's version, which programs ask for, not ours.
        String protocol = "9.0.0";
        String type = session.call(Connections.GET_TYPE, new None()).text();
        long hypervisor = session.call(Connections.GET_VERSION, new None()).value();
        Optional<String> daemon = call.has("daemon") || call.has("json")
                ? Optional.of(version(session.call(Connections.GET_LIB_VERSION, new None()).value())) : Optional.empty();
        if (call.has("json")) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("library", protocol);
            object.put("hypervisor", type);
            object.put("hypervisor-version", version(hypervisor));
            daemon.ifPresent(value -> object.put("daemon", value));
            session.json(object);
            return;
        }
        session.print("Compiled against library: libvirt %s\nUsing library: libvirt %s\nUsing API: %s %s\n"
                .formatted(protocol, protocol, type, protocol));
        session.print(hypervisor == 0 ? "Cannot extract running %s hypervisor version\n".formatted(type)
                : "Running hypervisor: %s %s\n".formatted(type, version(hypervisor)));
        daemon.ifPresent(value -> session.print("Running against daemon: %s\n".formatted(value)));
    }

    private static void info(Call call) {
        NodeInfo info = call.session().call(Connections.NODE_GET_INFO, new None());
        Map<String, Object> rows = new LinkedHashMap<>();
        rows.put("CPU model", Lines.text(info.model()));
        rows.put("CPU(s)", info.cpus());
        rows.put("CPU frequency", info.mhz() + " MHz");
        rows.put("CPU socket(s)", info.sockets());
        rows.put("Core(s) per socket", info.cores());
        rows.put("Thread(s) per core", info.threads());
        rows.put("NUMA cell(s)", info.nodes());
        rows.put("Memory size", info.memory() + " KiB");
        if (call.has("json")) {
            Map<String, Object> object = new LinkedHashMap<>();
            rows.forEach((key, value) -> object.put(Lines.jsonName(key), value));
            object.put("cpu-frequency", info.mhz());
            object.put("memory-size", info.memory());
            call.session().json(object);
        } else {
            rows.forEach((key, value) -> call.session().print("%-20s %s\n".formatted(key + ":", value)));
        }
    }

    private static void cpuMap(Call call) {
        Connections.CpuMap map = call.session().call(Connections.NODE_GET_CPU_MAP, new Connections.CpuMapQuery(1, 1, 0));
        String text = call.has("pretty") ? Lines.ranges(map.map(), map.count()) : Lines.letters(map.map(), map.count());
        call.session().print(Lines.pair("CPUs present:", map.count()) + Lines.pair("CPUs online:", map.online())
                + Lines.pair("CPU map:", text));
    }

    private static Map<String, Long> cpuTimes(Call call) {
        int cpu = call.integer("cpu").orElse(ALL);
        try {
            int room = call.session().call(Connections.NODE_GET_CPU_STATS, new Connections.CpuStatsQuery(cpu, 0, 0)).count();
            Map<String, Long> times = new LinkedHashMap<>();
            for (NodeStat each : call.session().call(Connections.NODE_GET_CPU_STATS, new Connections.CpuStatsQuery(cpu, room, 0)).stats()) {
                times.put(each.field().equals("kernel") ? "system" : each.field(), each.value());
            }
            return times;
        } catch (LibvirtException e) {
            throw new Failure("Unable to get node cpu stats", e);
        }
    }

    private static void cpuStatistics(Call call) {
        Map<String, Long> first = cpuTimes(call);
        List<String> order = List.of("user", "system", "idle", "iowait", "intr");
        if (!call.has("percent")) {
            for (String each : order) {
                if (first.containsKey(each)) call.session().print("%-15s %20d\n".formatted(each + ":", first.get(each)));
            }
            return;
        }
        try {
            Thread.sleep(1000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Map<String, Long> second = cpuTimes(call);
        Map<String, Double> spent = new LinkedHashMap<>();
        for (String each : order) {
            if (first.containsKey(each) && second.containsKey(each)) spent.put(each, (double) (second.get(each) - first.get(each)));
        }
        double total = spent.values().stream().mapToDouble(each -> each).sum();
        if (total == 0) total = 1;
        call.session().print("%-15s %5.1f%%\n".formatted("usage:",
                100 * (spent.getOrDefault("user", 0.0) + spent.getOrDefault("system", 0.0)) / total));
        for (Map.Entry<String, Double> each : spent.entrySet()) {
            call.session().print("%-15s %5.1f%%\n".formatted(each.getKey() + ":", 100 * each.getValue() / total));
        }
    }

    private static void memoryStatistics(Call call) {
        int cell = call.integer("cell").orElse(ALL);
        try {
            int room = call.session().call(Connections.NODE_GET_MEMORY_STATS, new Connections.MemoryStatsQuery(0, cell, 0)).count();
            for (NodeStat each : call.session().call(Connections.NODE_GET_MEMORY_STATS,
                    new Connections.MemoryStatsQuery(room, cell, 0)).stats()) {
                call.session().print("%-7s: %20d KiB\n".formatted(each.field(), each.value()));
            }
        } catch (LibvirtException e) {
            throw new Failure("Unable to get memory stats", e);
        }
    }

    private static void memoryTuning(Call call) {
        List<TypedParameter> parameters;
        try {
            parameters = call.session().parameters(Connections.NODE_GET_MEMORY_PARAMETERS,
                    room -> new Connections.NodeParametersQuery(room, Session.TEXTS));
        } catch (LibvirtException e) {
            throw new Failure("Unable to get number of memory parameters", e);
        }
        if (!parameters.isEmpty()) call.session().print("Shared memory:\n");
        for (TypedParameter each : parameters) {
            call.session().print("\t%-15s %s\n".formatted(each.field().replaceFirst("^shm_", ""), each.asText()));
        }
    }

    /// The NUMA nodes' numbers.
    private static List<Element> cells(Call call) {
        Element root = Xml.parse(call.session().call(Connections.GET_CAPABILITIES, new None()).text());
        List<Element> cells = Xml.elements(root, "host/topology/cells/cell");
        if (cells.isEmpty()) throw new Failure("no NUMA cells");
        return cells;
    }

    private static int number(Element cell) {
        return Integer.parseInt(cell.getAttribute("id"));
    }

    private static void freeCell(Call call) {
        Session session = call.session();
        call.exclusive("all", "cellno");
        if (call.has("all")) {
            long total = 0;
            for (Element cell : cells(call)) {
                long kib = free(session, number(cell));
                session.print("%5d: %10d KiB\n".formatted(number(cell), kib));
                total += kib;
            }
            session.print("--------------------\n%5s: %10d KiB\n".formatted("Total", total));
        } else if (call.has("cellno")) {
            int cell = call.integer("cellno").orElse(0);
            session.print("%d: %d KiB\n".formatted(cell, free(session, cell)));
        } else {
            long bytes = session.call(Connections.NODE_GET_FREE_MEMORY, new None()).value();
            session.print("Total: %d KiB\n".formatted(bytes / KIB));
        }
    }

    private static long free(Session session, int cell) {
        List<Long> sizes = session.call(Connections.NODE_GET_CELLS_FREE_MEMORY, new Connections.CellRange(cell, 1)).sizes();
        if (sizes.isEmpty()) throw new Failure("failed to get free memory for NUMA node number: %d".formatted(cell));
        return sizes.getFirst() / KIB;
    }

    private static void freePages(Call call) {
        Session session = call.session();
        call.exclusive("all", "cellno");
        if (call.has("all")) {
            for (Element cell : cells(call)) {
                List<Integer> sizes = Xml.elements(cell, "pages").stream()
                        .map(each -> Integer.parseInt(each.getAttribute("size"))).filter(wanted(call)).sorted().toList();
                session.print("Node %d:\n".formatted(number(cell)));
                pages(session, number(cell), sizes);
                session.print("\n");
            }
            return;
        }
        if (!call.has("cellno")) throw new Failure("missing cellno argument");
        if (!call.has("pagesize")) throw new Failure("missing pagesize argument");
        int size = (int) (call.bytes("pagesize", KIB).orElseThrow() / KIB);
        pages(session, call.integer("cellno").orElse(0), List.of(size));
    }

    private static Predicate<Integer> wanted(Call call) {
        Optional<Long> bytes = call.bytes("pagesize", KIB);
        return size -> bytes.isEmpty() || bytes.get() / KIB == size;
    }

    private static void pages(Session session, int cell, List<Integer> sizes) {
        List<Long> counts = session.call(Connections.NODE_GET_FREE_PAGES, new Connections.FreePagesQuery(sizes, cell, 1, 0)).sizes();
        for (int n = 0; n < counts.size(); n++) session.print("%dKiB: %d\n".formatted(sizes.get(n), counts.get(n)));
    }

    private static void sysinfo(Call call) {
        try {
            call.session().print(call.session().call(Connections.GET_SYSINFO, new Flags(0)).text());
        } catch (LibvirtException e) {
            throw new Failure("failed to get sysinfo", e);
        }
    }

    private static void maxVcpus(Call call) {
        Session session = call.session();
        Optional<Integer> found = Optional.empty();
        if (!call.has("type")) {
            Connections.DomainCapabilitiesQuery any =
                    new Connections.DomainCapabilitiesQuery(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), 0);
            try {
                Element root = Xml.parse(session.call(Connections.GET_DOMAIN_CAPABILITIES, any).text());
                found = Xml.attribute(root, "vcpu", "max").map(Integer::parseInt);
            } catch (LibvirtException e) {
                if (e.code() != ErrorCode.NO_SUPPORT) throw e;
            }
        }
        int most = found.orElseGet(() -> session.call(Connections.GET_MAX_VCPUS, new MaybeText(call.text("type"))).value());
        session.print(most + "\n");
    }

    private static void domainCapabilities(Call call) {
        try {
            call.session().print(call.session().call(Connections.GET_DOMAIN_CAPABILITIES, new Connections.DomainCapabilitiesQuery(
                    call.text("emulatorbin"), call.text("arch"), call.text("machine"), call.text("virttype"), 0)).text() + "\n");
        } catch (LibvirtException e) {
            throw new Failure("failed to get emulator capabilities", e);
        }
    }

    // ---- CPUs

    private static void models(Call call) {
        List<String> models = call.session().call(Connections.GET_CPU_MODEL_NAMES,
                new Connections.CpuModelsQuery(call.given("arch"), 1, 0)).models();
        if (models.isEmpty()) call.session().print("all CPU models are accepted\n");
        for (String each : models) call.session().print(each + "\n");
    }

    /// The CPUs a file describes: alone, in domains, in hosts' capabilities or in those of hypervisors.
    private static List<String> cpus(Call call) {
        String file = call.given("file");
        String text = "<all>" + Files.read(file).replaceAll("<\\?.*?\\?>", "") + "</all>";
        Element root;
        try {
            root = Xml.parse(text);
        } catch (Failure e) {
            throw new Failure("Failed to parse XML fragment %s".formatted(file), e);
        }
        List<String> cpus = new ArrayList<>();
        Stream.of("cpu", "domain/cpu", "capabilities/host/cpu", "host/cpu").flatMap(path -> Xml.elements(root, path).stream())
                .filter(each -> Xml.elements(each, "mode").isEmpty())
                .forEach(each -> cpus.add(Xml.text(each)));
        Xml.elements(root, "domainCapabilities/cpu/mode").stream()
                .filter(each -> each.getAttribute("name").equals("host-model") && each.getAttribute("supported").equals("yes"))
                .forEach(each -> {
                    StringBuilder cpu = new StringBuilder("<cpu>");
                    for (Node child = each.getFirstChild(); child != null; child = child.getNextSibling()) cpu.append(Xml.text(child));
                    cpus.add(cpu.append("</cpu>").toString());
                });
        if (cpus.isEmpty()) {
            throw new Failure("File '%s' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain"
                    .formatted(file) + " capabilities XML");
        }
        return cpus;
    }

    private static int compareFlags(Call call) {
        return call.flags(Map.of("error", 1, "validate", 2));
    }

    private static int baselineFlags(Call call) {
        return call.flags(Map.of("features", 1, "migratable", 2));
    }

    private static void compare(Call call) {
        int result = call.session().call(Connections.COMPARE_CPU, new TextFlags(cpus(call).getFirst(), compareFlags(call))).value();
        said(call, result, "CPU described in %s is incompatible with host CPU\n", "CPU described in %s is identical to host CPU\n",
                "Host CPU is a superset of CPU described in %s\n");
    }

    private static void hypervisorCompare(Call call) {
        int result = call.session().call(Connections.COMPARE_HYPERVISOR_CPU, new Connections.HypervisorCpu(call.text("emulator"),
                call.text("arch"), call.text("machine"), call.text("virttype"), cpus(call).getFirst(), compareFlags(call))).value();
        said(call, result, "CPU described in %s is incompatible with the CPU provided by hypervisor on the host\n",
                "CPU described in %s is identical to the CPU provided by hypervisor on the host\n",
                "The CPU provided by hypervisor on the host is a superset of CPU described in %s\n");
    }

    private static void said(Call call, int result, String incompatible, String identical, String superset) {
        String file = call.given("file");
        switch (result) {
            case 0 -> {
                call.session().print(incompatible.formatted(file));
                throw new Failure("");
            }
            case 1 -> call.session().print(identical.formatted(file));
            case 2 -> call.session().print(superset.formatted(file));
            default -> throw new Failure("Failed to compare host CPU with " + file);
        }
    }

    private static void baseline(Call call) {
        Connections.CpuList query = new Connections.CpuList(cpus(call), baselineFlags(call));
        call.session().print(call.session().call(Connections.BASELINE_CPU, query).text());
    }

    private static void hypervisorBaseline(Call call) {
        if (!call.has("file") && !call.has("model")) throw new Failure("Either --file or --model must be given");
        List<String> cpus = call.has("file") ? cpus(call)
                : List.of("<cpu><model>%s</model></cpu>".formatted(Xml.escape(call.given("model"))));
        Connections.HypervisorCpuList query = new Connections.HypervisorCpuList(call.text("emulator"), call.text("arch"),
                call.text("machine"), call.text("virttype"), cpus, baselineFlags(call));
        call.session().print(call.session().call(Connections.BASELINE_HYPERVISOR_CPU, query).text());
    }
}
