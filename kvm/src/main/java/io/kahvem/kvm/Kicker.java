package io.kahvem.kvm;

import io.kahvem.host.ThreadSignal;
import io.kahvem.host.Words;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Brings a vCPU's thread out of KVM_RUN: a bit in [#requests], then `immediate_exit`, then a signal if the thread is in the call.
///
/// The thread announces the call before it makes it and a requester sets `immediate_exit` before it looks, both with a full fence: one of
/// them sees the other, so no request is lost. On EINTR the thread clears `immediate_exit` before it takes the bits, so that a request in
/// between causes one EINTR too many, never one too few. The lock keeps the signal from a thread that has gone and the page from being
/// written after its end; nothing is called under it.
final class Kicker {
    /// Bits of [#take].
    static final int KICK = 1;

    static final int NMI = 2;
    static final int INTR = 4;
    static final int WATCHDOG = 8;

    private static final VarHandle REQUESTS;

    static {
        try {
            REQUESTS = MethodHandles.lookup().findVarHandle(Kicker.class, "requests", int.class);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private final RunPage run;

    @SuppressWarnings("unused") // through REQUESTS
    private volatile int requests;

    /// The thread is in KVM_RUN, or about to be.
    private volatile boolean inGuest;

    /// The thread, while it waits outside KVM_RUN for a request.
    private volatile @Nullable Thread sleeper;

    /// Guarded by this, as is `closed`.
    private @Nullable ThreadSignal thread;

    private @Nullable Thread owner;

    /// The last owner and its signal: most often it comes back.
    private @Nullable Thread known;

    private @Nullable ThreadSignal knownSignal;
    private boolean closed;

    Kicker(RunPage run) {
        this.run = run;
    }

    /// The calling thread is the vCPU's until [#leave].
    synchronized void enter() {
        Thread current = Thread.currentThread();
        if (known != current) {
            knownSignal = ThreadSignal.ofCurrentThread();
            known = current;
        }
        thread = knownSignal;
        owner = current;
    }

    synchronized void leave() {
        thread = null;
        owner = null;
    }

    /// Before and after KVM_RUN.
    void setInGuest(boolean in) {
        inGuest = in;
    }

    boolean isInGuest() {
        return inGuest;
    }

    synchronized void request(int bit) {
        if (closed) return;
        REQUESTS.getAndBitwiseOr(this, bit);
        run.put8(RunPage.IMMEDIATE_EXIT, 1);
        Words.fullFence();
        ThreadSignal target = thread;
        if (inGuest && target != null) target.send();
        Thread sleeping = sleeper;
        if (sleeping != null) LockSupport.unpark(sleeping);
    }

    /// On the vCPU's thread: the next KVM_RUN finishes an access that is half done, and returns EINTR.
    void finish() {
        run.put8(RunPage.IMMEDIATE_EXIT, 1);
    }

    /// For what the owner looks at before each KVM_RUN anyway.
    synchronized void requestUnlessOwner(int bit) {
        if (owner != Thread.currentThread()) request(bit);
    }

    /// Sleeps until there is a request, and takes it; on the vCPU's thread. Whichever was first, the sleeper or the request, one sees the
    /// other.
    int await() {
        sleeper = Thread.currentThread();
        while (requests == 0) LockSupport.park(this);
        sleeper = null;
        return take();
    }

    /// After EINTR, on the vCPU's thread.
    int take() {
        run.put8(RunPage.IMMEDIATE_EXIT, 0);
        Words.fullFence();
        return (int) REQUESTS.getAndSet(this, 0);
    }

    synchronized void close() {
        closed = true;
    }
}
