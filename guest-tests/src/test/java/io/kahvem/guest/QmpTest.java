package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.qmp.QmpClient;
import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.RunStates.Cont;
import io.kahvem.qmp.schema.RunStates.InjectNmi;
import io.kahvem.qmp.schema.RunStates.PowerdownEvent;
import io.kahvem.qmp.schema.RunStates.QueryStatus;
import io.kahvem.qmp.schema.RunStates.ResetEvent;
import io.kahvem.qmp.schema.RunStates.ResumeEvent;
import io.kahvem.qmp.schema.RunStates.RunState;
import io.kahvem.qmp.schema.RunStates.ShutdownCause;
import io.kahvem.qmp.schema.RunStates.ShutdownEvent;
import io.kahvem.qmp.schema.RunStates.Stop;
import io.kahvem.qmp.schema.RunStates.StopEvent;
import io.kahvem.qmp.schema.RunStates.SystemPowerdown;
import io.kahvem.qmp.schema.RunStates.SystemReset;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A Linux guest controlled through the socket of its process, which is confined.
class QmpTest {
    private static final String PROMPT = "guest# ";
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final double STOPPED_SECONDS = 5;

    private final TestGuests guests = TestGuests.orSkip();
    private final List<Event> events = new CopyOnWriteArrayList<>();

    @TempDir
    Path directory;

    private QmpClient connect(Path socket) {
        return QmpClient.connect(socket, PATIENCE, event -> event.known().ifPresent(events::add));
    }

    private static double uptime(Guest guest) {
        return Double.parseDouble(guest.shell(PROMPT, "cat /proc/uptime").strip().split(" ")[0]);
    }

    @Test
    void aStoppedGuestLosesNoTimeAndTheButtonsReachIt() throws InterruptedException {
        Path socket = directory.resolve("qmp");
        try (Guest guest = Guest.boot(guests, "loglevel=1", "--qmp", "unix:" + socket)) {
            guest.await(PROMPT);
            try (QmpClient qmp = connect(socket)) {
                double before = uptime(guest);
                qmp.execute(new Stop());
                assertThat(qmp.execute(new QueryStatus()).status()).isEqualTo(RunState.PAUSED);
                Thread.sleep((long) (STOPPED_SECONDS * 1000));
                qmp.execute(new Cont());
                assertThat(uptime(guest) - before).isPositive().isLessThan(STOPPED_SECONDS);

                qmp.execute(new InjectNmi());
                assertThat(guest.shell(PROMPT, "sleep 1; dmesg | tail -n 5")).contains("NMI received for unknown reason");

                assertThat(guest.shell(PROMPT, "cat /sys/bus/acpi/devices/QEMU0001:00/hid")).contains("QEMU0001");

                qmp.execute(new SystemReset());
                guest.await(PROMPT);
            }
            // The next client finds the same machine.
            try (QmpClient qmp = connect(socket)) {
                qmp.execute(new SystemPowerdown());
                guest.await("GUEST-POWERDOWN");
                assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            }
            assertThat(events).containsExactly(
                    new StopEvent(), new ResumeEvent(),
                    new ResetEvent(false, ShutdownCause.HOST_QMP_SYSTEM_RESET),
                    new PowerdownEvent(), new ShutdownEvent(true, ShutdownCause.GUEST_SHUTDOWN));
            assertThat(guest.stderr()).isEmpty();
        }
    }
}
