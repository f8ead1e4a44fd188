package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.Connection.Subscription;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.None;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Common.SecretRef;
import io.kahvem.libvirt.protocol.DomainEvents;
import io.kahvem.libvirt.protocol.Event;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.Qemu;
import io.kahvem.libvirt.protocol.Secrets;
import io.kahvem.libvirt.protocol.Storage;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.regex.Pattern;

/// What happens, as it happens.
final class EventVerbs {
    private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSx").withZone(ZoneOffset.UTC);

    private static final String[] WAIT = {LOOP, TIMEOUT, LIST_EVENTS, TIMESTAMP};

    static final List<Verb> TABLE = List.of(
            Verb.of(Group.EVENTS, "event", "Wait for what happens to machines.", EventVerbs::domains,
                    "[domain] Of this one alone.", "[event] Of this kind alone.", "--all Of all kinds.", LOOP, TIMEOUT, LIST_EVENTS,
                    TIMESTAMP),
            Verb.of(Group.DOMAIN, "qemu-monitor-event", "Wait for events of machines' control sockets.", EventVerbs::monitors,
                    "[domain] Of this one alone.", "[event] Of this kind alone.", LOOP, TIMEOUT,
                    "--regex The kind is a regular expression.", "--no-case Upper and lower case alike.", TIMESTAMP),
            Verb.of(Group.POOL, "pool-event", "Wait for what happens to pools.", EventVerbs::pools, with("[pool] Of this one alone.")),
            Verb.of(Group.SECRET, "secret-event", "Wait for what happens to secrets.", EventVerbs::secrets,
                    with("[secret] Of this one alone.")));

    private EventVerbs() {}

    private static String[] with(String object) {
        List<String> rows = new ArrayList<>(List.of(object, "[event] Of this kind alone."));
        rows.addAll(List.of(WAIT));
        return rows.toArray(String[]::new);
    }

    // ---- the loop

    /// Listens, prints, and counts.
    private static final class Waiting {
        private final Call call;
        private final LinkedBlockingQueue<String> lines = new LinkedBlockingQueue<>();
        private final List<Subscription> subscriptions = new ArrayList<>();

        Waiting(Call call) {
            this.call = call;
        }

        <M extends Record, A extends Record> void on(
                Event<M> event, Procedure<A, IntValue> register, A arguments, Procedure<IntValue, None> deregister,
                Function<M, String> line) {
            subscriptions.add(call.session().connection().listen(event, register, arguments, deregister, message -> {
                String stamp = call.has("timestamp") ? TIME.format(Instant.now()) + ": " : "";
                lines.add(stamp + line.apply(message));
            }));
        }

        void run() {
            Session session = call.session();
            int seconds = call.integer("timeout").orElse(0);
            if (call.has("timeout") && seconds < 1) {
                throw new Failure("Numeric value '%s' for <timeout> option is malformed or out of range".formatted(call.given("timeout")));
            }
            long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
            int count = 0;
            boolean timedOut = false;
            try {
                while (count == 0 || call.has("loop")) {
                    long second = TimeUnit.SECONDS.toNanos(1);
                    long left = seconds == 0 ? second : Math.min(deadline - System.nanoTime(), second);
                    String line = left <= 0 ? null : lines.poll(left, TimeUnit.NANOSECONDS);
                    if (line != null) {
                        session.print(line + "\n");
                        session.flush();
                        count++;
                    } else if (seconds > 0 && System.nanoTime() >= deadline) {
                        timedOut = true;
                        break;
                    } else if (!session.connection().isOpen()) {
                        throw new Failure("the connection to the daemon is closed");
                    }
                }
            } catch (InterruptedException e) {
                session.say("event loop interrupted\n");
            } finally {
                subscriptions.forEach(Subscription::close);
            }
            if (timedOut) session.say("event loop timed out\n");
            session.say("events received: %d\n".formatted(count));
            if (timedOut && count == 0) throw new Failure("");
        }
    }

    private static boolean listed(Call call, List<String> names) {
        if (!call.has("list")) return false;
        for (String each : names) call.session().print(each + "\n");
        return true;
    }

    // ---- machines

    private static final List<List<String>> LIFECYCLE = List.of(
            List.of("Defined", "Added", "Updated", "Renamed", "Snapshot"),
            List.of("Undefined", "Removed", "Renamed"),
            List.of("Started", "Booted", "Migrated", "Restored", "Snapshot", "Event wakeup"),
            List.of("Suspended", "Paused", "Migrated", "I/O Error", "Watchdog", "Restored", "Snapshot", "API error", "Post-copy",
                    "Post-copy Error"),
            List.of("Resumed", "Unpaused", "Migrated", "Snapshot", "Post-copy", "Post-copy Error"),
            List.of("Stopped", "Shutdown", "Destroyed", "Crashed", "Migrated", "Saved", "Failed", "Snapshot"),
            List.of("Shutdown", "Finished", "Finished after guest request", "Finished after host request"),
            List.of("PMSuspended", "Memory", "Disk"),
            List.of("Crashed", "Panicked", "Crashloaded"));

