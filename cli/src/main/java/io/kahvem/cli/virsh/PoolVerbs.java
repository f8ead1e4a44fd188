package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.Flags;
import io.kahvem.libvirt.protocol.Common.ListAll;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Common.TextFlags;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Storage;
import io.kahvem.libvirt.protocol.Storage.PoolArg;
import io.kahvem.libvirt.protocol.Storage.PoolFlags;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Storage pools.
final class PoolVerbs {
    private static final int RUNNING = 2;
    private static final int INACTIVE_XML = 1;
    private static final List<String> STATES = List.of("inactive", "building", "running", "degraded", "inaccessible");
    private static final List<String> TYPES = List.of("dir", "fs", "netfs", "logical", "disk", "iscsi", "scsi", "mpath", "rbd", "sheepdog",
            "gluster", "zfs", "vstorage", "iscsi-direct");
    private static final int FIRST_TYPE = 6;
    private static final String[] BUILD = {"--build Make its place too.", "--no-overwrite Give up where something is there.",
        "--overwrite Overwrite what is there."};
    private static final Map<String, Integer> CREATE_FLAGS = Map.of("build", 1, "overwrite", 2, "no-overwrite", 4);

    static final List<Verb> TABLE = List.of(
            pool("pool-autostart", "Start a pool with the daemon.", PoolVerbs::autostart, POOL, "--disable No longer start it so."),
            pool("pool-build", "Make a pool's place.", call -> step(call, "built", "build",
                    pool -> new Row<>(Storage.POOL_BUILD, new PoolFlags(pool, call.flags(Map.of("overwrite", 8, "no-overwrite", 4))))),
                    POOL, BUILD[1], BUILD[2]),
            pool("pool-capabilities", "Print which kinds of pools there are, as XML.", call -> call.session().print(
                    call.session().call(Connections.GET_STORAGE_POOL_CAPABILITIES, new Flags(0)).text() + "\n")),
            pool("pool-create", "Start a pool from a file; it is gone when it stops.", PoolVerbs::create, FILE, BUILD[0],
                    BUILD[1], BUILD[2]),
            pool("pool-create-as", "Start a pool from these words; it is gone when it stops.", PoolVerbs::createAs, as(BUILD)),
            pool("pool-define", "Define a pool from a file, or define it anew.", PoolVerbs::define, FILE,
                    "--validate Check the file against the schema first."),
            pool("pool-define-as", "Define a pool from these words.", PoolVerbs::defineAs, as()),
            pool("pool-delete", "Remove a pool's place and what is in it.",
                    call -> step(call, "deleted", "delete", pool -> new Row<>(Storage.POOL_DELETE, new PoolFlags(pool, 0))), POOL),
            pool("pool-destroy", "Stop a pool.",
                    call -> step(call, "destroyed", "destroy", pool -> new Row<>(Storage.POOL_DESTROY, new PoolArg(pool))), POOL),
            pool("pool-dumpxml", "Print a pool's description.", call -> Xml.print(call, call.session().call(Storage.POOL_GET_XML_DESC,
                    new PoolFlags(Lookup.pool(call), call.has("inactive") ? INACTIVE_XML : 0)).text()),
                    POOL, "--inactive As it is defined.", XPATH, WRAP),
            pool("pool-edit", "Change a pool's description in the editor.", PoolVerbs::edit, POOL),
            pool("pool-info", "Say how a pool stands.", PoolVerbs::info, POOL, "--bytes Sizes in bytes.", Verb.JSON),
            pool("pool-list", "List pools.", PoolVerbs::list, "--inactive Those that are stopped.", "--all All of them.",
                    "--transient Those that are not defined.", "--persistent Those that are defined.",
                    "--autostart Those that start with the daemon.", "--no-autostart Those that do not.",
                    "[type] Only those of these kinds, with commas.", "--details How full they are too.", "--uuid Print UUIDs alone.",
                    "--name Print names alone.", Verb.JSON),
            pool("pool-name", "Print a pool's name.", call -> call.session().print(Lookup.pool(call).name() + "\n"), POOL),
            pool("pool-refresh", "Look again at what is in a pool.",
                    call -> step(call, "refreshed", "refresh", pool -> new Row<>(Storage.POOL_REFRESH, new PoolFlags(pool, 0))), POOL),
            pool("pool-start", "Start a defined pool.", call -> step(call, "started", "start",
                    pool -> new Row<>(Storage.POOL_CREATE, new PoolFlags(pool, call.flags(CREATE_FLAGS)))),
                    POOL, BUILD[0], BUILD[1], BUILD[2]),
            pool("pool-undefine", "Forget a pool's definition; its files stay.", call -> step(call, "has been undefined", "undefine",
                    pool -> new Row<>(Storage.POOL_UNDEFINE, new PoolArg(pool))), POOL),
            pool("pool-uuid", "Print a pool's UUID.", call -> call.session().print(Lookup.pool(call).uuid() + "\n"), POOL));

    private PoolVerbs() {}

