package io.kahvem.devices;

import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;
import java.time.Instant;
import java.util.Comparator;
import java.util.PriorityQueue;

/// An event loop and its clock that stand still until the test moves them; tasks run on the test's thread, in order of their deadlines.
public final class ManualEventLoop implements EventLoop {
    private record Task(long deadline, long order, Runnable body) {}

    private final PriorityQueue<Task> tasks = new PriorityQueue<>(Comparator.comparingLong(Task::deadline).thenComparingLong(Task::order));
    /// Starts negative, as System.nanoTime may.
    private long nanos = -7_777_777_777L;
    private long wallOffset;
    private long order;

    private final Clock clock = new Clock() {
        @Override
        public long nanoTime() {
            return nanos;
        }

        @Override
        public long wallNanos() {
            return nanos + wallOffset;
        }
    };

    /// A loop whose wall clock shows this instant now.
    public static ManualEventLoop at(String instant) {
        ManualEventLoop loop = new ManualEventLoop();
        loop.wallOffset = -loop.nanos + Instant.parse(instant).getEpochSecond() * 1_000_000_000L;
        return loop;
    }

    /// Moves time forward and runs what falls due on the way.
    public void advance(long byNanos) {
        long end = nanos + byNanos;
        while (!tasks.isEmpty() && tasks.peek().deadline <= end) {
            Task task = tasks.remove();
            nanos = Math.max(nanos, task.deadline);
            task.body.run();
        }
        nanos = end;
    }

    /// Moves time forward without running anything: a loop that is late.
    public void stall(long byNanos) {
        nanos += byNanos;
    }

    public int pendingTasks() {
        return tasks.size();
    }

    @Override
    public Clock clock() {
        return clock;
    }

    @Override
    public Timer schedule(long deadlineNanos, Runnable task) {
        Task t = new Task(deadlineNanos, order++, task);
        tasks.add(t);
        return () -> tasks.remove(t);
    }

    @Override
    public void execute(Runnable task) {
        schedule(nanos, task);
    }

    @Override
    public void close() {
        tasks.clear();
    }
}
