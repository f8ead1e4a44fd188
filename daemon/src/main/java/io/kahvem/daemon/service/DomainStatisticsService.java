package io.kahvem.daemon.service;

import io.kahvem.daemon.domain.Domain;
import io.kahvem.daemon.domain.DomainDisks;
import io.kahvem.daemon.domain.DomainPins;
import io.kahvem.daemon.domain.DomainRegistry;
import io.kahvem.daemon.domain.DomainStatistics;
import io.kahvem.daemon.domain.DomainThrottles;
import io.kahvem.daemon.domain.ProcessTimes;
import io.kahvem.daemon.node.HostNode;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.CountedParameters;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.Size;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/// How machines stand and what is counted of them.
public final class DomainStatisticsService {
    private static final int CONTROL_OK = 0;

    /// virDomainModificationImpact; the bit beside them says that texts are understood.
    private static final int AFFECT = 3;

    /// virDomainMemoryStatTags.
    private static final int ACTUAL_BALLOON = 6;
    private static final int RSS = 7;

    /// virConnectGetAllDomainStatsFlags: those of the list, and one that says how strict to be.
    private static final int LIST_FLAGS = 0xff;

    private static final int RUNNING = 1;
    private static final None NONE = new None();

    private final DomainRegistry registry;
    private final HostNode node;
    private final DomainThrottles throttles;

    public DomainStatisticsService(DomainRegistry registry, HostNode node) {
        this.registry = registry;
        this.node = node;
        this.throttles = new DomainThrottles(registry);
    }

    public void bind(Handlers handlers) {
        state(handlers);
        memory(handlers);
        processors(handlers);
        disks(handlers);
    }

    private Domain find(DomainRef ref) {
        return registry.byRef(ref);
    }

    private void state(Handlers handlers) {
        handlers.on(Domains.GET_INFO, (call, a) -> info(find(a.domain())));
        handlers.on(Domains.GET_CONTROL_INFO, (call, a) -> {
            Domain domain = running(a.domain());
            return new Domains.ControlInfo(CONTROL_OK, 0, domain.stateMillis());
        });
        handlers.on(Domains.GET_JOB_INFO, (call, a) -> {
            running(a.domain());
            return Domains.JobInfo.NONE;
        });
        handlers.on(Domains.GET_JOB_STATS, (call, a) -> {
            find(a.domain());
            return new Domains.JobStats(0, List.of());
        });
        handlers.on(Domains.GET_ALL_STATS, (call, a) -> {
            List<Domain> domains = a.domains().isEmpty()
                    ? registry.list(a.flags() & LIST_FLAGS) : a.domains().stream().map(this::find).toList();
            return new Domains.AllStats(domains.stream()
                    .map(domain -> new Domains.DomainStats(domain.ref(), DomainStatistics.of(domain, a.stats()))).toList());
        });
    }

    private Domain running(DomainRef ref) {
        Domain domain = find(ref);
        if (!domain.isActive()) throw invalid("domain is not running");
        return domain;
    }

    private Domains.DomainInfo info(Domain domain) {
        long cpuTime = domain.pid().flatMap(ProcessTimes::of).map(ProcessTimes::total).orElse(0L);
        return new Domains.DomainInfo(domain.state().state(), domain.definition().memoryKib(), domain.currentMemoryKib(),
                domain.definition().currentVcpus(), cpuTime);
    }

    private void memory(Handlers handlers) {
        handlers.on(Domains.GET_MAX_MEMORY, (call, a) -> new Size(find(a.domain()).definition().memoryKib()));
        handlers.on(Domains.MEMORY_STATS, (call, a) -> {
            Domain domain = running(a.domain());
            List<Domains.MemoryStat> stats = new ArrayList<>();
            stats.add(new Domains.MemoryStat(ACTUAL_BALLOON, domain.currentMemoryKib()));
            domain.pid().flatMap(ProcessTimes::of).ifPresent(times -> stats.add(new Domains.MemoryStat(RSS, times.rssKib())));
            return new Domains.MemoryStats(stats.stream().limit(Room.of(a.maximum())).toList());
        });
        handlers.on(Domains.SET_MEMORY_STATS_PERIOD, (call, a) -> {
            registry.setStatisticsPeriod(find(a.domain()), a.number(), a.flags());
            return NONE;
        });
        handlers.on(Domains.GET_NUMA_PARAMETERS, (call, a) -> {
            find(a.domain());
            return Room.counted(a.number(), List.of(TypedParameter.ofInt("numa_mode", 0), TypedParameter.ofText("numa_nodeset", "")));
        });
    }

