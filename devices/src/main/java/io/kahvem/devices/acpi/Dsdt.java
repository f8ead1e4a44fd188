package io.kahvem.devices.acpi;

import static io.kahvem.devices.acpi.Aml.and;
import static io.kahvem.devices.acpi.Aml.arg;
import static io.kahvem.devices.acpi.Aml.busNumbers;
import static io.kahvem.devices.acpi.Aml.byteFields;
import static io.kahvem.devices.acpi.Aml.configRegion;
import static io.kahvem.devices.acpi.Aml.createDwordField;
import static io.kahvem.devices.acpi.Aml.device;
import static io.kahvem.devices.acpi.Aml.eisaId;
import static io.kahvem.devices.acpi.Aml.equal;
import static io.kahvem.devices.acpi.Aml.ifThen;
import static io.kahvem.devices.acpi.Aml.integer;
import static io.kahvem.devices.acpi.Aml.io;
import static io.kahvem.devices.acpi.Aml.ioWindow;
import static io.kahvem.devices.acpi.Aml.irq;
import static io.kahvem.devices.acpi.Aml.join;
import static io.kahvem.devices.acpi.Aml.memory32Fixed;
import static io.kahvem.devices.acpi.Aml.memoryWindow32;
import static io.kahvem.devices.acpi.Aml.memoryWindow64;
import static io.kahvem.devices.acpi.Aml.method;
import static io.kahvem.devices.acpi.Aml.name;
import static io.kahvem.devices.acpi.Aml.or;
import static io.kahvem.devices.acpi.Aml.otherwise;
import static io.kahvem.devices.acpi.Aml.packageOf;
import static io.kahvem.devices.acpi.Aml.ref;
import static io.kahvem.devices.acpi.Aml.resources;
import static io.kahvem.devices.acpi.Aml.returns;
import static io.kahvem.devices.acpi.Aml.scope;
import static io.kahvem.devices.acpi.Aml.sharedInterrupt;
import static io.kahvem.devices.acpi.Aml.store;
import static io.kahvem.devices.acpi.Aml.string;
import static io.kahvem.devices.acpi.Aml.uuid;

import io.kahvem.devices.chipset.AcpiPm;
import io.kahvem.devices.chipset.PcChipset;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.virtio.transport.VirtioMmio;

/// The definition block of the DSDT: what the machine has that a guest cannot find by itself.
final class Dsdt {
    private Dsdt() {}

    static byte[] definition(AcpiTables.Layout layout) {
        return definition(layout.cpus(), pciRoot(layout));
    }

    /// Of a board without PCI, with so many virtio devices behind registers.
    static byte[] withoutPci(int cpus, int virtioDevices) {
        byte[][] devices = new byte[virtioDevices][];
        for (int n = 0; n < virtioDevices; n++) {
            long base = PcChipset.VIRTIO_MMIO_BASE + (long) n * VirtioMmio.WINDOW_BYTES;
            devices[n] = device("VR%02d".formatted(n), name("_HID", string("LNRO0005")), name("_UID", integer(n)),
                    name("_CRS", resources(memory32Fixed(base, VirtioMmio.WINDOW_BYTES), sharedInterrupt(PcChipset.VIRTIO_MMIO_GSI + n))));
        }
        return definition(cpus, join(devices));
    }

    private static byte[] definition(int cpus, byte[] bus) {
        return join(
                name("\\PICF", integer(0)),
                method("\\_PIC", 1, store(arg(0), ref("\\PICF"))), // 1: the operating system uses the I/O APIC
                scope("\\_SB",
                        bus,
                        device("COM1", name("_HID", eisaId("PNP0501")), name("_UID", integer(1)),
                                name("_CRS", resources(io(PcChipset.COM1_PORT, 8), irq(PcChipset.IRQ_COM1)))),
                        device("KBD", name("_HID", eisaId("PNP0303")),
                                name("_CRS", resources(io(0x60, 1), io(0x64, 1), irq(PcChipset.IRQ_KEYBOARD)))),
                        device("MOU", name("_HID", eisaId("PNP0F13")), name("_CRS", resources(irq(PcChipset.IRQ_MOUSE)))),
                        device("RTC", name("_HID", eisaId("PNP0B00")), name("_CRS", resources(io(0x70, 2), irq(PcChipset.IRQ_RTC)))),
                        device("PEVT", name("_HID", string("QEMU0001")), name("_CRS", resources(io(PcChipset.PVPANIC_PORT, 1)))),
                        processors(cpus)),
                // SLP_TYP values for PM1a and PM1b, and two reserved
                name("\\_S5", packageOf(integer(AcpiPm.SLP_TYP_S5), integer(AcpiPm.SLP_TYP_S5), integer(0), integer(0))));
    }

