package io.kahvem.daemon.service;

import io.kahvem.daemon.domain.MachineTypes;
import io.kahvem.daemon.node.Capabilities;
import io.kahvem.daemon.node.CpuComparison;
import io.kahvem.daemon.node.CpuModels;
import io.kahvem.daemon.node.HostNode;
import io.kahvem.daemon.node.NodeDevices;
import io.kahvem.daemon.node.Sysinfo;
import io.kahvem.daemon.rpc.Handlers;
import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import io.kahvem.libvirt.protocol.Common.IntValue;
import io.kahvem.libvirt.protocol.Common.InterfaceRef;
import io.kahvem.libvirt.protocol.Common.MaybeText;
import io.kahvem.libvirt.protocol.Common.NodeDeviceRef;
import io.kahvem.libvirt.protocol.Common.Size;
import io.kahvem.libvirt.protocol.Common.Text;
import io.kahvem.libvirt.protocol.Common.Texts;
import io.kahvem.libvirt.protocol.Connections;
import io.kahvem.libvirt.protocol.Nodes;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What the host is and has.
public final class NodeService {
    private static final int ACTIVE = 2;
    private static final int INACTIVE = 1;

    private final HostNode node;
    private final Capabilities capabilities;
    private final MachineTypes types;
    private final NodeDevices devices;

    public NodeService(HostNode node, Capabilities capabilities, MachineTypes types) {
        this.node = node;
        this.capabilities = capabilities;
        this.types = types;
        this.devices = new NodeDevices(node, capabilities.hostUuid());
    }

    public void bind(Handlers handlers) {
        host(handlers);
        processors(handlers);
        memory(handlers);
        nodeDevices(handlers);
        interfaces(handlers);
    }

    private void host(Handlers handlers) {
        handlers.on(Connections.NODE_GET_INFO, (call, none) -> info());
        handlers.on(Connections.GET_CAPABILITIES, (call, none) -> new Text(capabilities.host()));
        handlers.on(Connections.GET_DOMAIN_CAPABILITIES, (call, a) ->
                new Text(capabilities.domain(a.emulator(), a.arch(), a.machine(), a.virtType())));
        handlers.on(Connections.GET_SYSINFO, (call, a) -> new Text(Sysinfo.document(node)));
        handlers.on(Connections.GET_MAX_VCPUS, (call, a) -> new IntValue(types.maxVcpus()));
    }

    private Connections.NodeInfo info() {
        HostNode.Topology topology = node.topology();
        byte[] model = new byte[32];
        byte[] name = MachineTypes.ARCH.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(name, 0, model, 0, name.length);
        return new Connections.NodeInfo(model, node.memoryKib("MemTotal"), node.cpus().size(), node.mhz(), 1, topology.sockets(),
                topology.cores(), topology.threads());
    }

    private void processors(Handlers handlers) {
        handlers.on(Connections.NODE_GET_CPU_MAP, (call, a) -> {
            BitSet online = new BitSet();
            for (HostNode.Cpu cpu : node.cpus()) online.set(cpu.id());
            byte[] map = a.needMap() == 0 ? new byte[0] : CpuMaps.bytes(online, CpuMaps.length(online.length()));
            return new Connections.CpuMap(map, a.needOnline() == 0 ? 0 : online.cardinality(), online.length());
        });
        handlers.on(Connections.NODE_GET_CPU_STATS, (call, a) -> {
            Map<String, Long> times = node.cpuTimes(a.cpu() < 0 ? "cpu" : "cpu" + a.cpu());
            if (times.isEmpty()) throw invalid("Invalid cpuNum in virHostCPUGetStatsLinux: %d".formatted(a.cpu()));
            return stats(times, a.room());
        });
        handlers.on(Connections.GET_CPU_MODEL_NAMES, (call, a) -> {
            List<String> names = a.arch().equals(MachineTypes.ARCH) ? CpuModels.names() : List.of();
            return new Connections.CpuModels(a.needResults() == 0 ? List.of() : names, names.size());
        });
        handlers.on(Connections.COMPARE_CPU, (call, a) ->
                new IntValue(CpuComparison.compare(capabilities.hostFeatures(), a.text(), a.flags())));
        handlers.on(Connections.COMPARE_HYPERVISOR_CPU, (call, a) ->
                new IntValue(CpuComparison.compare(capabilities.cpuFeatures(type(a.virtType())), a.cpu(), a.flags())));
        handlers.on(Connections.BASELINE_CPU, (call, a) -> new Text(CpuComparison.baseline(a.cpus(), capabilities.hostFeatures())));
        handlers.on(Connections.BASELINE_HYPERVISOR_CPU, (call, a) ->
                new Text(CpuComparison.baseline(a.cpus(), capabilities.cpuFeatures(type(a.virtType())))));
    }

    private String type(Optional<String> virtType) {
        String type = virtType.orElse(types.domainTypes().getFirst());
        if (!types.domainTypes().contains(type)) throw invalid("virttype '%s' is not supported on this host".formatted(type));
        return type;
    }

    private static Connections.NodeStats stats(Map<String, Long> values, int room) {
        List<Connections.NodeStat> stats = new ArrayList<>();
        if (room > 0) values.forEach((field, value) -> stats.add(new Connections.NodeStat(field, value)));
        return new Connections.NodeStats(stats, values.size());
    }

