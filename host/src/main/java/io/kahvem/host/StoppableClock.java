package io.kahvem.host;

/// A machine's time: the host's, but for the spans in which the machine was stopped. The wall clock goes on. Any thread.
public final class StoppableClock implements Clock {
    private static final long RUNNING = Long.MIN_VALUE;

    private final Clock host;

    /// Host nanoseconds minus ours.
    private volatile long behind;

    /// Our nanoseconds while stopped, else [#RUNNING].
    private volatile long stoppedAt = RUNNING;

    public StoppableClock(Clock host) {
        this.host = host;
    }

    @Override
    public long nanoTime() {
        long stopped = stoppedAt;
        return stopped != RUNNING ? stopped : host.nanoTime() - behind;
    }

    @Override
    public long wallNanos() {
        return host.wallNanos();
    }

    /// When the host's clock reaches the time that is `nanos` here, if this clock is not stopped until then.
    public long hostNanos(long nanos) {
        return nanos + behind;
    }

    /// Stops time; twice does nothing.
    public synchronized void stop() {
        if (stoppedAt == RUNNING) stoppedAt = host.nanoTime() - behind;
    }

    /// Lets time go on from where it stopped.
    public synchronized void start() {
        if (stoppedAt == RUNNING) return;
        behind = host.nanoTime() - stoppedAt;
        stoppedAt = RUNNING;
    }
}
