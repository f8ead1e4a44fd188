package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.CountedParameters;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainArg;
import io.kahvem.libvirt.protocol.Domains.DomainFlags;
import io.kahvem.libvirt.protocol.Domains.DomainNumberFlags;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A machine's memory, processors and shares.
final class TuningVerbs {
    private static final int MAXIMUM = 4;
    private static final int GUEST = 8;
    private static final int HOTPLUGGABLE = 16;
    private static final long KIB = 1024;
    private static final long UNLIMITED_KIB = Long.MAX_VALUE >> 10;

    static final List<Verb> TABLE = List.of(
            tuning("blkiotune", "Print the share of the host's disks that a machine has.", call -> parameters(call,
                    "Unable to get number of blkio parameters", DomainDevices.GET_BLKIO_PARAMETERS), DOMAIN, CONFIG, LIVE, CURRENT),
            tuning("cpu-stats", "Print the processor time a machine has used.", TuningVerbs::cpuStatistics, DOMAIN,
                    "--total Of all processors together.", "[start:number] The first processor.", "[count:number] How many processors."),
            tuning("domjobabort", "End what a machine is being made to do.",
                    call -> call.session().call(Domains.ABORT_JOB, new DomainArg(Lookup.domain(call))), DOMAIN),
            tuning("domjobinfo", "Say how far the job on a machine is.", TuningVerbs::job, DOMAIN),
            tuning("emulatorpin", "Print where a machine's own threads may run.", TuningVerbs::emulatorPin, DOMAIN, CONFIG, LIVE, CURRENT),
            tuning("iothreadinfo", "List a machine's I/O threads.", TuningVerbs::ioThreads, DOMAIN, CONFIG, LIVE, CURRENT),
            tuning("memtune", "Print the limits of a machine's memory on the host.", call -> parameters(call,
                    "Unable to get number of memory parameters", Domains.GET_MEMORY_PARAMETERS), DOMAIN, CONFIG, LIVE, CURRENT),
            tuning("numatune", "Print which NUMA nodes a machine's memory comes from.", call -> parameters(call,
                    "Unable to get number of memory parameters", Domains.GET_NUMA_PARAMETERS), DOMAIN, CONFIG, LIVE, CURRENT),
            tuning("schedinfo", "Print how a machine is scheduled.", TuningVerbs::scheduler, DOMAIN, CURRENT, CONFIG, LIVE),
            tuning("setmaxmem", "Change how much memory a machine may have.", call -> memory(call, MAXIMUM), DOMAIN,
                    "<size> So much; a bare number is KiB.", CONFIG, LIVE, CURRENT),
            tuning("setmem", "Change how much memory a machine's guest has.", call -> memory(call, 0), DOMAIN,
                    "<size> So much; a bare number is KiB.", CONFIG, LIVE, CURRENT),
            tuning("setvcpus", "Change how many processors a machine has.", TuningVerbs::setVcpus, DOMAIN,
                    "<count:number> So many.", "--maximum Change how many it may have.", CONFIG, LIVE, CURRENT,
                    "--guest By the guest's agent.", "--hotpluggable So that they can be taken away again."),
            tuning("vcpucount", "Count a machine's processors.", TuningVerbs::vcpuCount, DOMAIN,
                    "--maximum How many it may have.", "--active How many it has.", "--live Of what runs.",
                    "--config Of what it will start as.", "--current Of what it is now.", "--guest As the guest's agent says."),
            tuning("vcpuinfo", "Say how each of a machine's processors does.", TuningVerbs::vcpuInfo, DOMAIN,
                    "--pretty Affinity as ranges."),
            tuning("vcpupin", "Print or change where a machine's processors may run.", TuningVerbs::vcpuPin, DOMAIN,
                    "[vcpu:number] The processor.", "[cpulist] Where it may run, as 0-3,^2; r for anywhere.", CONFIG, LIVE, CURRENT));

    private TuningVerbs() {}

    private static Verb tuning(String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(Group.DOMAIN, name, summary, action, rows);
    }

    // ---- parameters

