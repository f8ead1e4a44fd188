package io.kahvem.host;

/// Runs timers and readiness callbacks on one thread of its own. Everything may be called from any thread.
public interface EventLoop extends AutoCloseable {
    Clock clock();

    /// Runs `task` once on the loop's thread when `clock().nanoTime()` reaches `deadlineNanos`, or soon if it has passed.
    Timer schedule(long deadlineNanos, Runnable task);

    /// Runs `task` on the loop's thread soon.
    void execute(Runnable task);

    /// Drops what has not started and, unless called on the loop's own thread, waits for the task that is running: the caller holds no
    /// lock a task may want. Later calls of `schedule` and `execute` do nothing.
    @Override
    void close();

    /// A scheduled task. Cancelling one that has run, or cancelling twice, does nothing; after `cancel` returns the task may still
    /// be running but will not start.
    interface Timer {
        void cancel();
    }
}