    private void processors(Handlers handlers) {
        handlers.on(Domains.GET_VCPUS, (call, a) -> vcpus(running(a.domain()), a.maximum(), a.mapLength()));
        handlers.on(Domains.PIN_VCPU, (call, a) -> {
            DomainPins.set(running(a.domain()), a.vcpu(), CpuMaps.cpus(a.map()));
            return NONE;
        });
        handlers.on(Domains.PIN_VCPU_FLAGS, (call, a) -> {
            DomainPins.set(running(a.domain()), a.vcpu(), CpuMaps.cpus(a.map()));
            return NONE;
        });
        handlers.on(Domains.GET_VCPU_PIN_INFO, (call, a) -> {
            Domain domain = find(a.domain());
            int count = Math.min(a.maximum(), domain.definition().maxVcpus());
            byte[] maps = new byte[count * a.mapLength()];
            for (int vcpu = 0; vcpu < count; vcpu++) copy(affinity(domain, vcpu), maps, vcpu, a.mapLength());
            return new Domains.CpuMaps(maps, count);
        });
        handlers.on(Domains.GET_EMULATOR_PIN_INFO, (call, a) -> {
            Domain domain = find(a.domain());
            BitSet cpus = domain.pid().map(DomainPins::ofThread).orElseGet(this::all);
            return new Domains.CpuMaps(CpuMaps.bytes(cpus, a.number()), 1);
        });
        handlers.on(Domains.GET_CPU_STATS, (call, a) -> {
            ProcessTimes times = running(a.domain()).pid().flatMap(ProcessTimes::of).orElseThrow(() -> invalid("domain is not running"));
            if (a.startCpu() >= 0) {
                throw LibvirtException.of(ErrorCode.OPERATION_UNSUPPORTED, ErrorDomain.QEMU, "statistics of single host CPUs are not kept");
            }
            return Room.counted(a.room(), List.of(TypedParameter.ofULong("cpu_time", times.total()),
                    TypedParameter.ofULong("user_time", times.user()), TypedParameter.ofULong("system_time", times.system())));
        });
    }

    private BitSet all() {
        BitSet cpus = new BitSet();
        for (HostNode.Cpu cpu : node.cpus()) cpus.set(cpu.id());
        return cpus;
    }

    private BitSet affinity(Domain domain, int vcpu) {
        List<Long> threads = domain.vcpuThreads();
        return vcpu < threads.size() ? DomainPins.ofThread(threads.get(vcpu)) : all();
    }

    private static void copy(BitSet cpus, byte[] maps, int index, int length) {
        System.arraycopy(CpuMaps.bytes(cpus, length), 0, maps, index * length, length);
    }

    private Domains.Vcpus vcpus(Domain domain, int maximum, int mapLength) {
        List<Long> threads = domain.vcpuThreads();
        int count = Math.min(maximum, threads.size());
        List<Domains.VcpuInfo> vcpus = new ArrayList<>();
        byte[] maps = new byte[count * mapLength];
        for (int vcpu = 0; vcpu < count; vcpu++) {
            long thread = threads.get(vcpu);
            Optional<ProcessTimes> times = domain.pid().flatMap(pid -> ProcessTimes.of(pid, thread));
            vcpus.add(new Domains.VcpuInfo(vcpu, RUNNING, times.map(ProcessTimes::total).orElse(0L),
                    times.map(ProcessTimes::cpu).orElse(-1)));
            copy(DomainPins.ofThread(thread), maps, vcpu, mapLength);
        }
        return new Domains.Vcpus(vcpus, maps);
    }

    private void disks(Handlers handlers) {
        handlers.on(DomainDevices.GET_BLOCK_INFO, (call, a) -> {
            DomainDisks.Sizes sizes = DomainDisks.sizes(DomainDisks.find(find(a.domain()), a.text()));
            return new DomainDevices.BlockInfo(sizes.allocation(), sizes.capacity(), sizes.physical());
        });
        handlers.on(DomainDevices.BLOCK_STATS_FLAGS, (call, a) ->
                Room.counted(a.room(), DomainStatistics.ofDisk(find(a.domain()), a.path())));
        handlers.on(DomainDevices.BLOCK_STATS, (call, a) -> {
            List<TypedParameter> all = DomainStatistics.ofDisk(find(a.domain()), a.text());
            return new DomainDevices.BlockStats(value(all, "rd_operations"), value(all, "rd_bytes"), value(all, "wr_operations"),
                    value(all, "wr_bytes"), -1);
        });
        handlers.on(DomainDevices.GET_BLOCK_IO_TUNE, (call, a) -> {
            Domain domain = find(a.domain());
            // The first of the two steps names no disk.
            if (a.room() == 0) return new CountedParameters(List.of(), DomainThrottles.count());
            return Room.counted(a.room(), throttles.get(domain, a.disk().orElse(""), a.flags() & AFFECT));
        });
        handlers.on(DomainDevices.SET_BLOCK_IO_TUNE, (call, a) -> {
            throttles.set(find(a.domain()), a.disk(), a.parameters(), a.flags() & AFFECT);
            return NONE;
        });
        handlers.on(DomainDevices.GET_DISK_ERRORS, (call, a) -> {
            running(a.domain());
            return new DomainDevices.DiskErrors(List.of(), 0);
        });
        handlers.on(DomainDevices.GET_BLOCK_JOB_INFO, (call, a) -> {
            DomainDisks.find(running(a.domain()), a.text());
            return DomainDevices.BlockJobInfo.NONE;
        });
        handlers.on(DomainDevices.INTERFACE_STATS, (call, a) -> {
            running(a.domain());
            throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.DOMAIN, "'%s' is not a known interface".formatted(a.text()));
        });
    }

    private static long value(List<TypedParameter> parameters, String field) {
        return parameters.stream().filter(each -> each.field().equals(field)).mapToLong(TypedParameter::asLong).findFirst().orElse(-1);
    }

    private static LibvirtException invalid(String detail) {
        return LibvirtException.of(ErrorCode.OPERATION_INVALID, ErrorDomain.QEMU, detail);
    }
}
