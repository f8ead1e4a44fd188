package io.kahvem.devices.acpi;

import io.kahvem.devices.chipset.AcpiPm;
import io.kahvem.devices.chipset.HostBridge;
import io.kahvem.devices.chipset.Hpet;
import io.kahvem.devices.chipset.IoApic;
import io.kahvem.devices.chipset.PcChipset;
import io.kahvem.devices.chipset.Rtc;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The ACPI tables of a machine with a [PcChipset]: RSDP, RSDT, XSDT, FADT, FACS, MADT, MCFG, DSDT. Field names follow ACPI 6.4, chapter 5.
///
/// @param rsdpGpa where the guest finds the root: in the area it scans, and to be named in its boot parameters
/// @param tables what to write where, in ascending order and without overlap
public record AcpiTables(long rsdpGpa, List<Placed> tables) {
    /// Where a PC's firmware area begins and ends; a guest scans it for the RSDP at every 16th byte.
    public static final long FIRMWARE_AREA_START = 0xe_0000;

    public static final long FIRMWARE_AREA_END = 0x10_0000;

    /// What memory-mapped PCI configuration takes for 256 buses.
    public static final long ECAM_BYTES = 256L << 20;

    private static final byte[] OEM_ID = ascii("KAHVEM");
    private static final byte[] OEM_TABLE_ID = ascii("KAHVEMPC");
    private static final byte[] CREATOR_ID = ascii("KHVM");
    static final int HEADER_BYTES = 36;
    static final int CHECKSUM_AT = 9;
    private static final long LOCAL_APIC = 0xfee0_0000L;

    /// One table.
    ///
    /// @param signature as in its first bytes
    public record Placed(String signature, long gpa, byte[] bytes) {}

    /// What the tables tell of the machine beyond its chipset.
    ///
    /// @param cpus logical processors, 1 to 255; APIC ids are 0 to cpus - 1
    /// @param baseGpa where the tables begin, 16-byte aligned, usually [#FIRMWARE_AREA_START]
    /// @param mmio32Start first address of the PCI memory window below 4 GiB
    /// @param mmio32End first address after it, at most the I/O APIC's
    /// @param mmio64Start first address of the PCI memory window above 4 GiB
    /// @param mmio64End first address after it; `mmio64Start` for none
    /// @param ecamBase where memory-mapped PCI configuration is, inside the window below 4 GiB, of which it takes [#ECAM_BYTES]
    public record Layout(int cpus, long baseGpa, long mmio32Start, long mmio32End, long mmio64Start, long mmio64End, long ecamBase) {
        public Layout {
            if (cpus < 1 || cpus > 255) throw new IllegalArgumentException("tables describe 1 to 255 CPUs, not " + cpus);
            if ((baseGpa & 15) != 0) {
                throw new IllegalArgumentException("the RSDP must be on a 16-byte boundary, not at %#x".formatted(baseGpa));
            }
            if (mmio32Start >= mmio32End || mmio32End > IoApic.DEFAULT_BASE || mmio64Start > mmio64End) {
                throw new IllegalArgumentException(
                        "PCI windows %#x-%#x and %#x-%#x".formatted(mmio32Start, mmio32End, mmio64Start, mmio64End));
            }
            if (ecamBase <= mmio32Start || ecamBase + ECAM_BYTES >= mmio32End) {
                throw new IllegalArgumentException("PCI configuration space at %#x".formatted(ecamBase));
            }
        }

        /// The usual places: tables in the firmware area, a PCI window from `mmio32Start` to the I/O APIC, none above 4 GiB.
        public static Layout of(int cpus, long mmio32Start) {
            return new Layout(cpus, FIRMWARE_AREA_START, mmio32Start, IoApic.DEFAULT_BASE, 0, 0, HostBridge.DEFAULT_ECAM);
        }
    }

    /// The tables of a machine that starts with a kernel. They leave the HPET out: such a kernel needs no timer but its local APIC's.
    public static AcpiTables build(Layout layout) {
        return build(layout, false);
    }

    /// The tables of a board without PCI, in the firmware area.
    ///
    /// @param virtioDevices how many virtio devices are behind registers
    public static AcpiTables withoutPci(int cpus, int virtioDevices) {
        return build(FIRMWARE_AREA_START, cpus, Dsdt.withoutPci(cpus, virtioDevices), Optional.empty(), false);
    }

    static AcpiTables build(Layout layout, boolean withHpet) {
        return build(layout.baseGpa(), layout.cpus(), Dsdt.definition(layout), Optional.of(mcfg(layout.ecamBase())), withHpet);
    }

