package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.DomainDevices;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainFlags;
import io.kahvem.libvirt.protocol.Domains.DomainText;
import io.kahvem.libvirt.protocol.Domains.DomainTextFlags;
import io.kahvem.libvirt.protocol.Procedure;
import io.kahvem.libvirt.protocol.TypedParameter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.w3c.dom.Element;

/// What hangs on a machine: disks, media, interfaces.
final class DeviceVerbs {
    private static final int INACTIVE = 2;
    private static final int FORCE = 4;
    private static final int BYTES = 1;
    private static final long KIB = 1024;

    /// A machine's limits of a disk, in the order virsh prints and takes them.
    private static final List<String> THROTTLES = List.of("total-bytes-sec", "read-bytes-sec", "write-bytes-sec", "total-iops-sec",
            "read-iops-sec", "write-iops-sec", "total-bytes-sec-max", "read-bytes-sec-max", "write-bytes-sec-max", "total-iops-sec-max",
            "read-iops-sec-max", "write-iops-sec-max", "size-iops-sec");
    private static final List<String> BURSTS = List.of("total-bytes-sec-max-length", "read-bytes-sec-max-length",
            "write-bytes-sec-max-length", "total-iops-sec-max-length", "read-iops-sec-max-length", "write-iops-sec-max-length");

    static final List<Verb> TABLE = List.of(
            device(Group.DOMAIN, "attach-device", "Give a machine the device of a file.",
                    call -> change(call, DomainDevices.ATTACH_FLAGS, call.file("file"), "attach", "attached", "Device", 0),
                    DOMAIN, FILE, PERSISTENT, CONFIG, LIVE, CURRENT),
            device(Group.DOMAIN, "attach-disk", "Give a machine a disk.", DeviceVerbs::attachDisk, DOMAIN, "<source> The image.",
                    "<target> How it is called: vda, sda ...", "[targetbus] virtio, sata, scsi ...", "[driver] qemu.",
                    "[subdriver] The image's format.", "[cache] How the host caches it.", "[type] disk, cdrom, floppy or lun.",
                    "[mode] readonly or shareable.", "[sourcetype] file or block; otherwise told from the source.",
                    "[serial] Its serial number.", "--print-xml Print its description and leave it.", PERSISTENT, CONFIG, LIVE, CURRENT),
            device(Group.DOMAIN, "blkdeviotune", "Print or change the limits of a machine's disk.", DeviceVerbs::throttle, throttleRows()),
            device(Group.DOMAIN, "blockresize", "Change the size of a running machine's disk.", DeviceVerbs::resize, DOMAIN,
                    "<path> The disk: its target or source.", "<size> So much; a bare number is KiB."),
            device(Group.DOMAIN, "change-media", "Change what is in a machine's CD-ROM or floppy drive.", DeviceVerbs::changeMedia, DOMAIN,
                    "<path> The drive: its target or source.", "[source] The new medium.", "--eject Take the medium out.",
                    "--insert Put one in.", "--update Put another in.", CURRENT, LIVE, CONFIG, "--force Even where the guest locks it.",
                    "--print-xml Print the drive's description and leave it.", "--block The source is a block device."),
            device(Group.DOMAIN, "detach-device", "Take the device of a file from a machine.",
                    call -> change(call, DomainDevices.DETACH_FLAGS, call.file("file"), "detach", "detached", "Device", 0),
                    DOMAIN, FILE, PERSISTENT, CONFIG, LIVE, CURRENT),
            device(Group.DOMAIN, "detach-disk", "Take a disk from a machine.", DeviceVerbs::detachDisk, DOMAIN,
                    "<target> The disk: its target or source.", PERSISTENT, CONFIG, LIVE, CURRENT,
                    "--print-xml Print its description and leave it."),
            device(Group.DOMAIN, "update-device", "Change a machine's device as a file describes it.",
                    call -> change(call, DomainDevices.UPDATE_FLAGS, call.file("file"), "update", "updated", "Device",
                            call.has("force") ? FORCE : 0),
                    DOMAIN, FILE, PERSISTENT, CONFIG, LIVE, CURRENT, "--force Even where the guest locks it."),
            device(Group.DOMAIN, "ttyconsole", "Print the pseudo-terminal of a machine's console.", DeviceVerbs::ttyConsole, DOMAIN),
            device(Group.MONITOR, "domblkerror", "List the errors of a machine's disks.", DeviceVerbs::errors, DOMAIN),
            device(Group.MONITOR, "domblkinfo", "Say how large a machine's disk is.", DeviceVerbs::blockInfo, DOMAIN,
                    "[device] The disk: its target or source.", "--human With units.", "--all Of all disks."),
            device(Group.MONITOR, "domblklist", "List a machine's disks.", DeviceVerbs::blockList, DOMAIN,
                    "--inactive Those it will start with.", "--details What they are too.", Verb.JSON),
            device(Group.MONITOR, "domblkstat", "Count what a machine's disk has done.", DeviceVerbs::blockStatistics, DOMAIN,
                    "[device] The disk: its target or source.", "--human In words."),
            device(Group.MONITOR, "domif-getlink", "Say whether an interface's cable is plugged in.", DeviceVerbs::link, DOMAIN,
                    "<interface> The interface: its name or MAC address.", "--config Of what it will start as."),
            device(Group.MONITOR, "domiflist", "List a machine's network interfaces.", DeviceVerbs::interfaceList, DOMAIN,
                    "--inactive Those it will start with.", Verb.JSON),
            device(Group.MONITOR, "domifstat", "Count what a machine's network interface has moved.", DeviceVerbs::interfaceStatistics,
                    DOMAIN, "<interface> The interface's name."));

