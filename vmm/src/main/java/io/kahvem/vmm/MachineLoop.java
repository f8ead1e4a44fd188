package io.kahvem.vmm;

import io.kahvem.host.Clock;
import io.kahvem.host.EventLoop;
import io.kahvem.host.StoppableClock;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// The devices' event loop: the host's, with time that stands still while the machine is stopped. What [#execute] is given runs all the
/// same, since the host's side of a device goes on.
///
/// Lock: this object's monitor, below every device's; no task runs under it.
final class MachineLoop implements EventLoop {
    private final EventLoop loop;
    private final StoppableClock clock;
    private final Set<Waiting> waiting = new HashSet<>();
    private boolean stopped;

    /// Takes over `loop`.
    MachineLoop(EventLoop loop) {
        this.loop = loop;
        this.clock = new StoppableClock(loop.clock());
    }

    @Override
    public Clock clock() {
        return clock;
    }

    @Override
    public synchronized Timer schedule(long deadlineNanos, Runnable task) {
        Waiting timer = new Waiting(deadlineNanos, task);
        waiting.add(timer);
        if (!stopped) timer.arm();
        return timer;
    }

    @Override
    public void execute(Runnable task) {
        loop.execute(task);
    }

    synchronized void stopTime() {
        if (stopped) return;
        stopped = true;
        clock.stop();
        waiting.forEach(Waiting::disarm);
    }

    synchronized void startTime() {
        if (!stopped) return;
        stopped = false;
        clock.start();
        waiting.forEach(Waiting::arm);
    }

    @Override
    public void close() {
        loop.close();
    }

    private final class Waiting implements Timer {
        private final long deadlineNanos;
        private final Runnable task;
        private @Nullable Timer timer;

        Waiting(long deadlineNanos, Runnable task) {
            this.deadlineNanos = deadlineNanos;
            this.task = task;
        }

        void arm() {
            timer = loop.schedule(clock.hostNanos(deadlineNanos), this::fire);
        }

        void disarm() {
            if (timer != null) timer.cancel();
            timer = null;
        }

        /// One that lost the race with a stop waits on.
        private void fire() {
            synchronized (MachineLoop.this) {
                if (stopped || !waiting.remove(this)) return;
            }
            task.run();
        }

        @Override
        public void cancel() {
            synchronized (MachineLoop.this) {
                waiting.remove(this);
                disarm();
            }
        }
    }
}