    private static Verb pool(String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(Group.POOL, name, summary, action, rows);
    }

    private static String[] as(String... more) {
        List<String> rows = new ArrayList<>(List.of("<name> The pool's name.", "<type> Its kind: dir.",
                "--print-xml Print its description and leave it.", "[source-host] Where its data is: the host.",
                "[source-path] The path there.", "[source-dev] The device.", "[source-name] The name.", "[target] Its place on this host.",
                "[source-format] What the source is."));
        rows.addAll(List.of(more));
        return rows.toArray(String[]::new);
    }

    private static void step(Call call, String done, String what, Function<PoolRef, Row<?, ?>> row) {
        PoolRef pool = Lookup.pool(call);
        try {
            row.apply(pool).call(call.session());
        } catch (LibvirtException e) {
            throw new Failure("Failed to %s pool %s".formatted(what, pool.name()), e);
        }
        call.session().say("Pool %s %s\n".formatted(pool.name(), done));
    }

    private static void autostart(Call call) {
        PoolRef pool = Lookup.pool(call);
        boolean off = call.has("disable");
        try {
            call.session().call(Storage.POOL_SET_AUTOSTART, new Storage.PoolNumber(pool, off ? 0 : 1));
        } catch (LibvirtException e) {
            throw new Failure("failed to %s pool %s as autostarted".formatted(off ? "unmark" : "mark", pool.name()), e);
        }
        call.session().say("Pool %s %s as autostarted\n".formatted(pool.name(), off ? "unmarked" : "marked"));
    }

    private static void create(Call call) {
        call.exclusive("overwrite", "no-overwrite");
        String file = call.given("file");
        try {
            PoolRef pool = call.session().call(Storage.POOL_CREATE_XML, new TextFlags(call.file("file"), call.flags(CREATE_FLAGS)));
            call.session().say("Pool %s created from %s\n".formatted(pool.name(), file));
        } catch (LibvirtException e) {
            throw new Failure("Failed to create pool from " + file, e);
        }
    }

    private static void define(Call call) {
        String file = call.given("file");
        try {
            PoolRef pool = call.session().call(Storage.POOL_DEFINE_XML, new TextFlags(call.file("file"), call.has("validate") ? 1 : 0));
            call.session().say("Pool %s defined from %s\n".formatted(pool.name(), file));
        } catch (LibvirtException e) {
            throw new Failure("Failed to define pool from " + file, e);
        }
    }

    private static String xml(Call call) {
        StringBuilder source = new StringBuilder();
        call.text("source-host").ifPresent(host -> source.append("    <host name='%s'/>\n".formatted(Xml.escape(host))));
        call.text("source-path").ifPresent(path -> source.append("    <dir path='%s'/>\n".formatted(Xml.escape(path))));
        call.text("source-dev").ifPresent(path -> source.append("    <device path='%s'/>\n".formatted(Xml.escape(path))));
        call.text("source-name").ifPresent(name -> source.append("    <name>%s</name>\n".formatted(Xml.escape(name))));
        call.text("source-format").ifPresent(format -> source.append("    <format type='%s'/>\n".formatted(Xml.escape(format))));
        StringBuilder xml = new StringBuilder("<pool type='%s'>\n".formatted(Xml.escape(call.given("type"))));
        xml.append("  <name>%s</name>\n".formatted(Xml.escape(call.given("name"))));
        if (!source.isEmpty()) xml.append("  <source>\n").append(source).append("  </source>\n");
        call.text("target").ifPresent(path -> xml.append("  <target>\n    <path>%s</path>\n  </target>\n".formatted(Xml.escape(path))));
        return xml.append("</pool>\n").toString();
    }

    private static void createAs(Call call) {
        call.exclusive("overwrite", "no-overwrite");
        if (call.has("print-xml")) {
            call.session().print(xml(call));
            return;
        }
        String name = call.given("name");
        try {
            call.session().call(Storage.POOL_CREATE_XML, new TextFlags(xml(call), call.flags(CREATE_FLAGS)));
        } catch (LibvirtException e) {
            throw new Failure("Failed to create pool " + name, e);
        }
        call.session().say("Pool %s created\n".formatted(name));
    }

    private static void defineAs(Call call) {
        if (call.has("print-xml")) {
            call.session().print(xml(call));
            return;
        }
        String name = call.given("name");
        try {
            call.session().call(Storage.POOL_DEFINE_XML, new TextFlags(xml(call), 0));
        } catch (LibvirtException e) {
            throw new Failure("Failed to define pool " + name, e);
        }
        call.session().say("Pool %s defined\n".formatted(name));
    }

    private static void edit(Call call) {
        Session session = call.session();
        PoolRef pool = Lookup.pool(call);
        String before = session.call(Storage.POOL_GET_XML_DESC, new PoolFlags(pool, INACTIVE_XML)).text();
        String after = Files.edit(session, before);
        if (after.equals(before)) {
            session.say("Pool %s XML configuration not changed.\n".formatted(pool.name()));
            return;
        }
        PoolRef edited = session.call(Storage.POOL_DEFINE_XML, new TextFlags(after, 0));
        session.say("Pool %s XML configuration edited.\n".formatted(edited.name()));
    }

