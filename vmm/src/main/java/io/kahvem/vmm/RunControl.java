package io.kahvem.vmm;

import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/// Starts and stops the vCPU threads together: they run in rounds, one from each reset to the next, and what ends a round is requested
/// here by any thread. The first ending counts; a reset that is asked for meanwhile doesn't.
///
/// Lock: this object's monitor; nothing else is called under it.
final class RunControl {
    private final int threads;
    private int round;
    private int stopped;
    private boolean resetRequested;
    private boolean finished;
    private @Nullable MachineResult ending;
    /// Whether vCPUs are to leave the guest.
    private volatile boolean leave;

    /// `threads` have to report [#stopped] before a round is over.
    RunControl(int threads) {
        this.threads = threads;
    }

    boolean shouldLeave() {
        return leave;
    }

    /// Asks for the end; the caller kicks the vCPUs then.
    synchronized void end(MachineResult how) {
        if (ending == null) ending = how;
        leave = true;
        notifyAll();
    }

    synchronized void reset() {
        resetRequested = true;
        leave = true;
        notifyAll();
    }

    /// Lets the vCPU threads begin the next round, unless an end was asked for already.
    synchronized void startRound() {
        resetRequested = false;
        leave = ending != null;
        stopped = 0;
        round++;
        notifyAll();
    }

    /// Waits for the start of round `number`, counted from 1; false once there will be none.
    synchronized boolean awaitRound(int number) {
        waitUntil(() -> finished || round >= number);
        return round >= number;
    }

    /// A vCPU thread has left the guest for this round.
    synchronized void stopped() {
        stopped++;
        notifyAll();
    }

    /// Waits until every vCPU thread has left the guest because somebody asked; returns the ending, or null where it is a reset.
    synchronized @Nullable MachineResult awaitStop() {
        waitUntil(() -> stopped == threads && (resetRequested || ending != null));
        return ending;
    }

    /// No rounds any more: the vCPU threads end.
    synchronized void finish() {
        finished = true;
        notifyAll();
    }

    /// These threads are ours alone; an interrupt means nothing to them.
    private void waitUntil(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            try {
                wait();
            } catch (InterruptedException e) {
                continue;
            }
        }
    }
}
