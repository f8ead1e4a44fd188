package io.kahvem.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.host.EventLoop;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MachineLoopTest {
    private final HandMovedLoop host = new HandMovedLoop();
    private final MachineLoop loop = new MachineLoop(host);
    private final List<String> ran = new ArrayList<>();

    @Test
    void aTimerWaitsForAsLongAsTimeStandsStill() {
        long start = loop.clock().nanoTime();
        EventLoop.Timer ignored = loop.schedule(start + 100, () -> ran.add("timer"));
        host.advance(60);
        loop.stopTime();
        host.advance(1_000);
        assertThat(ran).isEmpty();
        assertThat(loop.clock().nanoTime()).isEqualTo(start + 60);
        loop.startTime();
        host.advance(39);
        assertThat(ran).isEmpty();
        host.advance(1);
        assertThat(ran).containsExactly("timer");
    }

    @Test
    void whatIsScheduledWhileTimeStandsStillWaitsToo() {
        loop.stopTime();
        EventLoop.Timer kept = loop.schedule(loop.clock().nanoTime(), () -> ran.add("kept"));
        EventLoop.Timer dropped = loop.schedule(loop.clock().nanoTime(), () -> ran.add("dropped"));
        host.advance(10);
        assertThat(ran).isEmpty();
        dropped.cancel();
        loop.startTime();
        host.advance(0);
        assertThat(ran).containsExactly("kept");
        kept.cancel();
    }

    @Test
    void theHostsSideOfADeviceGoesOn() {
        loop.stopTime();
        loop.execute(() -> ran.add("completed"));
        host.advance(0);
        assertThat(ran).containsExactly("completed");
    }
}
