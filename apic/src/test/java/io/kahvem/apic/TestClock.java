package io.kahvem.apic;

import io.kahvem.host.Clock;

/// A clock that tests move by hand.
final class TestClock implements Clock {
    public long nanos;

    @Override
    public long nanoTime() {
        return nanos;
    }

    @Override
    public long wallNanos() {
        return nanos;
    }
}
