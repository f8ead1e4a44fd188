package io.kahvem.host;

import java.util.ArrayList;
import java.util.List;

/// The system calls that are left to a process whose guest runs, as a program of the kernel's packet filter (Linux'
/// Documentation/userspace-api/seccomp_filter.rst). What is not named here fails with EPERM.
///
/// Left are: memory, threads and their waiting, time, files that are open, opening for reading (Landlock says which), KVM and the
/// terminal's modes, connections to sockets that listen already. Not left are: programs, processes, new sockets, signals to others,
/// opening for writing, changes of the file system.
final class SeccompFilter {
    /// Allowed whatever the arguments, the most frequent first: the program looks in this order.
    private static final List<String> ALWAYS = List.of(
            "futex", "read", "write", "clock_gettime", "clock_nanosleep", "nanosleep", "sched_yield", "rt_sigreturn",
            "rt_sigprocmask", "gettid", "getpid", "madvise", "mprotect", "mmap", "munmap", "mremap", "brk", "mincore", "msync",
            "mbind", "get_mempolicy", "membarrier", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "lseek",
            "close", "dup", "dup2", "dup3", "fcntl", "pipe", "pipe2", "fsync", "fdatasync", "ftruncate", "fallocate", "fadvise64", "poll",
            "ppoll", "select", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "eventfd2", "timerfd_create", "timerfd_settime",
            "rt_sigaction", "sigaltstack", "restart_syscall", "set_robust_list", "set_tid_address", "rseq", "arch_prctl", "exit",
            "exit_group", "sched_getaffinity", "getcpu", "getrandom", "clock_getres", "gettimeofday", "time", "uname", "sysinfo",
            "getrusage", "getuid", "geteuid", "getgid", "getegid", "getcwd", "stat", "lstat", "fstat", "newfstatat", "statx",
            "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64",
            "accept4", "recvmsg", "sendmsg", "shutdown", // on sockets that are open: the control socket
            "socketpair"); // leads nowhere but to itself; the JDK makes one when it first hears of sockets

    /// linux/kvm.h's KVMIO, in bits 15-8 of the request.
    private static final int KVM_REQUESTS = 0xae00;

    /// TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, FIONREAD, FIONBIO (asm-generic/ioctls.h). Without TIOCSTI, which types for the user.
    private static final int[] TERMINAL_REQUESTS = {0x5401, 0x5402, 0x5403, 0x5404, 0x5413, 0x541b, 0x5421};

    /// O_WRONLY, O_RDWR, O_CREAT, O_TRUNC.
    private static final int OPEN_FOR_WRITING = 0x1 | 0x2 | 0x40 | 0x200;

    private static final int CLONE_THREAD = 0x1_0000;

    /// CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
    private static final int CLONE_NEW = 0x80 | 0x2_0000 | 0x7e00_0000;

    /// PR_SET_NAME, PR_GET_NAME, PR_SET_VMA.
    private static final int[] PRCTL_OPTIONS = {15, 16, 0x5356_4d41};

    // linux/seccomp.h
    private static final int RET_ALLOW = 0x7fff_0000;
    private static final int RET_ERRNO = 0x0005_0000;
    private static final int RET_KILL_PROCESS = 0x8000_0000;
    private static final int DATA_NR = 0;
    private static final int DATA_ARCH = 4;
    private static final int DATA_ARGS = 16;

    // linux/bpf_common.h
    private static final int LD_W_ABS = 0x20;
    private static final int AND_K = 0x54;
    private static final int JEQ_K = 0x15;
    private static final int JSET_K = 0x45;
    private static final int RET_K = 0x06;

    private final Syscalls syscalls;
    private final List<Long> program = new ArrayList<>();

    private SeccompFilter(Syscalls syscalls) {
        this.syscalls = syscalls;
    }

    /// For a process with this id, which may signal its own threads. Instructions are `struct sock_filter` as little-endian words.
    static long[] program(Syscalls syscalls, long pid) {
        SeccompFilter filter = new SeccompFilter(syscalls);
        filter.write((int) pid);
        return filter.program.stream().mapToLong(Long::longValue).toArray();
    }

    private void write(int pid) {
        load(DATA_ARCH);
        add(JEQ_K, 1, 0, syscalls.auditArch());
        ret(RET_KILL_PROCESS); // another architecture's numbers mean other calls
        load(DATA_NR);
        on("ioctl", () -> {
            argument(1);
            add(AND_K, 0, 0, 0xff00);
            allowIf(KVM_REQUESTS);
            argument(1);
            for (int request : TERMINAL_REQUESTS) allowIf(request);
            refuse(Errno.EPERM);
        });
        for (String name : ALWAYS) syscalls.number(name).ifPresent(this::allowIf);
        on("openat", () -> opening(2));
        on("open", () -> opening(1));
        on("clone", () -> { // threads, not processes
            argument(0);
            add(JSET_K, 0, 2, CLONE_THREAD);
            add(JSET_K, 1, 0, CLONE_NEW);
            ret(RET_ALLOW);
            refuse(Errno.EPERM);
        });
        on("clone3", () -> refuse(Errno.ENOSYS)); // its flags are in memory, where no filter looks; the C library then takes clone
        on("tgkill", () -> {
            argument(0);
            allowIf(pid);
            refuse(Errno.EPERM);
        });
        on("prctl", () -> {
            argument(0);
            for (int option : PRCTL_OPTIONS) allowIf(option);
            refuse(Errno.EPERM);
        });
        on("prlimit64", () -> { // asked, not set
            argument(0);
            add(JEQ_K, 0, 5, 0);
            argument(2);
            add(JEQ_K, 0, 3, 0);
            load(DATA_ARGS + 8 * 2 + 4);
            add(JEQ_K, 0, 1, 0);
            ret(RET_ALLOW);
            refuse(Errno.EPERM);
        });
        refuse(Errno.EPERM);
    }

    private void opening(int flags) {
        argument(flags);
        add(JSET_K, 0, 1, OPEN_FOR_WRITING);
        refuse(Errno.EACCES);
        ret(RET_ALLOW);
    }

    /// The rules of one call, which end with a return each; the accumulator holds the call's number before and after.
    private void on(String name, Runnable rules) {
        if (syscalls.number(name).isEmpty()) return;
        int test = program.size();
        add(JEQ_K, 0, 0, syscalls.number(name).get());
        rules.run();
        program.set(test, instruction(JEQ_K, 0, program.size() - test - 1, syscalls.number(name).get()));
    }

    private void allowIf(int value) {
        add(JEQ_K, 0, 1, value);
        ret(RET_ALLOW);
    }

    private void refuse(int errno) {
        ret(RET_ERRNO | errno);
    }

    /// The low half of an argument; the calls above take 32 bits, or are compared in both halves.
    private void argument(int n) {
        load(DATA_ARGS + 8 * n);
    }

    private void load(int offset) {
        add(LD_W_ABS, 0, 0, offset);
    }

    private void ret(int value) {
        add(RET_K, 0, 0, value);
    }

    private void add(int code, int jumpTrue, int jumpFalse, int k) {
        program.add(instruction(code, jumpTrue, jumpFalse, k));
    }

    private static long instruction(int code, int jumpTrue, int jumpFalse, int k) {
        if ((jumpTrue | jumpFalse) >> 8 != 0) throw new AssertionError("a jump of more than 255");
        return code | (long) jumpTrue << 16 | (long) jumpFalse << 24 | (long) k << 32;
    }
}
