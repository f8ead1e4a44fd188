package io.kahvem.block.tool;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;

/// How many bytes a second a copy moves, at most, all its threads together.
final class Pace {
    private final long bytesPerSecond;
    private long freeAtNanos;

    /// @param bytesPerSecond 0: no limit
    Pace(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /// Returns when `bytes` may be moved.
    void take(long bytes) {
        if (bytesPerSecond == 0) return;
        long wait;
        synchronized (this) {
            long now = System.nanoTime();
            if (freeAtNanos == 0 || freeAtNanos - now < 0) freeAtNanos = now;
            wait = freeAtNanos - now;
            freeAtNanos += (long) ((double) bytes / bytesPerSecond * 1e9);
        }
        if (wait <= 0) return;
        try {
            Thread.sleep(wait / 1_000_000, (int) (wait % 1_000_000));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, "interrupted", e);
        }
    }
}
