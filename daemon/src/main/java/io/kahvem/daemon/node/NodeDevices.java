package io.kahvem.daemon.node;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// The host's devices, by libvirt's names for them: the computer itself, PCI functions, network interfaces.
public final class NodeDevices {
    private static final String NET = "sys/class/net/";
    private static final String PCI = "sys/bus/pci/devices/";

    private final HostNode node;
    private final UUID hostUuid;

    public NodeDevices(HostNode node, UUID hostUuid) {
        this.node = node;
        this.hostUuid = hostUuid;
    }

    /// The kinds of devices by libvirt's names, each with its bit of virConnectListAllNodeDeviceFlags.
    private enum Kind {
        SYSTEM("system", 1), PCI_FUNCTION("pci", 1 << 1), INTERFACE("net", 1 << 4);

        private final String id;
        private final int flag;

        Kind(String id, int flag) {
            this.id = id;
            this.flag = flag;
        }
    }

    private static final int KINDS = (1 << 21) - 1;

    private record Device(String name, Kind kind, Optional<String> parent, String source) {}

    private List<Device> all() {
        List<Device> devices = new ArrayList<>();
        devices.add(new Device("computer", Kind.SYSTEM, Optional.empty(), ""));
        for (String address : node.files().names("sys/bus/pci/devices")) {
            devices.add(new Device("pci_" + address.replaceAll("[:.]", "_"), Kind.PCI_FUNCTION, Optional.of("computer"), address));
        }
        for (String iface : node.files().names("sys/class/net")) {
            String mac = node.files().text(NET + iface + "/address").orElse("");
            if (mac.isEmpty()) continue;
            devices.add(new Device("net_%s_%s".formatted(iface, mac).replaceAll("[^A-Za-z0-9]", "_"), Kind.INTERFACE,
                    Optional.of("computer"), iface));
        }
        return devices;
    }

    /// The names of those of the kinds in `flags`, or of all.
    public List<String> list(int flags) {
        int kinds = flags & KINDS;
        return all().stream().filter(device -> kinds == 0 || (device.kind().flag & kinds) != 0).map(Device::name).toList();
    }

    /// The names of those of one kind, or of all.
    public List<String> list(Optional<String> kind) {
        return all().stream().filter(device -> kind.isEmpty() || kind.get().equals(device.kind().id)).map(Device::name).toList();
    }

    public String parent(String name) {
        return find(name).parent().orElse("");
    }

    public String kind(String name) {
        return find(name).kind().id;
    }

    /// Throws [LibvirtException] where there is none of that name.
    private Device find(String name) {
        return all().stream().filter(device -> device.name().equals(name)).findFirst().orElseThrow(() -> LibvirtException.of(
                ErrorCode.NO_NODE_DEVICE, ErrorDomain.NODEDEV, "no node device with matching name '%s'".formatted(name)));
    }

    /// The document of `virsh nodedev-dumpxml` (nodedev.rng).
    public String describe(String name) {
        Device device = find(name);
        Element root = new Element("device").add(new Element("name", device.name()));
        path(device).ifPresent(path -> root.add(new Element("path", path)));
        device.parent().ifPresent(parent -> root.add(new Element("parent", parent)));
        Element capability = new Element("capability").with("type", device.kind().id);
        switch (device.kind()) {
            case SYSTEM -> system(capability);
            case PCI_FUNCTION -> pci(capability, device.source());
            case INTERFACE -> net(capability, device.source());
        }
        return root.add(capability).toString();
    }

    private Optional<String> path(Device device) {
        String directory = device.kind() == Kind.PCI_FUNCTION ? PCI : NET;
        if (device.source().isEmpty()) return Optional.empty();
        try {
            return Optional.of(node.files().path(directory + device.source()).toRealPath().toString());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private void system(Element capability) {
        Element hardware = new Element("hardware");
        dmi("sys_vendor").ifPresent(vendor -> hardware.add(new Element("vendor", vendor)));
        dmi("product_version").ifPresent(version -> hardware.add(new Element("version", version)));
        dmi("product_serial").ifPresent(serial -> hardware.add(new Element("serial", serial)));
        hardware.add(new Element("uuid", hostUuid));
        Element firmware = new Element("firmware");
        dmi("bios_vendor").ifPresent(vendor -> firmware.add(new Element("vendor", vendor)));
        dmi("bios_version").ifPresent(version -> firmware.add(new Element("version", version)));
        dmi("bios_date").ifPresent(date -> firmware.add(new Element("release_date", date)));
        dmi("product_name").ifPresent(product -> capability.add(new Element("product", product)));
        capability.add(hardware).add(firmware);
    }

    private Optional<String> dmi(String name) {
        return node.files().text("sys/class/dmi/id/" + name).filter(text -> !text.isEmpty());
    }

    private void pci(Element capability, String address) {
        String[] parts = address.split("[:.]");
        String directory = PCI + address + "/";
        node.files().text(directory + "class").ifPresent(value -> capability.add(new Element("class", value)));
        String[] names = {"domain", "bus", "slot", "function"};
        for (int n = 0; n < names.length; n++) capability.add(new Element(names[n], Integer.parseInt(parts[n], 16)));
        capability.add(new Element("product").with("id", node.files().text(directory + "device").orElse("0x0000")));
        capability.add(new Element("vendor").with("id", node.files().text(directory + "vendor").orElse("0x0000")));
    }

    private void net(Element capability, String iface) {
        capability.add(new Element("interface", iface));
        capability.add(new Element("address", node.files().text(NET + iface + "/address").orElse("")));
        capability.add(link(iface));
    }

    private Element link(String iface) {
        String state = node.files().text(NET + iface + "/operstate").orElse("unknown");
        Element link = new Element("link");
        node.files().text(NET + iface + "/speed").filter(speed -> speed.matches("\\d+")).ifPresent(speed -> link.with("speed", speed));
        return link.with("state", state);
    }

    // ---- the same interfaces as `virsh iface-list` shows them

    /// An interface of the host's.
    public record Interface(String name, String mac, boolean active) {}

    public List<Interface> interfaces() {
        List<Interface> interfaces = new ArrayList<>();
        for (String name : node.files().names("sys/class/net")) {
            Optional<String> mac = node.files().text(NET + name + "/address");
            // IFF_UP, which administrators set, and not whether there is a carrier.
            boolean up = node.files().text(NET + name + "/flags").filter(flags -> (Integer.decode(flags) & 1) != 0).isPresent();
            mac.ifPresent(address -> interfaces.add(new Interface(name, address, up)));
        }
        return interfaces;
    }

    /// The document of `virsh iface-dumpxml` (interface.rng).
    public String describeInterface(String name) {
        Interface found = interfaces().stream().filter(each -> each.name().equals(name)).findFirst().orElseThrow(() ->
                LibvirtException.of(ErrorCode.NO_INTERFACE, ErrorDomain.INTERFACE, "couldn't find interface named '%s'".formatted(name)));
        Element root = new Element("interface").with("type", "ethernet").with("name", name);
        root.add(link(name));
        return root.add(new Element("mac").with("address", found.mac())).toString();
    }
}
