package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/// seccomp(2): a process gives up all system calls but those that a running virtual machine needs.
public final class Seccomp {
    private static final int SET_MODE_FILTER = 1;
    private static final int GET_ACTION_AVAIL = 2;
    private static final int RET_ERRNO = 0x0005_0000;

    /// All threads, those that are there already too.
    private static final int FLAG_TSYNC = 1;

    /// Without it kernels before 5.16 take speculation past stores from filtered threads, which slows all of their code.
    private static final int FLAG_SPEC_ALLOW = 4;

    private Seccomp() {}

    /// Why there is no seccomp here; empty where there is.
    public static Optional<String> whyNot() {
        Optional<Syscalls> syscalls = syscalls();
        if (syscalls.isEmpty()) return Optional.of("no system-call filter for " + System.getProperty("os.name") + " " + arch());
        try (Arena arena = Arena.ofConfined()) {
            long action = arena.allocateFrom(JAVA_INT, RET_ERRNO).address();
            int result = (int) SystemCall.call(number(syscalls.get()), GET_ACTION_AVAIL, 0, action);
            if (result == 0) return Optional.empty();
            return Optional.of("this kernel filters no system calls (seccomp, from Linux 4.14 on): " + new Errno(-result));
        }
    }

    /// Leaves all threads of this process, for ever, only the calls of [SeccompFilter]. Sets no_new_privs for all of them. Throws
    /// [HostException] where the kernel refuses; nothing is taken then.
    public static void confineThisProcess() {
        confine(FLAG_TSYNC);
    }

    /// The same for the calling thread and those it starts.
    public static void confineThisThread() {
        confine(0);
    }

    private static void confine(int whom) {
        Syscalls syscalls = syscalls().orElseThrow(() -> new IllegalStateException("asked for after whyNot() gave a reason"));
        long[] program = SeccompFilter.program(syscalls, ProcessHandle.current().pid());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment filter = arena.allocateFrom(JAVA_LONG, program);
            MemorySegment header = arena.allocate(16, 8); // struct sock_fprog
            header.set(JAVA_SHORT, 0, (short) program.length);
            header.set(JAVA_LONG, 8, filter.address());
            SystemCall.setNoNewPrivileges();
            String trying = "filter system calls";
            int flags = whom | FLAG_SPEC_ALLOW;
            long other = SystemCall.checked(trying, "seccomp", number(syscalls), SET_MODE_FILTER, flags, header.address());
            if (other == 0) return;
            throw new HostException(trying, "seccomp", new Errno(Errno.ESRCH), "Thread " + other + " has a filter of its own.");
        }
    }

    private static Optional<Syscalls> syscalls() {
        return Platform.hasLinuxCalls() ? Syscalls.of(arch()) : Optional.empty();
    }

    private static int number(Syscalls syscalls) {
        return syscalls.number("seccomp").orElseThrow();
    }

    private static String arch() {
        return System.getProperty("os.arch");
    }
}
