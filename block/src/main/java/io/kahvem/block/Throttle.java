package io.kahvem.block;

/// How many bytes and requests a second a disk may move, on average; half a second's worth may come at once. One lock guards it: the
/// disk's.
public final class Throttle {
    /// No limit.
    public static final Throttle NONE = new Throttle(0, 0);

    private static final long BURST_NANOS = 500_000_000;

    private final long bytesPerSecond;
    private final long requestsPerSecond;
    private long paidUntilNanos;
    private boolean used;

    /// @param bytesPerSecond 0: no limit
    /// @param requestsPerSecond 0: no limit
    public Throttle(long bytesPerSecond, long requestsPerSecond) {
        if (bytesPerSecond < 0 || requestsPerSecond < 0) throw BlockException.invalid("a throttle's limit is negative");
        this.bytesPerSecond = bytesPerSecond;
        this.requestsPerSecond = requestsPerSecond;
    }

    /// 0: no limit.
    public long bytesPerSecond() {
        return bytesPerSecond;
    }

    /// 0: no limit.
    public long requestsPerSecond() {
        return requestsPerSecond;
    }

    /// How long the next request has to wait; not positive if it need not.
    long waitNanos(long now) {
        return used ? paidUntilNanos - now - BURST_NANOS : 0;
    }

    void take(long bytes, long now) {
        if (bytesPerSecond == 0 && requestsPerSecond == 0) return;
        if (!used || paidUntilNanos - now < 0) paidUntilNanos = now;
        used = true;
        double seconds = 0;
        if (bytesPerSecond > 0) seconds = (double) bytes / bytesPerSecond;
        if (requestsPerSecond > 0) seconds = Math.max(seconds, 1.0 / requestsPerSecond);
        paidUntilNanos += (long) (seconds * 1e9);
    }
}
