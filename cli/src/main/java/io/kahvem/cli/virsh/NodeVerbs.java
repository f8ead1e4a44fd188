package io.kahvem.cli.virsh;

import static io.kahvem.cli.virsh.Rows.*;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.InterfaceRef;
import io.kahvem.libvirt.protocol.Common.ListAll;
import io.kahvem.libvirt.protocol.Common.NodeDeviceRef;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.TextFlags;
import io.kahvem.libvirt.protocol.Nodes;
import io.kahvem.libvirt.protocol.Procedure;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The host's devices and network interfaces.
final class NodeVerbs {
    private static final int DEVICE_INACTIVE = 1 << 30;
    private static final int DEVICE_ACTIVE = 1 << 31;

    /// The kinds of devices; their places are the bits of the filter.
    private static final List<String> KINDS = List.of("system", "pci", "usb_device", "usb", "net", "scsi_host", "scsi_target", "scsi",
            "storage", "fc_host", "vports", "scsi_generic", "drm", "mdev_types", "mdev", "ccw", "css", "vdpa", "ap_card", "ap_queue",
            "ap_matrix", "vpd");

    static final List<Verb> TABLE = List.of(
            Verb.of(Group.INTERFACE, "iface-dumpxml", "Print an interface's description.",
                    call -> Xml.print(call, call.session().call(Nodes.INTERFACE_GET_XML_DESC,
                            new Nodes.InterfaceFlags(Lookup.hostInterface(call), call.has("inactive") ? 1 : 0)).text()),
                    "<interface> The interface: its name or MAC address.", "--inactive As it is defined.", XPATH, WRAP),
            Verb.of(Group.INTERFACE, "iface-list", "List the host's interfaces.", NodeVerbs::interfaces, "--inactive Those that are down.",
                    "--all All of them."),
            Verb.of(Group.INTERFACE, "iface-mac", "Print an interface's MAC address.",
                    call -> call.session().print(Lookup.hostInterface(call).mac() + "\n"), "<interface> The interface's name."),
            Verb.of(Group.INTERFACE, "iface-name", "Print the name of the interface with a MAC address.",
                    call -> call.session().print(Lookup.hostInterface(call).name() + "\n"), "<interface> The MAC address."),
            Verb.of(Group.NODEDEV, "nodedev-dumpxml", "Print a device's description.",
                    call -> Xml.print(call,
                            call.session().call(Nodes.DEVICE_GET_XML_DESC, new TextFlags(Lookup.nodeDevice(call), 0)).text()),
                    "<device> The device's name.", XPATH, WRAP),
            Verb.of(Group.NODEDEV, "nodedev-info", "Say how a device stands.", NodeVerbs::deviceInfo, "<device> The device's name."),
            Verb.of(Group.NODEDEV, "nodedev-list", "List the host's devices.", NodeVerbs::devices, "--tree As a tree.",
                    "[cap] Only those of these kinds, with commas: pci, net, storage ...", "--inactive Those that are not there.",
                    "--all All of them."));

    private NodeVerbs() {}

    private static void interfaces(Call call) {
        int flags = call.has("all") ? 3 : call.has("inactive") ? 1 : 2;
        List<InterfaceRef> interfaces =
                new ArrayList<>(call.session().call(Nodes.LIST_ALL_INTERFACES, new ListAll(1, flags)).interfaces());
        interfaces.sort(Comparator.comparing(InterfaceRef::name, String.CASE_INSENSITIVE_ORDER));
        Table table = new Table("Name", "State", "MAC Address");
        for (InterfaceRef each : interfaces) {
            boolean active = call.session().call(Nodes.INTERFACE_IS_ACTIVE, new Nodes.InterfaceArg(each)).value() != 0;
            table.row(each.name(), active ? "active" : "inactive", each.mac());
        }
        call.session().print(table);
    }

    private static void deviceInfo(Call call) {
        Session session = call.session();
        String name = Lookup.nodeDevice(call);
        session.print(Lines.pair("Name:", name)
                + Lines.pair("Parent:", session.call(Nodes.DEVICE_GET_PARENT, new Text(name)).text().orElse(""))
                + Lines.pair("Active:", truth(session, Nodes.DEVICE_IS_ACTIVE, name, "yes"))
                + Lines.pair("Persistent:", truth(session, Nodes.DEVICE_IS_PERSISTENT, name, "yes"))
                + Lines.pair("Autostart:", truth(session, Nodes.DEVICE_GET_AUTOSTART, name, "no autostart")));
    }

    /// @param otherwise what holds where the daemon's driver knows no such thing
    private static String truth(Session session, Procedure<Text, IntValue> procedure, String device, String otherwise) {
        try {
            return session.call(procedure, new Text(device)).value() != 0 ? "yes" : "no";
        } catch (LibvirtException e) {
            if (e.code() == ErrorCode.NO_SUPPORT) return otherwise;
            throw e;
        }
    }

    private static void devices(Call call) {
        Session session = call.session();
        boolean tree = call.has("tree");
        if (tree && (call.has("cap") || call.has("inactive") || call.has("all"))) {
            throw new Failure("Option --tree is incompatible with --cap and --inactive");
        }
        int flags = call.has("all") ? DEVICE_ACTIVE | DEVICE_INACTIVE : call.has("inactive") ? DEVICE_INACTIVE : DEVICE_ACTIVE;
        for (String kind : call.text("cap").map(text -> text.split(",")).orElse(new String[0])) {
            int bit = KINDS.indexOf(kind);
            if (bit < 0) throw new Failure("Invalid capability type");
            flags |= 1 << bit;
        }
        List<String> names = new ArrayList<>();
        try {
            for (NodeDeviceRef each : session.call(Nodes.LIST_ALL_DEVICES, new ListAll(1, flags)).devices()) names.add(each.name());
        } catch (LibvirtException e) {
            throw new Failure("Failed to list node devices", e);
        }
        names.sort(String.CASE_INSENSITIVE_ORDER);
        if (!tree) {
            for (String each : names) session.print(each + "\n");
            return;
        }
        Map<String, String> parents = new LinkedHashMap<>();
        for (String each : names) parents.put(each, session.call(Nodes.DEVICE_GET_PARENT, new Text(each)).text().orElse(""));
        for (String each : names) {
            if (!parents.containsKey(parents.get(each))) branch(session, parents, each, "", "", true);
        }
    }

    /// A device, and below it those whose parent it is.
    ///
    /// @param lead what stands before it
    /// @param rest what stands before those below it
    /// @param last whether it is the last below its own parent
    private static void branch(Session session, Map<String, String> parents, String name, String lead, String rest, boolean last) {
        session.print(lead + name + "\n");
        List<String> children = parents.entrySet().stream().filter(each -> each.getValue().equals(name)).map(Map.Entry::getKey).toList();
        if (!children.isEmpty()) session.print(rest + "  |\n");
        for (int n = 0; n < children.size(); n++) {
            boolean lastChild = n == children.size() - 1;
            branch(session, parents, children.get(n), rest + "  +- ", rest + (lastChild ? "    " : "  | "), lastChild);
        }
        if (children.isEmpty() && last) session.print(rest + "\n");
    }
}
