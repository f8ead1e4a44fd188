package io.kahvem.cli.virsh;

import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.NotFoundException;
import io.kahvem.libvirt.protocol.Common.DomainRef;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.VolumeRef;
import io.kahvem.libvirt.protocol.Domains;
import io.kahvem.libvirt.protocol.Domains.DomainFlags;
import io.kahvem.libvirt.protocol.Storage;
import io.kahvem.libvirt.protocol.Storage.VolumeFlags;
import java.util.ArrayList;
import java.util.List;
import org.w3c.dom.Element;

/// The volumes of a machine that go with its definition.
final class DomainVolumes {
    private final List<Entry> entries = new ArrayList<>();

    private DomainVolumes() {}

    private record Entry(String target, String path, VolumeRef volume) {}

    static DomainVolumes toRemove(Call call, DomainRef domain) {
        DomainVolumes volumes = new DomainVolumes();
        call.exclusive("remove-all-storage", "storage");
        boolean all = call.has("remove-all-storage");
        List<String> wanted = new ArrayList<>(call.text("storage").map(text -> List.of(text.split(","))).orElse(List.of()));
        if (!all && wanted.isEmpty()) return volumes;
        if (domain.id() >= 0) throw new Failure("Storage volume deletion is supported only on stopped domains");
        Session session = call.session();
        Element root = Xml.parse(session.call(Domains.GET_XML_DESC, new DomainFlags(domain, 0)).text());
        for (Element disk : Xml.elements(root, "devices/disk")) {
            String target = Xml.attribute(disk, "target", "dev").orElse("");
            String path = Disks.source(disk);
            boolean named = wanted.remove(target) | wanted.remove(path);
            if (path.equals("-") || !(all || named)) continue;
            try {
                volumes.entries.add(new Entry(target, path, session.call(Storage.VOL_LOOKUP_BY_PATH, new Text(path))));
            } catch (NotFoundException e) {
                session.error("Storage volume '%s'(%s) is not managed by libvirt. Remove it manually.\n".formatted(target, path));
            }
        }
        if (!wanted.isEmpty()) throw new Failure("Volume '%s' was not found in domain's definition.".formatted(wanted.getFirst()));
        return volumes;
    }

    void remove(Session session, boolean wipe) {
        for (Entry each : entries) {
            try {
                if (wipe) {
                    session.say("Wiping volume '%s'(%s) ... ".formatted(each.target(), each.path()));
                    session.flush();
                    session.call(Storage.VOL_WIPE, new VolumeFlags(each.volume(), 0));
                    session.say("Done.\n");
                }
                session.call(Storage.VOL_DELETE, new VolumeFlags(each.volume(), 0));
            } catch (LibvirtException e) {
                throw new Failure("Failed to remove storage volume '%s'(%s)".formatted(each.target(), each.path()), e);
            }
            session.say("Volume '%s'(%s) removed.\n".formatted(each.target(), each.path()));
        }
    }
}
