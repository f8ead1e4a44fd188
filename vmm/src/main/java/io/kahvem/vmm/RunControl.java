package io.kahvem.vmm;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Starts and stops the vCPU threads together: they run in rounds, each from a start to the next reset, pause or end. What ends a round is
/// requested here by any thread; the `machine` thread carries it out between two rounds. The first ending counts; a reset that is asked
/// for meanwhile doesn't. A stop comes before a reset that is asked for in the same round: what stopped the machine is over with the reset.
///
/// Lock: this object's monitor; nothing else is called under it.
final class RunControl {
    /// What the `machine` thread is to do now that no vCPU runs.
    sealed interface Next {
        record End(MachineResult how) implements Next {}

        record Reset(ShutdownCause cause) implements Next {}

        record Pause(RunState reason) implements Next {}

        record Resume() implements Next {}

        record Run() implements Next {}
    }

    private final int threads;
    private int round;
    /// How many vCPU threads are not in the guest.
    private int outside;
    private @Nullable ShutdownCause resetCause;
    private @Nullable MachineResult ending;
    /// Why it is to be stopped, or null.
    private @Nullable RunState pauseWanted;
    private boolean paused;
    private boolean finished;
    private volatile RunState state = RunState.PRELAUNCH;
    /// Whether vCPUs are to leave the guest.
    private volatile boolean leave;

    /// `threads` have to report [#left] before a round is over.
    RunControl(int threads) {
        this.threads = threads;
        this.outside = threads;
    }

    boolean shouldLeave() {
        return leave;
    }

    RunState state() {
        return state;
    }

    /// The machine begins stopped; before its threads start.
    synchronized void beginPaused() {
        pauseWanted = RunState.PRELAUNCH;
        paused = true;
    }

    /// Asks for the end; the caller kicks the vCPUs then.
    synchronized void end(MachineResult how) {
        if (ending == null) ending = how;
        leave = true;
        notifyAll();
    }

    /// Asks for a reset; the caller kicks the vCPUs then.
    synchronized void reset(ShutdownCause cause) {
        if (resetCause == null) resetCause = cause;
        leave = true;
        notifyAll();
    }

    /// Asks for a stop, unless the machine is stopped or about to be; the caller kicks the vCPUs then.
    synchronized void pause(RunState reason) {
        if (pauseWanted != null) return;
        pauseWanted = reason;
        leave = true;
        notifyAll();
    }

    /// Asks to go on.
    synchronized void resume() {
        pauseWanted = null;
        notifyAll();
    }

    /// Waits until no vCPU runs since the machine is stopped; false if it ended.
    synchronized boolean awaitPaused() {
        waitUntil(() -> finished || paused);
        return !finished;
    }

    /// Waits until the machine is about to run; false if it ended, or was stopped again.
    synchronized boolean awaitResumed() {
        waitUntil(() -> finished || !paused || pauseWanted != null);
        return !finished && !paused;
    }

    // The `machine` thread

    /// Waits until every vCPU thread has left the guest and there is something to do.
    synchronized Next await() {
        waitUntil(() -> outside == threads && (ending != null || resetCause != null || !paused || pauseWanted == null));
        if (ending != null) return new Next.End(ending);
        if (pauseWanted != null && !paused) return new Next.Pause(pauseWanted);
        if (resetCause != null) return new Next.Reset(resetCause);
        return paused ? new Next.Resume() : new Next.Run();
    }

    /// Lets the vCPU threads begin the next round, unless something else was asked for already.
    synchronized void startRound() {
        leave = ending != null || resetCause != null || pauseWanted != null;
        state = RunState.RUNNING;
        outside = 0;
        round++;
        notifyAll();
    }

    /// The reset is done; a machine that is stopped stays so.
    synchronized void resetDone() {
        resetCause = null;
        if (paused) state = RunState.PRELAUNCH;
    }

    /// What [#state] tells from here on; who waits for a pause or resume goes on when that is done.
    void enter(RunState entered) {
        state = entered;
    }

    synchronized void pauseDone() {
        paused = true;
        notifyAll();
    }

    synchronized void resumeDone() {
        paused = false;
        notifyAll();
    }

    /// No rounds any more: the vCPU threads end.
    synchronized void finish() {
        finished = true;
        state = RunState.SHUTDOWN;
        notifyAll();
    }

    // vCPU threads

    /// Waits for the start of round `number`, counted from 1; false once there will be none. Meanwhile does `work` each time that
    /// `wanted` says so, outside the lock; who makes it say so calls [#look].
    boolean awaitRound(int number, BooleanSupplier wanted, Runnable work) {
        while (true) {
            synchronized (this) {
                waitUntil(() -> finished || round >= number || wanted.getAsBoolean());
                if (finished || round >= number) return round >= number;
            }
            work.run();
        }
    }

    /// Has vCPU threads that wait for a round look for other work.
    synchronized void look() {
        notifyAll();
    }

    /// A vCPU thread has left the guest for this round.
    synchronized void left() {
        outside++;
        notifyAll();
    }

    /// An interrupt means nothing to our own threads; of others it is kept.
    private void waitUntil(BooleanSupplier condition) {
        boolean interrupted = false;
        while (!condition.getAsBoolean()) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }
}