    private static AcpiTables build(long rsdp, int cpus, byte[] definition, Optional<byte[]> mcfg, boolean withHpet) {
        List<Placed> placed = new ArrayList<>();
        long facs = align(rsdp + 36, 64);
        placed.add(new Placed("FACS", facs, facs()));
        long dsdt = facs + 64;
        placed.add(new Placed("DSDT", dsdt, table("DSDT", 2, definition)));
        long fadt = after(placed);
        placed.add(new Placed("FACP", fadt, table("FACP", 6, fadt(facs, dsdt))));
        long madt = after(placed);
        placed.add(new Placed("APIC", madt, table("APIC", 5, madt(cpus))));
        mcfg.ifPresent(body -> placed.add(new Placed("MCFG", after(placed), table("MCFG", 1, body))));
        if (withHpet) placed.add(new Placed("HPET", after(placed), table("HPET", 1, hpet())));
        long[] told = placed.stream().skip(2).mapToLong(Placed::gpa).toArray(); // not FACS and DSDT, to which the FADT leads
        long rsdt = after(placed);
        placed.add(new Placed("RSDT", rsdt, table("RSDT", 1, pointers(4, told))));
        long xsdt = after(placed);
        placed.add(new Placed("XSDT", xsdt, table("XSDT", 1, pointers(8, told))));
        placed.addFirst(new Placed("RSD PTR ", rsdp, rsdp(rsdt, xsdt)));
        return new AcpiTables(rsdp, List.copyOf(placed));
    }

    private static byte[] rsdp(long rsdt, long xsdt) {
        byte[] bytes = new byte[36];
        ByteBuffer b = little(bytes);
        b.put(ascii("RSD PTR ")).put((byte) 0).put(OEM_ID).put((byte) 2).putInt((int) rsdt);
        b.putInt(bytes.length).putLong(xsdt);
        bytes[8] = checksum(bytes, 20); // of the part that revision 0 had
        bytes[32] = checksum(bytes, bytes.length);
        return bytes;
    }

    private static byte[] facs() {
        byte[] bytes = new byte[64];
        ByteBuffer b = little(bytes);
        b.put(ascii("FACS")).putInt(bytes.length);
        b.put(32, (byte) 2); // version
        return bytes;
    }

    /// Table 5.9; offsets are the table's, less the header.
    private static byte[] fadt(long facs, long dsdt) {
        byte[] bytes = new byte[276 - HEADER_BYTES];
        Fadt f = new Fadt(little(bytes));
        f.dword(36, facs); // FIRMWARE_CTRL
        f.dword(40, dsdt);
        f.octet(45, 1); // Preferred_PM_Profile: desktop
        f.word(46, PcChipset.IRQ_SCI);
        f.dword(56, PcChipset.ACPI_PM_PORT + AcpiPm.PM1A_EVT);
        f.dword(64, PcChipset.ACPI_PM_PORT + AcpiPm.PM1A_CNT);
        f.dword(76, PcChipset.ACPI_PM_PORT + AcpiPm.PM_TMR);
        f.dword(80, PcChipset.ACPI_PM_PORT + AcpiPm.GPE0);
        f.octet(88, 4); // PM1_EVT_LEN
        f.octet(89, 2); // PM1_CNT_LEN
        f.octet(91, 4); // PM_TMR_LEN
        f.octet(92, AcpiPm.GPE0_BYTES);
        f.word(96, 0xfff); // P_LVL2_LAT and P_LVL3_LAT: no C2, no C3
        f.word(98, 0xfff);
        f.octet(108, Rtc.CENTURY);
        f.word(109, 0x07); // IAPC_BOOT_ARCH: legacy devices, 8042, no VGA
        f.dword(112, 1 // WBINVD
                | 1 << 2 // PROC_C1
                | 1 << 5 // SLP_BUTTON: no fixed sleep button
                | 1 << 6 // FIX_RTC: no fixed RTC wake
                | 1 << 8 // TMR_VAL_EXT: 32 bits
                | 1 << 10); // RESET_REG_SUP
        f.port(116, PcChipset.RESET_CONTROL_PORT, 8, 1);
        f.octet(128, 0x06); // RESET_VALUE
        f.qword(140, dsdt); // X_DSDT
        f.port(148, PcChipset.ACPI_PM_PORT + AcpiPm.PM1A_EVT, 32, 2);
        f.port(172, PcChipset.ACPI_PM_PORT + AcpiPm.PM1A_CNT, 16, 2);
        f.port(208, PcChipset.ACPI_PM_PORT + AcpiPm.PM_TMR, 32, 3);
        f.port(220, PcChipset.ACPI_PM_PORT + AcpiPm.GPE0, 8 * AcpiPm.GPE0_BYTES, 1);
        f.text(268, OEM_ID); // Hypervisor Vendor Identity
        return bytes;
    }

