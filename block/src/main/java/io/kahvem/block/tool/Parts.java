package io.kahvem.block.tool;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Work on a disk's parts by several threads, from its beginning to its end. The first failure ends it.
final class Parts {
    /// Does one part.
    interface Worker {
        void part(long offset, long length);
    }

    private Parts() {}

    static void each(long sizeBytes, long partBytes, int threads, Worker worker, Progress progress) {
        AtomicLong next = new AtomicLong();
        AtomicLong done = new AtomicLong();
        AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
        Runnable loop = () -> {
            try {
                for (long at = next.getAndAdd(partBytes); at < sizeBytes && failure.get() == null; at = next.getAndAdd(partBytes)) {
                    long length = Math.min(partBytes, sizeBytes - at);
                    worker.part(at, length);
                    synchronized (done) {
                        progress.moved(done.addAndGet(length), sizeBytes);
                    }
                }
            } catch (RuntimeException e) {
                failure.compareAndSet(null, e);
            }
        };
        List<Thread> helpers = new ArrayList<>();
        for (int n = 1; n < threads && n * partBytes < sizeBytes; n++) helpers.add(Thread.ofPlatform().name("copy " + n).start(loop));
        loop.run();
        for (Thread helper : helpers) join(helper);
        RuntimeException failed = failure.get();
        if (failed != null) throw failed;
    }

    private static void join(Thread helper) {
        boolean interrupted = false;
        while (helper.isAlive()) {
            try {
                helper.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, "interrupted");
        }
    }
}
