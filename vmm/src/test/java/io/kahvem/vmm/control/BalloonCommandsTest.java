package io.kahvem.vmm.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kahvem.config.MachineConfig;
import io.kahvem.config.Management;
import io.kahvem.devices.ByteSink;
import io.kahvem.devices.virtio.balloon.VirtioBalloon;
import io.kahvem.qmp.ErrorClass;
import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.Balloons.Balloon;
import io.kahvem.qmp.schema.Balloons.BalloonChangeEvent;
import io.kahvem.qmp.schema.Balloons.QomSetNumber;
import io.kahvem.qmp.schema.Balloons.QueryBalloon;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.Qom.QomGet;
import io.kahvem.vmm.Machine;
import io.kahvem.vmm.TestMachines;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class BalloonCommandsTest {
    private static final long MIB = 1 << 20;
    private static final int NUM_PAGES = 0;
    private static final int ACTUAL = 4;

    @TempDir
    Path directory;

    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

    private Machine machine(boolean balloon) throws IOException {
        Management management = new Management(Optional.empty(), Optional.empty(), List.of(directory.resolve("qmp")), false, balloon);
        MachineConfig config = MachineConfig.builder()
                .memory("64M").kernel(TestMachines.writeKernel(directory)).management(management)
                .build();
        return Machine.create(config, ByteSink.DISCARD, TestMachines.idleHost());
    }

    private QmpClient connect() {
        return QmpClient.connect(directory.resolve("qmp"), Duration.ofSeconds(10), event -> event.known().ifPresent(events::add));
    }

    @Test
    void theGuestIsAskedForMemoryAndWhatItGivesIsTold() throws Exception {
        try (Machine machine = machine(true)) {
            machine.start();
            VirtioBalloon device = machine.balloon().orElseThrow();
            try (QmpClient qmp = connect()) {
                assertThat(qmp.execute(new QueryBalloon()).actual()).isEqualTo(64 * MIB);
                qmp.execute(new Balloon(48 * MIB));
                assertThat(device.config().get(NUM_PAGES, 4)).isEqualTo(16 * MIB / 4096);
                for (long pages = 256; pages <= 4096; pages += 256) device.configWritten(ACTUAL, 4, pages); // as the driver does
                assertThat(qmp.execute(new QueryBalloon()).actual()).isEqualTo(48 * MIB);
                assertThat(events.take()).as("at once").isEqualTo(new BalloonChangeEvent(63 * MIB));
                assertThat(events.take()).as("a second later the newest").isEqualTo(new BalloonChangeEvent(48 * MIB));
                assertThatThrownBy(() -> qmp.execute(new Balloon(0)))
                        .isInstanceOf(QmpException.class).hasMessage("Parameter 'target' expects a size");
            }
        }
    }

    @Test
    void statisticsAreUnknownUntilTheDriverTellsThem() throws IOException {
        try (Machine machine = machine(true)) {
            machine.start();
            try (QmpClient qmp = connect()) {
                qmp.execute(new QomSetNumber(BalloonCommands.PATH, "guest-stats-polling-interval", 2));
                assertThat(qmp.execute(new QomGet(BalloonCommands.PATH, "guest-stats-polling-interval"))).isEqualTo(2L);
                Map<?, ?> all = (Map<?, ?>) qmp.execute(new QomGet(BalloonCommands.PATH, "guest-stats"));
                assertThat(all.get("last-update")).isEqualTo(0L);
                assertThat(String.valueOf(all.get("stats"))).contains("stat-free-memory=18446744073709551615");
                assertThatThrownBy(() -> qmp.execute(new QomSetNumber(BalloonCommands.PATH, "guest-stats-polling-interval", -1)))
                        .isInstanceOf(QmpException.class);
            }
        }
    }

    @Test
    void aMachineWithoutOneSaysSo() throws IOException {
        try (Machine machine = machine(false)) {
            machine.start();
            try (QmpClient qmp = connect()) {
                assertThatThrownBy(() -> qmp.execute(new QueryBalloon())).isInstanceOfSatisfying(QmpException.class,
                        e -> assertThat(e.errorClass()).isEqualTo(ErrorClass.DeviceNotActive));
            }
        }
    }
}
