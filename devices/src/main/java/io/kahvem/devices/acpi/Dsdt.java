package io.kahvem.devices.acpi;

import static io.kahvem.devices.acpi.Aml.busNumbers;
import static io.kahvem.devices.acpi.Aml.device;
import static io.kahvem.devices.acpi.Aml.eisaId;
import static io.kahvem.devices.acpi.Aml.integer;
import static io.kahvem.devices.acpi.Aml.io;
import static io.kahvem.devices.acpi.Aml.ioWindow;
import static io.kahvem.devices.acpi.Aml.irq;
import static io.kahvem.devices.acpi.Aml.join;
import static io.kahvem.devices.acpi.Aml.memoryWindow32;
import static io.kahvem.devices.acpi.Aml.memoryWindow64;
import static io.kahvem.devices.acpi.Aml.name;
import static io.kahvem.devices.acpi.Aml.packageOf;
import static io.kahvem.devices.acpi.Aml.resources;
import static io.kahvem.devices.acpi.Aml.scope;
import static io.kahvem.devices.acpi.Aml.string;

import io.kahvem.devices.chipset.AcpiPm;
import io.kahvem.devices.chipset.PcChipset;
import io.kahvem.devices.pci.PciBus;

/// The definition block of the DSDT: what the machine has that a guest cannot find by itself.
final class Dsdt {
    private Dsdt() {}

    static byte[] definition(AcpiTables.Layout layout) {
        return join(
                scope("\\_SB",
                        pciRoot(layout),
                        device("COM1", name("_HID", eisaId("PNP0501")), name("_UID", integer(1)),
                                name("_CRS", resources(io(PcChipset.COM1_PORT, 8), irq(PcChipset.IRQ_COM1)))),
                        device("KBD", name("_HID", eisaId("PNP0303")),
                                name("_CRS", resources(io(0x60, 1), io(0x64, 1), irq(PcChipset.IRQ_KEYBOARD)))),
                        device("MOU", name("_HID", eisaId("PNP0F13")), name("_CRS", resources(irq(PcChipset.IRQ_MOUSE)))),
                        device("RTC", name("_HID", eisaId("PNP0B00")), name("_CRS", resources(io(0x70, 2), irq(PcChipset.IRQ_RTC)))),
                        device("PEVT", name("_HID", string("QEMU0001")), name("_CRS", resources(io(PcChipset.PVPANIC_PORT, 1)))),
                        processors(layout.cpus())),
                // SLP_TYP values for PM1a and PM1b, and two reserved
                name("\\_S5", packageOf(integer(AcpiPm.SLP_TYP_S5), integer(AcpiPm.SLP_TYP_S5), integer(0), integer(0))));
    }

    private static byte[] pciRoot(AcpiTables.Layout layout) {
        byte[] windows = join(
                busNumbers(0, 0xff),
                io(0xcf8, 8),
                ioWindow(0x0000, 0x0cf7),
                ioWindow(0x0d00, 0xffff),
                memoryWindow32(layout.mmio32Start(), layout.mmio32End() - 1));
        if (layout.mmio64End() > layout.mmio64Start()) {
            windows = join(windows, memoryWindow64(layout.mmio64Start(), layout.mmio64End() - 1));
        }
        return device("PCI0",
                name("_HID", eisaId("PNP0A03")),
                name("_UID", integer(0)),
                name("_BBN", integer(0)),
                name("_CRS", resources(windows)),
                name("_PRT", interruptRouting()));
    }

    /// Each pin of each slot has an input of the I/O APIC, without a link device between.
    private static byte[] interruptRouting() {
        byte[][] routes = new byte[PciBus.SLOTS * PciBus.PINS][];
        for (int slot = 0; slot < PciBus.SLOTS; slot++) {
            for (int pin = 0; pin < PciBus.PINS; pin++) {
                long allFunctions = (long) slot << 16 | 0xffff;
                byte[] gsi = integer(PcChipset.gsiOf(slot, pin + 1));
                routes[slot * PciBus.PINS + pin] = packageOf(integer(allFunctions), integer(pin), integer(0), gsi);
            }
        }
        return packageOf(routes);
    }

    private static byte[] processors(int cpus) {
        byte[][] devices = new byte[cpus][];
        byte[] hid = name("_HID", string("ACPI0007"));
        for (int i = 0; i < cpus; i++) devices[i] = device("C%03X".formatted(i), hid, name("_UID", integer(i)));
        return join(devices);
    }
}
