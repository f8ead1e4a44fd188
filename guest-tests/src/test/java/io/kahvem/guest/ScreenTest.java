package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.schema.Screens.Screendump;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The screen as a picture, beside QEMU's of the same guest.
@Tag("slow")
class ScreenTest {
    private static final Path SEABIOS = Path.of("/usr/share/seabios/bios-256k.bin");
    private static final Path QEMU = Path.of("/usr/bin/qemu-system-x86_64");
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int BETWEEN_MILLIS = 100;

    @TempDir
    private Path directory;

    @Test
    void seaBiosScreenIsPaintedAsQemuPaintsIt() throws Exception {
        assumeTrue(Files.isExecutable(QEMU), "QEMU is not installed (apt-get install qemu-system-x86)");
        assumeTrue(Files.exists(SEABIOS), "SeaBIOS is not installed (apt-get install seabios)");
        Path socket = directory.resolve("qmp");
        Path itsSocket = directory.resolve("its-qmp");
        // Without the option ROM of its local APIC, which makes SeaBIOS try the hard disk before the floppy.
        Process qemu = new ProcessBuilder(List.of(QEMU.toString(), "-machine", "q35,accel=tcg", "-m", "512", "-nodefaults", "-vga", "std",
                "-display", "none", "-global", "apic.vapic=off", "-qmp", "unix:%s,server=on,wait=off".formatted(itsSocket)))
                .inheritIO().start();
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--firmware", "seabios", "--serial", "none", "--debugcon", "stdio",
                "--sandbox", "off", "--qmp", "unix:" + socket)) {
            guest.await("No bootable device.");
            try (QmpClient here = QmpClient.connect(socket, PATIENCE, event -> {});
                    QmpClient there = QmpClient.connect(itsSocket, PATIENCE, event -> {})) {
                Path our = dump(here, "here.ppm");
                Path its = dump(there, "there.ppm");
                long end = System.nanoTime() + PATIENCE.toNanos();
                // Its cursor blinks, and its guest may not be as far yet.
                while (Files.mismatch(our, its) >= 0 && System.nanoTime() < end) {
                    Thread.sleep(BETWEEN_MILLIS);
                    its = dump(there, "there.ppm");
                }
                assertThat(our).hasSameBinaryContentAs(its);
            }
        } finally {
            qemu.destroy();
            qemu.waitFor();
        }
    }

    private Path dump(QmpClient machine, String name) {
        Path file = directory.resolve(name);
        machine.execute(new Screendump(file.toString(), Optional.empty(), Optional.empty(), Optional.empty()));
        return file;
    }
}
