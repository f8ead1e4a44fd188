package io.kahvem.block;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.block.Throttle.Limit;
import io.kahvem.block.Throttle.Rate;
import org.junit.jupiter.api.Test;

/// Limits of bytes and requests, with time that the test moves.
class ThrottleTest {
    private static final long SECOND = 1_000_000_000L;

    private long now = 5 * SECOND;

    /// How many requests of this size a disk that has always one to do does in so many seconds.
    private long doneIn(Throttle throttle, int seconds, Operation operation, long bytes) {
        long end = now + seconds * SECOND;
        long count = 0;
        while (true) {
            long wait = throttle.waitNanos(operation, now);
            if (wait > 0) now += wait;
            if (now >= end) {
                now = end;
                return count;
            }
            throttle.take(operation, bytes, now);
            count++;
        }
    }

    private static Throttle ofRequests(Limit limit, long requestBytes) {
        return new Throttle(new Rate(Limit.NONE, limit), Rate.UNLIMITED, Rate.UNLIMITED, requestBytes);
    }

    @Test
    void halfASecondsWorthMayComeAtOnceAndNoMoreThanTheRateAfterwards() {
        Throttle throttle = new Throttle(0, 100);
        assertThat(doneIn(throttle, 1, Operation.READ, 512)).isBetween(150L, 152L);
        assertThat(doneIn(throttle, 10, Operation.READ, 512)).isBetween(999L, 1001L);
        now += 60 * SECOND;
        assertThat(doneIn(throttle, 1, Operation.WRITE, 512)).as("what was not used is not saved up").isBetween(150L, 152L);
    }

    @Test
    void aBurstLastsItsTimeAtItsOwnRate() {
        Throttle throttle = ofRequests(new Limit(100, 1000, 3), 0);
        assertThat(doneIn(throttle, 1, Operation.READ, 512)).as("the first second").isBetween(1000L, 1102L);
        assertThat(doneIn(throttle, 2, Operation.READ, 512)).as("the next two").isBetween(1990L, 2010L);
        doneIn(throttle, 1, Operation.READ, 512); // what a bucket that leaks at the average has left
        assertThat(doneIn(throttle, 10, Operation.READ, 512)).as("the average").isBetween(999L, 1001L);
        now += 60 * SECOND;
        assertThat(doneIn(throttle, 1, Operation.READ, 512)).as("another, after a rest").isBetween(1000L, 1102L);
    }

    @Test
    void aBurstOfOneSecondMayComeAtOnce() {
        Throttle throttle = new Throttle(new Rate(new Limit(1 << 20, 8 << 20, 1), Limit.NONE), Rate.UNLIMITED, Rate.UNLIMITED, 0);
        assertThat(doneIn(throttle, 1, Operation.WRITE, 65_536)).isBetween(8L * 16 + 16, 8L * 16 + 18);
        assertThat(doneIn(throttle, 4, Operation.WRITE, 65_536)).isBetween(63L, 65L);
    }

    @Test
    void largeRequestsCountAsSeveral() {
        Throttle throttle = ofRequests(Limit.of(100), 4096);
        doneIn(throttle, 1, Operation.READ, 512);
        assertThat(doneIn(throttle, 10, Operation.READ, 4096)).isBetween(999L, 1001L);
        assertThat(doneIn(throttle, 10, Operation.READ, 16_384)).isBetween(249L, 251L);
    }

    @Test
    void readsAndWritesHaveLimitsOfTheirOwn() {
        Throttle throttle = new Throttle(Rate.UNLIMITED, new Rate(0, 10), new Rate(0, 100), 0);
        assertThat(throttle.tellsApart()).isTrue();
        doneIn(throttle, 1, Operation.READ, 512);
        assertThat(throttle.waitNanos(Operation.WRITE, now)).isZero();
        assertThat(doneIn(throttle, 10, Operation.READ, 512)).isBetween(99L, 101L);
    }
}