    private DeviceVerbs() {}

    private static Verb device(Group group, String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(group, name, summary, action, rows);
    }

    private static Element describe(Call call, DomainRef domain, boolean inactive) {
        return Xml.parse(call.session().call(Domains.GET_XML_DESC, new DomainFlags(domain, inactive ? INACTIVE : 0)).text());
    }

    // ---- attach, detach, update

    /// What `--persistent`, `--config`, `--live` and `--current` select.
    private static int affect(Call call, DomainRef domain) {
        call.exclusive("persistent", "current");
        int flags = call.affect();
        if (!call.has("persistent")) return flags;
        return flags | Call.CONFIG | (domain.id() >= 0 ? Call.LIVE : 0);
    }

    private static void change(
            Call call, Procedure<DomainTextFlags, ?> procedure, String xml, String what, String done, String kind, int flags) {
        DomainRef domain = Lookup.domain(call);
        int affect = affect(call, domain);
        try {
            call.session().call(procedure, new DomainTextFlags(domain, xml, affect | flags));
        } catch (LibvirtException e) {
            throw new Failure(kind.equals("Disk") ? "Failed to %s disk".formatted(what)
                    : "Failed to %s device from %s".formatted(what, call.given("file")), e);
        }
        call.session().say("%s %s successfully\n".formatted(kind, done));
    }

