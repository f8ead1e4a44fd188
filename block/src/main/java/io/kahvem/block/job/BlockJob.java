package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.ErrorPolicy;
import io.kahvem.host.Errno;
import java.util.Locale;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Work in the background on a disk, in the states that QEMU's job.json has for it, on a thread of its own.
///
/// Its methods may be called from any thread; the listener hears of changes on the thread that makes them, under the job's lock, and
/// neither waits nor calls the job.
public final class BlockJob {
    /// As often a job looks for what the guest has written since.
    private static final long FOLLOW_NANOS = 100_000_000;

    /// How long a job waits after a failure that it is to ignore.
    private static final long RETRY_NANOS = 100_000_000;

    /// By the names of QEMU's JobStatus. RUNNING, READY: PAUSED, STANDBY while it rests.
    public enum Status {
        CREATED,
        RUNNING,
        PAUSED,
        READY,
        STANDBY,
        WAITING,
        PENDING,
        ABORTING,
        CONCLUDED,
        NULL
    }

    /// What a user may ask of a job.
    public enum Verb {
        CANCEL,
        PAUSE,
        RESUME,
        SET_SPEED,
        COMPLETE,
        FINALIZE,
        DISMISS;

        String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        private boolean fits(Status status) {
            return switch (status) {
                case CREATED, RUNNING, PAUSED -> this == CANCEL || this == PAUSE || this == RESUME || this == SET_SPEED;
                case READY, STANDBY -> this == CANCEL || this == PAUSE || this == RESUME || this == SET_SPEED || this == COMPLETE;
                case WAITING -> this == CANCEL;
                case PENDING -> this == CANCEL || this == FINALIZE;
                case CONCLUDED -> this == DISMISS;
                case ABORTING, NULL -> false;
            };
        }
    }

    /// How a job is told of.
    public interface Listener {
        void statusChanged(BlockJob job, Status status);

        /// The copy is the disk from here on, until it is completed or cancelled.
        void ready(BlockJob job);

        /// It waits to be finalized.
        void pending(BlockJob job);

        /// It has ended well, or with [BlockJob#error].
        void completed(BlockJob job);

        void cancelled(BlockJob job);

        /// A part failed.
        ///
        /// @param action what is done about it: REPORT, IGNORE or STOP
        void failed(BlockJob job, JobControl.Side side, ErrorPolicy action);
    }

    /// @param speed bytes a second, 0 for no limit
    /// @param autoFinalize it does not wait to be finalized
    /// @param autoDismiss it is forgotten when it has ended
    public record Options(String id, long speed, ErrorPolicy onSourceError, ErrorPolicy onTargetError, boolean autoFinalize,
            boolean autoDismiss) {}

    /// @param doneBytes of `totalBytes`, which may grow
    /// @param busy it does something at this moment
    /// @param ioError the last failure, while the job rests for it: 0, or an errno
    public record Info(Status status, long doneBytes, long totalBytes, long speed, boolean paused, boolean busy, int ioError,
            @Nullable String error) {}

    private final Options options;
    private final JobWork work;
    private final Listener listener;
    private final Ending ending;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Thread thread;

    // Under the lock.
    private Status status = Status.CREATED;
    private long doneBytes;
    private long totalBytes;
    private long speed;
    private long paidUntilNanos;
    private boolean paused;
    private boolean cancelled;
    private boolean completing;
    private boolean finishing;
    private boolean finalizing;
    private boolean busy;
    private boolean asked;
    private int ioError;
    private @Nullable String error;

    /// What is done about what a job held, when its work is over, before anybody is told.
    public interface Ending {
        /// Throws [BlockException] where the work failed by that; it is called again then.
        ///
        /// @param pivoted the disk goes on in the job's target
        void ended(boolean pivoted);
    }

