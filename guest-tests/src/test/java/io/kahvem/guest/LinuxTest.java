package io.kahvem.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Debian's stock kernel, from reset to power-off, on the Java engine.
class LinuxTest {
    private final TestGuests guests = TestGuests.orSkip();

    private Guest boot(String append, Object... more) {
        Object[] arguments = {
            "run", "--accel", "jvm", "--kernel", guests.vmlinuz(), "--initrd", guests.initrd(), "--append", "console=ttyS0 " + append,
        };
        Object[] all = new Object[arguments.length + more.length];
        System.arraycopy(arguments, 0, all, 0, arguments.length);
        System.arraycopy(more, 0, all, arguments.length, more.length);
        return Guest.start(all);
    }

    @Test
    void saysHelloAndPowersOff() {
        try (Guest guest = boot("quiet task=hello", "--memory", "512M")) {
            guest.await("HELLO-FROM-GUEST");
            assertThat(guest.await("GNU/Linux")).contains("Linux").contains("x86_64");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void bootsTheUncompressedKernelThroughItsPvhNote() {
        try (Guest guest = Guest.start("run", "--accel", "jvm", "--kernel", guests.vmlinux(), "--initrd", guests.initrd(),
                "--append", "console=ttyS0 quiet task=hello")) {
            guest.await("HELLO-FROM-GUEST");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void runsAsManyProcessorsAsAskedFor(int cpus) {
        try (Guest guest = boot("quiet task=sh cmd=nproc", "--cpus", cpus)) {
            assertThat(guest.await("guest: exit 0")).containsPattern("(?m)^" + cpus + "\r?$");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void answersAtAShellDrivenThroughAPipe() {
        try (Guest guest = boot("quiet")) {
            guest.await("GUEST-READY");
            guest.await("guest# ");
            guest.type("echo $((6 * 7))\n");
            guest.await("\n42");
            guest.type("poweroff -f\n");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void outlivesTheEndOfItsInput() {
        try (Guest guest = boot("quiet task=hello").endInput()) {
            guest.await("HELLO-FROM-GUEST");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void endsWithZeroWhereAPanicAsksForAResetUnderNoReboot() {
        try (Guest guest = boot("quiet panic=-1 task=sh cmd=echo,c,>/proc/sysrq-trigger", "--no-reboot")) {
            guest.await("Kernel panic");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void bootsAgainAfterAReboot() {
        try (Guest guest = boot("quiet")) {
            guest.await("guest# ");
            guest.type("reboot -f\n");
            guest.await("GUEST-READY");
            guest.await("guest# ");
            guest.type("poweroff -f\n");
            assertThat(guest.exitStatus()).as(guest::transcript).isZero();
        }
    }

    @Test
    void endsAtTheTimeout() {
        try (Guest guest = boot("quiet", "--timeout", "20s")) {
            assertThat(guest.exitStatus()).as(guest::transcript).isEqualTo(124);
        }
    }
}
