package io.kahvem.daemon.domain;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/// What the kernel counts of a machine's process and its threads (proc_pid_stat(5)). Times in nanoseconds.
///
/// @param cpu the processor it ran on last
public record ProcessTimes(long user, long system, int cpu, long rssKib) {
    /// USER_HZ is 100.
    private static final long TICK_NANOS = 10_000_000;
    private static final long PAGE_KIB = 4;

    /// Fields counted from the one after the command's name.
    private static final int UTIME = 11;
    private static final int STIME = 12;
    private static final int RSS = 21;
    private static final int PROCESSOR = 36;

    public long total() {
        return user + system;
    }

    /// Of a whole process; empty where it is gone.
    public static Optional<ProcessTimes> of(long pid) {
        return read(Path.of("/proc/%d/stat".formatted(pid)));
    }

    /// Of one of its threads.
    public static Optional<ProcessTimes> of(long pid, long thread) {
        return read(Path.of("/proc/%d/task/%d/stat".formatted(pid, thread)));
    }

    private static Optional<ProcessTimes> read(Path file) {
        try {
            String stat = Files.readString(file);
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return Optional.of(new ProcessTimes(Long.parseLong(fields[UTIME]) * TICK_NANOS, Long.parseLong(fields[STIME]) * TICK_NANOS,
                    Integer.parseInt(fields[PROCESSOR]), Long.parseLong(fields[RSS]) * PAGE_KIB));
        } catch (IOException e) {
            return Optional.empty();
        }
    }
}
