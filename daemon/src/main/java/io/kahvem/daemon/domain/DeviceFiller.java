package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// What a description leaves out of its devices: controllers, the serial line's console, targets, the balloon, addresses.
final class DeviceFiller {
    private static final SecureRandom RANDOM = new SecureRandom();

    private final Element devices;
    private final MachineTypes types;

    DeviceFiller(Element devices, MachineTypes types) {
        this.devices = devices;
        this.types = types;
    }

    void fill() {
        Element emulator = devices.child("emulator");
        if (emulator == null) devices.add(new Element("emulator", types.emulator()));
        disks();
        controllers();
        for (Element iface : devices.children("interface")) networkInterface(iface);
        characters();
        for (Element graphics : devices.children("graphics")) graphics(graphics);
        if (devices.child("memballoon") == null) devices.add(new Element("memballoon").with("model", "virtio"));
        if (devices.child("graphics") != null && devices.child("audio") == null) {
            devices.add(new Element("audio").with("id", 1).with("type", "none"));
        }
        for (Element device : devices.children()) {
            DomainSchema.arrangeDevice(device);
            DeviceSupport.of(device);
        }
        new DeviceAddresses(devices).assign();
        for (Element device : devices.children()) DomainSchema.arrangeDevice(device);
    }

    // ---- disks

    private void disks() {
        Set<String> targets = new HashSet<>();
        for (Element disk : devices.children("disk")) {
            disk(disk);
            String target = disk.attributeAt("target", "dev").orElseThrow();
            if (!targets.add(target)) throw Errors.xml("target '%s' duplicated for disk sources '%s' and '%s'",
                    target, source(targetOwner(target)), source(disk));
        }
    }

    private Element targetOwner(String target) {
        return devices.children("disk").stream()
                .filter(disk -> target.equals(disk.attributeAt("target", "dev").orElse("")))
                .findFirst().orElseThrow();
    }

    private static String source(Element disk) {
        return disk.attributeAt("source", "file").orElse("(null)");
    }

    /// One disk, as it hangs on its bus.
    static void disk(Element disk) {
        disk.withDefault("type", "file").withDefault("device", "disk");
        String device = disk.attribute("device", "");
        if (!List.of("disk", "cdrom", "floppy", "lun").contains(device)) {
            throw Errors.xml("Invalid value for attribute 'device' in element 'disk': '%s'.", device);
        }
        if (!device.equals("disk") && !device.equals("cdrom")) throw Errors.unsupported("disk device '%s' is not supported", device);
        Element target = disk.child("target");
        String dev = target == null ? null : target.attribute("dev");
        if (target == null || dev == null) throw Errors.xml("missing target dev for disk");
        target.withDefault("bus", dev.startsWith("vd") ? "virtio" : dev.startsWith("hd") ? "ide" : dev.startsWith("fd") ? "fdc" : "sata");
        if (device.equals("cdrom") && target.hasAttribute("bus", "virtio")) {
            throw Errors.unsupported("disk type of '%s' does not support ejectable media", dev);
        }
        Element driver = disk.childOrNew("driver");
        driver.withDefault("name", "qemu").withDefault("type", "raw");
        String format = driver.attribute("type", "");
        if (!List.of("raw", "qcow2").contains(format)) throw Errors.unsupported("unsupported driver format value '%s'", format);
        if (device.equals("cdrom") && disk.child("readonly") == null) disk.add(new Element("readonly"));
        Element source = disk.child("source");
        if (source != null && disk.hasAttribute("type", "file") && source.attribute("file") == null
                && source.attribute("startupPolicy") == null) {
            disk.remove(source);
        }
        if (disk.child("source") == null && device.equals("disk")) throw Errors.xml("missing source information for device %s", dev);
        DomainSchema.arrangeDevice(disk);
    }

    // ---- controllers

    private void controllers() {
        if (devices.children("controller").stream().noneMatch(each -> each.hasAttribute("model", "pcie-root"))) {
            devices.add(new Element("controller").with("type", "pci").with("index", 0).with("model", "pcie-root"));
        }
        boolean sata = devices.children("disk").stream().anyMatch(disk -> "sata".equals(disk.attributeAt("target", "bus").orElse("")));
        if (sata && devices.children("controller").stream().noneMatch(each -> each.hasAttribute("type", "sata"))) {
            devices.add(new Element("controller").with("type", "sata").with("index", 0));
        }
        for (String type : devices.children("controller").stream().map(each -> each.attribute("type", "")).distinct().toList()) {
            index(type);
        }
    }

