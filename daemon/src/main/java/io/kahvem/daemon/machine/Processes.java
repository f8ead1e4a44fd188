package io.kahvem.daemon.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// What the kernel tells of processes (proc_pid_stat(5)).
final class Processes {
    /// Fields of /proc/PID/stat, counted from the one after the command's name.
    private static final int START_TIME = 19;

    private Processes() {}

    /// When a process started, in clock ticks since the host's boot; -1 where there is no such process.
    static long startTicks(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/%d/stat".formatted(pid)));
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return fields[0].equals("Z") ? -1 : Long.parseLong(fields[START_TIME]);
        } catch (IOException e) {
            return -1;
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
