package io.kahvem.host;

import java.util.PriorityQueue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// An event loop over a queue of tasks in the order of their deadlines, those of one deadline in the order they came.
///
/// The lock guards the queue alone and is never held while a task runs, so a caller may hold any lock of its own.
final class ThreadEventLoop implements EventLoop {
    private final Clock clock;
    private final Thread.UncaughtExceptionHandler handler;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final PriorityQueue<Task> tasks = new PriorityQueue<>();
    private long arrivals;
    private boolean closed;
    private @Nullable Thread thread;

    ThreadEventLoop(Clock clock, Thread.UncaughtExceptionHandler handler) {
        this.clock = clock;
        this.handler = handler;
    }

    void start(Thread.Builder builder) {
        Thread started = builder.unstarted(this::run);
        thread = started;
        started.start();
    }

    @Override
    public Clock clock() {
        return clock;
    }

    @Override
    public Timer schedule(long deadlineNanos, Runnable action) {
        lock.lock();
        try {
            Task task = new Task(deadlineNanos, arrivals++, action);
            if (!closed) {
                tasks.add(task);
                if (tasks.peek() == task) changed.signal();
            }
            return task;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void execute(Runnable action) {
        schedule(clock.nanoTime(), action);
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            tasks.clear();
            changed.signal();
        } finally {
            lock.unlock();
        }
        Thread loop = thread;
        if (loop != null && loop != Thread.currentThread()) joinUninterruptibly(loop);
    }

    private void run() {
        for (Task task; (task = next()) != null; ) {
            try {
                task.action.run();
            } catch (Throwable thrown) {
                report(thrown);
            }
        }
    }

    private void report(Throwable thrown) {
        try {
            handler.uncaughtException(Thread.currentThread(), thrown);
        } catch (Throwable alsoThrown) {
            // As Thread itself does with a handler that throws: the loop outlives it.
        }
    }

    /// Waits for the next task whose time has come; null when the loop is closed.
    private @Nullable Task next() {
        lock.lock();
        try {
            while (!closed) {
                Task first = tasks.peek();
                if (first == null) {
                    changed.awaitUninterruptibly();
                    continue;
                }
                long left = first.deadlineNanos - clock.nanoTime();
                if (left <= 0) return tasks.poll();
                try {
                    long ignored = changed.awaitNanos(left);
                } catch (InterruptedException interrupted) {
                    // Nobody stops this thread but close(): a task that was interrupted is over.
                }
            }
            return null;
        } finally {
            lock.unlock();
        }
    }

    private static void joinUninterruptibly(Thread loop) {
        boolean interrupted = false;
        while (true) {
            try {
                loop.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    private final class Task implements Timer, Comparable<Task> {
        private final long deadlineNanos;
        private final long arrival;
        private final Runnable action;

        Task(long deadlineNanos, long arrival, Runnable action) {
            this.deadlineNanos = deadlineNanos;
            this.arrival = arrival;
            this.action = action;
        }

        @Override
        public void cancel() {
            lock.lock();
            try {
                tasks.remove(this);
            } finally {
                lock.unlock();
            }
        }

        /// By difference, since nanoTime's origin is arbitrary and its values may wrap.
        @Override
        public int compareTo(Task other) {
            int byDeadline = Long.signum(deadlineNanos - other.deadlineNanos);
            return byDeadline != 0 ? byDeadline : Long.compare(arrival, other.arrival);
        }
    }
}
