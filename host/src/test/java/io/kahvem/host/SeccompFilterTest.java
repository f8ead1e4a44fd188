package io.kahvem.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the filter decides, by an interpreter of its instructions as small as itself.
class SeccompFilterTest {
    private static final long PID = 4711;
    private static final int ALLOW = 0x7fff_0000;
    private static final int EPERM = 0x0005_0001;
    private static final int EACCES = 0x0005_000d;
    private static final int ENOSYS = 0x0005_0026;
    private static final int KILL = 0x8000_0000;
    private static final long THREAD = 0x3d_0f00; // what pthread_create gives clone

    private record Call(Syscalls syscalls, int number) {
        int with(long... arguments) {
            return decide(SeccompFilter.program(syscalls, PID), syscalls.auditArch(), number, arguments);
        }
    }

    private static Call call(String arch, String name) {
        Syscalls syscalls = Syscalls.of(arch).orElseThrow();
        return new Call(syscalls, syscalls.number(name).orElseThrow());
    }

    private static int decide(long[] program, int arch, int number, long... arguments) {
        int accumulator = 0;
        for (int at = 0; ; at++) {
            int k = (int) (program[at] >>> 32);
            int jumpTrue = (int) (program[at] >>> 16 & 0xff);
            int jumpFalse = (int) (program[at] >>> 24 & 0xff);
            switch ((int) (program[at] & 0xffff)) {
                case 0x20 -> accumulator = switch (k) {
                    case 0 -> number;
                    case 4 -> arch;
                    default -> {
                        int n = (k - 16) / 8;
                        long argument = n < arguments.length ? arguments[n] : 0;
                        yield (int) (k % 8 == 0 ? argument : argument >>> 32);
                    }
                };
                case 0x54 -> accumulator &= k;
                case 0x15 -> at += accumulator == k ? jumpTrue : jumpFalse;
                case 0x45 -> at += (accumulator & k) != 0 ? jumpTrue : jumpFalse;
                case 0x06 -> {
                    return k;
                }
                default -> throw new AssertionError("no such instruction: %x".formatted(program[at]));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"amd64", "aarch64", "riscv64"})
    void leavesWhatARunningMachineNeeds(String arch) {
        for (String name : new String[] {"read", "write", "futex", "mmap", "mprotect", "exit_group", "eventfd2", "getrandom"}) {
            assertThat(call(arch, name).with()).as(name).isEqualTo(ALLOW);
        }
        assertThat(call(arch, "ioctl").with(5, 0xae80)).as("KVM_RUN").isEqualTo(ALLOW);
        assertThat(call(arch, "ioctl").with(5, 0x4020_ae46L)).as("KVM_SET_USER_MEMORY_REGION").isEqualTo(ALLOW);
        assertThat(call(arch, "ioctl").with(0, 0x5402)).as("TCSETS").isEqualTo(ALLOW);
        assertThat(call(arch, "clone").with(THREAD)).isEqualTo(ALLOW);
        assertThat(call(arch, "tgkill").with(PID, 4712, 37)).isEqualTo(ALLOW);
        assertThat(call(arch, "openat").with(-100, 0x7fff_0000L, 0x8_0000)).as("for reading").isEqualTo(ALLOW);
        assertThat(call(arch, "prctl").with(15)).as("PR_SET_NAME").isEqualTo(ALLOW);
        assertThat(call(arch, "prlimit64").with(0, 7, 0, 0x7fff_0000_0000L)).as("asked for").isEqualTo(ALLOW);
    }

    @ParameterizedTest
    @ValueSource(strings = {"amd64", "aarch64", "riscv64"})
    void takesEverythingElse(String arch) {
        assertThat(call(arch, "ioctl").with(0, 0x5412)).as("TIOCSTI").isEqualTo(EPERM);
        assertThat(call(arch, "clone").with(0x0100_0000 | 17)).as("fork").isEqualTo(EPERM);
        assertThat(call(arch, "clone").with(THREAD | 0x1000_0000)).as("a new user namespace").isEqualTo(EPERM);
        assertThat(call(arch, "clone3").with()).as("so that clone is taken").isEqualTo(ENOSYS);
        assertThat(call(arch, "tgkill").with(1, 1, 9)).as("another process").isEqualTo(EPERM);
        for (int flags : new int[] {0x1, 0x2, 0x40, 0x200, 0x8_0241}) {
            assertThat(call(arch, "openat").with(-100, 0, flags)).as("flags %x", flags).isEqualTo(EACCES);
        }
        assertThat(call(arch, "prctl").with(22)).as("PR_SET_SECCOMP").isEqualTo(EPERM);
        assertThat(call(arch, "prlimit64").with(0, 7, 0x7fff_0000_0000L, 0)).as("set, high half").isEqualTo(EPERM);
        assertThat(call(arch, "prlimit64").with(0, 7, 0x1000, 0)).as("set, low half").isEqualTo(EPERM);
        assertThat(call(arch, "prlimit64").with(1, 7, 0, 0)).as("of another process").isEqualTo(EPERM);
        assertThat(call(arch, "seccomp").with(1, 0, 0)).isEqualTo(EPERM);
        for (String name : new String[] {"socket", "connect", "bind", "listen"}) {
            assertThat(call(arch, name).with(1, 1, 0)).as(name).isEqualTo(EPERM);
        }
        Syscalls syscalls = Syscalls.of(arch).orElseThrow();
        long[] program = SeccompFilter.program(syscalls, PID);
        for (int number = 0; number < 1000; number++) {
            if (!syscalls.numbers().containsValue(number)) assertThat(decide(program, syscalls.auditArch(), number)).isEqualTo(EPERM);
        }
        assertThat(decide(program, syscalls.auditArch(), 0x4000_0000)).as("the x32 ABI").isEqualTo(EPERM);
        assertThat(decide(program, 0x4000_0003, 11)).as("32-bit code, whose numbers differ").isEqualTo(KILL);
        assertThat(program.length).as("BPF_MAXINSNS").isLessThan(4096);
    }
}
