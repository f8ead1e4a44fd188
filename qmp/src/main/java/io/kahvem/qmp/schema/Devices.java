package io.kahvem.qmp.schema;

import java.util.Optional;

/// Devices that come and go: QEMU's qdev.json.
public interface Devices {
    /// `drive` is the name of a node that was added, `bus` that of a root port.
    @Name("device_add")
    record DeviceAdd(String driver, Optional<String> id, Optional<String> bus, Optional<String> drive, Optional<String> serial)
            implements Command<Empty> {}

    /// Asks the guest; DEVICE_DELETED tells that it has done it.
    @Name("device_del")
    record DeviceDel(String id) implements Command<Empty> {}

    @Name("DEVICE_DELETED")
    record DeviceDeletedEvent(Optional<String> device, String path) implements Event {}
}
