package io.kahvem.devices.pci;

/// The host bridge at 00:00.0, with the ids of Intel's Q35 memory controller hub, of which a guest needs no more than that it is there.
public final class HostBridge extends PciFunction {
    private static final int INTEL = 0x8086;
    private static final int Q35_MCH = 0x29c0;
    private static final int CLASS_HOST_BRIDGE = 0x06_00_00;

    public HostBridge() {
        super(INTEL, Q35_MCH, CLASS_HOST_BRIDGE, 2);
        initialize(COMMAND, 2, COMMAND_MEMORY | COMMAND_BUS_MASTER); // both hardwired
        initialize(SUBSYSTEM_VENDOR_ID, 2, INTEL);
        initialize(SUBSYSTEM_ID, 2, Q35_MCH);
    }
}