    public BlockJob(Options options, JobWork work, Listener listener, Ending ending) {
        this.options = options;
        this.work = work;
        this.listener = listener;
        this.ending = ending;
        speed = options.speed;
        thread = Thread.ofPlatform().daemon().name("job " + options.id).unstarted(this::work);
        locked(() -> {
            listener.statusChanged(this, Status.CREATED);
            become(Status.RUNNING);
        });
    }

    /// Begins. Once.
    public void start() {
        thread.start();
    }

    public String id() {
        return options.id;
    }

    public JobWork.Type type() {
        return work.type();
    }

    public Options options() {
        return options;
    }

    public Info info() {
        lock.lock();
        try {
            return new Info(status, doneBytes, totalBytes, speed, paused, busy, ioError, error);
        } finally {
            lock.unlock();
        }
    }

    /// Why it failed, or null.
    public @Nullable String error() {
        return info().error;
    }

    /// Throws [BlockException] in QEMU's words where it is already paused, or its state has no pause.
    public void pause() {
        ask(Verb.PAUSE, () -> {
            if (paused) throw BlockException.invalid("Job is already paused");
            paused = true;
        });
    }

    /// Throws [BlockException] in QEMU's words where it was not paused.
    public void resume() {
        ask(Verb.RESUME, () -> {
            if (!paused) throw BlockException.invalid("Can't resume a job that was not paused");
            paused = false;
            ioError = 0;
        });
    }

    /// @param bytesPerSecond 0 for no limit
    public void setSpeed(long bytesPerSecond) {
        if (bytesPerSecond < 0) throw BlockException.invalid("Parameter 'speed' expects a non-negative value");
        ask(Verb.SET_SPEED, () -> {
            speed = bytesPerSecond;
            paidUntilNanos = System.nanoTime();
        });
    }

    /// Lets the disk go on in the copy. Throws [BlockException] in QEMU's words for a job that is not ready.
    public void complete() {
        ask(Verb.COMPLETE, () -> completing = true);
    }

    /// Lets a job that waits for it make its work count. Throws [BlockException] in QEMU's words for one that does not.
    public void finish() {
        ask(Verb.FINALIZE, () -> finalizing = true);
    }

    /// Forgets a job that has ended.
    public void dismiss() {
        ask(Verb.DISMISS, () -> become(Status.NULL));
    }

    /// Ends it before its time. One that is ready ends well where it is, unless it is forced to give up.
    public void cancel(boolean force) {
        ask(Verb.CANCEL, () -> {
            boolean ends = force || status != Status.READY && status != Status.STANDBY;
            if (ends) cancelled = true;
            else finishing = true;
            paused = false;
        });
    }