    /// What virsh calls a kind.
    static String name(DomainEvents.Id id) {
        return id.name().toLowerCase(Locale.ROOT).replace('_', '-').replace("pms", "pm-s").replace("pmw", "pm-w");
    }

    private static void domains(Call call) {
        List<String> names = List.of(DomainEvents.Id.values()).stream().map(EventVerbs::name).toList();
        if (listed(call, names)) return;
        call.exclusive("event", "all");
        List<DomainEvents.Id> wanted = new ArrayList<>();
        if (call.has("all")) {
            wanted.addAll(List.of(DomainEvents.Id.values()));
        } else {
            String event = call.text("event").orElseThrow(() -> new Failure("one of --list, --all, or --event <type> is required"));
            int index = names.indexOf(event);
            if (index < 0) throw new Failure("unknown event type " + event);
            wanted.add(DomainEvents.Id.values()[index]);
        }
        Optional<DomainRef> domain = call.text("domain").map(name -> Lookup.domain(call.session(), name));
        Waiting waiting = new Waiting(call);
        for (DomainEvents.Id id : wanted) listen(waiting, id, domain);
        waiting.run();
    }

    /// Those that no daemon of ours sends, and that our tables do not describe, are not asked for.
    private static void listen(Waiting waiting, DomainEvents.Id id, Optional<DomainRef> domain) {
        DomainEvents.Register register = new DomainEvents.Register(id.ordinal(), domain);
        switch (id) {
            case LIFECYCLE -> on(waiting, DomainEvents.LIFECYCLE, register, m -> line(id, m.domain(), lifecycle(m)));
            case REBOOT -> on(waiting, DomainEvents.REBOOT, register, m -> line(id, m.domain(), ""));
            case RTC_CHANGE -> on(waiting, DomainEvents.RTC_CHANGE, register, m -> line(id, m.domain(), ": " + m.offsetSeconds()));
            case WATCHDOG -> on(waiting, DomainEvents.WATCHDOG, register, m -> line(id, m.domain(), ": " + Lines.at(
                    List.of("none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"), m.action(), "unknown")));
            case IO_ERROR_REASON -> on(waiting, DomainEvents.IO_ERROR_REASON, register, m -> line(id, m.domain(), ": %s (%s) %s due to %s"
                    .formatted(m.source(), m.alias(), Lines.at(List.of("none", "pause", "report"), m.action(), "unknown"), m.reason())));
            case BLOCK_JOB -> on(waiting, DomainEvents.BLOCK_JOB, register, m -> line(id, m.domain(), blockJob(m)));
            case BLOCK_JOB_2 -> on(waiting, DomainEvents.BLOCK_JOB_2, register, m -> line(id, m.domain(), blockJob(m)));
            case DISK_CHANGE -> on(waiting, DomainEvents.DISK_CHANGE, register, m -> line(id, m.domain(),
                    " disk %s: %s -> %s: %s".formatted(m.alias(), m.oldSource().orElse(""), m.newSource().orElse(""),
                    Lines.at(List.of("changed", "dropped"), m.reason(), "unknown"))));
            case TRAY_CHANGE -> on(waiting, DomainEvents.TRAY_CHANGE, register, m -> line(id, m.domain(), " disk %s: %s".formatted(
                    m.alias(), Lines.at(List.of("opened", "closed"), m.reason(), "unknown"))));
            case BALLOON_CHANGE ->
                on(waiting, DomainEvents.BALLOON_CHANGE, register, m -> line(id, m.domain(), ": %dKiB".formatted(m.kib())));
            case DEVICE_REMOVED -> on(waiting, DomainEvents.DEVICE_REMOVED, register, m -> line(id, m.domain(), ": " + m.alias()));
            case DEVICE_ADDED -> on(waiting, DomainEvents.DEVICE_ADDED, register, m -> line(id, m.domain(), ": " + m.alias()));
            case TUNABLE -> on(waiting, DomainEvents.TUNABLE, register, m -> line(id, m.domain(), parameters(m.parameters())));
            case JOB_COMPLETED -> on(waiting, DomainEvents.JOB_COMPLETED, register, m -> line(id, m.domain(), parameters(m.parameters())));
            case AGENT_LIFECYCLE -> on(waiting, DomainEvents.AGENT_LIFECYCLE, register, m -> line(id, m.domain(),
                    ": state: '%s' reason: '%s'".formatted(Lines.at(List.of("unknown", "connected", "disconnected"), m.state(), "unknown"),
                            Lines.at(List.of("unknown", "domain started", "channel event"), m.reason(), "unknown"))));
            case METADATA_CHANGE -> on(waiting, DomainEvents.METADATA_CHANGE, register, m -> line(id, m.domain(),
                    ": type %s, uri %s".formatted(
                    Lines.at(List.of("description", "title", "element"), m.type(), "unknown"), m.uri().orElse("<null>"))));
            case IO_ERROR, GRAPHICS, CONTROL_ERROR, PMWAKEUP, PMSUSPEND, PMSUSPEND_DISK, MIGRATION_ITERATION, DEVICE_REMOVAL_FAILED,
                    BLOCK_THRESHOLD, MEMORY_FAILURE, MEMORY_DEVICE_SIZE_CHANGE -> { }
        }
    }

