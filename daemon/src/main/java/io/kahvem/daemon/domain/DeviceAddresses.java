package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Gives every device of the machine an address that stays its own: root ports and what is built in on the root bus, everything else one
/// to a root port, as libvirt does for q35. Ports that lack are added.
final class DeviceAddresses {
    /// Slots of the root bus: 0 is the host bridge, 0x1f the ICH9's own.
    private static final int FIRST_PORT_SLOT = 1;
    private static final int LAST_PORT_SLOT = 0x1e;
    private static final int FUNCTIONS = 8;
    private static final String SATA = "1f.2";

    private final Element devices;
    private final Map<String, Element> rootBus = new HashMap<>();
    /// The device behind each root port, by the port's index, which is its bus' number too.
    private final Map<Integer, @Nullable Element> behindPorts = new TreeMap<>();

    DeviceAddresses(Element devices) {
        this.devices = devices;
    }

    void assign() {
        for (Element device : devices.children()) claim(device);
        for (Element controller : devices.children("controller")) {
            if (controller.hasAttribute("type", "sata") && controller.child("address") == null) builtIn(controller);
            if (isPort(controller)) port(controller);
        }
        for (Element device : devices.children()) {
            if (isBehindPort(device) && device.child("address") == null) behindPort(device);
        }
        for (Element disk : devices.children("disk")) drive(disk);
    }

    private static boolean isPort(Element device) {
        return device.name().equals("controller") && device.hasAttribute("model", "pcie-root-port");
    }

    private static boolean isBehindPort(Element device) {
        if (DeviceSupport.of(device) != DeviceSupport.Treatment.MACHINE) return false;
        return switch (device.name()) {
            case "disk" -> device.attributeAt("target", "bus").orElse("").equals("virtio");
            case "interface", "rng" -> true;
            case "memballoon" -> !device.hasAttribute("model", "none");
            default -> false;
        };
    }

    /// Notes an address that the description has.
    private void claim(Element device) {
        if (isPort(device)) {
            int index = DeviceFiller.number(device.attribute("index", ""));
            if (index < 1 || index > 0xff) throw Errors.xml("Invalid PCI controller index %d", index);
            behindPorts.putIfAbsent(index, null);
        }
        Element address = device.child("address");
        if (address == null || !address.hasAttribute("type", "pci")) return;
        int bus = DeviceFiller.number(address.attribute("bus", "0"));
        int slot = DeviceFiller.number(address.attribute("slot", "0"));
        int function = DeviceFiller.number(address.attribute("function", "0"));
        Element before = bus == 0 ? rootBus.put(place(slot, function), device) : behindPorts.put(bus, device);
        if (before != null) {
            throw Errors.xml("Attempted double use of PCI Address 0000:%02x:%02x.%x", bus, slot, function);
        }
        if (bus != 0 && slot != 0) throw Errors.xml("Invalid PCI address 0000:%02x:%02x.%x. slot must be <= 0", bus, slot, function);
    }

    private void builtIn(Element sata) {
        sata.add(pci(0, 0x1f, 2, false));
        rootBus.put(SATA, sata);
    }

    private void port(Element port) {
        int index = DeviceFiller.number(port.attribute("index", ""));
        Element address = port.child("address");
        if (address == null) {
            address = freePortAddress();
            port.add(address);
        }
        int slot = DeviceFiller.number(address.attribute("slot", "0"));
        int function = DeviceFiller.number(address.attribute("function", "0"));
        rootBus.put(place(slot, function), port);
        if (port.child("model") == null) port.add(new Element("model").with("name", "pcie-root-port"));
        Element target = port.childOrNew("target");
        target.withDefault("chassis", index).withDefault("port", "0x%x".formatted(slot << 3 | function));
    }

    /// Ports share slots, eight to one; the first of a slot says so.
    private Element freePortAddress() {
        for (int slot = FIRST_PORT_SLOT; slot <= LAST_PORT_SLOT; slot++) {
            for (int function = 0; function < FUNCTIONS; function++) {
                Element first = rootBus.get(place(slot, 0));
                if (function > 0 && (first == null || !isPort(first))) break;
                if (!rootBus.containsKey(place(slot, function))) return pci(0, slot, function, function == 0);
            }
        }
        throw Errors.internal("No more available PCI slots");
    }

    private void behindPort(Element device) {
        Integer free = null;
        for (Map.Entry<Integer, @Nullable Element> port : behindPorts.entrySet()) {
            if (port.getValue() == null) {
                free = port.getKey();
                break;
            }
        }
        if (free == null) free = addPort();
        behindPorts.put(free, device);
        device.add(pci(free, 0, 0, false));
    }

    private int addPort() {
        int index = 1;
        while (behindPorts.containsKey(index)) index++;
        Element port = new Element("controller").with("type", "pci").with("index", index).with("model", "pcie-root-port");
        List<Element> others = devices.children("controller");
        devices.content().add(devices.content().indexOf(others.getLast()) + 1, port);
        behindPorts.put(index, null);
        port(port);
        return index;
    }

    /// A SATA drive's place follows from its name: sda is unit 0, sdb 1.
    private static void drive(Element disk) {
        if (!disk.attributeAt("target", "bus").orElse("").equals("sata") || disk.child("address") != null) return;
        String dev = disk.attributeAt("target", "dev").orElse("");
        int unit = 0;
        for (int n = 2; n < dev.length(); n++) {
            char letter = dev.charAt(n);
            if (letter < 'a' || letter > 'z') throw Errors.xml("Unknown disk name '%s' and no address specified", dev);
            unit = unit * 26 + letter - 'a' + (n < dev.length() - 1 ? 1 : 0);
        }
        disk.add(new Element("address").with("type", "drive").with("controller", unit / 6).with("bus", 0).with("target", 0)
                .with("unit", unit % 6));
    }

    private static String place(int slot, int function) {
        return "%x.%x".formatted(slot, function);
    }

    private static Element pci(int bus, int slot, int function, boolean multifunction) {
        Element address = new Element("address").with("type", "pci").with("domain", "0x0000").with("bus", "0x%02x".formatted(bus))
                .with("slot", "0x%02x".formatted(slot)).with("function", "0x%x".formatted(function));
        return multifunction ? address.with("multifunction", "on") : address;
    }
}
