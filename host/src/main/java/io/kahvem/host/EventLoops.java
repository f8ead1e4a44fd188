package io.kahvem.host;

/// Makes event loops.
public final class EventLoops {
    private EventLoops() {}

    /// Starts a loop on a daemon thread named `threadName`. What a task throws goes to `handler`, on the loop's thread, and the loop
    /// carries on.
    public static EventLoop start(Clock clock, String threadName, Thread.UncaughtExceptionHandler handler) {
        ThreadEventLoop loop = new ThreadEventLoop(clock, handler);
        loop.start(Thread.ofPlatform().daemon().name(threadName));
        return loop;
    }

    /// As above, with what a task throws going to the JVM's handler of uncaught exceptions.
    public static EventLoop start(Clock clock, String threadName) {
        return start(clock, threadName, (thread, thrown) -> thread.getUncaughtExceptionHandler().uncaughtException(thread, thrown));
    }
}