    private void memory(Handlers handlers) {
        handlers.on(Connections.NODE_GET_MEMORY_STATS, (call, a) -> stats(Map.of("total", node.memoryKib("MemTotal"),
                "free", node.memoryKib("MemFree"), "buffers", node.memoryKib("Buffers"), "cached", node.memoryKib("Cached")), a.room()));
        handlers.on(Connections.NODE_GET_FREE_MEMORY, (call, none) -> new Size(freeBytes()));
        handlers.on(Connections.NODE_GET_CELLS_FREE_MEMORY, (call, a) -> {
            if (a.start() != 0) throw invalid("start cell %d out of range (0-0)".formatted(a.start()));
            return new Connections.Sizes(List.of(freeBytes()));
        });
        handlers.on(Connections.NODE_GET_FREE_PAGES, (call, a) -> {
            if (a.startCell() > 0) throw invalid("start cell %d out of range (0-0)".formatted(a.startCell()));
            return new Connections.Sizes(a.pageSizesKiB().stream().map(this::freePages).toList());
        });
    }

    private long freeBytes() {
        return node.memoryKib("MemFree") * 1024;
    }

    private long freePages(int sizeKib) {
        if (sizeKib == 4) return node.memoryKib("MemFree") / 4;
        return node.hugePages(sizeKib).orElseThrow(() ->
                LibvirtException.of(ErrorCode.OPERATION_FAILED, ErrorDomain.NONE, "page size %d is not available on node 0"
                        .formatted(sizeKib)));
    }

    private void nodeDevices(Handlers handlers) {
        handlers.on(Nodes.LIST_ALL_DEVICES, (call, a) -> {
            List<NodeDeviceRef> refs = devices.list(a.flags()).stream().map(NodeDeviceRef::new).toList();
            return new Nodes.DeviceList(a.needResults() == 0 ? List.of() : refs, refs.size());
        });
        handlers.on(Nodes.NUM_OF_DEVICES, (call, a) -> new IntValue(devices.list(a.capability()).size()));
        handlers.on(Nodes.LIST_DEVICES, (call, a) -> new Texts(devices.list(a.capability()).stream().limit(Room.of(a.maximum())).toList()));
        handlers.on(Nodes.DEVICE_LOOKUP_BY_NAME, (call, a) -> {
            devices.kind(a.text());
            return new NodeDeviceRef(a.text());
        });
        handlers.on(Nodes.DEVICE_GET_XML_DESC, (call, a) -> new Text(devices.describe(a.text())));
        handlers.on(Nodes.DEVICE_GET_PARENT, (call, a) -> new MaybeText(Optional.of(devices.parent(a.text())).filter(p -> !p.isEmpty())));
        handlers.on(Nodes.DEVICE_NUM_OF_CAPS, (call, a) -> new IntValue(devices.kind(a.text()).isEmpty() ? 0 : 1));
        handlers.on(Nodes.DEVICE_LIST_CAPS, (call, a) -> new Texts(List.of(devices.kind(a.name()))));
        handlers.on(Nodes.DEVICE_IS_ACTIVE, (call, a) -> new IntValue(devices.kind(a.text()).isEmpty() ? 0 : 1));
        handlers.on(Nodes.DEVICE_IS_PERSISTENT, (call, a) -> new IntValue(devices.kind(a.text()).isEmpty() ? 1 : 0));
        handlers.on(Nodes.DEVICE_GET_AUTOSTART, (call, a) -> new IntValue(devices.kind(a.text()).isEmpty() ? 1 : 0));
    }

    private void interfaces(Handlers handlers) {
        handlers.on(Nodes.LIST_ALL_INTERFACES, (call, a) -> {
            List<InterfaceRef> refs = interfaces(a.flags());
            return new Nodes.InterfaceList(a.needResults() == 0 ? List.of() : refs, refs.size());
        });
        handlers.on(Nodes.NUM_OF_INTERFACES, (call, none) -> new IntValue(interfaces(ACTIVE).size()));
        handlers.on(Nodes.NUM_OF_DEFINED_INTERFACES, (call, none) -> new IntValue(interfaces(INACTIVE).size()));
        handlers.on(Nodes.LIST_INTERFACES, (call, a) -> new Texts(interfaces(ACTIVE).stream().map(InterfaceRef::name).toList()));
        handlers.on(Nodes.LIST_DEFINED_INTERFACES, (call, a) -> new Texts(interfaces(INACTIVE).stream().map(InterfaceRef::name).toList()));
        handlers.on(Nodes.INTERFACE_LOOKUP_BY_NAME, (call, a) -> find(a.text(), ""));
        handlers.on(Nodes.INTERFACE_LOOKUP_BY_MAC, (call, a) -> find("", a.text()));
        handlers.on(Nodes.INTERFACE_GET_XML_DESC, (call, a) -> new Text(devices.describeInterface(a.iface().name())));
        handlers.on(Nodes.INTERFACE_IS_ACTIVE, (call, a) -> new IntValue(devices.interfaces().stream()
                .anyMatch(each -> each.name().equals(a.iface().name()) && each.active()) ? 1 : 0));
    }

    private List<InterfaceRef> interfaces(int flags) {
        boolean all = (flags & (ACTIVE | INACTIVE)) == 0;
        return devices.interfaces().stream()
                .filter(each -> all || (flags & (each.active() ? ACTIVE : INACTIVE)) != 0)
                .map(each -> new InterfaceRef(each.name(), each.mac())).toList();
    }

    private InterfaceRef find(String name, String mac) {
        return devices.interfaces().stream()
                .filter(each -> each.name().equals(name) || each.mac().equalsIgnoreCase(mac))
                .map(each -> new InterfaceRef(each.name(), each.mac())).findFirst()
                .orElseThrow(() -> LibvirtException.of(ErrorCode.NO_INTERFACE, ErrorDomain.INTERFACE,
                        "couldn't find interface %s '%s'".formatted(mac.isEmpty() ? "named" : "with MAC address", name + mac)));
    }

    private static LibvirtException invalid(String detail) {
        return LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.QEMU, detail);
    }
}
