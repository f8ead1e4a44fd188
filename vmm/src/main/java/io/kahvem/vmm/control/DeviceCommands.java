package io.kahvem.vmm.control;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Disk;
import io.kahvem.config.ConfigException;
import io.kahvem.qmp.ErrorClass;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.QmpService;
import io.kahvem.qmp.schema.Devices.DeviceAdd;
import io.kahvem.qmp.schema.Devices.DeviceDel;
import io.kahvem.qmp.schema.Devices.DeviceDeletedEvent;
import io.kahvem.qmp.schema.Empty;
import io.kahvem.vmm.HotDisk;
import io.kahvem.vmm.Machine;
import java.util.Arrays;
import java.util.Optional;

/// Disks that come and go while the guest runs, in the root ports that the machine was started with.
final class DeviceCommands {
    private static final String ID = "[A-Za-z][A-Za-z0-9._-]*";
    private static final String SERIAL = "[!-~]{0,20}";
    private static final String PATH = "/machine/peripheral/";

    private final Machine machine;
    private final BlockNodes nodes;
    private final QmpService service;

    DeviceCommands(Machine machine, BlockNodes nodes, QmpService service) {
        this.machine = machine;
        this.nodes = nodes;
        this.service = service;
    }

    void addCommands() {
        service.on(DeviceAdd.class, this::add);
        service.on(DeviceDel.class, this::delete);
    }

    private synchronized Empty add(DeviceAdd command) {
        HotDisk kind = Arrays.stream(HotDisk.values())
                .filter(each -> each.model().equals(command.driver()) || each.alias().equals(command.driver()))
                .findFirst()
                .orElseThrow(() -> new QmpException("'%s' is not a valid device model name".formatted(command.driver())));
        String id = command.id().orElseThrow(() -> new QmpException("Parameter 'id' is missing; a device without could not go again"));
        if (!id.matches(ID)) throw new QmpException("Parameter 'id' expects an identifier");
        String node = command.drive().orElse("");
        try {
            machine.requireFree(id, command.bus().orElse(""), kind);
            String serial = command.serial().orElseGet(() -> switch (kind) {
                case VIRTIO_BLK -> "";
                case NVME -> throw new QmpException("serial property not set");
            });
            if (!serial.matches(SERIAL)) throw new QmpException("Parameter 'serial' expects at most 20 characters of ASCII, no blanks");
            if (node.isEmpty()) throw new QmpException("drive property not set");
            if (!nodes.has(node)) throw new QmpException("Property '%s.drive' can't find value '%s'".formatted(kind.property(), node));
            Disk disk = new Disk(nodes.use(node, id));
            machine.plug(id, command.bus().orElse(""), kind, node, disk, serial, back -> gone(id, kind, node, back));
            return new Empty();
        } catch (ConfigException e) {
            throw ImageFiles.refused(e);
        }
    }

    private void gone(String id, HotDisk kind, String node, BlockNode back) {
        nodes.giveBack(node, back);
        if (kind == HotDisk.VIRTIO_BLK) {
            service.emit(new DeviceDeletedEvent(Optional.empty(), PATH + id + "/virtio-backend"));
        }
        service.emit(new DeviceDeletedEvent(Optional.of(id), PATH + id));
    }

    private Empty delete(DeviceDel command) {
        String id = command.id();
        try {
            if (machine.unplug(id)) return new Empty();
        } catch (ConfigException e) {
            throw ImageFiles.refused(e);
        }
        throw new QmpException(ErrorClass.DeviceNotFound, "Device '%s' not found".formatted(id));
    }
}
