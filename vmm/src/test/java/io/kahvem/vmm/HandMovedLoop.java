package io.kahvem.vmm;

import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// An event loop without a thread: time stands still until the test moves it, and what falls due runs on the test's thread.
final class HandMovedLoop implements EventLoop {
    private record Task(long deadline, Runnable body) {}

    private final List<Task> tasks = new CopyOnWriteArrayList<>();
    private volatile long nanos = 1;

    private final Clock clock = new Clock() {
        @Override
        public long nanoTime() {
            return nanos;
        }

        @Override
        public long wallNanos() {
            return nanos;
        }
    };

    void advance(long by) {
        nanos += by;
        for (Task task : tasks) {
            if (task.deadline <= nanos && tasks.remove(task)) task.body.run();
        }
    }

    @Override
    public Clock clock() {
        return clock;
    }

    @Override
    public Timer schedule(long deadlineNanos, Runnable task) {
        Task added = new Task(deadlineNanos, task);
        tasks.add(added);
        return () -> tasks.remove(added);
    }

    @Override
    public void execute(Runnable task) {
        schedule(nanos, task);
    }

    @Override
    public void close() {}
}
