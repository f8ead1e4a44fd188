package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What goes wrong seldom: many boots in a row, for each way to translate. Minutes each, so not part of the default run; one alone:
/// `mvn -pl guest-tests -am verify -Dgroups=slow -DexcludedGroups= -Dtest='StressTest' -Dsurefire.failIfNoSpecifiedTests=false`.
@Tag("slow")
class StressTest {
    private static final int BOOTS = 10;

    private final TestGuests guests = TestGuests.orSkip();

    @ParameterizedTest
    @CsvSource({"normal, 1", "normal, 2", "normal, 4", "early, 1", "early, 2", "early, 4", "off, 1", "off, 2", "off, 4"})
    void bootsEveryTime(String when, int cpus) {
        for (int boot = 1; boot <= BOOTS; boot++) {
            try (Guest guest = Guest.bootTranslating(when, guests, "quiet task=sh cmd=nproc", "--cpus", cpus)) {
                assertThat(guest.await("guest: exit 0")).as("boot %d", boot).containsPattern("(?m)^" + cpus + "\r?$");
                assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            }
        }
    }
}
