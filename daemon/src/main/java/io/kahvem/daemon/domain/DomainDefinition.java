package io.kahvem.daemon.domain;

import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;

/// A machine's description, whole and in canonical form: what was left out is filled in. Never changed; [#edited] makes another.
public final class DomainDefinition {
    private final Element xml;
    /// What lists and statistics ask of each of a thousand domains.
    private final String name;
    private final UUID uuid;
    private final long memoryKib;
    private final long currentMemoryKib;
    private final int maxVcpus;
    private final int currentVcpus;

    private DomainDefinition(Element xml) {
        this.xml = xml;
        this.name = xml.textAt("name").orElseThrow();
        this.uuid = UUID.fromString(xml.textAt("uuid").orElseThrow());
        this.memoryKib = Long.parseLong(xml.textAt("memory").orElseThrow());
        this.currentMemoryKib = Long.parseLong(xml.textAt("currentMemory").orElseThrow());
        this.maxVcpus = Integer.parseInt(xml.textAt("vcpu").orElseThrow());
        this.currentVcpus = xml.attributeAt("vcpu", "current").map(Integer::parseInt).orElse(maxVcpus);
    }

    /// Reads a description of a user's and fills it in. Throws [io.kahvem.libvirt.LibvirtException] for one that is none, or that this
    /// machine cannot be; with `validate` also for elements that libvirt's schema does not have.
    public static DomainDefinition parse(String document, boolean validate, MachineTypes types) {
        Element xml = Xml.parse("domain_definition", document);
        if (!xml.name().equals("domain")) {
            throw Errors.xml("unexpected root element <%s>, expecting <domain>", xml.name());
        }
        if (validate) DomainSchema.validate(xml);
        return new DomainDefinition(new DomainFiller(xml, types).fill());
    }

    /// One of our own files.
    static DomainDefinition ofCanonical(Element xml) {
        return new DomainDefinition(xml);
    }

    /// Another with what `change` does to a copy of the tree, filled in again.
    DomainDefinition edited(MachineTypes types, Consumer<Element> change) {
        Element copy = xml.copy();
        change.accept(copy);
        return new DomainDefinition(new DomainFiller(copy, types).fill());
    }

    /// A copy of the tree.
    Element tree() {
        return xml.copy();
    }

    public String name() {
        return name;
    }

    public UUID uuid() {
        return uuid;
    }

    public String type() {
        return xml.attribute("type", "");
    }

    public String osType() {
        return xml.textAt("os/type").orElse("hvm");
    }

    public long memoryKib() {
        return memoryKib;
    }

    public long currentMemoryKib() {
        return currentMemoryKib;
    }

    public int maxVcpus() {
        return maxVcpus;
    }

    public int currentVcpus() {
        return currentVcpus;
    }

    /// What a machine without a kernel starts with: `seabios`, `ovmf` or an image's file.
    public String firmware() {
        if (xml.attributeAt("os", "firmware").filter("efi"::equals).isPresent()) return "ovmf";
        boolean flash = xml.attributeAt("os/loader", "type").filter("pflash"::equals).isPresent();
        return flash ? "ovmf" : xml.textAt("os/loader").filter(file -> !file.isEmpty()).orElse("seabios");
    }

    /// The file of UEFI's variables; empty for a machine that starts without UEFI.
    public Optional<Path> variables() {
        return kernel().isEmpty() && firmware().equals("ovmf") ? xml.textAt("os/nvram").map(Path::of) : Optional.empty();
    }

    /// The kinds of devices that are booted from, first to last: `hd`, `cdrom` ...
    public List<String> bootDevices() {
        Element os = xml.child("os");
        return os == null ? List.of() : os.children("boot").stream().map(boot -> boot.attribute("dev", "")).distinct().toList();
    }

    public Optional<String> kernel() {
        return xml.textAt("os/kernel");
    }

    public Optional<String> initrd() {
        return xml.textAt("os/initrd");
    }

    public Optional<String> commandLine() {
        return xml.textAt("os/cmdline");
    }

    /// The pseudo terminal behind the first serial line of a machine that runs; none where it goes elsewhere.
    public String terminal() {
        return devices("serial").stream().limit(1).filter(line -> line.hasAttribute("type", "pty"))
                .flatMap(line -> line.attributeAt("source", "path").stream()).findFirst().orElse("");
    }

    public Optional<String> title() {
        return xml.textAt("title");
    }

    public Optional<String> description() {
        return xml.textAt("description");
    }

    /// What to do at an end: `on_poweroff`, `on_reboot` or `on_crash`.
    public String action(String event) {
        return xml.textAt(event).orElseThrow();
    }

    /// What is said of the processor.
    public Element cpu() {
        Element cpu = xml.child("cpu");
        return cpu == null ? new Element("cpu") : cpu;
    }

    public List<Element> devices(String kind) {
        Element devices = xml.child("devices");
        return devices == null ? List.of() : devices.children(kind);
    }

    /// The disk whose target it is.
    public Optional<Element> disk(String target) {
        return devices("disk").stream().filter(disk -> target.equals(disk.attributeAt("target", "dev").orElse(""))).findFirst();
    }

    /// As libvirt prints it.
    @Override
    public String toString() {
        return xml.toString();
    }
}
