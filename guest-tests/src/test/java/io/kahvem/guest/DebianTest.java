package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// A whole Debian on qcow2, started by firmware and GRUB: it logs in, writes, reboots, and a power cut loses nothing that it was promised.
@Tag("slow")
class DebianTest {
    private static final String PROMPT = "root@debian:~# ";

    @TempDir
    private Path dir;

    private Path disk;

    @BeforeEach
    void makeDisk() throws Exception {
        disk = dir.resolve("disk.qcow2");
        qemuImg("create", "-q", "-f", "qcow2", "-b", TestGuests.debianOrSkip().toString(), "-F", "qcow2", disk.toString());
    }

    @ParameterizedTest
    @CsvSource({"seabios, virtio, 1", "seabios, sata, 4", "seabios, nvme, 1", "ovmf, virtio, 4", "ovmf, sata, 1", "ovmf, nvme, 4"})
    void itBootsWritesAndSwitchesOff(String firmware, String bus, int cpus) throws Exception {
        try (Guest guest = boot(firmware, bus, cpus)) {
            logIn(guest);
            assertThat(guest.shell(PROMPT, "echo CPUS=$(nproc).")).contains("CPUS=%d.".formatted(cpus));
            assertThat(guest.shell(PROMPT, "ls -d /sys/firmware/efi").contains("cannot access")).isEqualTo(firmware.equals("seabios"));
            guest.shell(PROMPT, "dd if=/dev/urandom of=random bs=1M count=16 && sha256sum random > sum && sync");
            assertThat(guest.shell(PROMPT, "echo 3 > /proc/sys/vm/drop_caches; sha256sum -c sum")).contains("random: OK");
            guest.type("systemctl poweroff -f\n");
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
        }
        qemuImg("check", "-q", disk.toString());
    }

    @ParameterizedTest
    @CsvSource({"virtio, 1", "sata, 4", "nvme, 1"})
    void whatWasSyncedOutlivesAPowerCutAndAReboot(String bus, int cpus) throws Exception {
        try (Guest guest = boot("seabios", bus, cpus)) {
            logIn(guest);
            guest.shell(PROMPT, "echo kept > file && dd if=/dev/urandom of=random bs=1M count=16 && sha256sum random > sum && sync");
            guest.type("while true; do date >> lost; dd if=/dev/zero of=junk bs=1M count=8; done\n");
            guest.await("copied");
            guest.kill();
        }
        qemuImg("check", "-q", disk.toString());
        try (Guest guest = boot("seabios", bus, cpus)) {
            logIn(guest);
            assertThat(guest.shell(PROMPT, "cat file; sha256sum -c sum")).contains("kept", "random: OK");
            guest.type("systemctl reboot -f\n");
            logIn(guest);
            assertThat(guest.shell(PROMPT, "cat file; sha256sum -c sum")).contains("kept", "random: OK");
        }
        qemuImg("check", "-q", disk.toString());
    }

    private Guest boot(String firmware, String bus, int cpus) {
        return Guest.start("run", "--accel", "jvm", "--firmware", firmware, "--memory", "768M", "--cpus", cpus, "--disk",
                disk + ",format=qcow2,bus=" + bus);
    }

    private static void logIn(Guest guest) {
        guest.await("GRUB  version");
        guest.await("debian login: ");
        guest.type("root\n");
        guest.await("Password: ");
        guest.type("kahvem\n");
        guest.await(PROMPT);
    }

    private static void qemuImg(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("qemu-img"));
        command.addAll(List.of(arguments));
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/qemu-img")), "qemu-img is not installed (apt-get install qemu-utils)");
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", command, said).isZero();
    }
}