    private static void attachDisk(Call call) {
        String source = call.given("source");
        boolean block = call.text("sourcetype").map(type -> type.equals("block")).orElseGet(() -> isBlockDevice(source));
        StringBuilder xml = new StringBuilder("<disk type='%s'".formatted(block ? "block" : "file"));
        call.text("type").ifPresent(type -> xml.append(" device='%s'".formatted(Xml.escape(type))));
        xml.append(">\n");
        if (call.has("driver") || call.has("subdriver") || call.has("cache")) {
            xml.append("  <driver");
            attribute(xml, "name", call.text("driver"));
            attribute(xml, "type", call.text("subdriver"));
            attribute(xml, "cache", call.text("cache"));
            xml.append("/>\n");
        }
        if (!source.isEmpty()) xml.append("  <source %s='%s'/>\n".formatted(block ? "dev" : "file", Xml.escape(source)));
        xml.append("  <target dev='%s'".formatted(Xml.escape(call.given("target"))));
        attribute(xml, "bus", call.text("targetbus"));
        xml.append("/>\n");
        call.text("mode").ifPresent(mode -> {
            if (!mode.equals("readonly") && !mode.equals("shareable")) {
                throw new Failure("No support for %s in command 'attach-disk'".formatted(mode));
            }
            xml.append("  <%s/>\n".formatted(mode));
        });
        call.text("serial").ifPresent(serial -> xml.append("  <serial>%s</serial>\n".formatted(Xml.escape(serial))));
        xml.append("</disk>\n");
        if (call.has("print-xml")) {
            call.session().print(xml.toString());
        } else {
            change(call, DomainDevices.ATTACH_FLAGS, xml.toString(), "attach", "attached", "Disk", 0);
        }
    }

    private static void attribute(StringBuilder xml, String name, Optional<String> value) {
        value.ifPresent(text -> xml.append(" %s='%s'".formatted(name, Xml.escape(text))));
    }

    private static boolean isBlockDevice(String source) {
        java.nio.file.Path path = java.nio.file.Path.of(source);
        return source.startsWith("/dev/") && java.nio.file.Files.exists(path) && !java.nio.file.Files.isRegularFile(path)
                && !java.nio.file.Files.isDirectory(path);
    }

    private static void detachDisk(Call call) {
        DomainRef domain = Lookup.domain(call);
        int affect = affect(call, domain);
        Element description = describe(call, domain, affect == Call.CONFIG);
        String disk = Xml.text(Disks.find(description, call.given("target"), List.of("disk", "lun", "cdrom", "floppy")));
        if (call.has("print-xml")) {
            call.session().print(disk);
        } else {
            change(call, DomainDevices.DETACH_FLAGS, disk, "detach", "detached", "Disk", 0);
        }
    }

    private static void changeMedia(Call call) {
        call.exclusive("eject", "insert");
        call.exclusive("eject", "update");
        call.exclusive("insert", "update");
        Optional<String> source = call.text("source");
        boolean eject = call.has("eject") || source.isEmpty() && !call.has("insert") && !call.has("update");
        String action = eject ? "eject" : call.has("insert") ? "insert" : "update";
        if (eject && source.isPresent()) throw new Failure("Options --eject and --source are mutually exclusive");
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        String path = call.given("path");
        Element disk = Disks.find(describe(call, domain, affect == Call.CONFIG), path, List.of("cdrom", "floppy"));
        if (!eject && source.isEmpty()) throw new Failure("New disk media source was not specified");
        Optional<Element> old = Xml.element(disk, "source");
        if (action.equals("insert") && old.isPresent()) throw new Failure("The disk device '%s' already has media".formatted(path));
        if (eject && old.isEmpty()) throw new Failure("The disk device '%s' doesn't have media".formatted(path));
        old.ifPresent(disk::removeChild);
        source.ifPresent(name -> {
            boolean block = call.has("block") || isBlockDevice(name);
            disk.setAttribute("type", block ? "block" : "file");
            Element element = disk.getOwnerDocument().createElement("source");
            element.setAttribute(block ? "dev" : "file", name);
            Xml.insertBefore(disk, element, "target");
        });
        String xml = Xml.text(disk);
        if (call.has("print-xml")) {
            call.session().print(xml);
            return;
        }
        try {
            call.session().call(DomainDevices.UPDATE_FLAGS, new DomainTextFlags(domain, xml, affect | (call.has("force") ? FORCE : 0)));
        } catch (LibvirtException e) {
            throw new Failure("Failed to complete action %s on media".formatted(action), e);
        }
        call.session().say("Successfully %s media.\n".formatted(
                switch (action) {
                    case "eject" -> "ejected";
                    case "insert" -> "inserted";
                    default -> "updated";
                }));
    }

    // ---- disks

