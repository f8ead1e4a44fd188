package io.kahvem.daemon.node;

import io.kahvem.config.UefiFiles;
import io.kahvem.daemon.domain.MachineTypes;
import io.kahvem.daemon.xml.Element;
import java.util.Optional;

/// What a machine of one type can be made of.
final class DomainCapabilities {
    private final MachineTypes types;
    private final String type;
    private final String machine;
    private final String emulator;

    DomainCapabilities(MachineTypes types, String type, String machine, String emulator) {
        this.types = types;
        this.type = type;
        this.machine = machine;
        this.emulator = emulator;
    }

    String document() {
        Element root = new Element("domainCapabilities");
        root.add(new Element("path", emulator)).add(new Element("domain", type)).add(new Element("machine", machine));
        root.add(new Element("arch", MachineTypes.ARCH)).add(new Element("vcpu").with("max", types.maxVcpus()));
        root.add(unsupported("iothreads"));
        root.add(operatingSystem());
        Element cpu = new Element("cpu");
        cpu.add(mode("host-passthrough", type.equals("kvm")));
        cpu.add(mode("maximum", true).add(values("maximumMigratable", "on", "off")));
        cpu.add(mode("host-model", false)).add(mode("custom", false));
        root.add(cpu);
        root.add(unsupported("memoryBacking"));
        Element devices = new Element("devices");
        devices.add(supported("disk").add(values("diskDevice", "disk", "cdrom")).add(values("bus", "virtio", "sata"))
                .add(values("model", "virtio", "virtio-transitional", "virtio-non-transitional")));
        devices.add(unsupported("graphics")).add(unsupported("video")).add(unsupported("hostdev"));
        devices.add(supported("rng").add(values("model", "virtio", "virtio-transitional", "virtio-non-transitional"))
                .add(values("backendModel", "random")));
        for (String absent : new String[] {"filesystem", "tpm", "redirdev", "channel"}) devices.add(unsupported(absent));
        root.add(devices);
        Element features = new Element("features");
        for (String absent : new String[] {"gic", "vmcoreinfo", "genid", "backingStoreInput", "backup", "sev", "sgx"}) {
            features.add(unsupported(absent));
        }
        return root.add(features).toString();
    }

    /// UEFI where the distribution has it installed; the PC's own BIOS needs no word.
    private static Element operatingSystem() {
        Optional<UefiFiles> uefi = UefiFiles.installed();
        if (uefi.isEmpty()) return supported("os").add(values("firmware")).add(unsupported("loader"));
        Element loader = supported("loader").add(new Element("value", uefi.get().code()));
        loader.add(values("type", "rom", "pflash")).add(values("readonly", "yes")).add(values("secure", "no"));
        return supported("os").add(values("firmware", "efi")).add(loader);
    }

    private static Element supported(String name) {
        return new Element(name).with("supported", "yes");
    }

    private static Element unsupported(String name) {
        return new Element(name).with("supported", "no");
    }

    private static Element mode(String name, boolean supported) {
        return new Element("mode").with("name", name).with("supported", supported ? "yes" : "no");
    }

    private static Element values(String name, String... values) {
        Element list = new Element("enum").with("name", name);
        for (String value : values) list.add(new Element("value", value));
        return list;
    }
}