    private static void parameters(Call call, String failed,
            Procedure<DomainNumberFlags, CountedParameters> procedure) {
        DomainRef domain = Lookup.domain(call);
        int affect = call.affect();
        try {
            int flags = affect | Session.TEXTS;
            for (TypedParameter each : call.session().parameters(procedure, room -> new DomainNumberFlags(domain, room, flags))) {
                boolean limit = each.field().endsWith("limit") || each.field().equals("min_guarantee");
                String value = limit && Long.compareUnsigned(each.asLong(), UNLIMITED_KIB) >= 0 ? "unlimited"
                        : each.field().equals("numa_mode") ? numaMode((int) each.asLong()) : each.asText();
                call.session().print("%-15s: %s\n".formatted(each.field(), value));
            }
        } catch (LibvirtException e) {
            throw new Failure(failed, e);
        }
    }

    private static String numaMode(int mode) {
        return Lines.at(List.of("strict", "preferred", "interleave", "restrictive"), mode, String.valueOf(mode));
    }

    private static void scheduler(Call call) {
        Session session = call.session();
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        Domains.SchedulerType type;
        try {
            type = session.call(Domains.GET_SCHEDULER_TYPE, new DomainArg(domain));
        } catch (LibvirtException e) {
            session.print("%-15s: %s\n".formatted("Scheduler", "Unknown"));
            throw e;
        }
        session.print("%-15s: %s\n".formatted("Scheduler", type.type()));
        if (type.parameters() == 0) return;
        List<TypedParameter> parameters =
                session.call(Domains.GET_SCHEDULER_PARAMETERS_FLAGS, new DomainNumberFlags(domain, type.parameters(), affect)).parameters();
        for (TypedParameter each : parameters) session.print("%-15s: %s\n".formatted(each.field(), each.asText()));
    }

    private static void job(Call call) {
        Domains.JobStats job = call.session().call(Domains.GET_JOB_STATS, new DomainFlags(Lookup.domain(call), 0));
        List<String> types = List.of("None", "Bounded", "Unbounded", "Completed", "Failed", "Cancelled");
        call.session().print("%-17s %-12s\n".formatted("Job type:", Lines.at(types, job.type(), "unknown")));
        if (job.type() == 0) return;
        for (TypedParameter each : job.parameters()) call.session().print("%-17s %s\n".formatted(each.field() + ":", each.asText()));
    }

    // ---- memory

    private static void memory(Call call, int maximum) {
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        long kib = (call.bytes("size", KIB).orElseThrow() + KIB - 1) / KIB;
        Session session = call.session();
        if (maximum != 0) {
            try {
                if (affect == 0) {
                    session.call(Domains.SET_MAX_MEMORY, new Domains.DomainSize(domain, kib));
                } else {
                    session.call(Domains.SET_MEMORY_FLAGS, new Domains.SetMemory(domain, kib, affect | maximum));
                }
            } catch (LibvirtException e) {
                throw new Failure("Unable to change MaxMemorySize", e);
            }
        } else if (affect == 0) {
            session.call(Domains.SET_MEMORY, new Domains.DomainSize(domain, kib));
        } else {
            session.call(Domains.SET_MEMORY_FLAGS, new Domains.SetMemory(domain, kib, affect));
        }
    }

    // ---- processors

    private static int hostCpus(Session session) {
        return session.call(Connections.NODE_GET_CPU_MAP, new Connections.CpuMapQuery(0, 0, 0)).count();
    }

    private static void cpuStatistics(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        try {
            if (!call.has("total")) {
                int cpus = session.call(Domains.GET_CPU_STATS, new Domains.CpuStatsQuery(domain, 0, 0, 0, 0)).count();
                int first = call.integer("start").orElse(0);
                int last = Math.min(cpus, first + call.integer("count").orElse(cpus));
                int room = session.call(Domains.GET_CPU_STATS, new Domains.CpuStatsQuery(domain, 0, 0, 1, 0)).count();
                for (int cpu = first; cpu < last && room > 0; cpu++) {
                    session.print("CPU%d:\n".formatted(cpu));
                    times(session, session.call(Domains.GET_CPU_STATS, new Domains.CpuStatsQuery(domain, room, cpu, 1, 0)).parameters());
                }
            }
            if (call.has("start") || call.has("count")) return;
            List<TypedParameter> total =
                    session.parameters(Domains.GET_CPU_STATS, room -> new Domains.CpuStatsQuery(domain, room, -1, 1, 0));
            session.print("Total:\n");
            times(session, total);
        } catch (LibvirtException e) {
            throw new Failure("Failed to retrieve CPU statistics for domain '%s'".formatted(domain.name()), e);
        }
    }

