package io.kahvem.daemon.node;

import io.kahvem.daemon.domain.MachineTypes;
import io.kahvem.daemon.xml.Element;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/// What this host and this build can do, in the two documents that tools choose by: true to both, so that what they choose works.
public final class Capabilities {
    private static final long PAGE_KIB = 4;

    private final HostNode node;
    private final MachineTypes types;
    private final UUID hostUuid;

    /// @param hostUuid the host's own number, the same at every start
    public Capabilities(HostNode node, MachineTypes types, UUID hostUuid) {
        this.node = node;
        this.types = types;
        this.hostUuid = hostUuid;
    }

    public UUID hostUuid() {
        return hostUuid;
    }

    /// The features a machine of that type can have.
    public Set<String> cpuFeatures(String domainType) {
        return domainType.equals("kvm") ? hostFeatures() : CpuModels.javaEngine();
    }

    /// What the host's own processor has.
    public Set<String> hostFeatures() {
        return new TreeSet<>(List.of(node.cpuinfo("flags").split("\\s+")));
    }

    /// The host's processor in the words of the table.
    private Element hostCpu() {
        String vendor = switch (node.cpuinfo("vendor_id")) {
            case "GenuineIntel" -> "Intel";
            case "AuthenticAMD" -> "AMD";
            default -> "";
        };
        CpuModels.Model model = CpuModels.richest(hostFeatures(), vendor);
        HostNode.Topology topology = node.topology();
        Element cpu = new Element("cpu").add(new Element("arch", MachineTypes.ARCH)).add(new Element("model", model.name()));
        if (!vendor.isEmpty()) cpu.add(new Element("vendor", vendor));
        cpu.add(new Element("topology").with("sockets", topology.sockets()).with("dies", 1).with("cores", topology.cores())
                .with("threads", topology.threads()));
        cpu.add(new Element("pages").with("unit", "KiB").with("size", PAGE_KIB));
        return cpu;
    }

    /// The document of `virsh capabilities` (capability.rng).
    public String host() {
        Element host = new Element("host").add(new Element("uuid", hostUuid)).add(hostCpu());
        host.add(new Element("power_management"));
        Element cell = new Element("cell").with("id", 0);
        long memory = node.memoryKib("MemTotal");
        cell.add(new Element("memory", memory).with("unit", "KiB"));
        cell.add(new Element("pages", memory / PAGE_KIB).with("unit", "KiB").with("size", PAGE_KIB));
        cell.add(new Element("distances").add(new Element("sibling").with("id", 0).with("value", 10)));
        List<HostNode.Cpu> cpus = node.cpus();
        Element list = new Element("cpus").with("num", cpus.size());
        for (HostNode.Cpu cpu : cpus) {
            list.add(new Element("cpu").with("id", cpu.id()).with("socket_id", cpu.socket()).with("die_id", cpu.die())
                    .with("core_id", cpu.core()).with("siblings", cpu.siblings()));
        }
        host.add(new Element("topology").add(new Element("cells").with("num", 1).add(cell.add(list))));
        Element arch = new Element("arch").with("name", MachineTypes.ARCH).add(new Element("wordsize", 64));
        arch.add(new Element("emulator", types.emulator()));
        arch.add(new Element("machine", "q35").with("canonical", MachineTypes.Q35).with("maxCpus", types.maxVcpus()));
        arch.add(new Element("machine", MachineTypes.Q35).with("maxCpus", types.maxVcpus()));
        for (String type : types.domainTypes()) arch.add(new Element("domain").with("type", type));
        Element features = new Element("features");
        features.add(new Element("acpi").with("default", "on").with("toggle", "no"));
        features.add(new Element("apic").with("default", "on").with("toggle", "no"));
        Element guest = new Element("guest").add(new Element("os_type", "hvm")).add(arch).add(features);
        return new Element("capabilities").add(host).add(guest).toString();
    }

    /// The document of `virsh domcapabilities` (domaincaps.rng). Throws for a machine that cannot be.
    public String domain(Optional<String> emulator, Optional<String> arch, Optional<String> machine, Optional<String> virtType) {
        String type = virtType.orElse(types.domainTypes().getFirst());
        if (!List.of("qemu", "kvm", "xen", "lxc", "hvf", "test").contains(type)) throw invalid("unknown virttype: " + type);
        String canonical = machine.map(name -> MachineTypes.canonical(name).orElseThrow(() -> invalid(
                "the machine '%s' is not supported by emulator '%s'".formatted(name, types.emulator())))).orElse(MachineTypes.Q35);
        if (!arch.orElse(MachineTypes.ARCH).equals(MachineTypes.ARCH)) {
            throw invalid("unable to find any emulator to serve '%s' architecture".formatted(arch.orElse("")));
        }
        if (!types.domainTypes().contains(type)) {
            throw invalid("%s is not supported by '%s' on this host".formatted(type.equals("kvm") ? "KVM" : type, types.emulator()));
        }
        return new DomainCapabilities(types, type, canonical, emulator.orElse(types.emulator().toString())).document();
    }

    private static LibvirtException invalid(String detail) {
        return LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.QEMU, detail);
    }
}
