package io.kahvem.devices.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AcpiTablesTest {
    @ParameterizedTest
    @ValueSource(ints = {1, 4, 255})
    void everyTableHasItsLengthItsChecksumAndItsPlace(int cpus) {
        AcpiTables acpi = AcpiTables.build(AcpiTables.Layout.of(cpus, 0x8000_0000L));
        long end = AcpiTables.FIRMWARE_AREA_START;
        for (AcpiTables.Placed table : acpi.tables()) {
            assertThat(table.gpa()).as(table.signature()).isGreaterThanOrEqualTo(end);
            end = table.gpa() + table.bytes().length;
            assertThat(new String(table.bytes(), 0, table.signature().length(), StandardCharsets.US_ASCII)).isEqualTo(table.signature());
            if (table.signature().equals("RSD PTR ")) continue;
            assertThat(body(table).getInt(4)).as(table.signature()).isEqualTo(table.bytes().length);
            if (!table.signature().equals("FACS")) assertThat(sum(table.bytes(), table.bytes().length)).as(table.signature()).isZero();
        }
        assertThat(end).isLessThanOrEqualTo(AcpiTables.FIRMWARE_AREA_END);
    }

    @Test
    void theRootLeadsToEveryTable() {
        AcpiTables acpi = AcpiTables.build(AcpiTables.Layout.of(2, 0x8000_0000L));
        AcpiTables.Placed root = acpi.tables().getFirst();
        assertThat(root.gpa()).isEqualTo(acpi.rsdpGpa()).isEqualTo(0xe_0000);
        assertThat(sum(root.bytes(), 20)).isZero();
        assertThat(sum(root.bytes(), 36)).isZero();
        assertThat(root.bytes()[15]).isEqualTo((byte) 2);

        ByteBuffer rsdt = body(at(acpi, Integer.toUnsignedLong(body(root).getInt(16)), "RSDT"));
        ByteBuffer xsdt = body(at(acpi, body(root).getLong(24), "XSDT"));
        assertThat(rsdt.getInt(36)).isEqualTo((int) xsdt.getLong(36));
        assertThat(rsdt.getInt(40)).isEqualTo((int) xsdt.getLong(44));
        ByteBuffer fadt = body(at(acpi, xsdt.getLong(36), "FACP"));
        at(acpi, xsdt.getLong(44), "APIC");
        at(acpi, fadt.getInt(40), "DSDT");
        at(acpi, fadt.getLong(140), "DSDT");
        assertThat(at(acpi, fadt.getInt(36), "FACS").gpa() % 64).isZero();
    }

    @Test
    void theMadtNamesEveryProcessor() {
        ByteBuffer madt = body(named(AcpiTables.build(AcpiTables.Layout.of(3, 0x8000_0000L)), "APIC"));
        int processors = 0;
        for (int at = 44; at < madt.limit(); at += madt.get(at + 1)) {
            if (madt.get(at) != 0) continue;
            assertThat(madt.get(at + 3)).isEqualTo((byte) processors++);
            assertThat(madt.getInt(at + 4)).isEqualTo(1);
        }
        assertThat(processors).isEqualTo(3);
    }

    @Test
    void packageLengthsGrowWithTheirContent() {
        assertThat(Aml.buffer(new byte[60])).startsWith(0x11, 0x3f, 0x0a, 60).hasSize(64);
        assertThat(Aml.buffer(new byte[61])).startsWith(0x11, 0x41, 0x04, 0x0a, 61).hasSize(66);
        assertThat(Aml.buffer(new byte[4100])).startsWith(0x11, 0x8a, 0x00, 0x01, 0x0b, 0x04, 0x10).hasSize(4107);
    }

    @Test
    void namesAndIdsAreEncodedAsTheSpecificationSays() {
        assertThat(Aml.name("\\_SB.PCI0.A", Aml.integer(1))).isEqualTo(join(0x08, '\\', 0x2f, 3, "_SB_PCI0A___", 0x01));
        assertThat(Aml.name("A.BC", Aml.integer(0x100))).isEqualTo(join(0x08, 0x2e, "A___BC__", 0x0b, 0x00, 0x01));
        assertThat(Aml.eisaId("PNP0A03")).containsExactly(0x0c, 0x41, 0xd0, 0x0a, 0x03);
        assertThatThrownBy(() -> Aml.name("TOOLONG", Aml.integer(0))).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aLayoutThatCannotBeIsRefused() {
        assertThatThrownBy(() -> AcpiTables.Layout.of(256, 0x8000_0000L)).hasMessageContaining("256");
        assertThatThrownBy(() -> new AcpiTables.Layout(1, 0xe_0004, 0x8000_0000L, 0xfec0_0000L, 0, 0, 0xb000_0000L))
                .hasMessageContaining("16-byte boundary");
        assertThatThrownBy(() -> AcpiTables.Layout.of(1, 0xff00_0000L)).hasMessageContaining("PCI windows");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 255})
    void iaslReadsTheTablesBack(int cpus, @TempDir Path dir) throws IOException, InterruptedException {
        Assumptions.assumeTrue(iaslIsPresent(), "iasl is not installed (apt-get install acpica-tools)");
        AcpiTables.Layout layout = new AcpiTables.Layout(cpus, 0xe_0000, 0x8000_0000L, 0xfec0_0000L, 0x1_4000_0000L, 0x80_0000_0000L,
                0xb000_0000L);
        AcpiTables acpi = AcpiTables.build(layout);
        for (String signature : new String[] {"DSDT", "FACP", "APIC"}) {
            Files.write(dir.resolve(signature + ".aml"), named(acpi, signature).bytes());
            String log = run(dir, "iasl", "-d", signature + ".aml");
            assertThat(log)
                    .contains(signature.equals("DSDT") ? "Disassembly completed" : "Formatted output")
                    .doesNotContainIgnoringCase("error")
                    .doesNotContainIgnoringCase("warning");
        }
        assertThat(run(dir, "iasl", "DSDT.dsl")).contains("0 Errors, 0 Warnings");
        assertThat(Files.readString(dir.resolve("DSDT.dsl")))
                .contains("Name (_HID, EisaId (\"PNP0A08\")", "Device (COM1)", "_S5", "\"ACPI0007\"");
    }

    @Test
    void aBoardWithoutPciAnnouncesItsVirtioDevices(@TempDir Path dir) throws IOException, InterruptedException {
        AcpiTables acpi = AcpiTables.withoutPci(2, 3);
        assertThat(acpi.tables()).noneMatch(table -> table.signature().equals("MCFG"));
        ByteBuffer xsdt = body(named(acpi, "XSDT"));
        assertThat(xsdt.limit()).isEqualTo(36 + 2 * 8);
        at(acpi, xsdt.getLong(36), "FACP");
        at(acpi, xsdt.getLong(44), "APIC");
        Assumptions.assumeTrue(iaslIsPresent(), "iasl is not installed (apt-get install acpica-tools)");
        Files.write(dir.resolve("DSDT.aml"), named(acpi, "DSDT").bytes());
        assertThat(run(dir, "iasl", "-d", "DSDT.aml")).contains("Disassembly completed").doesNotContainIgnoringCase("error");
        assertThat(run(dir, "iasl", "DSDT.dsl")).contains("0 Errors, 0 Warnings");
        assertThat(Files.readString(dir.resolve("DSDT.dsl")))
                .contains("Device (VR02)", "\"LNRO0005\"", "0xFEB00400", "0x00000012").doesNotContain("PCI0", "VR03");
    }

    private static boolean iaslIsPresent() throws InterruptedException {
        try {
            ProcessBuilder iasl = new ProcessBuilder("iasl", "-v").redirectErrorStream(true);
            return iasl.redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static String run(Path dir, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).directory(dir.toFile()).redirectErrorStream(true).start();
        String log = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return log;
    }

    private static AcpiTables.Placed at(AcpiTables acpi, long gpa, String signature) {
        AcpiTables.Placed table = named(acpi, signature);
        assertThat(table.gpa()).as(signature).isEqualTo(gpa);
        return table;
    }

    private static AcpiTables.Placed named(AcpiTables acpi, String signature) {
        return acpi.tables().stream().filter(t -> t.signature().equals(signature)).findFirst().orElseThrow();
    }

    private static ByteBuffer body(AcpiTables.Placed table) {
        return ByteBuffer.wrap(table.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static int sum(byte[] bytes, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) sum += bytes[i];
        return sum & 0xff;
    }

    private static byte[] join(Object... parts) {
        StringBuilder text = new StringBuilder();
        for (Object part : parts) {
            switch (part) {
                case Integer i -> text.append((char) i.intValue());
                default -> text.append(part);
            }
        }
        return text.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
