package io.kahvem.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StoppableClockTest {
    private long now = 1_000;
    private final StoppableClock clock = new StoppableClock(new Clock() {
        @Override
        public long nanoTime() {
            return now;
        }

        @Override
        public long wallNanos() {
            return 7 * now;
        }
    });

    @Test
    void itStandsStillWhileItIsStopped() {
        assertThat(clock.nanoTime()).isEqualTo(1_000);
        clock.stop();
        now = 5_000;
        clock.stop();
        assertThat(clock.nanoTime()).isEqualTo(1_000);
        clock.start();
        clock.start();
        now = 5_300;
        assertThat(clock.nanoTime()).isEqualTo(1_300);
        assertThat(clock.hostNanos(1_400)).isEqualTo(5_400);
    }

    @Test
    void severalStopsAddUp() {
        for (int n = 0; n < 3; n++) {
            clock.stop();
            now += 100;
            clock.start();
            now += 10;
        }
        assertThat(clock.nanoTime()).isEqualTo(1_030);
        assertThat(clock.wallNanos()).isEqualTo(7 * 1_330);
    }
}