    private static byte[] pciRoot(AcpiTables.Layout layout) {
        byte[] windows = join(
                busNumbers(0, 0xff),
                io(0xcf8, 8),
                ioWindow(0x0000, 0x0cf7),
                ioWindow(0x0d00, 0xffff),
                memoryWindow32(layout.mmio32Start(), layout.ecamBase() - 1),
                memoryWindow32(layout.ecamBase() + AcpiTables.ECAM_BYTES, layout.mmio32End() - 1));
        if (layout.mmio64End() > layout.mmio64Start()) {
            windows = join(windows, memoryWindow64(layout.mmio64Start(), layout.mmio64End() - 1));
        }
        return join(
                device("PCI0",
                        name("_HID", eisaId("PNP0A08")),
                        name("_CID", eisaId("PNP0A03")),
                        name("_UID", integer(0)),
                        name("_BBN", integer(0)),
                        name("_CRS", resources(windows)),
                        osc(),
                        name("PRTP", linkRouting()),
                        name("PRTA", directRouting()),
                        method("_PRT", 0, ifThen(ref("\\PICF"), returns(ref("PRTA"))), otherwise(returns(ref("PRTP")))),
                        device("ISA",
                                name("_ADR", integer(PcChipset.LPC_SLOT << 16)),
                                configRegion("PIRQ", PcChipset.PIRQ_REGISTERS, 12),
                                byteFields("PIRQ", "PRQA", "PRQB", "PRQC", "PRQD", "", "", "", "", "PRQE", "PRQF", "PRQG", "PRQH"))),
                // what configuration space takes is nobody else's
                device("MRES", name("_HID", eisaId("PNP0C02")),
                        name("_CRS", resources(memory32Fixed(layout.ecamBase(), AcpiTables.ECAM_BYTES)))),
                links());
    }

    /// PCI Firmware 3.0, 4.5.1: what an operating system may do itself: native hot-plug, and the use of the PCI Express capability.
    private static byte[] osc() {
        return method("_OSC", 4,
                createDwordField(arg(3), 0, "CDW1"),
                ifThen(equal(arg(0), uuid("33DB4D5B-1FF7-401C-9657-7441C03DD766")),
                        createDwordField(arg(3), 8, "CDW3"),
                        store(and(ref("CDW3"), integer(0x11)), ref("CDW3"))),
                otherwise(store(or(ref("CDW1"), integer(4)), ref("CDW1"))), // unrecognized UUID
                returns(arg(3)));
    }

    /// With the I/O APIC each pin of each slot has an input, without a link device between.
    private static byte[] directRouting() {
        return routing((slot, pin) -> join(integer(0), integer(PcChipset.gsiOf(slot, pin + 1))));
    }

    /// With the 8259 pair, the link device that says which request it is.
    private static byte[] linkRouting() {
        return routing((slot, pin) -> join(ref("\\_SB.LNK" + letter(PcChipset.pirqOf(slot, pin + 1))), integer(0)));
    }

    private interface Route {
        byte[] sourceAndIndex(int slot, int pin);
    }

    private static byte[] routing(Route route) {
        byte[][] routes = new byte[PciBus.SLOTS * PciBus.PINS][];
        for (int slot = 0; slot < PciBus.SLOTS; slot++) {
            for (int pin = 0; pin < PciBus.PINS; pin++) {
                long allFunctions = (long) slot << 16 | 0xffff;
                byte[] element = join(integer(allFunctions), integer(pin), route.sourceAndIndex(slot, pin));
                routes[slot * PciBus.PINS + pin] = packageOf(4, element);
            }
        }
        return packageOf(routes);
    }

    /// LNKA to LNKH: the LPC bridge's routing registers, of which bit 7 set means not routed.
    private static byte[] links() {
        byte[][] links = new byte[PcChipset.PIRQS][];
        for (int i = 0; i < links.length; i++) {
            byte[] register = ref("\\_SB.PCI0.ISA.PRQ" + letter(i));
            links[i] = device("LNK" + letter(i),
                    name("_HID", eisaId("PNP0C0F")),
                    name("_UID", integer(i + 1)),
                    name("_PRS", resources(sharedInterrupt(5, 10, 11))),
                    method("_STA", 0,
                            ifThen(and(register, integer(0x80)), returns(integer(0x09))),
                            returns(integer(0x0b))),
                    method("_DIS", 0, store(or(register, integer(0x80)), register)),
                    name("BUFF", resources(sharedInterrupt(0))),
                    method("_CRS", 0,
                            createDwordField(ref("BUFF"), 5, "IRQW"),
                            ifThen(and(register, integer(0x80)), store(integer(0), ref("IRQW"))),
                            otherwise(store(and(register, integer(0x0f)), ref("IRQW"))),
                            returns(ref("BUFF"))),
                    method("_SRS", 1,
                            createDwordField(arg(0), 5, "PRRI"),
                            store(ref("PRRI"), register)));
        }
        return join(links);
    }

    private static char letter(int n) {
        return (char) ('A' + n);
    }

    private static byte[] processors(int cpus) {
        byte[][] devices = new byte[cpus][];
        byte[] hid = name("_HID", string("ACPI0007"));
        for (int i = 0; i < cpus; i++) devices[i] = device("C%03X".formatted(i), hid, name("_UID", integer(i)));
        return join(devices);
    }
}
