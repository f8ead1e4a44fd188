package io.kahvem.host;

/// Time as the machine sees it. Tests move it by hand.
public interface Clock {
    /// Monotonic nanoseconds from an arbitrary origin.
    long nanoTime();

    /// Wall-clock nanoseconds since 1970-01-01T00:00Z, for the real-time clock.
    long wallNanos();

    Clock SYSTEM = new Clock() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public long wallNanos() {
            return System.currentTimeMillis() * 1_000_000;
        }
    };
}
