package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.cli.Progress;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.NotFoundException;
import io.kahvem.libvirt.RpcStream;
import io.kahvem.libvirt.protocol.Common.PoolRef;
import io.kahvem.libvirt.protocol.Common.VolumeRef;
import io.kahvem.libvirt.protocol.Storage;
import io.kahvem.libvirt.protocol.Storage.VolumeArg;
import io.kahvem.libvirt.protocol.Storage.VolumeFlags;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.w3c.dom.Element;

/// Volumes.
final class VolumeVerbs {
    private static final int SPARSE = 1;
    private static final int CHUNK = 256 << 10;
    private static final List<String> TYPES = List.of("file", "block", "dir", "network", "netdir", "ploop");
    private static final List<String> WIPES =
            List.of("zero", "nnsa", "dod", "bsi", "gutmann", "schneier", "pfitzner7", "pfitzner33", "random", "trim");
    private static final Map<String, Integer> CREATE_FLAGS = Map.of("prealloc-metadata", 1, "reflink", 2, "validate", 4);
    private static final Map<String, Integer> RESIZE_FLAGS = Map.of("allocate", 1, "delta", 2, "shrink", 4);
    private static final String PREALLOCATE = "--prealloc-metadata Write all of qcow2's tables now.";
    private static final String REFLINK = "--reflink Share the file system's blocks with the other.";
    private static final String[] RANGE = {"[offset:number] Begin so far into the volume.", "[length:number] Move so much.",
        "--sparse Leave out holes."};

    static final List<Verb> TABLE = List.of(
            volume("vol-clone", "Copy a volume.", VolumeVerbs::copy, VOLUME, "<newname> The copy's name.", IN_POOL, PREALLOCATE, REFLINK,
                    "--print-xml Print the copy's description and leave it."),
            volume("vol-create", "Make a volume from a file's description.", VolumeVerbs::create, POOL, FILE, PREALLOCATE,
                    "--validate Check the file against the schema first."),
            volume("vol-create-as", "Make a volume from these words.", VolumeVerbs::createAs, POOL, "<name> The volume's name.",
                    "<capacity> Its size; a bare number is bytes.", "[allocation] How much of it to set aside now.",
                    "[format] raw, qcow2 ...", "[backing-vol] The volume below it.", "[backing-vol-format] That one's format.", PREALLOCATE,
                    "--print-xml Print its description and leave it."),
            volume("vol-create-from", "Make a volume with another's content.", VolumeVerbs::createFrom, POOL, FILE,
                    "<vol> The other volume: its name, key or path.", "[inputpool] The pool it is in.", PREALLOCATE, REFLINK,
                    "--validate Check the file against the schema first."),
            volume("vol-delete", "Remove a volume.", VolumeVerbs::delete, VOLUME, IN_POOL,
                    "--delete-snapshots Its snapshots too."),
            volume("vol-download", "Write a volume's content into a file.", VolumeVerbs::download, VOLUME, FILE, IN_POOL,
                    RANGE[0], RANGE[1], RANGE[2]),
            volume("vol-dumpxml", "Print a volume's description.", call -> Xml.print(call,
                    call.session().call(Storage.VOL_GET_XML_DESC, new VolumeFlags(Lookup.volume(call), 0)).text()),
                    VOLUME, IN_POOL, XPATH, WRAP),
            volume("vol-info", "Say how large a volume is.", VolumeVerbs::info, VOLUME, IN_POOL, "--bytes Sizes in bytes.",
                    "--physical The file's size, not what is used of it.", Verb.JSON),
            volume("vol-key", "Print a volume's key.", call -> call.session().print(Lookup.volume(call).key() + "\n"), VOLUME, IN_POOL),
            volume("vol-list", "List a pool's volumes.", VolumeVerbs::list, POOL, "--details What they are too.", Verb.JSON),
            volume("vol-name", "Print a volume's name.", call -> call.session().print(Lookup.volume(call).name() + "\n"), VOLUME),
            volume("vol-path", "Print a volume's path.", call -> call.session().print(
                    call.session().call(Storage.VOL_GET_PATH, new VolumeArg(Lookup.volume(call))).text() + "\n"), VOLUME, IN_POOL),
            volume("vol-pool", "Print which pool a volume is in.", VolumeVerbs::poolOf, VOLUME, "--uuid Its UUID, not its name."),
            volume("vol-resize", "Change a volume's size.", VolumeVerbs::resize, VOLUME, "<capacity> Its size; a bare number is bytes.",
                    IN_POOL, "--allocate Set the room aside now.", "--delta By so much.", "--shrink Also to less."),
            volume("vol-upload", "Write a file's content into a volume.", VolumeVerbs::upload, VOLUME, FILE, IN_POOL, RANGE[0], RANGE[1],
                    RANGE[2]),
            volume("vol-wipe", "Overwrite a volume.", VolumeVerbs::wipe, VOLUME, IN_POOL, "[algorithm] How: zero, nnsa, dod ..."));

