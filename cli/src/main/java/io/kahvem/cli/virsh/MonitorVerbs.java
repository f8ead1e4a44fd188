package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.ListAll;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainArg;
import io.kahvem.libvirt.protocol.Domains.DomainFlags;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

/// What machines there are, and how they do.
final class MonitorVerbs {
    private static final int TITLE = 1;
    private static final int ACTIVE = 1;
    private static final int INACTIVE = 2;
    private static final int SHUTOFF = 5;
    /// virDomainStatsTypes.
    private static final int STATE_ALONE = 1;
    /// Machines whose states are asked for one by one.
    private static final int FEW = 8;
    private static final Map<String, Integer> LIST_FILTERS = Map.ofEntries(Map.entry("persistent", 4), Map.entry("transient", 8),
            Map.entry("state-running", 16), Map.entry("state-paused", 32), Map.entry("state-shutoff", 64), Map.entry("state-other", 128),
            Map.entry("with-managed-save", 256), Map.entry("without-managed-save", 512), Map.entry("autostart", 1024),
            Map.entry("no-autostart", 2048), Map.entry("with-snapshot", 4096), Map.entry("without-snapshot", 8192),
            Map.entry("with-checkpoint", 16384), Map.entry("without-checkpoint", 32768));
    private static final Map<String, Integer> STATS = Map.ofEntries(Map.entry("state", 1), Map.entry("cpu-total", 2),
            Map.entry("balloon", 4), Map.entry("vcpu", 8), Map.entry("interface", 16), Map.entry("block", 32), Map.entry("perf", 64),
            Map.entry("iothread", 128), Map.entry("memory", 256), Map.entry("dirtyrate", 512), Map.entry("vm", 1024));
    private static final Map<String, Integer> STATS_FLAGS = Map.ofEntries(Map.entry("list-active", 1), Map.entry("list-inactive", 2),
            Map.entry("list-persistent", 4), Map.entry("list-transient", 8), Map.entry("list-running", 16), Map.entry("list-paused", 32),
            Map.entry("list-shutoff", 64), Map.entry("list-other", 128), Map.entry("nowait", 1 << 29), Map.entry("backing", 1 << 30),
            Map.entry("enforce", 1 << 31));

    static final List<Verb> TABLE = List.of(
            monitor("domcontrol", "Say whether a machine's control socket answers.", MonitorVerbs::control, DOMAIN),
            monitor("domhostname", "Print the guest's name for itself.", call -> call.session().print(call.session().call(
                    DomainDevices.GET_HOSTNAME, new DomainFlags(Lookup.domain(call), source(call))).text() + "\n"),
                    DOMAIN, "[source] Ask lease or agent."),
            monitor("dominfo", "Say what a machine is and does.", MonitorVerbs::info, DOMAIN, Verb.JSON),
            monitor("dommemstat", "Count a machine's memory.", MonitorVerbs::memory, DOMAIN,
                    "--period=number Have the guest tell each so many seconds.", CONFIG, LIVE, CURRENT),
            monitor("domstate", "Say a machine's state.", MonitorVerbs::state, DOMAIN, "--reason And how it came to it."),
            monitor("domstats", "Count all that is counted of machines.", MonitorVerbs::statistics,
                    "--state Their states.", "--cpu-total Their processor time.", "--balloon Their balloons.", "--vcpu Each processor.",
                    "--interface Their network interfaces.", "--block Their disks.", "--perf Performance events.",
                    "--iothread Their I/O threads.", "--memory Their memory's bandwidth.", "--dirtyrate How fast they write memory.",
                    "--vm What only this hypervisor counts.", "--list-active Of those that run.", "--list-inactive Of those that are off.",
                    "--list-persistent Of those that are defined.", "--list-transient Of those that are not.",
                    "--list-running Of those whose state is running.", "--list-paused Of those that are paused.",
                    "--list-shutoff Of those that are shut off.", "--list-other Of those in other states.",
                    "--raw Times and sizes as they are.", "--enforce Fail where a group cannot be counted.",
                    "--backing Disks' backing images too.", "--nowait Leave out what would have to be waited for.", Verb.JSON,
                    "[domain...] The machines; otherwise all."),
            monitor("domtime", "Print the guest's time, by its agent.", MonitorVerbs::time, DOMAIN, "--pretty As a date."),
            monitor("list", "List machines.", MonitorVerbs::list, "--inactive Those that are off.", "--all All, running or not.",
                    "--transient Those that are not defined.", "--persistent Those that are defined.",
                    "--with-snapshot Those with snapshots.", "--without-snapshot Those without.",
                    "--with-checkpoint Those with checkpoints.", "--without-checkpoint Those without.",
                    "--state-running Those that run.", "--state-paused Those that are paused.", "--state-shutoff Those that are off.",
                    "--state-other Those in other states.", "--autostart Those that start with the daemon.",
                    "--no-autostart Those that do not.",
                    "--with-managed-save Those with a saved state.", "--without-managed-save Those without.", "--uuid Print UUIDs alone.",
                    "--name Print names alone.", "--id Print numbers alone.", "--table Print the table, as without these.",
                    "--managed-save Call those off with a saved state saved.", "--title Their titles too.", Verb.JSON));

