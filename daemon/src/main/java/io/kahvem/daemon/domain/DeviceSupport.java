package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.LibvirtException;
import java.util.List;
import java.util.function.Predicate;

/// Which devices this version's machine has. A device of a description is the machine's, or decoration that is kept and read back though
/// the guest does not see it, or refused. The first row that fits decides; what no row names is refused.
final class DeviceSupport {
    enum Treatment {
        /// The guest sees it.
        MACHINE,
        /// Kept in the description; what common tools add to every machine without being asked.
        DECORATION,
        REFUSED
    }

    private record Row(String element, Predicate<Element> fits, Treatment treatment, String reason) {}

    private static final List<Row> ROWS = List.of(
            machine("emulator", any()),
            refused("disk", type("network", "volume", "nvme", "vhostuser", "vhostvdpa", "dir"), "disk type '%s' is not supported", "type"),
            machine("disk", bus("virtio", "sata")),
            refused("disk", any(), "disk bus '%s' is not supported; this machine has virtio and sata", "target/bus"),
            machine("controller", type("pci").and(model("pcie-root", "pcie-root-port"))),
            machine("controller", type("sata")),
            decoration("controller", type("usb", "virtio-serial", "scsi")),
            refused("controller", any(), "controller model '%s' is not supported", "model"),
            machine("interface", any()),
            machine("serial", type("pty", "file", "unix", "null", "tcp")),
            machine("console", any()),
            decoration("channel", type("unix", "pty", "spicevmc", "null", "tcp", "file")),
            decoration("input", any()),
            refused("graphics", type("spice"), "spice graphics are not supported with this QEMU", ""),
            decoration("graphics", type("vnc")),
            refused("graphics", any(), "graphics type '%s' is not supported", "type"),
            decoration("sound", any()),
            decoration("audio", any()),
            decoration("video", any()),
            decoration("hub", any()),
            decoration("panic", any()),
            refused("redirdev", any(), "USB redirection is not supported by this version of QEMU", ""),
            machine("memballoon", model("virtio", "none", "virtio-transitional", "virtio-non-transitional")),
            machine("rng", model("virtio", "virtio-transitional", "virtio-non-transitional")));

    private DeviceSupport() {}

    /// How a device is treated. Throws [LibvirtException] for one that is refused.
    static Treatment of(Element device) {
        for (Row row : ROWS) {
            if (!row.element().equals(device.name()) || !row.fits().test(device)) continue;
            if (row.treatment() == Treatment.REFUSED) throw refusal(device, row.reason());
            return row.treatment();
        }
        throw Errors.unsupported("device '%s' is not supported", device.name());
    }

    private static LibvirtException refusal(Element device, String reason) {
        String[] parts = reason.split("\\|", 2);
        String[] where = parts[1].split("/");
        String value = where.length == 2
                ? device.attributeAt(where[0], where[1]).orElse("") : device.attribute(where[0], "");
        return Errors.unsupported(parts[0], value);
    }

    private static Row machine(String element, Predicate<Element> fits) {
        return new Row(element, fits, Treatment.MACHINE, "");
    }

    private static Row decoration(String element, Predicate<Element> fits) {
        return new Row(element, fits, Treatment.DECORATION, "");
    }

    /// `where` is the attribute that fills the message, `child/attribute` or `attribute`.
    private static Row refused(String element, Predicate<Element> fits, String message, String where) {
        return new Row(element, fits, Treatment.REFUSED, message + "|" + where);
    }

    private static Predicate<Element> any() {
        return device -> true;
    }

    private static Predicate<Element> type(String... types) {
        return device -> List.of(types).contains(device.attribute("type", ""));
    }

    private static Predicate<Element> model(String... models) {
        return device -> List.of(models).contains(device.attribute("model", ""));
    }

    private static Predicate<Element> bus(String... buses) {
        return device -> List.of(buses).contains(device.attributeAt("target", "bus").orElse(""));
    }
}