    /// Ends it, if it has not ended, and waits until it has.
    public void stop() {
        locked(() -> cancelled = true);
        if (thread.getState() == Thread.State.NEW) return;
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    private void ask(Verb verb, Runnable change) {
        locked(() -> {
            if (!verb.fits(status)) {
                throw BlockException.invalid("Job '%s' in state '%s' cannot accept command verb '%s'".formatted(
                        options.id, status.name().toLowerCase(Locale.ROOT), verb.word()));
            }
            change.run();
        });
    }

    private void locked(Runnable action) {
        lock.lock();
        try {
            action.run();
            asked = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Under the lock.
    private void become(Status next) {
        status = next;
        listener.statusChanged(this, next);
    }

    private void work() {
        try {
            work.run(control);
            if (work.follows()) follow();
            awaitFinalization();
            boolean pivot = work.follows() && !finishing;
            work.conclude(pivot);
            ending.ended(pivot);
            locked(() -> {
                listener.completed(this);
                ended();
            });
        } catch (JobCancelledException e) {
            abort(null);
        } catch (BlockException e) {
            abort(e.errno() == 0 || e.errno() == Errno.EINVAL ? e.getMessage() : new Errno(e.errno()).meaning());
        } catch (RuntimeException | Error e) {
            abort(String.valueOf(e));
            throw e;
        }
    }

    /// @param why null where it was cancelled
    private void abort(@Nullable String why) {
        locked(() -> {
            error = why;
            become(Status.ABORTING);
        });
        try {
            work.abort();
            ending.ended(false);
        } catch (BlockException e) {
            String also = e.getMessage();
            locked(() -> error = error == null ? also : error + "; " + also);
        }
        locked(() -> {
            if (cancelled) listener.cancelled(this);
            else listener.completed(this);
            ended();
        });
    }

    /// Under the lock that was held while the end was told: who hears of it and looks finds the job at its end.
    private void ended() {
        become(Status.CONCLUDED);
        if (options.autoDismiss) become(Status.NULL);
    }

    private void follow() {
        locked(() -> {
            become(Status.READY);
            listener.ready(this);
        });
        while (true) {
            rest();
            lock.lock();
            try {
                if (completing || finishing) return;
                await(FOLLOW_NANOS);
                if (completing || finishing) continue;
            } finally {
                lock.unlock();
            }
            work.follow(control);
        }
    }

    private void awaitFinalization() {
        lock.lock();
        try {
            if (cancelled) throw new JobCancelledException();
            become(Status.WAITING);
            become(Status.PENDING);
            if (options.autoFinalize) return;
            listener.pending(this);
            while (!finalizing && !cancelled) changed.awaitUninterruptibly();
            if (cancelled) throw new JobCancelledException();
        } finally {
            lock.unlock();
        }
    }

    private final JobControl control = new JobControl() {
        @Override
        public void moved(long done, long total) {
            lock.lock();
            try {
                pay(done - doneBytes);
                doneBytes = done;
                totalBytes = total;
            } finally {
                lock.unlock();
            }
            rest();
        }

        @Override
        public boolean retries(Side side, BlockException failure) {
            ErrorPolicy policy = side == Side.SOURCE ? options.onSourceError : options.onTargetError;
            boolean stops = policy.stops(failure.errno());
            ErrorPolicy action = stops ? ErrorPolicy.STOP : policy == ErrorPolicy.IGNORE ? ErrorPolicy.IGNORE : ErrorPolicy.REPORT;
            lock.lock();
            try {
                listener.failed(BlockJob.this, side, action);
                if (action == ErrorPolicy.REPORT) return false;
                if (stops) {
                    paused = true;
                    ioError = failure.errno() == 0 ? Errno.EIO : failure.errno();
                } else {
                    await(RETRY_NANOS);
                }
            } finally {
                lock.unlock();
            }
            rest();
            return true;
        }
    };

    /// Under the lock.
    private void pay(long bytes) {
        if (speed == 0 || bytes <= 0) return;
        long now = System.nanoTime();
        if (paidUntilNanos - now < 0) paidUntilNanos = now;
        paidUntilNanos += (long) (bytes * 1e9 / speed);
    }

    /// Returns when the work may go on.
    private void rest() {
        lock.lock();
        try {
            busy = false;
            while (true) {
                if (cancelled) throw new JobCancelledException();
                long early = paidUntilNanos - System.nanoTime();
                if (paused) {
                    boolean ready = status == Status.READY;
                    if (status == Status.RUNNING || ready) become(ready ? Status.STANDBY : Status.PAUSED);
                    changed.awaitUninterruptibly();
                } else if (status == Status.PAUSED || status == Status.STANDBY) {
                    become(status == Status.STANDBY ? Status.READY : Status.RUNNING);
                } else if (speed != 0 && early > 0) {
                    await(early);
                } else {
                    break;
                }
            }
            busy = true;
        } finally {
            lock.unlock();
        }
    }

    /// Under the lock: waits, or until something is asked of the job.
    private void await(long nanos) {
        asked = false;
        try {
            for (long left = nanos; left > 0 && !asked; ) left = changed.awaitNanos(left);
        } catch (InterruptedException e) {
            cancelled = true; // nobody interrupts this thread to any other end
        }
    }
}