    /// Numbers the controllers of a kind that have no number.
    private void index(String type) {
        List<Element> controllers = devices.children("controller").stream().filter(each -> each.hasAttribute("type", type)).toList();
        Set<Integer> used = new HashSet<>();
        for (Element controller : controllers) {
            String index = controller.attribute("index");
            if (controller.hasAttribute("model", "pcie-root")) controller.withDefault("index", 0);
            else if (index == null) continue;
            if (!used.add(number(controller.attribute("index", "")))) {
                throw Errors.xml("Multiple '%s' controllers with index '%s'", type, controller.attribute("index", ""));
            }
        }
        int next = 0;
        for (Element controller : controllers) {
            if (controller.attribute("index") == null) {
                while (used.contains(next)) next++;
                used.add(next);
                controller.with("index", next);
            }
            String model = controller.attribute("model");
            String index = controller.attribute("index", "");
            controller.attributes().clear();
            controller.with("type", type).with("index", index);
            if (model != null) controller.with("model", model);
        }
    }

    static int number(String text) {
        try {
            return Integer.decode(text);
        } catch (NumberFormatException e) {
            throw Errors.xml("'%s' is not a number", text);
        }
    }

    // ---- lines, interfaces, pictures

    private static void networkInterface(Element iface) {
        if (iface.attribute("type") == null) throw Errors.xml("Missing required attribute 'type' in element 'interface'");
        if (iface.child("mac") == null) {
            byte[] random = new byte[3];
            RANDOM.nextBytes(random);
            String address = "52:54:00:%02x:%02x:%02x".formatted(random[0], random[1], random[2]);
            iface.add(new Element("mac").with("address", address));
        }
        iface.childOrNew("mac").with("address", iface.attributeAt("mac", "address").orElse("").toLowerCase(Locale.ROOT));
        iface.childOrNew("model").withDefault("type", "virtio");
    }

    /// The first serial line is the first console, whichever of the two is there.
    private void characters() {
        List<Element> consoles = devices.children("console");
        List<Element> serials = devices.children("serial");
        if (serials.isEmpty() && !consoles.isEmpty() && isSerial(consoles.getFirst())) {
            Element console = consoles.getFirst();
            Element serial = new Element("serial").with("type", console.attribute("type", "pty"));
            Element source = console.child("source");
            if (source != null) serial.add(source.copy());
            devices.add(serial);
            serials = List.of(serial);
        }
        for (int n = 0; n < serials.size(); n++) serial(serials.get(n), n);
        if (consoles.isEmpty() && !serials.isEmpty()) {
            devices.add(new Element("console").with("type", serials.getFirst().attribute("type", "pty")));
        }
        int port = 0;
        for (Element console : devices.children("console")) {
            console.attributes().remove("tty");
            console.withDefault("type", "pty");
            Element target = console.childOrNew("target");
            target.withDefault("type", "serial").with("port", port++);
            if (!serials.isEmpty() && isSerial(console) && port == 1) {
                Element serial = serials.getFirst();
                console.with("type", serial.attribute("type", "pty"));
                console.removeAll("source");
                Element source = serial.child("source");
                if (source != null) console.add(source.copy());
            }
        }
        for (Element channel : devices.children("channel")) channel.childOrNew("target").withDefault("type", "virtio");
    }

    private static boolean isSerial(Element console) {
        return console.attributeAt("target", "type").orElse("serial").equals("serial");
    }

    private static void serial(Element serial, int port) {
        serial.withDefault("type", "pty");
        if (serial.hasAttribute("type", "pty")) serial.removeAll("source");
        Element target = serial.childOrNew("target");
        target.attributes().remove("type");
        String at = target.attribute("port", String.valueOf(port));
        target.attributes().clear();
        target.with("type", "isa-serial").with("port", at);
        if (target.child("model") == null) target.add(new Element("model").with("name", "isa-serial"));
    }

    private static void graphics(Element graphics) {
        if (!graphics.hasAttribute("type", "vnc")) return;
        graphics.withDefault("port", -1);
        graphics.withDefault("autoport", graphics.hasAttribute("port", "-1") ? "yes" : "no");
        if (graphics.hasAttribute("autoport", "yes")) graphics.with("port", -1);
        String address = graphics.attribute("listen", "127.0.0.1");
        graphics.with("listen", address);
        if (graphics.child("listen") == null) graphics.add(new Element("listen").with("type", "address").with("address", address));
    }
}
