package io.kahvem.apic;

/// The timer of a local APIC (SDM Vol. 3A, 12.5.4): counts a 25 MHz crystal divided, or waits for the time-stamp counter. Used under the
/// APIC's lock.
final class ApicTimer {
    static final long NEVER = Long.MAX_VALUE;

    /// 25 MHz, as CPUID 15H tells.
    private static final long CRYSTAL_NANOS = 40;

    private int initialCount;
    private int divide;
    private boolean periodic;

    /// When the current count was started.
    private long startNanos;

    private long deadlineNanos = NEVER;

    long deadlineNanos() {
        return deadlineNanos;
    }

    int initialCount() {
        return initialCount;
    }

    int divideConfiguration() {
        return divide;
    }

    void start(int count, boolean periodically, long nowNanos) {
        initialCount = count;
        periodic = periodically;
        startNanos = nowNanos;
        deadlineNanos = count == 0 ? NEVER : nowNanos + periodNanos();
    }

    /// Restores a count that has `current` left.
    void resume(int count, int current, boolean periodically, long nowNanos) {
        start(count, periodically, nowNanos);
        if (count == 0) return;
        long elapsed = ((count & 0xffff_ffffL) - (current & 0xffff_ffffL)) * tickNanos();
        startNanos -= elapsed;
        deadlineNanos = current == 0 && !periodically ? NEVER : deadlineNanos - elapsed;
    }

    void stop() {
        initialCount = 0;
        deadlineNanos = NEVER;
    }

    void startAt(long deadline) {
        deadlineNanos = deadline;
    }

    void setPeriodic(boolean periodically) {
        periodic = periodically;
    }

    /// Divide configuration: bits 3, 1 and 0 are the power of two less one, 111b being 1. What is left of the count is counted at the
    /// new rate.
    void setDivide(int value, long nowNanos) {
        int left = currentCount(nowNanos);
        divide = value & 0xb;
        if (deadlineNanos != NEVER && initialCount != 0) resume(initialCount, left, periodic, nowNanos);
    }

    int currentCount(long nowNanos) {
        if (initialCount == 0 || deadlineNanos == NEVER) return 0;
        long left = (deadlineNanos - nowNanos) / tickNanos();
        if (left <= 0 && periodic) left += periodNanos() / tickNanos();
        return (int) Math.max(0, Math.min(left, initialCount & 0xffff_ffffL));
    }

    /// Whether it has expired; then it waits for the next period, or for nothing.
    boolean expired(long nowNanos) {
        if (nowNanos < deadlineNanos || deadlineNanos == NEVER) return false;
        if (periodic && initialCount != 0) {
            long period = periodNanos();
            startNanos += (nowNanos - startNanos) / period * period; // periods nobody saw are one interrupt
            deadlineNanos = startNanos + period;
        } else {
            deadlineNanos = NEVER;
        }
        return true;
    }

    private long periodNanos() {
        return (initialCount & 0xffff_ffffL) * tickNanos();
    }

    private long tickNanos() {
        int power = (divide & 3 | divide >> 1 & 4) + 1 & 7;
        return CRYSTAL_NANOS << power;
    }
}
