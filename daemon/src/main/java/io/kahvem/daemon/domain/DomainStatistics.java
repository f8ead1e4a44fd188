package io.kahvem.daemon.domain;

import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What is counted of a machine, by libvirt's names (virConnectGetAllDomainStats).
public final class DomainStatistics {
    /// virDomainStatsTypes.
    private static final int STATE = 1;
    private static final int CPU = 1 << 1;
    private static final int BALLOON = 1 << 2;
    private static final int VCPU = 1 << 3;
    private static final int INTERFACE = 1 << 4;
    private static final int BLOCK = 1 << 5;

    private final Domain domain;
    private final List<TypedParameter> parameters = new ArrayList<>();

    private DomainStatistics(Domain domain) {
        this.domain = domain;
    }

    /// @param groups those wanted, 0 for all
    public static List<TypedParameter> of(Domain domain, int groups) {
        DomainStatistics statistics = new DomainStatistics(domain);
        int wanted = groups == 0 ? -1 : groups;
        if ((wanted & STATE) != 0) statistics.state();
        if ((wanted & CPU) != 0) statistics.cpu();
        if ((wanted & BALLOON) != 0) statistics.balloon();
        if ((wanted & VCPU) != 0) statistics.vcpus();
        if ((wanted & INTERFACE) != 0) statistics.interfaces();
        if ((wanted & BLOCK) != 0) statistics.blocks();
        return statistics.parameters;
    }

    private void number(String field, long value) {
        parameters.add(TypedParameter.ofULong(field, value));
    }

    private void count(String field, int value) {
        parameters.add(TypedParameter.ofUInt(field, value));
    }

    private void state() {
        parameters.add(TypedParameter.ofInt("state.state", domain.state().state()));
        parameters.add(TypedParameter.ofInt("state.reason", domain.state().reason()));
    }

    private void cpu() {
        Domain.Running now = domain.running();
        if (now == null) return;
        ProcessTimes.of(now.process().pid()).ifPresent(times -> {
            number("cpu.time", times.total());
            number("cpu.user", times.user());
            number("cpu.system", times.system());
        });
    }

    private void balloon() {
        Domain.Running now = domain.running();
        DomainDefinition definition = domain.definition();
        number("balloon.current", domain.currentMemoryKib());
        number("balloon.maximum", definition.memoryKib());
        if (now != null) ProcessTimes.of(now.process().pid()).ifPresent(times -> number("balloon.rss", times.rssKib()));
    }

    private void vcpus() {
        DomainDefinition definition = domain.definition();
        count("vcpu.current", definition.currentVcpus());
        count("vcpu.maximum", definition.maxVcpus());
        Domain.Running now = domain.running();
        if (now == null) return;
        int vcpu = 0;
        for (long thread : now.process().vcpuThreads()) {
            Optional<ProcessTimes> times = ProcessTimes.of(now.process().pid(), thread);
            parameters.add(TypedParameter.ofInt("vcpu.%d.state".formatted(vcpu), 1));
            String field = "vcpu.%d.time".formatted(vcpu);
            times.ifPresent(each -> number(field, each.total()));
            vcpu++;
        }
    }

    private void interfaces() {
        if (domain.isActive()) count("net.count", 0);
    }

    private void blocks() {
        List<DomainDisks.Disk> disks = DomainDisks.all(domain);
        count("block.count", disks.size());
        for (int n = 0; n < disks.size(); n++) {
            DomainDisks.Disk disk = disks.get(n);
            String prefix = "block.%d.".formatted(n);
            parameters.add(TypedParameter.ofText(prefix + "name", disk.target()));
            disk.source().ifPresent(file -> parameters.add(TypedParameter.ofText(prefix + "path", file)));
            disk.statistics().ifPresent(counted -> counters(prefix, counted));
            if (disk.source().isEmpty()) continue;
            DomainDisks.Sizes sizes = DomainDisks.sizes(disk);
            number(prefix + "allocation", sizes.allocation());
            number(prefix + "capacity", sizes.capacity());
            number(prefix + "physical", sizes.physical());
        }
    }

    private void counters(String prefix, MachineProcess.DiskStatistics counted) {
        number(prefix + "rd.reqs", counted.readRequests());
        number(prefix + "rd.bytes", counted.readBytes());
        number(prefix + "rd.times", counted.readNanos());
        number(prefix + "wr.reqs", counted.writeRequests());
        number(prefix + "wr.bytes", counted.writeBytes());
        number(prefix + "wr.times", counted.writeNanos());
        number(prefix + "fl.reqs", counted.flushRequests());
        number(prefix + "fl.times", counted.flushNanos());
    }

    /// The same of one disk by the names of virDomainBlockStatsFlags.
    public static List<TypedParameter> ofDisk(Domain domain, String path) {
        domain.requireRunning();
        DomainDisks.Disk disk = DomainDisks.find(domain, path);
        MachineProcess.DiskStatistics counted = disk.statistics()
                .orElseThrow(() -> Errors.argument("cannot find statistics for device '%s'", disk.target()));
        List<TypedParameter> parameters = new ArrayList<>();
        parameters.add(TypedParameter.ofLong("wr_bytes", counted.writeBytes()));
        parameters.add(TypedParameter.ofLong("wr_operations", counted.writeRequests()));
        parameters.add(TypedParameter.ofLong("rd_bytes", counted.readBytes()));
        parameters.add(TypedParameter.ofLong("rd_operations", counted.readRequests()));
        parameters.add(TypedParameter.ofLong("flush_operations", counted.flushRequests()));
        parameters.add(TypedParameter.ofLong("wr_total_times", counted.writeNanos()));
        parameters.add(TypedParameter.ofLong("rd_total_times", counted.readNanos()));
        parameters.add(TypedParameter.ofLong("flush_total_times", counted.flushNanos()));
        return parameters;
    }
}