    private MonitorVerbs() {}

    private static Verb monitor(String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(Group.MONITOR, name, summary, action, rows);
    }

    // ---- list

    private static void list(Call call) {
        Session session = call.session();
        int flags = call.has("inactive") || call.has("state-shutoff") ? INACTIVE : ACTIVE;
        if (call.has("all")) flags = ACTIVE | INACTIVE;
        boolean columns = call.has("uuid") || call.has("name") || call.has("id");
        for (String each : List.of("name", "uuid", "id")) call.exclusive("table", each);
        ListAll query = new ListAll(1, flags | call.flags(LIST_FILTERS));
        List<DomainRef> domains = new ArrayList<>(session.call(Domains.LIST_ALL, query).domains());
        domains.sort(Comparator.comparing((DomainRef each) -> each.id() < 0)
                .thenComparing(each -> each.id() < 0 ? 0 : each.id())
                .thenComparing(DomainRef::name, String.CASE_INSENSITIVE_ORDER));
        if (columns && !call.has("json")) {
            for (DomainRef each : domains) session.print(columns(call, each) + "\n");
            return;
        }
        Map<UUID, Integer> states = domains.size() > FEW ? states(session) : Map.of();
        if (call.has("json")) {
            session.json(domains.stream().map(each -> listed(call, each, states)).toList());
        } else {
            Table table = call.has("title") ? new Table("Id", "Name", "State", "Title") : new Table("Id", "Name", "State");
            for (DomainRef each : domains) {
                List<String> cells = new ArrayList<>(List.of(id(each), each.name(), listedState(call, each, states)));
                if (call.has("title")) cells.add(title(session, each));
                table.row(cells);
            }
            session.print(table);
        }
    }

    private static String columns(Call call, DomainRef domain) {
        List<String> cells = new ArrayList<>();
        if (call.has("id")) cells.add(id(domain));
        if (call.has("uuid")) cells.add(domain.uuid().toString());
        if (call.has("name")) cells.add(domain.name());
        return String.join(" ", cells);
    }

    private static Map<String, Object> listed(Call call, DomainRef domain, Map<UUID, Integer> states) {
        Map<String, Object> row = new LinkedHashMap<>();
        if (domain.id() >= 0) row.put("id", domain.id());
        row.put("name", domain.name());
        row.put("uuid", domain.uuid().toString());
        row.put("state", listedState(call, domain, states));
        if (call.has("title")) row.put("title", title(call.session(), domain));
        return row;
    }

    static String id(DomainRef domain) {
        return domain.id() < 0 ? "-" : String.valueOf(domain.id());
    }

    /// The states of all machines by one call, where the daemon has it: a call for each of a thousand takes longer than the rest.
    private static Map<UUID, Integer> states(Session session) {
        try {
            Map<UUID, Integer> states = new HashMap<>();
            Domains.StatsQuery all = new Domains.StatsQuery(List.of(), STATE_ALONE, 0);
            for (Domains.DomainStats each : session.call(Domains.GET_ALL_STATS, all).domains()) {
                for (TypedParameter known : each.parameters()) {
                    if (known.field().equals("state.state")) states.put(each.domain().uuid(), (int) known.asLong());
                }
            }
            return states;
        } catch (LibvirtException e) {
            if (e.code() == ErrorCode.NO_SUPPORT) return Map.of();
            throw e;
        }
    }

