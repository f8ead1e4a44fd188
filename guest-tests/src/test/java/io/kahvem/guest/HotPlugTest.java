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

    @Test
    void aDiskComesAndGoesAndComesAgain() throws Exception {
        assumeTrue(LocalSocket.passesDescriptors(), "this host passes no descriptors");
        byte[] content = new byte[SIZE];
        Arrays.fill(content, (byte) 'a');
        Path image = Files.write(directory.resolve("disk.raw"), content);
        Path socket = directory.resolve("qmp");
        try (Guest guest = Guest.boot(guests, "loglevel=1", "--pcie-root-ports", "2", "--qmp", "unix:" + socket)) {
            guest.await(PROMPT);
            guest.shell(PROMPT, "modprobe virtio_blk");
            assertThat(guest.shell(PROMPT, "cat /sys/bus/pci/slots/1/power")).contains("0");
            try (QmpClient qmp = QmpClient.connect(socket, PATIENCE, event -> event.known().ifPresent(events::add));
                    Descriptor file = Descriptor.open(image.toString())) {
                qmp.execute(new AddFd(Optional.of(1L), Optional.empty()), List.of(file));
                qmp.execute(new BlockdevAdd(BlockdevDriver.RAW, Optional.of("data"), Optional.empty(), Optional.empty(), Optional.empty(),
                        Optional.empty(), Optional.of(Map.of("driver", "file", "filename", "/dev/fdset/1")), Optional.empty()));
                for (String port : List.of("rp1", "rp2")) {
                    qmp.execute(new DeviceAdd("virtio-blk-pci", Optional.of("disk"), Optional.of(port), Optional.of("data"),
                            Optional.of("SERIAL-" + port)));
                    assertThat(until(guest, "[ -b /dev/vda ]")).containsPattern("1024 vda");
                    assertThat(guest.shell(PROMPT, "cat /sys/block/vda/serial")).contains("SERIAL-" + port);
                    assertThat(guest.shell(PROMPT, "dd if=/dev/vda bs=4 count=1 skip=100 2> /dev/null; echo")).contains("aaaa");
                    guest.shell(PROMPT, "echo written-%s | dd of=/dev/vda conv=fsync 2> /dev/null".formatted(port));
                    qmp.execute(new DeviceDel("disk"));
                    Event deleted = new DeviceDeletedEvent(Optional.of("disk"), "/machine/peripheral/disk");
                    for (Event heard = events.take(); !heard.equals(deleted); ) heard = events.take();
                    assertThat(until(guest, "! [ -b /dev/vda ]")).doesNotContain("vda");
                    assertThat(Files.readString(image)).startsWith("written-" + port);
                }
                qmp.execute(new BlockdevDel("data"));
            }
        }
    }
}
