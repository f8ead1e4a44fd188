package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kahvem.host.Descriptor;
import io.kahvem.host.LocalSocket;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.schema.BlockJobs.BlockdevAdd;
import io.kahvem.qmp.schema.BlockJobs.BlockdevDel;
import io.kahvem.qmp.schema.BlockJobs.BlockdevDriver;
import io.kahvem.qmp.schema.Descriptors.AddFd;
import io.kahvem.qmp.schema.Devices.DeviceAdd;
import io.kahvem.qmp.schema.Devices.DeviceDel;
import io.kahvem.qmp.schema.Devices.DeviceDeletedEvent;
import io.kahvem.qmp.schema.Event;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Disks that come to a Linux guest, and go, in the slots of root ports; the machine is confined.
class HotPlugTest {
    private static final String PROMPT = "guest# ";
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int SIZE = 1 << 20;

    private final TestGuests guests = TestGuests.orSkip();
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

    @TempDir
    Path directory;

    private static String until(Guest guest, String condition) {
        return guest.shell(PROMPT, "n=0; until %s || [ $n = 60 ]; do sleep 1; n=$((n+1)); done; cat /proc/partitions".formatted(condition));
    }

    /// A bus' disks as QEMU and the guest name them.
    private record Kind(String model, String driver, String device, String serial) {
        /// The small kernel's initial RAM disk has no NVMe driver.
        Guest boot(TestGuests guests, String append, Object... more) {
            return driver.equals("nvme") ? Guest.bootFull(guests, append, more) : Guest.boot(guests, append, more);
        }
    }

    private static final Kind VIRTIO = new Kind("virtio-blk-pci", "virtio_blk", "vda", "/sys/block/vda/serial");
    private static final Kind NVME = new Kind("nvme", "nvme", "nvme0n1", "/sys/block/nvme0n1/device/serial");

    @Test
    void aVirtioDiskComesAndGoesAndComesAgain() throws Exception {
        comesAndGoesAndComesAgain(VIRTIO);
    }

    @Test
    void anNvmeDiskComesAndGoesAndComesAgain() throws Exception {
        comesAndGoesAndComesAgain(NVME);
    }

    private void comesAndGoesAndComesAgain(Kind kind) throws Exception {
        String disk = "/dev/" + kind.device;
        assumeTrue(LocalSocket.passesDescriptors(), "this host passes no descriptors");
        byte[] content = new byte[SIZE];
        Arrays.fill(content, (byte) 'a');
        Path image = Files.write(directory.resolve("disk.raw"), content);
        Path socket = directory.resolve("qmp");
        try (Guest guest = kind.boot(guests, "loglevel=1", "--pcie-root-ports", "2", "--qmp", "unix:" + socket)) {
            guest.await(PROMPT);
            guest.shell(PROMPT, "modprobe " + kind.driver);
            assertThat(guest.shell(PROMPT, "cat /sys/bus/pci/slots/1/power")).contains("0");
            try (QmpClient qmp = QmpClient.connect(socket, PATIENCE, event -> event.known().ifPresent(events::add));
                    Descriptor file = Descriptor.open(image.toString())) {
                qmp.execute(new AddFd(Optional.of(1L), Optional.empty()), List.of(file));
                qmp.execute(new BlockdevAdd(BlockdevDriver.RAW, Optional.of("data"), Optional.empty(), Optional.empty(), Optional.empty(),
                        Optional.empty(), Optional.of(Map.of("driver", "file", "filename", "/dev/fdset/1")), Optional.empty()));
                for (String port : List.of("rp1", "rp2")) {
                    qmp.execute(new DeviceAdd(kind.model, Optional.of("disk"), Optional.of(port), Optional.of("data"),
                            Optional.of("SERIAL-" + port)));
                    assertThat(until(guest, "[ -b %s ]".formatted(disk))).containsPattern("1024 " + kind.device);
                    assertThat(guest.shell(PROMPT, "cat " + kind.serial)).contains("SERIAL-" + port);
                    assertThat(guest.shell(PROMPT, "dd if=%s bs=4 count=1 skip=100 2> /dev/null; echo".formatted(disk))).contains("aaaa");
                    guest.shell(PROMPT, "echo written-%s | dd of=%s conv=fsync 2> /dev/null".formatted(port, disk));
                    qmp.execute(new DeviceDel("disk"));
                    Event deleted = new DeviceDeletedEvent(Optional.of("disk"), "/machine/peripheral/disk");
                    for (Event heard = events.take(); !heard.equals(deleted); ) heard = events.take();
                    assertThat(until(guest, "! [ -b %s ]".formatted(disk))).doesNotContain(kind.device);
                    assertThat(Files.readString(image)).startsWith("written-" + port);
                }
                qmp.execute(new BlockdevDel("data"));
            }
        }
    }
}
