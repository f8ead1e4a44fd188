package io.kahvem.host;

import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// The numbers of system calls by their names, as asm/unistd.h of an architecture has them; those a virtual machine's process has a use
/// for.
final class Syscalls {
    private static final Map<String, Integer> X86_64 = table("""
            read 0 write 1 open 2 close 3 stat 4 fstat 5 lstat 6 poll 7 lseek 8 mmap 9 mprotect 10 munmap 11 brk 12
            rt_sigaction 13 rt_sigprocmask 14 rt_sigreturn 15 ioctl 16 pread64 17 pwrite64 18 readv 19 writev 20 access 21
            pipe 22 select 23 sched_yield 24 mremap 25 msync 26 mincore 27 madvise 28 dup 32 dup2 33 nanosleep 35 getpid 39
            socket 41 connect 42 sendmsg 46 recvmsg 47 shutdown 48 bind 49 listen 50 getsockname 51 getsockopt 55
            socketpair 53 clone 56 exit 60 uname 63 fcntl 72 fsync 74 fdatasync 75 ftruncate 77 getcwd 79 readlink 89 gettimeofday 96
            getrusage 98 sysinfo 99 getuid 102 getgid 104 geteuid 107 getegid 108 sigaltstack 131 setpriority 141 prctl 157 arch_prctl 158
            gettid 186 time 201 futex 202 sched_getaffinity 204 getdents64 217 set_tid_address 218 restart_syscall 219
            fadvise64 221 clock_gettime 228 clock_getres 229 clock_nanosleep 230 exit_group 231 epoll_wait 232 epoll_ctl 233
            tgkill 234 mbind 237 get_mempolicy 239 openat 257 newfstatat 262 readlinkat 267 faccessat 269 ppoll 271
            set_robust_list 273 epoll_pwait 281 timerfd_create 283 fallocate 285 timerfd_settime 286 accept4 288 eventfd2 290
            epoll_create1 291 dup3 292 pipe2 293 preadv 295 pwritev 296 prlimit64 302 getcpu 309 seccomp 317
            getrandom 318 membarrier 324 copy_file_range 326 preadv2 327 statx 332 rseq 334 clone3 435 faccessat2 439
            """);

    /// asm-generic/unistd.h, of which AArch64 and RISC-V are.
    private static final Map<String, Integer> GENERIC = table("""
            getcwd 17 eventfd2 19 epoll_create1 20 epoll_ctl 21 epoll_pwait 22 dup 23 dup3 24 fcntl 25 ioctl 29 ftruncate 46
            fallocate 47 faccessat 48 openat 56 close 57 pipe2 59 getdents64 61 lseek 62 read 63 write 64 readv 65 writev 66
            pread64 67 pwrite64 68 preadv 69 pwritev 70 ppoll 73 readlinkat 78 newfstatat 79 fstat 80 fsync 82 fdatasync 83
            timerfd_create 85 timerfd_settime 86 exit 93 exit_group 94 set_tid_address 96 futex 98 set_robust_list 99 nanosleep 101
            clock_gettime 113 clock_getres 114 clock_nanosleep 115 sched_getaffinity 123 sched_yield 124 restart_syscall 128
            tgkill 131 sigaltstack 132 rt_sigaction 134 rt_sigprocmask 135 rt_sigreturn 139 setpriority 140 uname 160 getrusage 165
            prctl 167 getcpu 168 gettimeofday 169 getpid 172 getuid 174 geteuid 175 getgid 176 getegid 177 gettid 178 sysinfo 179
            socket 198 socketpair 199 bind 200 listen 201 connect 203 getsockname 204 getsockopt 209 shutdown 210 sendmsg 211 recvmsg 212
            brk 214 munmap 215 mremap 216 clone 220 mmap 222 fadvise64 223 mprotect 226 msync 227 mincore 232 madvise 233
            mbind 235 get_mempolicy 236 accept4 242 prlimit64 261 seccomp 277 getrandom 278 membarrier 283 copy_file_range 285 preadv2 286
            statx 291 rseq 293 clone3 435 faccessat2 439
            """);

    /// linux/audit.h: the ELF machine, and bits for 64 bits and little-endian.
    private static final int AUDIT_ARCH_X86_64 = 0xc000_003e;

    private static final int AUDIT_ARCH_AARCH64 = 0xc000_00b7;
    private static final int AUDIT_ARCH_RISCV64 = 0xc000_00f3;

    private final int auditArch;
    private final Map<String, Integer> numbers;

    private Syscalls(int auditArch, Map<String, Integer> numbers) {
        this.auditArch = auditArch;
        this.numbers = numbers;
    }

    /// Those of an architecture as the property `os.arch` names it.
    static Optional<Syscalls> of(String arch) {
        return switch (arch) {
            case "amd64" -> Optional.of(new Syscalls(AUDIT_ARCH_X86_64, X86_64));
            case "aarch64" -> Optional.of(new Syscalls(AUDIT_ARCH_AARCH64, GENERIC));
            case "riscv64" -> Optional.of(new Syscalls(AUDIT_ARCH_RISCV64, GENERIC));
            default -> Optional.empty();
        };
    }

    int auditArch() {
        return auditArch;
    }

    /// Empty where the architecture does not have it: newer ones have only one of several that do the same.
    Optional<Integer> number(String name) {
        return Optional.ofNullable(numbers.get(name));
    }

    Map<String, Integer> numbers() {
        return numbers;
    }

    private static Map<String, Integer> table(String rows) {
        String[] words = rows.strip().split("\\s+");
        Map<String, Integer> table = new TreeMap<>();
        for (int n = 0; n < words.length; n += 2) {
            if (table.put(words[n], Integer.valueOf(words[n + 1])) != null) throw new AssertionError(words[n] + " twice");
        }
        if (new HashSet<>(table.values()).size() != table.size()) throw new AssertionError("a number twice: " + rows);
        return Map.copyOf(table);
    }
}
