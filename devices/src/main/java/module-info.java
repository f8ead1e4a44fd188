/// The machine around the CPUs: bus, chipset, serial line, PCI host bridge, ACPI.
module io.kahvem.devices {
    requires transitive io.kahvem.memory;

    exports io.kahvem.devices;
}
