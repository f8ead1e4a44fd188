package io.kahvem.devices.chipset;

/// A crystal: converts between nanoseconds and ticks exactly, without overflow for three centuries of nanoseconds.
record TickRate(long hz) {
    private static final long SECOND = 1_000_000_000L;

    /// Whole ticks in so many nanoseconds.
    long ticks(long nanos) {
        return Math.floorDiv(nanos, SECOND) * hz + Math.floorMod(nanos, SECOND) * hz / SECOND;
    }

    /// The first nanosecond at which so many ticks are complete.
    long nanos(long ticks) {
        return Math.floorDiv(ticks, hz) * SECOND + Math.ceilDiv(Math.floorMod(ticks, hz) * SECOND, hz);
    }
}