    private VolumeVerbs() {}

    private static Verb volume(String name, String summary, Verb.Action action, String... rows) {
        return Verb.of(Group.VOLUME, name, summary, action, rows);
    }

    // ---- making and removing

    private static void create(Call call) {
        PoolRef pool = Lookup.pool(call);
        String file = call.given("file");
        try {
            VolumeRef made = call.session().call(Storage.VOL_CREATE_XML,
                    new Storage.PoolTextFlags(pool, call.file("file"), call.flags(CREATE_FLAGS)));
            call.session().say("Vol %s created from %s\n".formatted(made.name(), file));
        } catch (LibvirtException e) {
            throw new Failure("Failed to create vol from " + file, e);
        }
    }

    private static void createAs(Call call) {
        Session session = call.session();
        PoolRef pool = Lookup.pool(call);
        String name = call.given("name");
        StringBuilder xml = new StringBuilder("<volume>\n  <name>%s</name>\n".formatted(Xml.escape(name)));
        xml.append("  <capacity>%d</capacity>\n".formatted(size(call, "capacity").orElseThrow()));
        size(call, "allocation").ifPresent(bytes -> xml.append("  <allocation>%d</allocation>\n".formatted(bytes)));
        call.text("format").ifPresent(format ->
                xml.append("  <target>\n    <format type='%s'/>\n  </target>\n".formatted(Xml.escape(format))));
        call.text("backing-vol").ifPresent(backing -> {
            VolumeRef below;
            try {
                below = session.call(Storage.VOL_LOOKUP_BY_NAME, new Storage.PoolText(pool, backing));
            } catch (NotFoundException e) {
                below = Lookup.volume(session, backing, Optional.empty());
            }
            String path = session.call(Storage.VOL_GET_PATH, new VolumeArg(below)).text();
            xml.append("  <backingStore>\n    <path>%s</path>\n".formatted(Xml.escape(path)));
            call.text("backing-vol-format").ifPresent(format -> xml.append("    <format type='%s'/>\n".formatted(Xml.escape(format))));
            xml.append("  </backingStore>\n");
        });
        xml.append("</volume>\n");
        if (call.has("print-xml")) {
            session.print(xml.toString());
            return;
        }
        try {
            VolumeRef made = session.call(Storage.VOL_CREATE_XML,
                    new Storage.PoolTextFlags(pool, xml.toString(), call.flags(CREATE_FLAGS)));
            session.say("Vol %s created\n".formatted(made.name()));
        } catch (LibvirtException e) {
            throw new Failure("Failed to create vol " + name, e);
        }
    }

    private static Optional<Long> size(Call call, String option) {
        try {
            return call.bytes(option, 1);
        } catch (Failure e) {
            throw new Failure("Malformed size " + call.given(option), e.getCause() instanceof Failure why ? why : null);
        }
    }

    private static void createFrom(Call call) {
        PoolRef pool = Lookup.pool(call);
        String file = call.given("file");
        VolumeRef source = Lookup.volume(call.session(), call.given("vol"), call.text("inputpool"));
        try {
            VolumeRef made = call.session().call(Storage.VOL_CREATE_XML_FROM,
                    new Storage.CreateFrom(pool, call.file("file"), source, call.flags(CREATE_FLAGS)));
            call.session().say("Vol %s created from input vol %s\n".formatted(made.name(), source.name()));
        } catch (LibvirtException e) {
            throw new Failure("Failed to create vol from " + file, e);
        }
    }

    private static void copy(Call call) {
        Session session = call.session();
        VolumeRef source = Lookup.volume(call);
        PoolRef pool;
        try {
            pool = session.call(Storage.POOL_LOOKUP_BY_VOLUME, new VolumeArg(source));
        } catch (LibvirtException e) {
            throw new Failure("failed to get parent pool", e);
        }
        Element xml = Xml.parse(session.call(Storage.VOL_GET_XML_DESC, new VolumeFlags(source, 0)).text());
        Xml.element(xml, "name").ifPresent(each -> each.setTextContent(call.given("newname")));
        if (call.has("print-xml")) {
            session.print(Xml.text(xml));
            return;
        }
        try {
            VolumeRef made = session.call(Storage.VOL_CREATE_XML_FROM,
                    new Storage.CreateFrom(pool, Xml.text(xml), source, call.flags(CREATE_FLAGS)));
            session.say("Vol %s cloned from %s\n".formatted(made.name(), source.name()));
        } catch (LibvirtException e) {
            throw new Failure("Failed to clone vol from " + source.name(), e);
        }
    }

