package io.kahvem.block;

import io.kahvem.block.BlockRequest.Operation;

/// How many bytes and requests a second a disk may move, on average, all together and reads and writes alone; half a second's worth may
/// come at once. One lock guards it: the disk's.
public final class Throttle {
    /// No limit.
    public static final Throttle NONE = new Throttle(0, 0);

    private static final long BURST_NANOS = 500_000_000;

    /// What may be moved in a second; 0: no limit.
    public record Rate(long bytesPerSecond, long requestsPerSecond) {
        public static final Rate UNLIMITED = new Rate(0, 0);

        public Rate {
            if (bytesPerSecond < 0 || requestsPerSecond < 0) throw BlockException.invalid("a throttle's limit is negative");
        }
    }

    private final Bucket all;
    private final Bucket reads;
    private final Bucket writes;

    /// @param bytesPerSecond 0: no limit
    /// @param requestsPerSecond 0: no limit
    public Throttle(long bytesPerSecond, long requestsPerSecond) {
        this(new Rate(bytesPerSecond, requestsPerSecond), Rate.UNLIMITED, Rate.UNLIMITED);
    }

    public Throttle(Rate all, Rate reads, Rate writes) {
        this.all = new Bucket(all);
        this.reads = new Bucket(reads);
        this.writes = new Bucket(writes);
    }

    public Rate all() {
        return all.rate;
    }

    public Rate reads() {
        return reads.rate;
    }

    public Rate writes() {
        return writes.rate;
    }

    /// Whether a read may start where a write may not, or the other way round.
    boolean tellsApart() {
        return !reads.rate.equals(Rate.UNLIMITED) || !writes.rate.equals(Rate.UNLIMITED);
    }

    private Bucket of(Operation operation) {
        return switch (operation) {
            case READ -> reads;
            case WRITE, FLUSH, DISCARD, WRITE_ZEROES -> writes;
        };
    }

    /// How long the next request has to wait; not positive if it need not.
    long waitNanos(Operation operation, long now) {
        return Math.max(all.waitNanos(now), of(operation).waitNanos(now));
    }

    void take(Operation operation, long bytes, long now) {
        all.take(bytes, now);
        of(operation).take(bytes, now);
    }

    private static final class Bucket {
        private final Rate rate;
        private long paidUntilNanos;
        private boolean used;

        Bucket(Rate rate) {
            this.rate = rate;
        }

        long waitNanos(long now) {
            return used ? paidUntilNanos - now - BURST_NANOS : 0;
        }

        void take(long bytes, long now) {
            if (rate.bytesPerSecond == 0 && rate.requestsPerSecond == 0) return;
            if (!used || paidUntilNanos - now < 0) paidUntilNanos = now;
            used = true;
            double seconds = 0;
            if (rate.bytesPerSecond > 0) seconds = (double) bytes / rate.bytesPerSecond;
            if (rate.requestsPerSecond > 0) seconds = Math.max(seconds, 1.0 / rate.requestsPerSecond);
            paidUntilNanos += (long) (seconds * 1e9);
        }
    }
}