    private static boolean isPersistent(Session session, PoolRef pool) {
        return session.call(Storage.POOL_IS_PERSISTENT, new PoolArg(pool)).value() != 0;
    }

    private static boolean isAutostart(Session session, PoolRef pool) {
        return session.call(Storage.POOL_GET_AUTOSTART, new PoolArg(pool)).value() != 0;
    }

    private static void info(Call call) {
        Session session = call.session();
        PoolRef pool = Lookup.pool(call);
        Storage.PoolInfo info = session.call(Storage.POOL_GET_INFO, new PoolArg(pool));
        if (call.has("json")) {
            session.json(object(session, pool));
            return;
        }
        session.print(Lines.pair("Name:", pool.name()) + Lines.pair("UUID:", pool.uuid())
                + Lines.pair("State:", Lines.at(STATES, info.state(), "unknown"))
                + Lines.pair("Persistent:", isPersistent(session, pool) ? "yes" : "no")
                + Lines.pair("Autostart:", isAutostart(session, pool) ? "yes" : "no"));
        if (info.state() != RUNNING && info.state() != RUNNING + 1) return;
        boolean bytes = call.has("bytes");
        session.print(Lines.pair("Capacity:", size(info.capacity(), bytes)) + Lines.pair("Allocation:", size(info.allocation(), bytes))
                + Lines.pair("Available:", size(info.available(), bytes)));
    }

    private static String size(long bytes, boolean plain) {
        return plain ? Long.toUnsignedString(bytes) : Lines.size(bytes);
    }

    private static Map<String, Object> object(Session session, PoolRef pool) {
        Storage.PoolInfo info = session.call(Storage.POOL_GET_INFO, new PoolArg(pool));
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("name", pool.name());
        object.put("uuid", pool.uuid().toString());
        object.put("state", Lines.at(STATES, info.state(), "unknown"));
        object.put("persistent", isPersistent(session, pool));
        object.put("autostart", isAutostart(session, pool));
        if (info.state() == RUNNING || info.state() == RUNNING + 1) {
            object.put("capacity", info.capacity());
            object.put("allocation", info.allocation());
            object.put("available", info.available());
        }
        return object;
    }

    private static void list(Call call) {
        Session session = call.session();
        int flags = call.has("all") ? 3 : call.has("inactive") ? 1 : 2;
        flags |= call.flags(Map.of("persistent", 4, "transient", 8, "autostart", 16, "no-autostart", 32));
        for (String type : call.text("type").map(text -> text.split(",")).orElse(new String[0])) {
            int index = TYPES.indexOf(type);
            if (index < 0) throw new Failure("Invalid pool type '%s'".formatted(type));
            flags |= 1 << FIRST_TYPE + index;
        }
        List<PoolRef> pools;
        try {
            pools = new ArrayList<>(session.call(Storage.LIST_ALL_POOLS, new ListAll(1, flags)).pools());
        } catch (LibvirtException e) {
            throw new Failure("Failed to list pools", e);
        }
        pools.sort(Comparator.comparing(PoolRef::name, String.CASE_INSENSITIVE_ORDER));
        if (call.has("json")) {
            session.json(pools.stream().map(each -> object(session, each)).toList());
        } else if (call.has("uuid") || call.has("name")) {
            for (PoolRef each : pools) {
                if (call.has("uuid")) session.print(each.uuid() + (call.has("name") ? " " : "\n"));
                if (call.has("name")) session.print("%-20s\n".formatted(each.name()));
            }
        } else {
            session.print(call.has("details") ? details(session, pools) : states(session, pools));
        }
    }

    private static Table states(Session session, List<PoolRef> pools) {
        Table table = new Table("Name", "State", "Autostart");
        for (PoolRef each : pools) {
            boolean active = session.call(Storage.POOL_IS_ACTIVE, new PoolArg(each)).value() != 0;
            table.row(each.name(), active ? "active" : "inactive", isAutostart(session, each) ? "yes" : "no");
        }
        return table;
    }

    private static Table details(Session session, List<PoolRef> pools) {
        Table table = new Table("Name", "State", "Autostart", "Persistent", "Capacity", "Allocation", "Available");
        for (PoolRef each : pools) {
            Storage.PoolInfo info = session.call(Storage.POOL_GET_INFO, new PoolArg(each));
            boolean running = info.state() == RUNNING || info.state() == RUNNING + 1;
            table.row(each.name(), Lines.at(STATES, info.state(), "unknown"), isAutostart(session, each) ? "yes" : "no",
                    isPersistent(session, each) ? "yes" : "no", running ? Lines.size(info.capacity()) : "-",
                    running ? Lines.size(info.allocation()) : "-", running ? Lines.size(info.available()) : "-");
        }
        return table;
    }
}