    private static String[] throttleRows() {
        List<String> rows = new ArrayList<>(List.of(DOMAIN, "<device> The disk: its target or source."));
        for (String each : THROTTLES) {
            boolean bytes = each.contains("bytes");
            String of = each.startsWith("size") ? "How much one request counts for."
                    : "At most so many %s %s a second%s.".formatted(bytes ? "bytes" : "requests",
                            each.startsWith("total") ? "in all" : each.startsWith("read") ? "read" : "written",
                            each.endsWith("max") ? ", for a moment" : "");
            rows.add("[%s:number] %s".formatted(each, of));
        }
        rows.add("[group-name] Disks of this name share their limits.");
        for (String each : BURSTS) rows.add("[%s:number] For so many seconds at most.".formatted(each));
        rows.addAll(List.of(CONFIG, LIVE, CURRENT));
        return rows.toArray(String[]::new);
    }

    private static void throttle(Call call) {
        Session session = call.session();
        int affect = call.affect();
        DomainRef domain = Lookup.domain(call);
        String disk = call.given("device");
        List<TypedParameter> changes = new ArrayList<>();
        for (String each : THROTTLES) {
            Optional<Long> value = each.contains("bytes") ? call.bytes(each, 1) : call.number(each);
            value.ifPresent(number -> changes.add(TypedParameter.ofULong(each.replace('-', '_'), number)));
        }
        call.text("group-name").ifPresent(name -> changes.add(TypedParameter.ofText("group_name", name)));
        for (String each : BURSTS) {
            call.number(each).ifPresent(seconds -> changes.add(TypedParameter.ofULong(each.replace('-', '_'), seconds)));
        }
        if (!changes.isEmpty()) {
            try {
                session.call(DomainDevices.SET_BLOCK_IO_TUNE, new DomainDevices.SetBlockIoTune(domain, disk, changes, affect));
            } catch (LibvirtException e) {
                throw new Failure("Unable to change block I/O throttle", e);
            }
            return;
        }
        List<TypedParameter> now;
        try {
            now = session.parameters(DomainDevices.GET_BLOCK_IO_TUNE,
                    room -> new DomainDevices.BlockIoTuneQuery(domain, Optional.of(disk), room, affect | Session.TEXTS));
        } catch (LibvirtException e) {
            throw new Failure("Unable to get block I/O throttle parameters", e);
        }
        for (TypedParameter each : now) session.print("%-15s: %s\n".formatted(each.field(), each.asText()));
    }

    private static void resize(Call call) {
        DomainRef domain = Lookup.domain(call);
        String disk = call.given("path");
        long bytes = call.bytes("size", KIB).orElseThrow();
        boolean whole = bytes % KIB == 0;
        try {
            call.session().call(DomainDevices.BLOCK_RESIZE,
                    new DomainDevices.Resize(domain, disk, whole ? bytes / KIB : bytes, whole ? 0 : BYTES));
        } catch (LibvirtException e) {
            throw new Failure("Failed to resize block device '%s'".formatted(disk), e);
        }
        call.session().say("Block device '%s' is resized\n".formatted(disk));
    }

    private static void errors(Call call) {
        DomainRef domain = Lookup.domain(call);
        int count = call.session().call(DomainDevices.GET_DISK_ERRORS, new Domains.DomainNumberFlags(domain, 0, 0)).count();
        List<DomainDevices.DiskError> errors = count == 0 ? List.of()
                : call.session().call(DomainDevices.GET_DISK_ERRORS, new Domains.DomainNumberFlags(domain, count, 0)).errors();
        if (errors.isEmpty()) call.session().say("No errors found\n");
        List<String> names = List.of("no error", "unspecified error", "no space");
        for (DomainDevices.DiskError each : errors) {
            call.session().print("%s: %s\n".formatted(each.disk(), Lines.at(names, each.error(), "unknown error")));
        }
    }

