package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What goes wrong seldom: many boots in a row. Minutes each, so not part of the default run.
@Tag("slow")
class StressTest {
    private static final int BOOTS = 10;

    private final TestGuests guests = TestGuests.orSkip();

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void bootsEveryTime(int cpus) {
        for (int boot = 1; boot <= BOOTS; boot++) {
            try (Guest guest = Guest.boot(guests, "quiet task=sh cmd=nproc", "--cpus", cpus)) {
                assertThat(guest.await("guest: exit 0")).as("boot %d", boot).containsPattern("(?m)^" + cpus + "\r?$");
                assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            }
        }
    }
}