    private static String listedState(Call call, DomainRef domain, Map<UUID, Integer> states) {
        Integer known = states.get(domain.uuid());
        int state = known != null ? known : call.session().call(Domains.GET_STATE, new DomainFlags(domain, 0)).state();
        boolean saved = call.has("managed-save") && state == SHUTOFF
                && call.session().call(Domains.HAS_MANAGED_SAVE_IMAGE, new DomainFlags(domain, 0)).value() != 0;
        return saved ? "saved" : States.name(state);
    }

    private static String title(Session session, DomainRef domain) {
        try {
            return session.call(Domains.GET_METADATA, new Domains.GetMetadata(domain, TITLE, Optional.empty(), 0)).text();
        } catch (LibvirtException e) {
            if (e.code() == ErrorCode.NO_DOMAIN_METADATA) return "";
            throw e;
        }
    }

    // ---- one machine

    private static void state(Call call) {
        Domains.State state = call.session().call(Domains.GET_STATE, new DomainFlags(Lookup.domain(call), 0));
        String text = States.name(state.state());
        call.session().print(call.has("reason") ? "%s (%s)\n".formatted(text, States.reason(state)) : text + "\n");
    }

    private static void info(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        Map<String, Object> rows = new LinkedHashMap<>();
        rows.put("Id", id(domain));
        rows.put("Name", domain.name());
        rows.put("UUID", domain.uuid().toString());
        rows.put("OS Type", session.call(Domains.GET_OS_TYPE, new DomainArg(domain)).text());
        Domains.DomainInfo info = session.call(Domains.GET_INFO, new DomainArg(domain));
        rows.put("State", States.name(info.state()));
        rows.put("CPU(s)", info.vcpus());
        if (info.cpuTime() != 0) rows.put("CPU time", "%.1fs".formatted(info.cpuTime() / 1e9));
        rows.put("Max memory", info.maxMemory() + " KiB");
        rows.put("Used memory", info.memory() + " KiB");
        rows.put("Persistent", session.call(Domains.IS_PERSISTENT, new DomainArg(domain)).value() != 0 ? "yes" : "no");
        rows.put("Autostart", session.call(Domains.GET_AUTOSTART, new DomainArg(domain)).value() != 0 ? "enable" : "disable");
        rows.put("Managed save", session.call(Domains.HAS_MANAGED_SAVE_IMAGE, new DomainFlags(domain, 0)).value() != 0 ? "yes" : "no");
        security(session, domain, rows);
        List<String> messages = messages(session, domain);
        if (call.has("json")) {
            Map<String, Object> object = new LinkedHashMap<>();
            rows.forEach((key, value) -> object.put(Lines.jsonName(key), value));
            object.put("max-memory", info.maxMemory());
            object.put("used-memory", info.memory());
            if (info.cpuTime() != 0) object.put("cpu-time", info.cpuTime() / 1e9);
            if (domain.id() >= 0) object.put("id", domain.id());
            if (domain.id() < 0) object.remove("id");
            object.put("messages", messages);
            session.json(object);
            return;
        }
        rows.forEach((key, value) -> session.print(Lines.pair(key + ":", value)));
        for (int n = 0; n < messages.size(); n++) session.print(Lines.pair(n == 0 ? "Messages:" : "", messages.get(n)));
    }

    private static void security(Session session, DomainRef domain, Map<String, Object> rows) {
        Connections.SecurityModel model;
        try {
            model = session.call(Connections.NODE_GET_SECURITY_MODEL, new None());
        } catch (LibvirtException e) {
            if (e.code() == ErrorCode.NO_SUPPORT) return;
            throw e;
        }
        String name = Lines.text(model.model());
        if (name.isEmpty()) return;
        rows.put("Security model", name);
        rows.put("Security DOI", Lines.text(model.doi()));
        Domains.SecurityLabel label = session.call(Domains.GET_SECURITY_LABEL, new DomainArg(domain));
        String text = new String(label.label(), StandardCharsets.UTF_8).replace("\0", "");
        if (!text.isEmpty()) rows.put("Security label", "%s (%s)".formatted(text, label.enforcing() != 0 ? "enforcing" : "permissive"));
    }