    private static void blockInfo(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        boolean human = call.has("human");
        if (!call.has("all")) {
            String disk = call.text("device").orElseThrow(() -> new Failure("command 'domblkinfo' requires <device> option"));
            DomainDevices.BlockInfo info = session.call(DomainDevices.GET_BLOCK_INFO, new DomainTextFlags(domain, disk, 0));
            session.print(Lines.pair("Capacity:", shown(info.capacity(), human))
                    + Lines.pair("Allocation:", shown(info.allocation(), human))
                    + Lines.pair("Physical:", shown(info.physical(), human)));
            return;
        }
        Table table = new Table("Target", "Capacity", "Allocation", "Physical");
        for (Element disk : Xml.elements(describe(call, domain, false), "devices/disk")) {
            String target = Disks.target(disk);
            if (Disks.source(disk).equals("-")) {
                table.row(target, "-", "-", "-");
            } else {
                DomainDevices.BlockInfo info = session.call(DomainDevices.GET_BLOCK_INFO, new DomainTextFlags(domain, target, 0));
                table.row(target, shown(info.capacity(), human), shown(info.allocation(), human), shown(info.physical(), human));
            }
        }
        session.print(table);
    }

    private static String shown(long bytes, boolean human) {
        return human ? Lines.size(bytes) : Long.toUnsignedString(bytes);
    }

    private static void blockList(Call call) {
        DomainRef domain = Lookup.domain(call);
        List<Element> disks = Xml.elements(describe(call, domain, call.has("inactive")), "devices/disk");
        if (call.has("json")) {
            call.session().json(disks.stream().map(disk -> {
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("type", Xml.attribute(disk, "type").orElse(""));
                row.put("device", Xml.attribute(disk, "device").orElse("disk"));
                row.put("target", Disks.target(disk));
                if (!Disks.source(disk).equals("-")) row.put("source", Disks.source(disk));
                return row;
            }).toList());
            return;
        }
        boolean details = call.has("details");
        Table table = details ? new Table("Type", "Device", "Target", "Source") : new Table("Target", "Source");
        for (Element disk : disks) {
            if (details) {
                table.row(Xml.attribute(disk, "type").orElse("-"), Xml.attribute(disk, "device").orElse("disk"), Disks.target(disk),
                        Disks.source(disk));
            } else {
                table.row(Disks.target(disk), Disks.source(disk));
            }
        }
        call.session().print(table);
    }

    /// A counter of a disk's: libvirt's name, virsh's, and in words.
    private record Counter(String field, String name, String words) {}

    private static final List<Counter> COUNTERS = List.of(
            new Counter("rd_operations", "rd_req", "number of read operations:"),
            new Counter("rd_bytes", "rd_bytes", "number of bytes read:"),
            new Counter("wr_operations", "wr_req", "number of write operations:"),
            new Counter("wr_bytes", "wr_bytes", "number of bytes written:"),
            new Counter("errs", "errs", "error count:"),
            new Counter("flush_operations", "flush_operations", "number of flush operations:"),
            new Counter("rd_total_times", "rd_total_times", "total duration of reads (ns):"),
            new Counter("wr_total_times", "wr_total_times", "total duration of writes (ns):"),
            new Counter("flush_total_times", "flush_total_times", "total duration of flushes (ns):"));

    private static void blockStatistics(Call call) {
        Session session = call.session();
        DomainRef domain = Lookup.domain(call);
        String disk = call.text("device").orElse("");
        List<TypedParameter> counted = counters(session, domain, disk);
        if (call.has("human")) session.print("Device: %s\n".formatted(disk));
        for (Counter counter : COUNTERS) {
            for (TypedParameter each : counted) {
                if (!each.field().equals(counter.field())) continue;
                session.print(call.has("human") ? " %-31s %s\n".formatted(counter.words(), each.asText())
                        : "%s %s %s\n".formatted(disk, counter.name(), each.asText()).stripLeading());
            }
        }
    }

