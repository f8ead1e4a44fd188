package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;

/// Checks a description and fills in what it leaves out, the way libvirt does: filling in what is filled in already changes nothing.
final class DomainFiller {
    private static final int NAME_BYTES = 255 - ".xml.broken".length();
    private static final Set<String> DOMAIN_TYPES =
            Set.of("qemu", "kqemu", "kvm", "xen", "lxc", "uml", "openvz", "test", "vmware", "hyperv", "vbox", "phyp", "parallels", "bhyve",
                    "vz",
                    "hvf");
    private static final Set<String> ACTIONS =
            Set.of("destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart");

    private final Element domain;
    private final MachineTypes types;

    DomainFiller(Element domain, MachineTypes types) {
        this.domain = domain;
        this.types = types;
    }

    /// The tree it was made with, filled in.
    Element fill() {
        domain.attributes().remove("id");
        DomainSchema.arrange(domain);
        type();
        name();
        uuid();
        memory();
        vcpus();
        operatingSystem();
        domain.childOrNew("clock").withDefault("offset", "utc");
        action("on_poweroff", "destroy");
        action("on_reboot", "restart");
        action("on_crash", "destroy");
        new CpuFiller(domain).fill();
        Element devices = domain.childOrNew("devices");
        new DeviceFiller(devices, types).fill();
        bootOrder(devices);
        DomainSchema.arrange(domain);
        return domain;
    }