    private record Fadt(ByteBuffer body) {
        void octet(int offset, int value) {
            body.put(offset - HEADER_BYTES, (byte) value);
        }

        void word(int offset, int value) {
            body.putShort(offset - HEADER_BYTES, (short) value);
        }

        void dword(int offset, long value) {
            body.putInt(offset - HEADER_BYTES, (int) value);
        }

        void qword(int offset, long value) {
            body.putLong(offset - HEADER_BYTES, value);
        }

        void text(int offset, byte[] value) {
            body.put(offset - HEADER_BYTES, value);
        }

        /// A Generic Address Structure in I/O space; access size 1, 2, 3 are byte, word, dword.
        void port(int offset, int port, int bits, int accessSize) {
            octet(offset, 1);
            octet(offset + 1, bits);
            octet(offset + 3, accessSize);
            qword(offset + 4, port);
        }
    }

    /// 5.2.12.
    private static byte[] madt(int cpus) {
        byte[] bytes = new byte[8 + 8 * cpus + 12 + 2 * 10 + 6];
        ByteBuffer b = little(bytes);
        b.putInt((int) LOCAL_APIC).putInt(1); // PCAT_COMPAT: there is an 8259 pair
        for (int i = 0; i < cpus; i++) b.put((byte) 0).put((byte) 8).put((byte) i).put((byte) i).putInt(1); // local APIC, enabled
        b.put((byte) 1).put((byte) 12).put((byte) 0).put((byte) 0).putInt((int) IoApic.DEFAULT_BASE).putInt(0);
        sourceOverride(b, PcChipset.IRQ_TIMER, PcChipset.TIMER_GSI, 0); // conforms to the bus
        sourceOverride(b, PcChipset.IRQ_SCI, PcChipset.IRQ_SCI, 0x0d); // active high, level
        b.put((byte) 4).put((byte) 6).put((byte) 0xff).putShort((short) 0).put((byte) 1); // NMI at LINT1 of all
        return bytes;
    }

    /// PCI Firmware 3.0, table 4-3.
    private static byte[] mcfg(long ecamBase) {
        ByteBuffer b = little(new byte[24]);
        b.putLong(0).putLong(ecamBase).putShort((short) 0).put((byte) 0).put((byte) 0xff).putInt(0);
        return b.array();
    }

    /// IA-PC HPET 1.0a, 3.2.4.
    private static byte[] hpet() {
        ByteBuffer b = little(new byte[20]);
        b.putInt((int) Hpet.CAPABILITIES).put((byte) 0).put((byte) 64).put((byte) 0).put((byte) 0).putLong(Hpet.BASE);
        b.put((byte) 0).putShort((short) Hpet.MIN_TICK).put((byte) 0);
        return b.array();
    }

    private static void sourceOverride(ByteBuffer b, int irq, int gsi, int flags) {
        b.put((byte) 2).put((byte) 10).put((byte) 0).put((byte) irq).putInt(gsi).putShort((short) flags);
    }

    private static byte[] pointers(int width, long... gpas) {
        ByteBuffer b = little(new byte[width * gpas.length]);
        for (long gpa : gpas) {
            if (width == 4) {
                b.putInt((int) gpa);
            } else {
                b.putLong(gpa);
            }
        }
        return b.array();
    }

    /// A table with its header (5.2.6) and checksum.
    private static byte[] table(String signature, int revision, byte[] body) {
        byte[] bytes = new byte[HEADER_BYTES + body.length];
        ByteBuffer b = little(bytes);
        b.put(ascii(signature)).putInt(bytes.length).put((byte) revision).put((byte) 0);
        b.put(OEM_ID).put(OEM_TABLE_ID).putInt(1).put(CREATOR_ID).putInt(1);
        b.put(body);
        bytes[CHECKSUM_AT] = checksum(bytes, bytes.length);
        return bytes;
    }

    /// The byte that makes the first `length` bytes sum to zero, where it is zero yet.
    private static byte checksum(byte[] bytes, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) sum += bytes[i];
        return (byte) -sum;
    }

    private static long after(List<Placed> placed) {
        Placed last = placed.getLast();
        return align(last.gpa() + last.bytes().length, 16);
    }

    private static long align(long gpa, int to) {
        return (gpa + to - 1) & -to;
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
