package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import java.util.HashMap;
import java.util.Map;

/// A description as it is while the machine runs: with aliases, and the places on the host that its process has got.
final class LiveDefinition {
    private LiveDefinition() {}

    static DomainDefinition of(DomainDefinition definition) {
        Element tree = definition.tree();
        Map<String, Integer> counts = new HashMap<>();
        for (Element device : tree.childOrNew("devices").children()) {
            if (device.name().equals("emulator")) continue;
            device.removeAll("alias");
            device.add(new Element("alias").with("name", alias(device, counts)));
            if (device.name().equals("disk")) {
                Element source = device.child("source");
                if (source != null) source.with("index", counts.merge("index", 1, Integer::sum));
            }
            DomainSchema.arrangeDevice(device);
        }
        return DomainDefinition.ofCanonical(tree);
    }

    /// With the pseudo terminal behind the first serial line.
    static DomainDefinition withTerminal(DomainDefinition live, String terminal) {
        if (terminal.isEmpty()) return live;
        Element tree = live.tree();
        Element devices = tree.childOrNew("devices");
        Element serial = devices.child("serial");
        Element console = devices.child("console");
        for (Element line : new Element[] {serial, console}) {
            if (line == null) continue;
            line.removeAll("source");
            line.add(new Element("source").with("path", terminal));
            DomainSchema.arrangeDevice(line);
        }
        if (console != null) {
            console.with("tty", terminal);
            console.removeAll("alias");
            console.add(new Element("alias").with("name", "serial0"));
        }
        return DomainDefinition.ofCanonical(tree);
    }

    /// Names as libvirt gives them (qemuAssignDeviceAliases).
    private static String alias(Element device, Map<String, Integer> counts) {
        return switch (device.name()) {
            case "disk" -> diskAlias(device);
            case "controller" -> controllerAlias(device);
            case "memballoon" -> numbered("balloon", counts);
            case "interface" -> numbered("net", counts);
            default -> numbered(device.name(), counts);
        };
    }

    private static String numbered(String prefix, Map<String, Integer> counts) {
        return prefix + (counts.merge(prefix, 1, Integer::sum) - 1);
    }

    static String diskAlias(Element disk) {
        String dev = disk.attributeAt("target", "dev").orElse("");
        if (disk.attributeAt("target", "bus").orElse("").equals("virtio")) return "virtio-disk" + number(dev.substring(2));
        return "sata%s-%s-%s".formatted(disk.attributeAt("address", "controller").orElse("0"),
                disk.attributeAt("address", "bus").orElse("0"), disk.attributeAt("address", "unit").orElse("0"));
    }

    /// The number that letters are: a is 0, z 25, aa 26.
    private static int number(String letters) {
        int number = 0;
        for (int n = 0; n < letters.length(); n++) number = number * 26 + (letters.charAt(n) - 'a' + 1);
        return number - 1;
    }

    private static String controllerAlias(Element controller) {
        String index = controller.attribute("index", "0");
        return switch (controller.attribute("type", "")) {
            case "pci" -> controller.hasAttribute("model", "pcie-root") ? "pcie." + index : "pci." + index;
            case "sata" -> "ide";
            case "usb" -> index.equals("0") ? "usb" : "usb" + index;
            default -> controller.attribute("type", "") + index;
        };
    }
}