    private static void delete(Call call) {
        VolumeRef volume = Lookup.volume(call);
        String name = call.given("vol");
        try {
            call.session().call(Storage.VOL_DELETE, new VolumeFlags(volume, call.has("delete-snapshots") ? 2 : 0));
        } catch (LibvirtException e) {
            throw new Failure("Failed to delete vol " + name, e);
        }
        call.session().say("Vol %s deleted\n".formatted(name));
    }

    private static void wipe(Call call) {
        VolumeRef volume = Lookup.volume(call);
        String name = call.given("vol");
        int algorithm = call.text("algorithm").map(WIPES::indexOf).orElse(0);
        if (algorithm < 0) throw new Failure("Unsupported algorithm '%s'".formatted(call.given("algorithm")));
        try {
            if (call.has("algorithm")) {
                call.session().call(Storage.VOL_WIPE_PATTERN, new Storage.WipePattern(volume, algorithm, 0));
            } else {
                call.session().call(Storage.VOL_WIPE, new VolumeFlags(volume, 0));
            }
        } catch (LibvirtException e) {
            throw new Failure("Failed to wipe vol " + name, e);
        }
        call.session().say("Vol %s wiped\n".formatted(name));
    }

    private static void resize(Call call) {
        VolumeRef volume = Lookup.volume(call);
        String text = call.given("capacity");
        boolean minus = text.startsWith("-");
        if (minus && !(call.has("delta") && call.has("shrink"))) {
            throw new Failure("negative size requires --delta and --shrink");
        }
        if (minus) call.values().put("capacity", List.of(text.substring(1)));
        long bytes = call.bytes("capacity", 1).orElseThrow();
        String by = call.has("delta") ? "by" : "to";
        try {
            call.session().call(Storage.VOL_RESIZE, new Storage.Resize(volume, bytes, call.flags(RESIZE_FLAGS)));
        } catch (LibvirtException e) {
            throw new Failure("Failed to change size of volume '%s' %s %s".formatted(volume.name(), by, text), e);
        }
        call.session().say("Size of volume '%s' successfully changed %s %s\n".formatted(volume.name(), by, text));
    }

    // ---- showing

    private static void poolOf(Call call) {
        PoolRef pool;
        try {
            pool = call.session().call(Storage.POOL_LOOKUP_BY_VOLUME, new VolumeArg(Lookup.volume(call)));
        } catch (LibvirtException e) {
            throw new Failure("failed to get parent pool", e);
        }
        call.session().print((call.has("uuid") ? pool.uuid().toString() : pool.name()) + "\n");
    }

    private static Storage.VolumeInfo measure(Session session, VolumeRef volume, boolean physical) {
        return physical ? session.call(Storage.VOL_GET_INFO_FLAGS, new VolumeFlags(volume, 1))
                : session.call(Storage.VOL_GET_INFO, new VolumeArg(volume));
    }

    private static void info(Call call) {
        Session session = call.session();
        VolumeRef volume = Lookup.volume(call);
        Storage.VolumeInfo info = measure(session, volume, call.has("physical"));
        if (call.has("json")) {
            session.json(object(volume, info, call.has("physical")));
            return;
        }
        boolean bytes = call.has("bytes");
        session.print(Lines.pair("Name:", volume.name()) + Lines.pair("Type:", Lines.at(TYPES, info.type(), "unknown"))
                + Lines.pair("Capacity:", size(info.capacity(), bytes))
                + Lines.pair(call.has("physical") ? "Physical:" : "Allocation:", size(info.allocation(), bytes)));
    }

    private static String size(long bytes, boolean plain) {
        return plain ? bytes + " bytes" : Lines.size(bytes);
    }

