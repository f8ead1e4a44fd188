package io.kahvem.host;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/// Threads as the operating system knows them.
public final class OsThread {
    private static final Path OWN_THREADS = Path.of("/proc/self/task");
    private static final int PRIO_PROCESS = 0;

    private OsThread() {}

    /// The calling thread: gettid(2) on Linux; elsewhere the JVM's number.
    public static long currentId() {
        if (!Platform.hasLinuxCalls()) return Thread.currentThread().threadId();
        return SystemCall.call(SystemCall.number("gettid"), 0, 0, 0);
    }

    /// Makes this process's threads whose names begin with `prefix`, and what they start from then on, wait for others that want a
    /// processor (setpriority(2)). Does nothing where there are none or threads have no priority of their own.
    ///
    /// @param prefix at most 15 characters, of which the kernel keeps no more
    /// @param nice 1 to 19
    public static void makeWay(String prefix, int nice) {
        if (!Platform.hasLinuxCalls()) return;
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(OWN_THREADS)) {
            for (Path thread : threads) {
                if (!Files.readString(thread.resolve("comm")).startsWith(prefix)) continue;
                SystemCall.call(SystemCall.number("setpriority"), PRIO_PROCESS, Long.parseLong(thread.getFileName().toString()), nice);
            }
        } catch (IOException e) {
            // No /proc, or a thread that ended meanwhile: it is a matter of speed alone.
        }
    }
}
