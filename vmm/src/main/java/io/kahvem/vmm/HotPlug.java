package io.kahvem.vmm;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Disk;
import io.kahvem.config.ConfigException;
import io.kahvem.devices.nvme.NvmeController;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.devices.pci.PcieRootPort;
import io.kahvem.devices.virtio.blk.VirtioBlk;
import io.kahvem.devices.virtio.transport.VirtioPci;
import io.kahvem.memory.GuestMemory;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// The root ports of a machine, and the disks that come and go in them.
///
/// Lock: this object's monitor, which ports are called under; a port tells that a device is gone on a thread that may hold the port's lock,
/// and what follows is done on another. Closed after the vCPUs have stopped, and before guest memory goes.
final class HotPlug implements AutoCloseable {
    private record Plugged(PcieRootPort port, String name, Disk disk, PciFunction device) {}

    private final GuestMemory memory;
    private final int queues;
    private final Map<String, PcieRootPort> ports = new LinkedHashMap<>();
    private final Map<String, Plugged> devices = new LinkedHashMap<>();

    /// Plugs `count` ports in, `rp1` and so on, of the slots from `firstSlot` up.
    HotPlug(PciBus bus, int firstSlot, int count, GuestMemory memory, int cpus) {
        this.memory = memory;
        this.queues = Disks.queues(cpus);
        for (int n = 1; n <= count; n++) {
            int slot = firstSlot;
            while (bus.function(slot, 0) != null) slot++;
            PcieRootPort port = new PcieRootPort(bus, slot, n);
            bus.add(slot, 0, port);
            ports.put("rp" + n, port);
        }
    }

    /// Puts a disk into a port's slot; it is the device's from then on. Throws ConfigException in QEMU's words where that cannot be.
    ///
    /// @param id the device's name
    /// @param name the disk's
    /// @param gone gets the disk's node, once the device is gone, on a thread that may wait
    synchronized void plug(String id, String portName, HotDisk kind, String name, Disk disk, String serial,
            Consumer<BlockNode> gone) {
        PcieRootPort port = free(id, portName, kind);
        PciFunction device = switch (kind) {
            case VIRTIO_BLK -> new VirtioPci(new VirtioBlk(disk, serial, queues), memory);
            case NVME -> new NvmeController(disk, serial, memory);
        };
        devices.put(id, new Plugged(port, name, disk, device));
        port.plug(device, () -> Thread.ofPlatform().daemon().name("unplug " + id).start(() -> takeAway(id, gone)));
    }

    /// Throws ConfigException in QEMU's words where no device of that name can be plugged in there.
    synchronized PcieRootPort free(String id, String portName, HotDisk kind) {
        if (portName.isEmpty() || portName.equals("pcie.0")) throw new ConfigException("Bus 'pcie.0' does not support hotplugging");
        PcieRootPort port = ports.get(portName);
        if (port == null) throw new ConfigException("Bus '%s' not found".formatted(portName));
        if (devices.containsKey(id)) throw new ConfigException("Duplicate device ID '%s'".formatted(id));
        for (Map.Entry<String, Plugged> other : devices.entrySet()) {
            if (!other.getValue().port.equals(port)) continue;
            throw new ConfigException("PCI: slot 0 function 0 not available for %s, in use by %s,id=%s"
                    .formatted(kind.model(), kind.model(), other.getKey()));
        }
        return port;
    }

    private void takeAway(String id, Consumer<BlockNode> gone) {
        Plugged out;
        synchronized (this) {
            out = devices.remove(id);
        }
        if (out == null) return; // the machine is closed
        out.device.reset();
        gone.accept(out.disk.release());
    }

    /// Asks the guest to give a device up. False where there is none of that name. Throws ConfigException where it has been asked already.
    synchronized boolean unplug(String id) {
        Plugged plugged = devices.get(id);
        if (plugged == null) return false;
        if (!plugged.port.unplug()) throw new ConfigException("Device %s is already in the process of unplug".formatted(id));
        return true;
    }

    /// By the disks' names.
    synchronized Map<String, Drive> drives() {
        Map<String, Drive> drives = new LinkedHashMap<>();
        for (Plugged plugged : devices.values()) drives.put(plugged.name, new Drive(false, Optional.of(plugged.disk)));
        return drives;
    }

    @Override
    public synchronized void close() {
        for (Plugged plugged : devices.values()) plugged.disk.close();
        devices.clear();
    }
}
