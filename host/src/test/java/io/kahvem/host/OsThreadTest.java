package io.kahvem.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/// Priorities as proc(5) tells them.
final class OsThreadTest {
    /// Which of the words behind the name in `/proc/PID/task/TID/stat` is the nice value.
    private static final int NICE = 16;

    @Test
    void threadsOfThatNameMakeWayAndOthersStay() throws Exception {
        assumeTrue(Platform.hasLinuxCalls(), "threads have priorities of their own on Linux alone");
        int usual = nice(OsThread.currentId());
        assumeTrue(usual < 13, "this process has the lowest priority already");
        CountDownLatch end = new CountDownLatch(1);
        Thread other = null;
        try {
            CompletableFuture<Long> id = new CompletableFuture<>();
            other = Thread.ofPlatform().name("compiler-7 of tests").start(() -> {
                id.complete(OsThread.currentId());
                try {
                    end.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            long thread = id.get();
            OsThread.makeWay("compiler-7", 13);
            assertThat(nice(thread)).isEqualTo(13);
            assertThat(nice(OsThread.currentId())).isEqualTo(usual);
        } finally {
            end.countDown();
            if (other != null) other.join();
        }
    }

    private static int nice(long thread) throws IOException {
        String stat = Files.readString(Path.of("/proc/self/task/%d/stat".formatted(thread)));
        return Integer.parseInt(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[NICE]);
    }
}
