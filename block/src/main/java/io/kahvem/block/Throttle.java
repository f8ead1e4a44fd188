package io.kahvem.block;

import io.kahvem.block.BlockRequest.Operation;

/// How many bytes and requests a second a disk may move, on average, all together and reads and writes alone. One lock guards it: the
/// disk's.
public final class Throttle {
    /// No limit.
    public static final Throttle NONE = new Throttle(0, 0);

    private static final double NANOS = 1e9;

    /// What may be moved in a second, and for how many seconds more than that.
    ///
    /// @param perSecond 0: no limit
    /// @param burst so much a second may be moved for a while where less was before; 0: half a second's worth may come at once
    /// @param burstSeconds for how long, at least 1
    public record Limit(long perSecond, long burst, long burstSeconds) {
        public static final Limit NONE = new Limit(0, 0, 1);

        public Limit {
            if (perSecond < 0 || burst < 0) throw BlockException.invalid("a throttle's limit is negative");
            if (burst != 0 && burst < perSecond) throw BlockException.invalid("a throttle's burst is less than its average");
            if (burstSeconds < 1) throw BlockException.invalid("a throttle's burst has no length");
        }

        public static Limit of(long perSecond) {
            return new Limit(perSecond, 0, 1);
        }
    }

    /// Limits of bytes and of requests.
    public record Rate(Limit bytes, Limit requests) {
        public static final Rate UNLIMITED = new Rate(Limit.NONE, Limit.NONE);

        public Rate(long bytesPerSecond, long requestsPerSecond) {
            this(Limit.of(bytesPerSecond), Limit.of(requestsPerSecond));
        }
    }

    private final Rate all;
    private final Rate reads;
    private final Rate writes;
    private final long requestBytes;
    private final Bucket[] ofAll;
    private final Bucket[] ofReads;
    private final Bucket[] ofWrites;

    /// @param bytesPerSecond 0: no limit
    /// @param requestsPerSecond 0: no limit
    public Throttle(long bytesPerSecond, long requestsPerSecond) {
        this(new Rate(bytesPerSecond, requestsPerSecond), Rate.UNLIMITED, Rate.UNLIMITED, 0);
    }

    /// @param requestBytes a larger request counts as several of this size; 0: as one
    public Throttle(Rate all, Rate reads, Rate writes, long requestBytes) {
        this.all = all;
        this.reads = reads;
        this.writes = writes;
        this.requestBytes = requestBytes;
        ofAll = buckets(all);
        ofReads = buckets(reads);
        ofWrites = buckets(writes);
    }

    private static Bucket[] buckets(Rate rate) {
        return new Bucket[] {new Bucket(rate.bytes), new Bucket(rate.requests)};
    }

    public Rate all() {
        return all;
    }

    public Rate reads() {
        return reads;
    }

    public Rate writes() {
        return writes;
    }

    public long requestBytes() {
        return requestBytes;
    }

    /// Whether a read may start where a write may not, or the other way round.
    boolean tellsApart() {
        return !reads.equals(Rate.UNLIMITED) || !writes.equals(Rate.UNLIMITED);
    }

    private Bucket[] of(Operation operation) {
        return switch (operation) {
            case READ -> ofReads;
            case WRITE, FLUSH, DISCARD, WRITE_ZEROES -> ofWrites;
        };
    }

    /// How long the next request has to wait; not positive if it need not.
    long waitNanos(Operation operation, long now) {
        return Math.max(waitNanos(ofAll, now), waitNanos(of(operation), now));
    }

    private static long waitNanos(Bucket[] buckets, long now) {
        return Math.max(buckets[0].waitNanos(now), buckets[1].waitNanos(now));
    }

    void take(Operation operation, long bytes, long now) {
        double requests = requestBytes > 0 ? Math.max(1, (double) bytes / requestBytes) : 1;
        for (Bucket[] buckets : new Bucket[][] {ofAll, of(operation)}) {
            buckets[0].take(bytes, now);
            buckets[1].take(requests, now);
        }
    }

    /// A leaky bucket, and where there are bursts of several seconds a second one, which keeps them to their own rate.
    private static final class Bucket {
        private final Limit limit;
        private double level;
        private double burstLevel;
        private long leakedAtNanos;

        Bucket(Limit limit) {
            this.limit = limit;
        }

        private void leak(long now) {
            double seconds = Math.max(0, now - leakedAtNanos) / NANOS;
            leakedAtNanos = now;
            level = Math.max(0, level - seconds * limit.perSecond);
            burstLevel = Math.max(0, burstLevel - seconds * limit.burst);
        }

        long waitNanos(long now) {
            if (limit.perSecond == 0) return 0;
            leak(now);
            double holds = limit.burst == 0 ? limit.perSecond / 2.0 : (double) limit.burst * limit.burstSeconds;
            double seconds = (level - holds) / limit.perSecond;
            if (limit.burstSeconds > 1) seconds = Math.max(seconds, (burstLevel - limit.burst / 10.0) / limit.burst);
            return seconds <= 0 ? 0 : (long) Math.min(seconds * NANOS, Long.MAX_VALUE / 4) + 1;
        }

        void take(double amount, long now) {
            if (limit.perSecond == 0) return;
            leak(now);
            level += amount;
            burstLevel += amount;
        }
    }
}