    /// All counters, or of a daemon that has not all those it has.
    private static List<TypedParameter> counters(Session session, DomainRef domain, String disk) {
        try {
            return session.parameters(DomainDevices.BLOCK_STATS_FLAGS,
                    room -> new DomainDevices.BlockStatsQuery(domain, disk, room, Session.TEXTS));
        } catch (LibvirtException e) {
            if (e.code() != ErrorCode.NO_SUPPORT) throw e;
            DomainDevices.BlockStats stats = session.call(DomainDevices.BLOCK_STATS, new DomainText(domain, disk));
            return List.of(
                    TypedParameter.ofLong("rd_operations", stats.readRequests()), TypedParameter.ofLong("rd_bytes", stats.readBytes()),
                    TypedParameter.ofLong("wr_operations", stats.writeRequests()), TypedParameter.ofLong("wr_bytes", stats.writeBytes()),
                    TypedParameter.ofLong("errs", stats.errors()));
        }
    }

    // ---- interfaces and consoles

    private static void interfaceList(Call call) {
        DomainRef domain = Lookup.domain(call);
        List<List<String>> rows = Xml.elements(describe(call, domain, call.has("inactive")), "devices/interface").stream()
                .map(each -> {
                    String type = Xml.attribute(each, "type").orElse("-");
                    return List.of(Xml.attribute(each, "target", "dev").orElse("-"), type,
                            Xml.attribute(each, "source", type.equals("direct") ? "dev" : type).orElse("-"),
                            Xml.attribute(each, "model", "type").orElse("-"), Xml.attribute(each, "mac", "address").orElse("-"));
                }).toList();
        if (call.has("json")) {
            List<String> names = List.of("interface", "type", "source", "model", "mac");
            call.session().json(rows.stream().map(row -> {
                Map<String, Object> object = new LinkedHashMap<>();
                for (int n = 0; n < names.size(); n++) {
                    if (!row.get(n).equals("-")) object.put(names.get(n), row.get(n));
                }
                return object;
            }).toList());
            return;
        }
        Table table = new Table("Interface", "Type", "Source", "Model", "MAC");
        rows.forEach(table::row);
        call.session().print(table);
    }

    private static void interfaceStatistics(Call call) {
        DomainRef domain = Lookup.domain(call);
        String name = call.given("interface");
        DomainDevices.InterfaceStats stats;
        try {
            stats = call.session().call(DomainDevices.INTERFACE_STATS, new DomainText(domain, name));
        } catch (LibvirtException e) {
            throw new Failure("Failed to get interface stats %s %s".formatted(domain.name(), name), e);
        }
        List<String> names = List.of("rx_bytes", "rx_packets", "rx_errs", "rx_drop", "tx_bytes", "tx_packets", "tx_errs", "tx_drop");
        long[] values = {stats.rxBytes(), stats.rxPackets(), stats.rxErrors(), stats.rxDrop(), stats.txBytes(), stats.txPackets(),
            stats.txErrors(), stats.txDrop()};
        for (int n = 0; n < values.length; n++) {
            if (values[n] >= 0) call.session().print("%s %s %d\n".formatted(name, names.get(n), values[n]));
        }
    }

    private static void link(Call call) {
        DomainRef domain = Lookup.domain(call);
        String name = call.given("interface");
        Element found = Xml.elements(describe(call, domain, call.has("config")), "devices/interface").stream()
                .filter(each -> Xml.attribute(each, "target", "dev").orElse("").equals(name)
                        || Xml.attribute(each, "mac", "address").orElse("").equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new Failure("Interface (%s: %s) not found.".formatted(name.contains(":") ? "mac" : "dev", name)));
        call.session().print("%s %s\n".formatted(name, Xml.attribute(found, "link", "state").orElse("up")));
    }

    private static void ttyConsole(Call call) {
        Element root = describe(call, Lookup.domain(call), false);
        call.session().print(Xml.attribute(root, "devices/console", "tty").orElseThrow(() -> new Failure("")) + "\n");
    }
}