    private static void times(Session session, List<TypedParameter> parameters) {
        for (TypedParameter each : parameters) {
            session.print("\t%-12s %9d.%09d seconds\n"
                    .formatted(each.field(), each.asLong() / 1_000_000_000, each.asLong() % 1_000_000_000));
        }
    }

    private static void setVcpus(Call call) {
        call.exclusive("guest", "config");
        int affect = call.affect();
        int count = call.integer("count").orElseThrow();
        if (count <= 0) throw new Failure("Can't set %d processors for a VM".formatted(count));
        int flags = affect | (call.has("maximum") ? MAXIMUM : 0) | (call.has("guest") ? GUEST : 0)
                | (call.has("hotpluggable") ? HOTPLUGGABLE : 0);
        DomainRef domain = Lookup.domain(call);
        if (flags == 0 && !call.has("current")) {
            call.session().call(Domains.SET_VCPUS, new Domains.DomainNumber(domain, count));
        } else {
            call.session().call(Domains.SET_VCPUS_FLAGS, new DomainNumberFlags(domain, count, flags));
        }
    }

    private static void vcpuCount(Call call) {
        call.exclusive("live", "config");
        call.exclusive("maximum", "active");
        // --current beside --live or --config is an old name of --active.
        int affect = call.flags(Map.of("live", Call.LIVE, "config", Call.CONFIG));
        DomainRef domain = Lookup.domain(call);
        boolean table = !call.has("maximum") && !call.has("active") && !call.has("live") && !call.has("config") && !call.has("current")
                && !call.has("guest");
        if (!table) {
            int flags = affect | (call.has("maximum") ? MAXIMUM : 0) | (call.has("guest") ? GUEST : 0);
            call.session().print(count(call, domain, flags) + "\n");
            return;
        }
        boolean persistent = call.session().call(Domains.IS_PERSISTENT, new DomainArg(domain)).value() != 0;
        for (int maximum : new int[] {MAXIMUM, 0}) {
            String what = maximum != 0 ? "maximum" : "current";
            if (persistent) counted(call, what, "config", count(call, domain, Call.CONFIG | maximum));
            if (domain.id() >= 0) counted(call, what, "live", count(call, domain, Call.LIVE | maximum));
        }
    }

    private static void counted(Call call, String what, String of, int count) {
        call.session().print("%-12s %-12s %3d\n".formatted(what, of, count));
    }

    private static int count(Call call, DomainRef domain, int flags) {
        return call.session().call(Domains.GET_VCPUS_FLAGS, new DomainFlags(domain, flags)).value();
    }

