package io.kahvem.devices.chipset;

import io.kahvem.host.EventLoop;
import org.jspecify.annotations.Nullable;

/// One re-armable timer of a device.
///
/// `arm` and `disarm` are called under the device's lock, and the action runs under it on the loop's thread. A firing that lost the race
/// with either call is dropped.
final class DeviceTimer {
    private final EventLoop loop;
    private final Object lock;
    private final Runnable action;
    private EventLoop.@Nullable Timer timer;
    private long deadlineNanos;
    private long generation;

    DeviceTimer(EventLoop loop, Object lock, Runnable action) {
        this.loop = loop;
        this.lock = lock;
        this.action = action;
    }

    void arm(long deadline) {
        if (timer != null && deadline == deadlineNanos) return;
        disarm();
        long mine = generation;
        deadlineNanos = deadline;
        timer = loop.schedule(deadline, () -> fire(mine));
    }

    void disarm() {
        generation++;
        if (timer != null) timer.cancel();
        timer = null;
    }

    private void fire(long mine) {
        synchronized (lock) {
            if (mine != generation) return;
            timer = null;
            action.run();
        }
    }
}
