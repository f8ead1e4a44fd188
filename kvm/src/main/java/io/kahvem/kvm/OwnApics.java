package io.kahvem.kvm;

import io.kahvem.apic.ApicBus;
import io.kahvem.apic.LocalApic;
import io.kahvem.apic.TscClock;
import io.kahvem.host.Clock;
import io.kahvem.host.StoppableClock;
import io.kahvem.hypervisor.CpuModel;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/// The local APICs of a VM that has none in the kernel, and the thread that looks after their timers: a vCPU in KVM_RUN has no eye on the
/// clock.
final class OwnApics implements AutoCloseable {
    private final ApicBus bus = new ApicBus();
    private final StoppableClock time = new StoppableClock(Clock.SYSTEM);
    private final TscClock clock;
    private final List<LocalApic> apics = new CopyOnWriteArrayList<>();
    private final Thread timers = Thread.ofPlatform().daemon().name("apic-timers").unstarted(this::keepTime);

    /// What the thread sleeps until; while it looks at the timers, the end of time, so that each change wakes it.
    private volatile long wakeNanos = Long.MAX_VALUE;

    private volatile boolean stopped;

    private volatile boolean closed;

    OwnApics(CpuModel model) {
        clock = new TscClock(time, model.tscKhz());
        timers.start();
    }

    ApicBus bus() {
        return bus;
    }

    LocalApic create(int apicId, OwnApic owner) {
        LocalApic apic = new LocalApic(apicId, apicId == 0, bus, clock, owner);
        apics.add(apic);
        return apic;
    }

    /// A timer expires at `deadlineNanos`. Any thread.
    void timerSet(long deadlineNanos) {
        if (deadlineNanos < wakeNanos) LockSupport.unpark(timers);
    }

    void stopTime() {
        stopped = true;
        time.stop();
    }

    void startTime() {
        time.start();
        stopped = false;
        LockSupport.unpark(timers);
    }

    private void keepTime() {
        while (!closed) {
            wakeNanos = Long.MAX_VALUE;
            long now = clock.nanoTime();
            long next = Long.MAX_VALUE;
            for (LocalApic apic : apics) {
                if (apic.nextDeadlineNanos() <= now) apic.tick(now);
                next = Math.min(next, apic.nextDeadlineNanos());
            }
            wakeNanos = next;
            if (stopped || next == Long.MAX_VALUE) {
                LockSupport.park(this);
            } else if (next > now) {
                LockSupport.parkNanos(this, next - now);
            }
        }
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(timers);
    }
}
