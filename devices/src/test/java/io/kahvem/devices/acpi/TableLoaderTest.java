package io.kahvem.devices.acpi;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class TableLoaderTest {
    private static final long TABLES_AT = 0x7ff0_0000L;
    private static final long RSDP_AT = 0xf_5a00L;

    /// Does what firmware does, and looks at what comes out.
    @Test
    void afterTheCommandsTheRootLeadsToEveryTableAndEachChecksumHolds() {
        TableLoader loader = TableLoader.of(AcpiTables.Layout.of(4, 0x8000_0000L));
        Map<String, byte[]> files = new TreeMap<>(
                Map.of("etc/acpi/rsdp", loader.rsdp().clone(), "etc/acpi/tables", loader.tables().clone()));
        Map<String, Long> places = Map.of("etc/acpi/rsdp", RSDP_AT, "etc/acpi/tables", TABLES_AT);
        for (int at = 0; at < loader.commands().length; at += 128) {
            ByteBuffer c = little(loader.commands()).slice(at, 128).order(ByteOrder.LITTLE_ENDIAN);
            ByteBuffer file = little(Objects.requireNonNull(files.get(name(c, 4))));
            switch (c.getInt(0)) {
                case 1 -> assertThat(places).containsKey(name(c, 4));
                case 2 -> {
                    long base = Objects.requireNonNull(places.get(name(c, 60)));
                    int offset = c.getInt(116);
                    if (c.get(120) == 4) {
                        file.putInt(offset, (int) (file.getInt(offset) + base));
                    } else {
                        file.putLong(offset, file.getLong(offset) + base);
                    }
                }
                case 3 -> file.put(c.getInt(60), (byte) (file.get(c.getInt(60)) - sum(file, c.getInt(64), c.getInt(68))));
                default -> throw new AssertionError("command " + c.getInt(0));
            }
        }
        ByteBuffer rsdp = little(Objects.requireNonNull(files.get("etc/acpi/rsdp")));
        ByteBuffer tables = little(Objects.requireNonNull(files.get("etc/acpi/tables")));
        assertThat(sum(rsdp, 0, 20)).isZero();
        assertThat(sum(rsdp, 0, 36)).isZero();
        int xsdt = (int) (rsdp.getLong(24) - TABLES_AT);
        check(tables, xsdt, "XSDT");
        check(tables, (int) (rsdp.getInt(16) - TABLES_AT), "RSDT");
        StringBuilder found = new StringBuilder();
        for (int at = xsdt + 36; at < xsdt + tables.getInt(xsdt + 4); at += 8) {
            int table = (int) (tables.getLong(at) - TABLES_AT);
            check(tables, table, text(tables, table));
            found.append(text(tables, table)).append(' ');
            if (!text(tables, table).equals("FACP")) continue;
            check(tables, (int) (tables.getLong(table + 140) - TABLES_AT), "DSDT");
            assertThat(tables.getInt(table + 40)).isEqualTo((int) tables.getLong(table + 140));
            assertThat(text(tables, (int) (tables.getInt(table + 36) - TABLES_AT))).isEqualTo("FACS");
        }
        assertThat(found).hasToString("FACP APIC MCFG HPET ");
    }

    private static void check(ByteBuffer tables, int at, String signature) {
        assertThat(text(tables, at)).isEqualTo(signature);
        assertThat(sum(tables, at, tables.getInt(at + 4))).as(signature).isZero();
    }

    private static String text(ByteBuffer b, int at) {
        return new String(b.array(), at, 4, US_ASCII);
    }

    private static String name(ByteBuffer command, int at) {
        byte[] bytes = new byte[56];
        command.get(at, bytes);
        return new String(bytes, US_ASCII).replace("\0", "");
    }

    private static int sum(ByteBuffer b, int start, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) sum += b.get(start + i);
        return sum & 0xff;
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
