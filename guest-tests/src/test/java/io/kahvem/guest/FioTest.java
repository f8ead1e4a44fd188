package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// fio writes and verifies through Linux' drivers on each bus, a minute each: `-Dkahvem.fio.seconds=600` is the ten minutes by hand.
@Tag("slow")
class FioTest {
    private static final int SECONDS = Integer.getInteger("kahvem.fio.seconds", 60);

    @TempDir
    private Path dir;

    @ParameterizedTest
    @CsvSource({"virtio, /dev/vdb", "nvme, /dev/nvme0n1", "scsi, /dev/sda", "sata, /dev/sda"})
    void whatIsWrittenIsRead(String bus, String device) throws IOException, InterruptedException {
        TestGuests guests = TestGuests.orSkip();
        Path tools = TestGuests.fioOrSkip();
        Path image = dir.resolve("disk.qcow2");
        assertThat(new ProcessBuilder(Guest.launcher().toString(), "image", "create", "-q", "-f", "qcow2", image.toString(), "256M")
                .inheritIO().start().waitFor()).isZero();
        String commands = "/mnt/run,--name=verify,--filename=" + device + ",--thread,--ioengine=libaio,--direct=1,--iodepth=16,--rw=randrw"
                + ",--bsrange=512-64k,--size=64M,--verify=crc32c,--verify_fatal=1,--verify_backlog=256,--time_based,--runtime=" + SECONDS
                + ",--randrepeat=1;echo,fio=$?.";
        List<Object> arguments = new ArrayList<>(List.of("run", "--accel", "jvm", "--kernel", guests.fullVmlinuz(), "--initrd",
                guests.fullInitrd(), "--append", "console=ttyS0 quiet cryptomgr.notests task=sh cmd=" + commands));
        arguments.addAll(List.of("--disk", tools + ",format=raw,readonly", "--disk", image + ",format=qcow2,bus=" + bus));
        try (Guest guest = Guest.start(arguments.toArray())) {
            assertThat(guest.exitStatus()).as(guest.transcript()).isZero();
            assertThat(guest.stdout()).contains("fio=0.", "err= 0").doesNotContain("verify: bad");
        }
        assertThat(Files.size(image)).as("something was written").isGreaterThan(8 << 20);
    }
}
