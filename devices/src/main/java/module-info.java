/// The machine around the CPUs: bus, chipset, serial line, PCI host bridge, ACPI.
module io.kahvem.devices {
    requires transitive io.kahvem.block;
    requires transitive io.kahvem.memory;

    exports io.kahvem.devices;
    exports io.kahvem.devices.acpi;
    exports io.kahvem.devices.ahci;
    exports io.kahvem.devices.bus;
    exports io.kahvem.devices.chipset;
    exports io.kahvem.devices.dma;
    exports io.kahvem.devices.firmware;
    exports io.kahvem.devices.nvme;
    exports io.kahvem.devices.pci;
    exports io.kahvem.devices.scsi;
    exports io.kahvem.devices.serial;
    exports io.kahvem.devices.vga;
    exports io.kahvem.devices.virtio;
    exports io.kahvem.devices.virtio.balloon;
    exports io.kahvem.devices.virtio.blk;
    exports io.kahvem.devices.virtio.console;
    exports io.kahvem.devices.virtio.queue;
    exports io.kahvem.devices.virtio.rng;
    exports io.kahvem.devices.virtio.scsi;
    exports io.kahvem.devices.virtio.transport;
}
