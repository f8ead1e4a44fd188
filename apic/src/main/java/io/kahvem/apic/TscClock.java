package io.kahvem.apic;

import io.kahvem.host.Clock;

/// The machine's time in ticks of the time-stamp counter, shared by all its CPUs: `ticks = (nanos - origin) * tscKhz / 10^6`.
/// At 1,000,000 kHz a tick is a nanosecond and nothing is computed. Any thread.
public final class TscClock {
    private static final long NANOS_PER_MS = 1_000_000;

    private final Clock clock;
    private final long originNanos;
    private final long tscKhz;

    /// Ticks a nanosecond, and nanoseconds a tick, as 32.32 fixed-point numbers.
    private final long ticksPerNano;

    private final long nanosPerTick;

    /// Starts at 0 ticks.
    public TscClock(Clock clock, long tscKhz) {
        this.clock = clock;
        this.originNanos = clock.nanoTime();
        this.tscKhz = tscKhz;
        this.ticksPerNano = (tscKhz << 32) / NANOS_PER_MS;
        this.nanosPerTick = (NANOS_PER_MS << 32) / tscKhz;
    }

    public long nanoTime() {
        return clock.nanoTime();
    }

    public long ticks() {
        long nanos = clock.nanoTime() - originNanos;
        return tscKhz == NANOS_PER_MS ? nanos : scale(nanos, ticksPerNano);
    }

    /// The clock's reading, in nanoseconds, when the counter has reached `ticks`: never earlier. [Long#MAX_VALUE] for what is too far away.
    public long nanosAt(long ticks) {
        if (tscKhz == NANOS_PER_MS) return ticks > Long.MAX_VALUE - Math.max(originNanos, 0) ? Long.MAX_VALUE : originNanos + ticks;
        if (ticks <= 0) return originNanos;
        if (ticks > Long.MAX_VALUE / (nanosPerTick >>> 32 | 1) / 2) return Long.MAX_VALUE;
        return originNanos + scale(ticks, nanosPerTick) + 1 + (ticks >>> 32);
    }

    private static long scale(long value, long fixedPoint) {
        return Math.multiplyHigh(value, fixedPoint) << 32 | value * fixedPoint >>> 32;
    }
}
