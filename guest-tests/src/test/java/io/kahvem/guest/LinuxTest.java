package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.hypervisor.Availability.Unavailable;
import io.kahvem.hypervisor.Hypervisor;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Debian's stock kernel, from reset to power-off, on the Java engine, and on KVM where it can. A boot is the most of a test's time, so a
/// test looks at all that one boot shows.
class LinuxTest {
    private static final String PROMPT = "guest# ";

    private final TestGuests guests = TestGuests.orSkip();

    @Test
    void saysHelloAndPowersOff() {
        try (Guest guest = Guest.boot(guests, "quiet task=hello", "--memory", "512M", "--stats")) {
            guest.await("HELLO-FROM-GUEST");
            assertThat(guest.await("GNU/Linux")).contains("Linux").contains("x86_64");
            assertThat(guest.await("LOC:")).contains("IO-APIC", "ttyS0", "acpi");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            assertThat(guest.stderr()).contains("engine jvm", "MIPS", "translated-instructions: ", "regions-made: ", "tlb-misses: ");
            assertThat(guest.stderr()).as("the launcher gives access to HotSpot's compilers").containsPattern("compiled-quickly: [1-9]");
        }
    }

    /// A KVM without hardware virtualization boots no stock kernel.
    @Test
    void saysHelloOnKvmWhereThereIsHardwareForIt() {
        Hypervisor kvm = ServiceLoader.load(Hypervisor.class).stream().map(ServiceLoader.Provider::get)
                .filter(engine -> engine.name().equals("kvm")).findFirst().orElseThrow();
        if (kvm.availability() instanceof Unavailable not) {
            System.out.println("skipped on engine kvm: " + not.evidence());
            Assumptions.abort(not.evidence());
        }
        for (int cpus : new int[] {1, 4}) {
            String command = "task=sh cmd=nproc;dmesg,-r";
            try (Guest guest = Guest.start("run", "--accel", "kvm", "--kernel", guests.vmlinuz(), "--initrd", guests.initrd(), "--append",
                    "console=ttyS0 loglevel=1 " + command, "--cpus", cpus)) {
                String printed = guest.await("guest: exit 0");
                assertThat(printed).containsPattern("(?m)^%d\r?$".formatted(cpus)).contains("Linux version 6");
                assertThat(guest.exitStatus()).as(guest::transcript).isZero();
                assertThat(guest.stderr()).isEmpty();
            }
        }
    }

    @Test
    void bootsTheUncompressedKernelByItsPvhNoteAndOutlivesTheEndOfItsInput() {
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--kernel", guests.vmlinux(), "--initrd", guests.initrd(),
                "--append", "console=ttyS0 quiet task=hello")) {
            guest.endInput();
            guest.await("HELLO-FROM-GUEST");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
            assertThat(guest.stderr()).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"off", "early", "normal"})
    void computesWhatEveryOtherMachineComputesHoweverItIsTranslated(String when) {
        try (Guest guest = Guest.bootTranslating(when, guests, "quiet task=bench bench=0.05")) {
            assertThat(Kbench.checks(guest.await("kbench done"))).containsExactlyInAnyOrderEntriesOf(Kbench.CHECKS);
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({"normal, 1", "normal, 4", "early, 1", "early, 4", "off, 4"})
    void runsAsManyProcessorsAsAskedForWithoutAComplaint(String when, int cpus) {
        String command = "cmd=nproc;grep,-c,^processor,/proc/cpuinfo;dmesg,-r";
        try (Guest guest = Guest.bootTranslating(when, guests, "loglevel=1 task=sh " + command, "--cpus", cpus)) {
            String printed = guest.await("guest: exit 0");
            assertThat(printed).containsPattern("(?m)^%1$d\r?\n%1$d\r?$".formatted(cpus));
            assertThat(printed).contains("Linux version 6");
            assertThat(KernelLog.complaints(printed)).isSubsetOf(KernelLog.UNDER_QEMU);
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void answersAtAShellDrivenThroughAPipeBeforeAndAfterAReboot() {
        try (Guest guest = Guest.boot(guests, "quiet", "--cpus", 2)) {
            guest.await("GUEST-READY 6.");
            guest.await(PROMPT);
            assertThat(guest.shell(PROMPT, "echo $((6 * 7))")).isEqualTo("42\n");
            assertThat(guest.shell(PROMPT, "cat /proc/cmdline")).isEqualTo("console=ttyS0 quiet\n");
            assertThat(guest.shell(PROMPT, "echo left > /tmp/mark; ls /tmp")).isEqualTo("mark\n");
            assertThat(guest.shell(PROMPT, "for i in 1 2 3 4 5 6 7 8; do echo $i | md5sum & done | wc -l")).isEqualTo("8\n");
            guest.type("reboot -f\n");
            guest.await("GUEST-READY 6.");
            guest.await(PROMPT);
            assertThat(guest.shell(PROMPT, "ls /tmp | wc -l; nproc")).isEqualTo("0\n2\n");
            guest.type("poweroff -f\n");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void endsWithZeroWhereAPanicAsksForAResetUnderNoReboot() {
        try (Guest guest = Guest.boot(guests, "quiet panic=-1 task=sh cmd=echo,c,>/proc/sysrq-trigger", "--no-reboot")) {
            assertThat(guest.await("Kernel panic")).contains("Trigger a crash");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }
}
