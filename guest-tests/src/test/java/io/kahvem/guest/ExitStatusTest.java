package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// How a machine ends is how its process ends; and nothing is left behind. The guests are payloads of a few instructions.
class ExitStatusTest {
    @TempDir
    private Path files;

    @TempDir
    private Path home;

    private Guest run(Payload payload, Object... options) {
        List<Object> arguments = new ArrayList<>(List.of("run", "--accel", "jvm", "--memory", "16M", "--kernel", payload.in(files)));
        arguments.addAll(Arrays.asList(options));
        return Guest.start(Guest.livingIn(home), arguments.toArray());
    }

    @AfterEach
    void leavesNothingBehind() throws IOException {
        try (Stream<Path> left = Files.list(home)) {
            assertThat(left).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 3", "16, 33", "127, 255"})
    void isWhatTheGuestWritesToDebugExit(int value, int status) {
        try (Guest guest = run(new Payload().print("hi").debugExit(value).haltForEver(), "--debug-exit")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(status);
            assertThat(guest.stdout()).isEqualTo("hi");
            assertThat(guest.stderr()).isEmpty();
        }
    }

    @Test
    void isNotTheGuestsToChooseWithoutDebugExit() {
        try (Guest guest = run(new Payload().debugExit(7).print("still here").resetByKeyboardController().haltForEver(), "--no-reboot")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            assertThat(guest.stdout()).isEqualTo("still here");
        }
    }

    @Test
    void isFourForATripleFaultUnderNoReboot() {
        try (Guest guest = run(new Payload().print("now").tripleFault(), "--no-reboot")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(4);
            assertThat(guest.stdout()).isEqualTo("now");
            assertThat(guest.stderr()).contains("triple fault");
        }
    }

    @Test
    void isNothingYetForATripleFaultThatResetsTheMachine() {
        Payload secondBoot = new Payload().print("again").debugExit(2);
        Payload payload = new Payload().butAtTheSecondBoot(secondBoot).print("first ").tripleFault();
        try (Guest guest = run(payload, "--debug-exit")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(5);
            assertThat(guest.stdout()).isEqualTo("first again");
            assertThat(guest.stderr()).isEmpty();
        }
    }

    @Test
    void isZeroForEachWayToAskForAResetUnderNoReboot() {
        for (Payload payload : List.of(new Payload().resetByKeyboardController(), new Payload().resetByResetControl())) {
            try (Guest guest = run(payload.haltForEver(), "--no-reboot")) {
                assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            }
        }
    }

    @Test
    void comesAfterAsManyBootsAsTheGuestAsksFor() {
        Payload secondBoot = new Payload().print("again").debugExit(0);
        Payload payload = new Payload().butAtTheSecondBoot(secondBoot).print("first ").resetByResetControl().haltForEver();
        try (Guest guest = run(payload, "--debug-exit", "--stats")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(1);
            assertThat(guest.stdout()).isEqualTo("first again");
            assertThat(guest.stderr()).contains("1 reset");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void isOneHundredAndTwentyFourAtTheTimeout(boolean busy) {
        Payload payload = new Payload().print("up");
        try (Guest guest = run(busy ? payload.spinForEver() : payload.haltForEver(), "--timeout", "1s")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(124);
            assertThat(guest.stdout()).isEqualTo("up");
            assertThat(guest.stderr()).contains("--timeout");
        }
    }

    @ParameterizedTest
    @CsvSource({"TERM, 143, true", "TERM, 143, false", "INT, 130, true", "HUP, 129, false"})
    void isOneHundredAndTwentyEightAndTheSignal(String name, int status, boolean busy) {
        Payload payload = new Payload().print("up");
        try (Guest guest = run(busy ? payload.spinForEver() : payload.haltForEver(), "--cpus", 2)) {
            guest.await("up");
            guest.signal(name);
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(status);
            assertThat(guest.stdout()).isEqualTo("up");
            assertThat(guest.children()).isEmpty();
        }
    }
}