    private static void vcpuInfo(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        int cpus = hostCpus(session);
        int mapLength = (cpus + 7) / 8;
        int vcpus = session.call(Domains.GET_INFO, new DomainArg(domain)).vcpus();
        Optional<Domains.Vcpus> running = Optional.empty();
        byte[] maps;
        try {
            running = Optional.of(session.call(Domains.GET_VCPUS, new Domains.VcpusQuery(domain, vcpus, mapLength)));
            maps = running.get().maps();
        } catch (LibvirtException e) {
            if (e.code() != ErrorCode.OPERATION_INVALID) throw e;
            maps = session.call(Domains.GET_VCPU_PIN_INFO, new Domains.VcpuPinQuery(domain, vcpus, mapLength, Call.CONFIG)).maps();
        }
        int shown = running.map(each -> each.vcpus().size()).orElse(vcpus);
        for (int n = 0; n < shown; n++) {
            if (n > 0) session.print("\n");
            session.print(Lines.pair("VCPU:", running.isPresent() ? running.get().vcpus().get(n).number() : n));
            if (running.isPresent()) {
                Domains.VcpuInfo info = running.get().vcpus().get(n);
                session.print(Lines.pair("CPU:", info.cpu()));
                session.print(Lines.pair("State:", Lines.at(List.of("offline", "running", "blocked"), info.state(), "no state")));
                if (info.cpuTime() != 0) session.print(Lines.pair("CPU time:", "%.1fs".formatted(info.cpuTime() / 1e9)));
            } else {
                session.print(Lines.pair("CPU:", "N/A") + Lines.pair("State:", "N/A") + Lines.pair("CPU time", "N/A"));
            }
            byte[] map = Arrays.copyOfRange(maps, n * mapLength, (n + 1) * mapLength);
            session.print(Lines.pair("CPU Affinity:", call.has("pretty")
                    ? "%s (out of %d)".formatted(Lines.ranges(map, cpus), cpus) : Lines.letters(map, cpus)));
        }
    }

    private static void vcpuPin(Call call) {
        Session session = call.session();
        int affect = call.affect();
        Optional<Integer> vcpu = call.integer("vcpu");
        Optional<String> list = call.text("cpulist");
        if (list.isPresent() && vcpu.isEmpty()) throw new Failure("vcpupin: Missing vCPU number in pin mode.");
        DomainRef domain = Lookup.domain(call);
        int cpus = hostCpus(session);
        int mapLength = (cpus + 7) / 8;
        if (list.isPresent()) {
            byte[] map = Lines.map(list.get(), cpus);
            if (affect == 0 && !call.has("current")) {
                session.call(Domains.PIN_VCPU, new Domains.PinVcpu(domain, vcpu.orElseThrow(), map));
            } else {
                session.call(Domains.PIN_VCPU_FLAGS, new Domains.PinVcpuFlags(domain, vcpu.orElseThrow(), map, affect));
            }
            return;
        }
        int count = count(call, domain, affect | MAXIMUM);
        if (vcpu.isPresent() && vcpu.get() >= count) {
            throw new Failure("vcpu %d is out of range of %s cpu count %d"
                    .formatted(vcpu.get(), domain.id() >= 0 ? "live" : "persistent", count));
        }
        Domains.CpuMaps maps = session.call(Domains.GET_VCPU_PIN_INFO, new Domains.VcpuPinQuery(domain, count, mapLength, affect));
        Table table = new Table("VCPU", "CPU Affinity");
        for (int n = 0; n < maps.count(); n++) {
            if (vcpu.isPresent() && vcpu.get() != n) continue;
            table.row(String.valueOf(n), Lines.ranges(Arrays.copyOfRange(maps.maps(), n * mapLength, (n + 1) * mapLength), cpus));
        }
        session.print(table);
    }

    private static void emulatorPin(Call call) {
        Session session = call.session();
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        int cpus = hostCpus(session);
        Domains.CpuMaps map = session.call(Domains.GET_EMULATOR_PIN_INFO, new DomainNumberFlags(domain, (cpus + 7) / 8, affect));
        session.say("emulator: CPU Affinity\n----------------------------------\n");
        session.print("       *: %s\n".formatted(Lines.ranges(map.maps(), cpus)));
    }

    private static void ioThreads(Call call) {
        Session session = call.session();
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        List<Domains.IoThread> threads;
        try {
            threads = session.call(Domains.GET_IOTHREAD_INFO, new DomainFlags(domain, affect)).threads();
        } catch (LibvirtException e) {
            throw new Failure("Unable to get domain IOThreads information", e);
        }
        if (threads.isEmpty()) {
            session.say("No IOThreads found for the domain");
            return;
        }
        int cpus = hostCpus(session);
        Table table = new Table("IOThread ID", "CPU Affinity");
        for (Domains.IoThread each : threads) table.row(String.valueOf(each.id()), Lines.ranges(each.map(), cpus));
        session.print(table);
    }
}
