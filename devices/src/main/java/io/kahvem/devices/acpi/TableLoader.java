package io.kahvem.devices.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The ACPI tables as firmware takes them from fw_cfg: two files of tables whose pointers are offsets, and a file of commands that say
/// where to put them, which pointers to move and which checksums to make (QEMU's hw/acpi/bios-linker-loader.c documents the commands).
///
/// @param rsdp etc/acpi/rsdp
/// @param tables etc/acpi/tables
/// @param commands etc/table-loader
public record TableLoader(byte[] rsdp, byte[] tables, byte[] commands) {
    public static final String RSDP_FILE = "etc/acpi/rsdp";
    public static final String TABLES_FILE = "etc/acpi/tables";
    public static final String COMMANDS_FILE = "etc/table-loader";

    /// With the RSDP here, the FACS and with it the file of tables begins at 0.
    private static final long BASE = -64;

    private static final int ENTRY_BYTES = 128;
    private static final int FILE_NAME_BYTES = 56;
    private static final int ALLOCATE = 1;
    private static final int ADD_POINTER = 2;
    private static final int ADD_CHECKSUM = 3;
    private static final int ZONE_HIGH = 1;
    private static final int ZONE_FSEG = 2;
    private static final int RSDP_CHECKSUM_AT = 8;
    private static final int RSDP_EXTENDED_CHECKSUM_AT = 32;

    /// Tables for this machine; `layout.baseGpa()` means nothing here.
    public static TableLoader of(AcpiTables.Layout layout) {
        AcpiTables acpi = AcpiTables.build(new AcpiTables.Layout(layout.cpus(), BASE, layout.mmio32Start(), layout.mmio32End(),
                layout.mmio64Start(), layout.mmio64End(), layout.ecamBase()), true);
        Map<String, Integer> at = new TreeMap<>();
        AcpiTables.Placed last = acpi.tables().getLast();
        byte[] tables = new byte[(int) last.gpa() + last.bytes().length];
        List<AcpiTables.Placed> placed = acpi.tables().subList(1, acpi.tables().size());
        for (AcpiTables.Placed table : placed) {
            at.put(table.signature(), (int) table.gpa());
            System.arraycopy(table.bytes(), 0, tables, (int) table.gpa(), table.bytes().length);
        }
        byte[] rsdp = acpi.tables().getFirst().bytes().clone();

        List<byte[]> commands = new ArrayList<>();
        commands.add(command(ALLOCATE, RSDP_FILE).putInt(60, 16).put(64, (byte) ZONE_FSEG).array());
        commands.add(command(ALLOCATE, TABLES_FILE).putInt(60, 64).put(64, (byte) ZONE_HIGH).array());
        int fadt = at.getOrDefault("FACP", 0);
        commands.add(pointer(TABLES_FILE, fadt + 36, 4));
        commands.add(pointer(TABLES_FILE, fadt + 40, 4));
        commands.add(pointer(TABLES_FILE, fadt + 140, 8));
        for (AcpiTables.Placed table : placed) {
            int width = switch (table.signature()) {
                case "RSDT" -> 4;
                case "XSDT" -> 8;
                default -> 0;
            };
            for (int i = AcpiTables.HEADER_BYTES; width > 0 && i < table.bytes().length; i += width) {
                commands.add(pointer(TABLES_FILE, (int) table.gpa() + i, width));
            }
        }
        commands.add(pointer(RSDP_FILE, 16, 4));
        commands.add(pointer(RSDP_FILE, 24, 8));
        for (AcpiTables.Placed table : placed) {
            if (table.signature().equals("FACS")) continue; // which has none
            int start = (int) table.gpa();
            tables[start + AcpiTables.CHECKSUM_AT] = 0;
            commands.add(checksum(TABLES_FILE, start + AcpiTables.CHECKSUM_AT, start, table.bytes().length));
        }
        rsdp[RSDP_CHECKSUM_AT] = 0;
        rsdp[RSDP_EXTENDED_CHECKSUM_AT] = 0;
        commands.add(checksum(RSDP_FILE, RSDP_CHECKSUM_AT, 0, 20));
        commands.add(checksum(RSDP_FILE, RSDP_EXTENDED_CHECKSUM_AT, 0, rsdp.length));

        ByteBuffer all = ByteBuffer.allocate(ENTRY_BYTES * commands.size());
        commands.forEach(all::put);
        return new TableLoader(rsdp, tables, all.array());
    }

    private static ByteBuffer command(int number, String file) {
        ByteBuffer entry = ByteBuffer.allocate(ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        entry.putInt(0, number).put(4, name(file));
        return entry;
    }

    /// A pointer in `file` to something in the tables.
    private static byte[] pointer(String file, int offset, int width) {
        ByteBuffer entry = command(ADD_POINTER, file);
        return entry.put(60, name(TABLES_FILE)).putInt(116, offset).put(120, (byte) width).array();
    }

    private static byte[] checksum(String file, int at, int start, int length) {
        return command(ADD_CHECKSUM, file).putInt(60, at).putInt(64, start).putInt(68, length).array();
    }

    private static byte[] name(String file) {
        return Arrays.copyOf(file.getBytes(StandardCharsets.US_ASCII), FILE_NAME_BYTES);
    }
}
