package io.kahvem.daemon.machine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/// What the kernel tells of processes (proc_pid_stat(5)).
final class Processes {
    /// Fields of /proc/PID/stat, counted from the one after the command's name.
    private static final int START_TIME = 19;

    private static final long SHORTEST_PAUSE_NANOS = 500_000;
    private static final long LONGEST_PAUSE_NANOS = 20_000_000;
    /// The kernel may be busy with taking its memory away.
    private static final Duration KILL_PATIENCE = Duration.ofSeconds(30);

    private Processes() {}

    /// When a process started, in clock ticks since the host's boot; -1 where there is no such process.
    static long startTicks(long pid) {
        try {
            // Without formatted(), which reads a locale's digits first: this is asked at every start of the daemon.
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return fields[0].equals("Z") ? -1 : Long.parseLong(fields[START_TIME]);
        } catch (IOException e) {
            return -1;
        }
    }

    /// Whether a process runs: one that has ended and is waited for by nobody yet runs no more.
    static boolean isAlive(long pid, long startTicks) {
        return startTicks >= 0 && startTicks(pid) == startTicks;
    }

    /// Waits for a process' end, whosever child it is. False where it runs on after so long.
    static boolean awaitEnd(long pid, long startTicks, Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        long pause = SHORTEST_PAUSE_NANOS;
        while (isAlive(pid, startTicks)) {
            if (System.nanoTime() - end > 0) return false;
            LockSupport.parkNanos(pause);
            pause = Math.min(pause * 2, LONGEST_PAUSE_NANOS);
        }
        return true;
    }

    /// Ends a process at once.
    static void kill(long pid, long startTicks) {
        ProcessHandle.of(pid).filter(process -> isAlive(pid, startTicks)).ifPresent(ProcessHandle::destroyForcibly);
        if (!awaitEnd(pid, startTicks, KILL_PATIENCE)) throw QmpLauncher.failed("process %d cannot be killed".formatted(pid));
    }

    /// The processes that were started with this argument.
    static List<Long> withArgument(String argument) {
        // A command line is bytes, and need not be text.
        String bytes = new String(argument.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
        List<Long> found = new ArrayList<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (arguments(process).contains(bytes)) found.add(Long.parseLong(process.getFileName().toString()));
            }
        } catch (IOException e) {
            throw QmpLauncher.failed("cannot list /proc: " + e.getMessage());
        }
        return found;
    }

    private static List<String> arguments(Path process) {
        try {
            return List.of(Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1).split("\0"));
        } catch (IOException ended) {
            return List.of();
        }
    }

    /// The last lines of a log, for a message.
    static String lastLines(Path log, int count) {
        try {
            List<String> lines = Files.readAllLines(log);
            List<String> last = new ArrayList<>(lines.subList(Math.max(0, lines.size() - count), lines.size()));
            last.removeIf(String::isBlank);
            return String.join("\n", last);
        } catch (IOException e) {
            return "it left no log: " + e.getMessage();
        }
    }
}
