package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The distribution's firmware, unmodified.
class FirmwareTest {
    private static final Path SEABIOS = Path.of("/usr/share/seabios/bios-256k.bin");
    private static final Path GRUB_CD = Path.of("/usr/lib/grub-rescue/grub-rescue-cdrom.iso");
    private static final Path GRUB_DISK = Path.of("/usr/lib/grub-rescue/grub-rescue-usb.img");
    private static final Path GRUB_FLOPPY = Path.of("/usr/lib/grub-rescue/grub-rescue-floppy.img");
    private static final Path MEMTEST = Path.of("/boot/memtest86+x64.bin");
    private static final Path INSTALLER = Path.of("/usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64");
    private static final Path OVMF = Path.of("/usr/share/OVMF/OVMF_CODE_4M.fd");
    private static final Path OVMF_VARIABLES = Path.of("/usr/share/OVMF/OVMF_VARS_4M.fd");

    @ParameterizedTest
    @ValueSource(strings = {"jvm", "kvm"})
    void seaBiosLooksForSomethingToBoot(String engine) {
        Assumptions.assumeTrue(Files.exists(SEABIOS), "SeaBIOS is not installed (apt-get install seabios)");
        if (engine.equals("kvm")) KvmEngineTest.needsKvm();
        try (Guest guest = Guest.start(
                "run", "--accel", engine, "--firmware", "seabios", "--serial", "none", "--debugcon", "stdio", "--cpus", "2")) {
            guest.await("QEMU fw_cfg DMA interface supported");
            guest.await("PCIe: using q35 mmconfig at 0xb0000000");
            guest.await("Found 2 cpu(s)");
            guest.await("No bootable device.");
            assertThat(guest.stdout()).as("the tables are whole").doesNotContain("parse error").contains("Copying SMBIOS");
        }
    }

    @Test
    void theScreenIsShownAsTextOnceItHasComeToRest() {
        Assumptions.assumeTrue(Files.exists(SEABIOS), "SeaBIOS is not installed (apt-get install seabios)");
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "seabios", "--display", "text")) {
            String screen = guest.await("No bootable device.\n");
            assertThat(screen).contains("SeaBIOS (version ").contains("Booting from Hard Disk...");
        }
    }

    @Test
    void theScreenIsShownOnTheSerialLineWhereThereIsNoOther() {
        Assumptions.assumeTrue(Files.exists(SEABIOS), "SeaBIOS is not installed (apt-get install seabios)");
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "seabios")) {
            guest.await("No bootable device.");
        }
    }

    @Test
    @Tag("slow")
    void ovmfComesToItsShell() {
        Assumptions.assumeTrue(Files.exists(OVMF), "OVMF is not installed (apt-get install ovmf)");
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "ovmf")) {
            guest.await("UEFI Interactive Shell");
            guest.await("Shell> ");
        }
    }

    @Test
    @Tag("slow")
    void whatOvmfRemembersIsInItsVariablesFile(@TempDir Path dir) throws IOException {
        Assumptions.assumeTrue(Files.exists(OVMF), "OVMF is not installed (apt-get install ovmf)");
        Path variables = dir.resolve("vars.fd");
        byte[] template = Files.readAllBytes(OVMF_VARIABLES);
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "ovmf", "--firmware-vars", variables)) {
            guest.await("Shell> ");
            byte[] kept = Files.readAllBytes(variables);
            assertThat(kept).hasSameSizeAs(template).isNotEqualTo(template);
            assertThat(new String(kept, StandardCharsets.ISO_8859_1)).contains("B\0o\0o\0t\0O\0r\0d\0e\0r\0");
            Guest second = Guest.start("run", "--accel", "jvm", "--firmware", "ovmf", "--firmware-vars", variables);
            assertThat(second.exitStatus()).as("two machines do not share variables").isEqualTo(2);
            assertThat(second.stderr()).contains(variables.toString(), "lock");
        }
        byte[] first = Files.readAllBytes(variables);
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "ovmf", "--firmware-vars", variables)) {
            guest.await("Shell> ");
        }
        assertThat(differences(first, Files.readAllBytes(variables))).as("it finds its own again")
                .isLessThan(differences(template, first) / 4);
    }

    @Test
    @Tag("slow")
    void whatIsTypedAtOvmfsShellIsAnsweredAndAVariableSetThereIsThereInTheNextRun(@TempDir Path dir) {
        Assumptions.assumeTrue(Files.exists(OVMF), "OVMF is not installed (apt-get install ovmf)");
        Path variables = dir.resolve("vars.fd");
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "ovmf", "--firmware-vars", variables)) {
            guest.await("Shell> ");
            guest.type("set kahvem kept-in-flash\r");
            guest.await("Shell> ");
            guest.type("reset -s\r");
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
        }
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "ovmf", "--firmware-vars", variables)) {
            guest.await("Shell> ");
            guest.type("set kahvem\r");
            guest.await("kept-in-flash");
        }
    }

    private static int differences(byte[] a, byte[] b) {
        int count = 0;
        for (int n = 0; n < a.length; n++) if (a[n] != b[n]) count++;
        return count;
    }

    @Test
    @Tag("slow")
    void grubComesToItsMenuFromCdAndDisk() {
        Assumptions.assumeTrue(Files.exists(GRUB_CD), "GRUB's rescue images are not installed (apt-get install grub-rescue-pc)");
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "seabios", "--display", "text", "--cdrom", GRUB_CD)) {
            guest.await("GNU GRUB");
            guest.await("Press enter to boot the selected OS");
        }
        for (String bus : new String[] {"virtio", "sata"}) {
            String disk = GRUB_DISK + ",format=raw,snapshot,bus=" + bus;
            try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "seabios", "--display", "text", "--disk", disk)) {
                guest.await("Press enter to boot the selected OS");
            }
        }
    }

    @Test
    @Tag("slow")
    void grubComesToItsMenuFromItsFloppyImage() {
        Assumptions.assumeTrue(Files.exists(GRUB_FLOPPY), "GRUB's rescue images are not installed (apt-get install grub-rescue-pc)");
        String disk = GRUB_FLOPPY + ",format=raw,snapshot";
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "seabios", "--display", "text", "--disk", disk)) {
            guest.await("GNU GRUB");
            guest.await("Press enter to boot the selected OS");
        }
    }

    @Test
    @Tag("slow")
    void memtestFindsNoErrorInAllTestsButItsLast() {
        Assumptions.assumeTrue(Files.exists(MEMTEST), "memtest86+ is not installed (apt-get install memtest86+)");
        try (Guest guest = Guest.start(
                "run", "--accel", "jvm", "--kernel", MEMTEST, "--append", "console=ttyS0,115200", "--memory", "32M")) {
            guest.await("Memtest86+");
            guest.await("[Bit fade test"); // which waits for minutes
            guest.await("Pass: ");
            assertThat(guest.stdout()).containsPattern("Errors: +0").doesNotContainPattern("Errors: +[1-9]");
        }
    }

    @Test
    @Tag("slow")
    void theDebianInstallerComesToItsFirstScreen() {
        Assumptions.assumeTrue(Files.exists(INSTALLER),
                "the installer is not installed (apt-get install debian-installer-12-netboot-amd64)");
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--kernel", INSTALLER.resolve("linux"), "--initrd",
                INSTALLER.resolve("initrd.gz"), "--append", "console=ttyS0 TERM=vt102", "--memory", "1G")) {
            guest.await("Select a language");
        }
    }
}
