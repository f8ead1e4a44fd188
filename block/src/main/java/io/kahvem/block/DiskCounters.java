package io.kahvem.block;

import java.util.concurrent.atomic.AtomicLongArray;

/// What [BlockStatistics] is made from, counted without a lock.
final class DiskCounters {
    private static final int OPERATIONS = BlockRequest.Operation.values().length;

    private final AtomicLongArray requests = new AtomicLongArray(OPERATIONS);
    private final AtomicLongArray bytes = new AtomicLongArray(OPERATIONS);
    private final AtomicLongArray nanos = new AtomicLongArray(OPERATIONS);
    private final AtomicLongArray failed = new AtomicLongArray(OPERATIONS);

    void count(BlockRequest request, int errno) {
        int kind = request.operation().ordinal();
        if (errno != 0) {
            failed.incrementAndGet(kind);
            return;
        }
        requests.incrementAndGet(kind);
        bytes.addAndGet(kind, request.length());
        nanos.addAndGet(kind, System.nanoTime() - request.submittedNanos);
    }

    BlockStatistics snapshot() {
        int read = BlockRequest.Operation.READ.ordinal();
        int write = BlockRequest.Operation.WRITE.ordinal();
        int flush = BlockRequest.Operation.FLUSH.ordinal();
        int discard = BlockRequest.Operation.DISCARD.ordinal();
        int zero = BlockRequest.Operation.WRITE_ZEROES.ordinal();
        return new BlockStatistics(
                bytes.get(read),
                bytes.get(write),
                bytes.get(zero),
                bytes.get(discard),
                requests.get(read),
                requests.get(write),
                requests.get(flush),
                requests.get(discard),
                requests.get(zero),
                nanos.get(read),
                nanos.get(write),
                nanos.get(flush),
                failed.get(read),
                failed.get(write) + failed.get(zero) + failed.get(discard),
                failed.get(flush));
    }
}