    private static Map<String, Object> object(VolumeRef volume, Storage.VolumeInfo info, boolean physical) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("name", volume.name());
        object.put("path", volume.key());
        object.put("type", Lines.at(TYPES, info.type(), "unknown"));
        object.put("capacity", info.capacity());
        object.put(physical ? "physical" : "allocation", info.allocation());
        return object;
    }

    private static void list(Call call) {
        Session session = call.session();
        PoolRef pool = Lookup.pool(call);
        List<VolumeRef> volumes;
        try {
            volumes = new ArrayList<>(session.call(Storage.LIST_ALL_VOLUMES, new Storage.PoolListAll(pool, 1, 0)).volumes());
        } catch (LibvirtException e) {
            throw new Failure("Failed to list volumes", e);
        }
        volumes.sort(Comparator.comparing(VolumeRef::name, String.CASE_INSENSITIVE_ORDER));
        if (call.has("json")) {
            session.json(volumes.stream().map(each -> object(each, measure(session, each, false), false)).toList());
            return;
        }
        boolean details = call.has("details");
        Table table = details ? new Table("Name", "Path", "Type", "Capacity", "Allocation") : new Table("Name", "Path");
        for (VolumeRef each : volumes) {
            String path = session.call(Storage.VOL_GET_PATH, new VolumeArg(each)).text();
            if (details) {
                Storage.VolumeInfo info = measure(session, each, false);
                table.row(each.name(), path, Lines.at(TYPES, info.type(), "unknown"), Lines.size(info.capacity()),
                        Lines.size(info.allocation()));
            } else {
                table.row(each.name(), path);
            }
        }
        session.print(table);
    }

    // ---- content

    private static Storage.Transfer transfer(Call call, VolumeRef volume, long length) {
        return new Storage.Transfer(volume, call.bytes("offset", 1).orElse(0L), length, call.has("sparse") ? SPARSE : 0);
    }

    private static void upload(Call call) {
        Session session = call.session();
        String name = call.given("file");
        VolumeRef volume = Lookup.volume(call);
        long length = call.bytes("length", 1).orElse(0L);
        Progress progress = session.progress();
        try (RandomAccessFile file = new RandomAccessFile(name, "r")) {
            long size = length == 0 ? file.length() : Math.min(length, file.length());
            progress.step("uploading " + volume.name());
            try (RpcStream stream = session.stream(Storage.VOL_UPLOAD, transfer(call, volume, length))) {
                byte[] chunk = new byte[CHUNK];
                long done = 0;
                long hole = 0;
                while (done < size) {
                    int count = file.read(chunk, 0, (int) Math.min(chunk.length, size - done));
                    if (count < 0) break;
                    if (call.has("sparse") && isZero(chunk, count)) {
                        hole += count;
                    } else {
                        if (hole > 0) stream.writeHole(hole);
                        hole = 0;
                        stream.write(chunk, 0, count);
                    }
                    done += count;
                    progress.percent(100.0 * done / size);
                }
                if (hole > 0) stream.writeHole(hole);
                stream.finish();
            } catch (LibvirtException e) {
                throw new Failure("cannot upload to volume " + call.given("vol"), e);
            }
        } catch (IOException e) {
            throw new Failure("cannot read %s".formatted(name));
        } finally {
            progress.clear();
        }
    }

    private static boolean isZero(byte[] chunk, int count) {
        for (int n = 0; n < count; n++) {
            if (chunk[n] != 0) return false;
        }
        return true;
    }

    private static void download(Call call) {
        Session session = call.session();
        String name = call.given("file");
        VolumeRef volume = Lookup.volume(call);
        long length = call.bytes("length", 1).orElse(0L);
        Progress progress = session.progress();
        try (RandomAccessFile file = new RandomAccessFile(name, "rw")) {
            file.setLength(0);
            long size = length == 0 ? Math.max(1, measure(session, volume, true).allocation()) : length;
            progress.step("downloading " + volume.name());
            try (RpcStream stream = session.stream(Storage.VOL_DOWNLOAD, transfer(call, volume, length))) {
                long done = 0;
                for (RpcStream.Part part; (part = stream.readPart()) != null; ) {
                    switch (part) {
                        case RpcStream.Data data -> {
                            file.write(data.octets());
                            done += data.octets().length;
                        }
                        case RpcStream.Hole hole -> {
                            done += hole.length();
                            file.setLength(done);
                            file.seek(done);
                        }
                    }
                    progress.percent(Math.min(100, 100.0 * done / size));
                }
                stream.finish();
            } catch (LibvirtException e) {
                throw new Failure("cannot download from volume " + call.given("vol"), e);
            }
        } catch (IOException e) {
            throw new Failure("cannot create %s".formatted(name));
        } finally {
            progress.clear();
        }
    }
}
