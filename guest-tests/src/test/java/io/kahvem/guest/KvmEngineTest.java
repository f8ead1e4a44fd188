package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.Availability.Reason;
import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.Hypervisor;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `--accel kvm` and `--accel auto` through the launcher.
class KvmEngineTest {
    @TempDir
    private Path files;

    @TempDir
    private Path home;

    /// Skips the test where KVM does not open, and says so.
    static void needsKvm() {
        Hypervisor kvm = ServiceLoader.load(Hypervisor.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(engine -> engine.name().equals("kvm"))
                .findFirst()
                .orElseThrow();
        if (kvm.availability() instanceof Unavailable not && not.reason() != Reason.SOFTWARE_ONLY) {
            System.out.println("skipped without KVM: " + not.evidence());
            Assumptions.abort(not.evidence());
        }
    }

    private Guest run(Payload payload, Map<String, String> environment, String accel) {
        return Guest.start(environment, "run", "--accel", accel, "--memory", "16M", "--debug-exit", "--kernel", payload.in(files));
    }

    private Map<String, String> withoutKvm() {
        Map<String, String> environment = new HashMap<>(Guest.livingIn(home));
        environment.merge("KAHVEM_JAVA_OPTS", "-Dkahvem.kvm.device=" + files.resolve("kvm"), (a, b) -> a + " " + b);
        return environment;
    }

    @Test
    void aPayloadEndsWithItsDebugExit() {
        needsKvm();
        try (Guest guest = run(new Payload().print("hi").debugExit(16).haltForEver(), Guest.livingIn(home), "kvm")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(33);
            assertThat(guest.stdout()).isEqualTo("hi");
            assertThat(guest.stderr()).isEmpty();
        }
    }

    @Test
    void payloadsInRealAndLongModeEndWithTheirDebugExit() {
        needsKvm();
        for (Payload payload : new Payload[] {new Payload().inRealMode(), new Payload().inLongMode()}) {
            for (String engine : new String[] {"jvm", "kvm", "kvm,kernel-irqchip=off", "kvm,dirty-ring-size=4096"}) {
                try (Guest guest = run(payload.debugExit(16).haltForEver(), Guest.livingIn(home), engine)) {
                    assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(33);
                }
            }
        }
    }

    @Test
    void aPayloadResetsTheMachine() {
        needsKvm();
        Payload secondBoot = new Payload().print("again").debugExit(2);
        Payload payload = new Payload().butAtTheSecondBoot(secondBoot).print("first ").resetByResetControl().haltForEver();
        try (Guest guest = run(payload, Guest.livingIn(home), "kvm")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(5);
            assertThat(guest.stdout()).isEqualTo("first again");
        }
    }

    @Test
    void aSpinningAndAHaltedGuestStopAtTheirTimeout() {
        needsKvm();
        for (String engine : new String[] {"kvm", "kvm,kernel-irqchip=off"}) {
            for (Payload payload : new Payload[] {new Payload().spinForEver(), new Payload().haltForEver()}) {
                try (Guest guest = Guest.start(Guest.livingIn(home), "run", "--accel", engine, "--memory", "16M", "--cpus", 2,
                        "--timeout", "1s", "--kernel", payload.in(files))) {
                    assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(124);
                }
            }
        }
    }

    @Test
    void whatItCannotEmulateIsToldWithItsPlaceAndTheOtherEngine() {
        needsKvm();
        try (Guest guest = run(new Payload().waitForX87().debugExit(16).haltForEver(), Guest.livingIn(home), "kvm")) {
            if (guest.exitStatus() == 33) {
                System.out.println("skipped: this KVM executes FWAIT");
                Assumptions.abort("FWAIT is executed");
            }
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(70);
            assertThat(guest.stderr()).startsWith("kahvem: vCPU 0 cannot go on: ")
                    .contains("cannot emulate", "--accel jvm", "at rip 0x100020", "bytes 9b b0 10 e6 f4")
                    .doesNotContain("Exception", "\tat ");
        }
    }

    @Test
    void withoutTheDeviceAutoSaysSoInOneLineAndTakesTheOther() {
        try (Guest guest = run(new Payload().debugExit(1).haltForEver(), withoutKvm(), "auto")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(3);
            assertThat(guest.stderr().lines()).singleElement().asString()
                    .startsWith("kahvem: engine jvm, not kvm: there is no ").contains(files.resolve("kvm").toString());
        }
    }

    @Test
    void withoutTheDeviceKvmIsRefusedWithTheReason() {
        try (Guest guest = run(new Payload().debugExit(1).haltForEver(), withoutKvm(), "kvm")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(70);
            assertThat(guest.stderr()).contains("engine kvm cannot run here: there is no").doesNotContain("Exception", "\tat ");
        }
    }
}