    private static <M extends Record> void on(
            Waiting waiting, Event<M> event, DomainEvents.Register register, Function<M, String> line) {
        waiting.on(event, DomainEvents.REGISTER, register, DomainEvents.DEREGISTER, line);
    }

    private static String line(DomainEvents.Id id, DomainRef domain, String rest) {
        return "event '%s' for domain '%s'%s".formatted(name(id), domain.name(), rest);
    }

    private static String lifecycle(DomainEvents.Lifecycle message) {
        if (message.event() < 0 || message.event() >= LIFECYCLE.size()) return ": unknown unknown";
        List<String> names = LIFECYCLE.get(message.event());
        return ": %s %s".formatted(names.getFirst(), Lines.at(names, message.detail() + 1, "unknown"));
    }

    private static String blockJob(DomainEvents.BlockJob message) {
        List<String> types = List.of("Unknown job", "Block Pull", "Block Copy", "Block Commit", "Active Block Commit", "Backup");
        List<String> states = List.of("completed", "failed", "canceled", "ready");
        return ": %s for %s %s".formatted(Lines.at(types, message.type(), "Unknown job"), message.disk(),
                Lines.at(states, message.status(), "unknown"));
    }

    private static String parameters(List<TypedParameter> parameters) {
        StringBuilder text = new StringBuilder(":");
        for (TypedParameter each : parameters) text.append("\n\t%s: %s".formatted(each.field(), each.asText()));
        return text.toString();
    }

    private static void monitors(Call call) {
        Optional<DomainRef> domain = call.text("domain").map(name -> Lookup.domain(call.session(), name));
        int flags = call.flags(Map.of("regex", 1, "no-case", 2));
        if (call.has("regex")) Pattern.compile(call.text("event").orElse(""));
        Waiting waiting = new Waiting(call);
        waiting.on(Qemu.MONITOR_EVENT, Qemu.MONITOR_EVENT_REGISTER, new Qemu.Register(domain, call.text("event"), flags),
                Qemu.MONITOR_EVENT_DEREGISTER, m -> "event %s at %d.%06d for domain '%s': %s".formatted(
                        m.event(), m.seconds(), m.micros(), m.domain().name(), m.details().orElse("<null>")));
        waiting.run();
    }

    // ---- pools and secrets

    private static void pools(Call call) {
        List<String> names = List.of("lifecycle", "refresh");
        if (listed(call, names)) return;
        Optional<PoolRef> pool = call.text("pool").map(name -> Lookup.pool(call.session(), name));
        Waiting waiting = new Waiting(call);
        int id = kind(call, names);
        Storage.Register register = new Storage.Register(id, pool);
        List<String> states = List.of("Defined", "Undefined", "Started", "Stopped", "Created", "Deleted");
        if (id == 0) {
            waiting.on(Storage.LIFECYCLE, Storage.REGISTER, register, Storage.DEREGISTER, m ->
                    "event 'lifecycle' for storage pool %s: %s".formatted(m.pool().name(), Lines.at(states, m.event(), "unknown")));
        } else {
            waiting.on(Storage.REFRESH, Storage.REGISTER, register, Storage.DEREGISTER,
                    m -> "event 'refresh' for storage pool " + m.pool().name());
        }
        waiting.run();
    }

    private static void secrets(Call call) {
        List<String> names = List.of("lifecycle", "value-changed");
        if (listed(call, names)) return;
        Optional<SecretRef> secret = call.has("secret") ? Optional.of(Lookup.secret(call)) : Optional.empty();
        Waiting waiting = new Waiting(call);
        int id = kind(call, names);
        Secrets.Register register = new Secrets.Register(id, secret);
        if (id == 0) {
            waiting.on(Secrets.LIFECYCLE, Secrets.REGISTER, register, Secrets.DEREGISTER, m -> "event 'lifecycle' for secret %s: %s"
                    .formatted(m.secret().uuid(), Lines.at(List.of("Defined", "Undefined"), m.event(), "unknown")));
        } else {
            waiting.on(Secrets.VALUE_CHANGED, Secrets.REGISTER, register, Secrets.DEREGISTER,
                    m -> "event 'value-changed' for secret " + m.secret().uuid());
        }
        waiting.run();
    }

    private static int kind(Call call, List<String> names) {
        String event = call.text("event").orElseThrow(() -> new Failure("either --list or --event <type> is required"));
        int id = names.indexOf(event);
        if (id < 0) throw new Failure("unknown event type " + event);
        return id;
    }
}