    private static List<String> messages(Session session, DomainRef domain) {
        try {
            return session.call(Domains.GET_MESSAGES, new DomainFlags(domain, 0)).texts();
        } catch (LibvirtException e) {
            if (e.code() == ErrorCode.NO_SUPPORT || e.code() == ErrorCode.RPC) return List.of();
            throw e;
        }
    }

    private static void control(Call call) {
        Domains.ControlInfo info = call.session().call(Domains.GET_CONTROL_INFO, new DomainFlags(Lookup.domain(call), 0));
        List<String> states = List.of("ok", "background job", "occupied", "error");
        List<String> errors = List.of("", "unknown", "monitor failure", "internal (locking) error");
        String state = Lines.at(states, info.state(), "unknown");
        String text = switch (state) {
            case "ok" -> "ok";
            case "error" -> "error: " + Lines.at(errors, info.details(), "unknown");
            default -> "%s (%.3fs)".formatted(state, info.stateMillis() / 1e3);
        };
        call.session().print(text + "\n");
    }

    private static void memory(Call call) {
        Session session = call.session();
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        Optional<Integer> period = call.integer("period");
        if (period.isPresent()) {
            if (period.get() < 0) throw new Failure("Invalid collection period value '%d'".formatted(period.get()));
            try {
                session.call(Domains.SET_MEMORY_STATS_PERIOD, new Domains.DomainNumberFlags(domain, period.get(), affect));
            } catch (LibvirtException e) {
                throw new Failure("Unable to change balloon collection period.", e);
            }
            return;
        }
        List<String> names = List.of("swap_in", "swap_out", "major_fault", "minor_fault", "unused", "available", "actual", "rss", "usable",
                "last_update", "disk_caches", "hugetlb_pgalloc", "hugetlb_pgfail");
        List<Domains.MemoryStat> stats;
        try {
            stats = session.call(Domains.MEMORY_STATS, new Domains.MemoryStatsQuery(domain, names.size(), 0)).stats();
        } catch (LibvirtException e) {
            throw new Failure("Failed to get memory statistics for domain " + domain.name(), e);
        }
        for (Domains.MemoryStat each : stats) {
            String name = Lines.at(names, each.tag(), "");
            if (!name.isEmpty()) session.print("%s %s\n".formatted(name, Long.toUnsignedString(each.value())));
        }
    }

    private static int source(Call call) {
        int source = call.text("source").map(List.of("", "lease", "agent")::indexOf).orElse(0);
        if (source < 0) throw new Failure("Unknown data source '%s'".formatted(call.given("source")));
        return source;
    }

    private static void time(Call call) {
        DomainDevices.Time time = call.session().call(DomainDevices.GET_TIME, new DomainFlags(Lookup.domain(call), 0));
        DateTimeFormatter format = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneOffset.UTC);
        call.session().print("Time: %s".formatted(
                call.has("pretty") ? format.format(Instant.ofEpochSecond(time.seconds())) : String.valueOf(time.seconds())));
    }

    // ---- statistics of several

    private static void statistics(Call call) {
        Session session = call.session();
        List<DomainRef> domains = call.all("domain").stream().map(name -> Lookup.domain(session, name)).toList();
        List<Domains.DomainStats> all = session.call(Domains.GET_ALL_STATS,
                new Domains.StatsQuery(domains, call.flags(STATS), call.flags(STATS_FLAGS))).domains();
        if (call.has("json")) {
            session.json(all.stream().map(each -> {
                Map<String, Object> object = new LinkedHashMap<>();
                object.put("domain", each.domain().name());
                for (TypedParameter parameter : each.parameters()) object.put(parameter.field(), Lines.value(parameter));
                return object;
            }).toList());
            return;
        }
        String between = "";
        for (Domains.DomainStats each : all) {
            session.print("%sDomain: '%s'\n".formatted(between, each.domain().name()));
            for (TypedParameter parameter : each.parameters()) {
                session.print("  %s=%s\n".formatted(parameter.field(), parameter.asText()));
            }
            between = "\n";
        }
    }
}
