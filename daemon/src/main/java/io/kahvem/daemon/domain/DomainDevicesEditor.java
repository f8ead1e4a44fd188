package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.Optional;
import java.util.function.Consumer;

/// Adds devices to a machine, takes them away, changes them: in its definition, and of a running one what it can change by now, its media.
public final class DomainDevicesEditor {
    private final DomainRegistry registry;

    public DomainDevicesEditor(DomainRegistry registry) {
        this.registry = registry;
    }

    private static Element parse(String document) {
        Element device = Xml.parse("device_definition", document);
        if (!DomainSchema.isDevice(device.name())) throw Errors.xml("unknown device type '%s'", device.name());
        if (device.name().equals("disk")) DeviceFiller.disk(device);
        return device;
    }

    public void attach(Domain domain, String document, int flags) {
        Element device = parse(document);
        change(domain, "virDomainAttachDeviceFlags", flags, devices -> {
            if (device.name().equals("disk") && find(devices, device).isPresent()) {
                throw Errors.invalid("target %s already exists", target(device));
            }
            devices.add(device);
        });
    }

    public void detach(Domain domain, String document, int flags) {
        Element device = parse(document);
        change(domain, "virDomainDetachDeviceFlags", flags, devices ->
                devices.remove(find(devices, device).orElseThrow(() -> missing(device))));
    }

    /// Changes a device in place: of a CD-ROM drive its medium.
    public void update(Domain domain, String document, int flags) {
        Element device = parse(document);
        domain.change("virDomainUpdateDeviceFlags", () -> {
            Affect affect = Affect.of(domain, flags);
            if (affect.config()) {
                configure(domain, devices -> {
                    Element before = find(devices, device).orElseThrow(() -> missing(device));
                    devices.remove(before);
                    devices.add(device);
                });
            }
            if (affect.live()) changeMedium(domain, device);
        });
    }

    private void changeMedium(Domain domain, Element device) {
        Domain.Running now = domain.requireRunning();
        Element disk = device.name().equals("disk") ? now.live().disk(target(device)).orElse(null) : null;
        if (disk == null) throw missing(device);
        if (!disk.hasAttribute("device", "cdrom")) {
            throw LibvirtException.of(ErrorCode.OPERATION_UNSUPPORTED, ErrorDomain.QEMU,
                    "only the medium of a CD-ROM drive can be changed while the machine runs");
        }
        String alias = disk.attributeAt("alias", "name").orElse("");
        Optional<String> file = device.attributeAt("source", "file");
        if (file.isPresent()) {
            DomainFiles.require(file.get());
            now.process().changeMedium(alias, file.get(), device.attributeAt("driver", "type").orElse("raw"));
        } else {
            now.process().ejectMedium(alias);
        }
        registry.editLive(domain, tree -> {
            for (Element each : tree.childOrNew("devices").children("disk")) {
                if (!target(each).equals(target(device))) continue;
                // An empty drive that has had a medium has a source without a file, as with libvirt.
                Element source = new Element("source");
                file.ifPresent(path -> source.with("file", path));
                each.removeAll("source");
                each.add(source.with("index", 1));
                DomainSchema.arrangeDevice(each);
            }
        });
    }

    private void change(Domain domain, String what, int flags, Consumer<Element> change) {
        domain.change(what, () -> {
            Affect affect = Affect.of(domain, flags);
            if (affect.live()) {
                throw LibvirtException.of(ErrorCode.OPERATION_UNSUPPORTED, ErrorDomain.QEMU,
                        "devices of a running machine cannot be added or taken away; --config changes what it starts as");
            }
            configure(domain, change);
        });
    }

    private void configure(Domain domain, Consumer<Element> change) {
        DomainDefinition config = domain.config();
        if (config == null) throw Errors.invalid("transient domains do not have any persistent config");
        registry.redefine(domain, config.edited(registry.types(), tree -> change.accept(tree.childOrNew("devices"))));
    }

    /// The device that is meant: a disk by its target, an interface by its MAC address, others by all that is said of them.
    private static Optional<Element> find(Element devices, Element device) {
        return devices.children(device.name()).stream().filter(each -> switch (device.name()) {
            case "disk" -> target(each).equals(target(device));
            case "interface" -> each.attributeAt("mac", "address").equals(device.attributeAt("mac", "address"));
            default -> device.attributes().entrySet().stream().allMatch(entry -> each.hasAttribute(entry.getKey(), entry.getValue()));
        }).findFirst();
    }

    private static String target(Element disk) {
        return disk.attributeAt("target", "dev").orElse("");
    }

    private static LibvirtException missing(Element device) {
        String what = device.name().equals("disk") ? "disk %s not found".formatted(target(device)) : "no such " + device.name();
        return LibvirtException.of(ErrorCode.DEVICE_MISSING, ErrorDomain.QEMU, what);
    }
}