    private void type() {
        String type = domain.attribute("type");
        if (type == null) throw Errors.xml("Missing required attribute 'type' in element 'domain'");
        if (!DOMAIN_TYPES.contains(type)) throw Errors.xml("Invalid value for attribute 'type' in element 'domain': '%s'.", type);
        if (!types.domainTypes().contains(type)) {
            throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.CAPABILITIES,
                    "could not find capabilities for arch=%s domaintype=%s ".formatted(MachineTypes.ARCH, type));
        }
    }

    private void name() {
        String name = domain.textAt("name").orElseThrow(() -> Errors.xml("missing domain name information"));
        checkName(name);
    }

    /// A name is a file's name too.
    static void checkName(String name) {
        if (name.isEmpty()) throw Errors.xml("missing domain name information");
        if (name.isBlank()) throw Errors.xml("name must contain at least one non-whitespace character");
        if (name.contains("/")) throw Errors.xml("name %s cannot contain '/'", name);
        if (name.chars().anyMatch(c -> c < ' ')) throw Errors.xml("name %s cannot contain '\\n'", name);
        if (name.getBytes(java.nio.charset.StandardCharsets.UTF_8).length > NAME_BYTES) {
            throw Errors.xml("name %s is longer than %d bytes", name, NAME_BYTES);
        }
    }

    private void uuid() {
        Element uuid = domain.child("uuid");
        if (uuid == null) {
            domain.add(new Element("uuid", UUID.randomUUID()));
            return;
        }
        try {
            String hex = uuid.text().replace("-", "");
            if (hex.length() != 32) throw new IllegalArgumentException();
            uuid.text(new UUID(Long.parseUnsignedLong(hex, 0, 16, 16), Long.parseUnsignedLong(hex, 16, 32, 16)).toString());
        } catch (IllegalArgumentException e) {
            throw LibvirtException.of(ErrorCode.INTERNAL_ERROR, ErrorDomain.DOMAIN, "malformed uuid element");
        }
    }

    private void memory() {
        Element memory = domain.child("memory");
        if (memory == null) throw Errors.xml("missing element or attribute './memory[1]'");
        long maximum = kib(memory);
        if (maximum == 0) throw Errors.xml("Memory size must be specified via <memory> or in the <numa> configuration");
        Element current = domain.child("currentMemory");
        if (current == null) domain.add(new Element("currentMemory", maximum).with("unit", "KiB"));
        else if (kib(current) > maximum) current.text(String.valueOf(maximum));
    }

    /// Makes the element's unit KiB.
    private static long kib(Element size) {
        OptionalLong bytes = Units.bytes(size.text(), size.attribute("unit"), 1024);
        if (bytes.isEmpty()) {
            throw Errors.xml("invalid value '%s' for '%s': expected a size", size.text() + size.attribute("unit", ""), size.name());
        }
        long kib = (bytes.getAsLong() + 1023) / 1024;
        size.text(String.valueOf(kib));
        size.attributes().remove("unit");
        size.attributes().remove("dumpCore");
        size.with("unit", "KiB");
        return kib;
    }

    private void vcpus() {
        Element vcpu = domain.childOrNew("vcpu");
        if (vcpu.text().isEmpty()) vcpu.text("1");
        int maximum = count(vcpu.text());
        if (maximum > types.maxVcpus()) {
            throw Errors.unsupported("Maximum CPUs greater than specified machine type limit %d", types.maxVcpus());
        }
        vcpu.text(String.valueOf(maximum));
        String current = vcpu.attribute("current");
        if (current != null) {
            if (count(current) > maximum) throw Errors.xml("maxvcpus must not be less than current vcpus (%d < %s)", maximum, current);
            if (count(current) == maximum) vcpu.attributes().remove("current");
        }
        String cpuset = vcpu.attribute("cpuset");
        String now = vcpu.attribute("current");
        vcpu.attributes().clear();
        vcpu.with("placement", "static");
        if (cpuset != null) vcpu.with("cpuset", cpuset);
        if (now != null) vcpu.with("current", now);
    }

    private static int count(String text) {
        try {
            int count = Integer.parseInt(text);
            if (count > 0) return count;
        } catch (NumberFormatException e) {
            throw Errors.xml("maximum vcpus count must be an integer");
        }
        throw Errors.xml("invalid domain vCPU count %s", text);
    }

    private void operatingSystem() {
        Element os = domain.child("os");
        Element type = os == null ? null : os.child("type");
        if (os == null || type == null) throw Errors.xml("an os <type> must be specified");
        if (!type.text().equals("hvm")) throw Errors.unsupported("os type '%s' is not supported; only hvm is", type.text());
        String arch = type.attribute("arch", MachineTypes.ARCH);
        if (!arch.equals(MachineTypes.ARCH)) {
            throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.CAPABILITIES,
                    "could not find capabilities for arch=%s domaintype=%s ".formatted(arch, domain.attribute("type", "")));
        }
        String machine = type.attribute("machine", MachineTypes.Q35);
        String canonical = MachineTypes.canonical(machine).orElseThrow(() ->
                Errors.unsupported("Emulator '%s' does not support machine type '%s'", types.emulator(), machine));
        type.attributes().clear();
        type.with("arch", arch).with("machine", canonical);
        Set<String> seen = new HashSet<>();
        for (Element boot : os.children("boot")) {
            String device = boot.attribute("dev", "");
            if (!List.of("fd", "hd", "cdrom", "network").contains(device)) {
                throw Errors.xml("Invalid value for attribute 'dev' in element 'boot': '%s'.", device);
            }
            seen.add(device);
        }
        if (seen.isEmpty() && os.child("kernel") == null && !bootsByOrder()) os.add(new Element("boot").with("dev", "hd"));
        boolean uefi = os.hasAttribute("firmware", "efi") || os.attributeAt("loader", "type").filter("pflash"::equals).isPresent();
        Element nvram = os.childOrNew("nvram");
        if (!uefi) os.remove(nvram);
        else if (nvram.text().isEmpty()) nvram.text(types.variables().resolve(domain.textAt("name").orElse("") + "_VARS.fd").toString());
        DomainSchema.arrange(domain);
    }

    /// Whether devices say themselves in which order they are booted from.
    private boolean bootsByOrder() {
        Element devices = domain.child("devices");
        return devices != null && devices.children().stream().anyMatch(device -> device.child("boot") != null);
    }

    private void bootOrder(Element devices) {
        Set<Integer> seen = new HashSet<>();
        for (Element device : devices.children()) {
            Element boot = device.child("boot");
            if (boot == null) continue;
            String order = boot.attribute("order");
            if (order == null) throw Errors.xml("Missing required attribute 'order' in element 'boot'");
            if (!order.matches("[0-9]{1,9}")) {
                throw Errors.xml("Invalid value for attribute 'order' in element 'boot': '%s'. Expected non-negative integer value", order);
            }
            int number = Integer.parseInt(order);
            if (number == 0) throw Errors.xml("Invalid value for attribute 'order' in element 'boot': Zero is not permitted");
            if (!seen.add(number)) throw Errors.unsupported("boot order '%d' used for more than one device", number);
        }
        if (!seen.isEmpty() && !domain.childOrNew("os").children("boot").isEmpty()) {
            throw Errors.unsupported("per-device boot elements cannot be used together with os/boot elements");
        }
    }

    private void action(String event, String otherwise) {
        Element action = domain.child(event);
        if (action == null) domain.add(new Element(event, otherwise));
        else if (!ACTIONS.contains(action.text())) {
            throw Errors.xml("unknown lifecycle action '%s' for '%s'", action.text(), event);
        }
    }
}
