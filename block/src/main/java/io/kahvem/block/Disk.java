package io.kahvem.block;

import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.host.Errno;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// A [BlockBackend] over a node: requests queue, and threads that come with need and go with idleness take them.
///
/// Reads and writes that take no longer than [#QUICK_NANOS] are copies in the host's memory. One thread serves them one after the other,
/// since waking another would take longer than they do; it looks for more for a while before it sleeps, and announces several at once.
public final class Disk implements BlockBackend {
    private static final int MOST_WORKERS = 16;
    private static final long QUICK_NANOS = 100_000;
    private static final long LOOK_NANOS = 50_000;
    private static final long LONGEST_UNANNOUNCED_NANOS = 100_000;
    private static final int MOST_AT_ONCE = 256 << 10;
    private static final boolean MAY_LOOK = Runtime.getRuntime().availableProcessors() > 1;
    private static final long IDLE_NANOS = 10_000_000_000L;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition submitted = lock.newCondition();
    private final Condition quiet = lock.newCondition();
    private final DiskCounters counters = new DiskCounters();
    private final List<Runnable> resizeListeners = new CopyOnWriteArrayList<>();
    private volatile BlockNode node;
    private volatile ErrorPolicy readErrors = ErrorPolicy.REPORT;
    private volatile ErrorPolicy writeErrors = ErrorPolicy.REPORT;
    private volatile ErrorListener errorListener = (operation, errno, stopped) -> { };

    /// What reads and writes take on average.
    private volatile long readNanos = 10 * QUICK_NANOS;
    private volatile long writeNanos = 10 * QUICK_NANOS;

    // Under the lock; one thread looks at `first` without.
    private volatile @Nullable BlockRequest first;
    private @Nullable BlockRequest last;
    private @Nullable BlockRequest stopped;
    /// Requests that were taken and are not announced.
    private int running;
    private int workers;
    private int idle;
    /// Of the idle threads, those that were woken and do not run yet.
    private int woken;
    /// Threads that serve a quick request or look for one.
    private int quick;
    private boolean looking;
    private boolean paused;
    /// Written under the lock; its own thread looks without.
    private volatile @Nullable Thread exclusive;
    private boolean closed;
    private Throttle throttle = Throttle.NONE;
    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();
    private final DiskBitmaps bitmaps = new DiskBitmaps(this);

    /// Takes the node over.
    public Disk(BlockNode node) {
        this.node = node;
    }

    /// The layers of it, for tools; what is written there is not counted.
    public BlockNode node() {
        return node;
    }

    /// Those that note what is written to it.
    public DiskBitmaps bitmaps() {
        return bitmaps;
    }

    /// Shows another node from here on. Called within [#exclusively], for a node that shows the same.
    public void replaceNode(BlockNode other) {
        node = other;
    }

    /// Does something while no request is under way; those that come meanwhile wait. It may be called within itself, and not from a
    /// request's completion.
    public void exclusively(Runnable action) {
        if (Thread.currentThread().equals(exclusive)) {
            action.run();
            return;
        }
        lock.lock();
        try {
            while (paused) quiet.awaitUninterruptibly();
            paused = true;
            exclusive = Thread.currentThread();
            while (running > 0) quiet.awaitUninterruptibly();
        } finally {
            lock.unlock();
        }
        try {
            action.run();
        } finally {
            lock.lock();
            try {
                paused = false;
                exclusive = null;
                quiet.signalAll();
                submitted.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /// Hears of changes of the disk's content, on the threads that make them.
    public interface Watcher {
        /// Before the range changes; the change waits for it.
        default void beforeChange(long offset, long length) {}

        /// After it has changed, or has failed to.
        default void afterChange(long offset, long length) {}
    }

    public void addWatcher(Watcher watcher) {
        watchers.add(watcher);
    }

    public void removeWatcher(Watcher watcher) {
        watchers.remove(watcher);
    }

    /// Starts requests no faster than this from here on.
    public void setThrottle(Throttle throttle) {
        lock.lock();
        try {
            this.throttle = throttle;
            submitted.signalAll();
        } finally {
            lock.unlock();
        }
    }

    public Throttle throttle() {
        lock.lock();
        try {
            return throttle;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public long sizeBytes() {
        return node.sizeBytes();
    }

    @Override
    public boolean isReadOnly() {
        return node.isReadOnly();
    }

    @Override
    public int preferredAlignment() {
        return Math.max(512, node.clusterSize() > 4096 ? 4096 : node.clusterSize());
    }

    @Override
    public void submit(BlockRequest request) {
        request.submittedNanos = System.nanoTime();
        lock.lock();
        try {
            if (closed) throw new IllegalStateException("the disk is closed");
            enqueue(request);
        } finally {
            lock.unlock();
        }
    }

    private void enqueue(BlockRequest request) {
        request.next = null;
        if (last == null) first = request;
        else last.next = request;
        last = request;
        if (quick == 0 || !isQuick(request)) wake();
    }

    /// One more thread takes a request.
    private void wake() {
        if (idle > woken || workers == MOST_WORKERS) {
            woken++;
            submitted.signal();
        } else {
            workers++;
            Thread.ofPlatform().daemon().name("disk " + node.name()).start(this::work);
        }
    }

    private boolean isQuick(BlockRequest request) {
        return switch (request.operation()) {
            case READ -> readNanos <= QUICK_NANOS;
            case WRITE -> writeNanos <= QUICK_NANOS && !request.durable();
            case FLUSH, DISCARD, WRITE_ZEROES -> false;
        };
    }

    private void work() {
        Runnable announcement = BlockRequest.NO_ANNOUNCEMENT;
        int unannounced = 0;
        long sinceNanos = 0;
        boolean wasQuick = false;
        while (true) {
            BlockRequest request = next(wasQuick);
            if (unannounced > 0 && (request == null || !request.quick || System.nanoTime() - sinceNanos > LONGEST_UNANNOUNCED_NANOS)) {
                announcement.run();
                ended(unannounced);
                unannounced = 0;
            }
            if (request == null) request = await();
            if (request == null) return;
            wasQuick = request.quick;
            if (!serve(request)) {
                ended(1);
                continue;
            }
            Runnable its = request.announcement();
            if (unannounced > 0 && !its.equals(announcement)) announcement.run();
            if (unannounced == 0) sinceNanos = System.nanoTime();
            announcement = its;
            unannounced++;
        }
    }

    /// The next request, or null where none may start now.
    ///
    /// @param wasQuick whether this thread has served a quick one before
    private @Nullable BlockRequest next(boolean wasQuick) {
        lock.lock();
        try {
            if (wasQuick) quick--;
            return mayStartInNanos() <= 0 ? take() : null;
        } finally {
            lock.unlock();
        }
    }

    /// The next request, or null when this thread should end.
    private @Nullable BlockRequest await() {
        lock.lock();
        try {
            if (MAY_LOOK && !looking && first == null && Math.min(readNanos, writeNanos) <= QUICK_NANOS) look();
            long left = IDLE_NANOS;
            while (true) {
                long mayStart = mayStartInNanos();
                if (mayStart <= 0) return take();
                if (first == null && (closed || left <= 0)) {
                    workers--;
                    return null;
                }
                idle++;
                try {
                    // For a request; or with one there, for its turn (a throttle's), or for the end of a pause.
                    long rest = submitted.awaitNanos(first == null ? left : Math.min(mayStart, IDLE_NANOS));
                    left = first == null ? rest : IDLE_NANOS;
                } catch (InterruptedException e) {
                    left = 0; // nobody interrupts these threads to any other end
                } finally {
                    idle--;
                    if (woken > 0) woken--;
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private long mayStartInNanos() {
        BlockRequest head = first;
        if (head == null || paused) return Long.MAX_VALUE;
        long now = System.nanoTime();
        long wait = throttle.waitNanos(head.operation(), now);
        if (wait <= 0 || !throttle.tellsApart()) return wait;
        BlockRequest before = beforeOther(head);
        return before == null ? wait : Math.min(wait, throttle.waitNanos(Objects.requireNonNull(before.next).operation(), now));
    }

    /// The request after which the first comes that is a read where the queue's first is none, or the other way round.
    private static @Nullable BlockRequest beforeOther(BlockRequest head) {
        boolean reads = head.operation() == Operation.READ;
        BlockRequest before = head;
        for (BlockRequest next = head.next; next != null; next = next.next) {
            if ((next.operation() == Operation.READ) != reads) return before;
            before = next;
        }
        return null;
    }

    /// Waits a moment for a request without sleeping, and without the lock.
    private void look() {
        looking = true;
        quick++;
        lock.unlock();
        try {
            long end = System.nanoTime() + LOOK_NANOS;
            while (first == null && System.nanoTime() - end < 0) Thread.onSpinWait();
        } finally {
            lock.lock();
            quick--;
            looking = false;
        }
    }

    private BlockRequest take() {
        BlockRequest request = unlink(System.nanoTime());
        BlockRequest following = first;
        running++;
        request.quick = isQuick(request);
        if (request.quick) quick++;
        else if (following != null && quick == 0) wake();
        return request;
    }

    /// Takes the first request out of the queue, or where that has to wait, the first of the other direction.
    private BlockRequest unlink(long now) {
        BlockRequest head = Objects.requireNonNull(first);
        BlockRequest before = throttle.tellsApart() && throttle.waitNanos(head.operation(), now) > 0 ? beforeOther(head) : null;
        BlockRequest taken = before == null ? head : Objects.requireNonNull(before.next);
        throttle.take(taken.operation(), taken.length(), now);
        if (before == null) first = taken.next;
        else before.next = taken.next;
        if (taken.next == null) last = before;
        taken.next = null;
        return taken;
    }

    /// Whether it was completed; it may be another one from then on.
    private boolean serve(BlockRequest request) {
        long start = System.nanoTime();
        int errno = perform(request);
        switch (request.operation()) {
            case READ -> readNanos = average(readNanos, System.nanoTime() - start);
            case WRITE -> writeNanos = average(writeNanos, System.nanoTime() - start);
            case FLUSH, DISCARD, WRITE_ZEROES -> { }
        }
        boolean stops = false;
        if (errno != 0) {
            boolean reading = request.operation() == Operation.READ;
            ErrorPolicy policy = reading ? readErrors : writeErrors;
            stops = policy.stops(errno);
            if (stops) stop(request);
            errorListener.failed(request.operation(), errno, stops);
            if (policy == ErrorPolicy.IGNORE) errno = 0;
        }
        if (!stops) {
            counters.count(request, errno);
            request.completed(errno);
        }
        return !stops;
    }

    private static long average(long before, long nanos) {
        return before + (nanos - before) / 8;
    }

    private void ended(int count) {
        lock.lock();
        try {
            running -= count;
            if (running == 0) quiet.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean readAtOnce(BlockRequest request) {
        if (request.operation() != Operation.READ || request.length() > MOST_AT_ONCE) return false;
        lock.lock();
        try {
            if (closed || paused || throttle != Throttle.NONE) return false;
            running++;
        } finally {
            lock.unlock();
        }
        request.submittedNanos = System.nanoTime();
        boolean done = isInside(request) && node.readAtOnce(request.offset(), request.ranges());
        if (done) counters.count(request, 0);
        ended(1);
        return done;
    }

    private boolean isInside(BlockRequest request) {
        long size = node.sizeBytes();
        long offset = request.offset();
        return offset >= 0 && request.length() >= 0 && offset <= size && request.length() <= size - offset;
    }

    private void stop(BlockRequest request) {
        lock.lock();
        try {
            request.next = stopped;
            stopped = request;
        } finally {
            lock.unlock();
        }
    }

    /// What the host's file says to it: 0 or an errno.
    private int perform(BlockRequest request) {
        try {
            if (!isInside(request)) return Errno.EIO;
            long offset = request.offset();
            boolean changes = switch (request.operation()) {
                case READ, FLUSH -> false;
                case WRITE, DISCARD, WRITE_ZEROES -> !watchers.isEmpty();
            };
            if (!changes) return performOn(request);
            for (Watcher watcher : watchers) watcher.beforeChange(offset, request.length());
            try {
                return performOn(request);
            } finally {
                for (Watcher watcher : watchers) watcher.afterChange(offset, request.length());
            }
        } catch (BlockException failed) {
            return failed.errno() == 0 ? Errno.EIO : failed.errno();
        }
    }

    private int performOn(BlockRequest request) {
        long offset = request.offset();
        if (isReadOnly() && request.operation() != Operation.READ) return request.operation() == Operation.FLUSH ? 0 : Errno.EROFS;
        switch (request.operation()) {
            case READ -> node.readVector(offset, request.ranges());
            case WRITE -> {
                if (request.length() > 0) node.writeVector(offset, request.ranges());
            }
            case FLUSH -> node.flush();
            case DISCARD -> node.discard(offset, request.length());
            case WRITE_ZEROES -> node.writeZeroes(offset, request.length(), request.mayUnmap());
        }
        if (request.durable()) node.flush();
        return 0;
    }

    @Override
    public void drain() {
        lock.lock();
        try {
            while (running > 0 || first != null) quiet.awaitUninterruptibly();
        } finally {
            lock.unlock();
        }
    }

    /// Changes the disk's size and tells those who listen.
    public void resize(long sizeBytes) {
        exclusively(() -> {
            node.resize(sizeBytes, Preallocation.OFF);
            bitmaps.resize(sizeBytes);
        });
        resizeListeners.forEach(Runnable::run);
    }

    @Override
    public void onResize(Runnable listener) {
        resizeListeners.add(listener);
    }

    @Override
    public void onError(ErrorPolicy reads, ErrorPolicy writes, ErrorListener listener) {
        errorListener = listener;
        readErrors = reads;
        writeErrors = writes;
    }

    @Override
    public void retryStopped() {
        lock.lock();
        try {
            BlockRequest request = stopped;
            stopped = null;
            while (request != null) {
                BlockRequest following = request.next;
                enqueue(request);
                request = following;
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public BlockStatistics statistics() {
        return counters.snapshot();
    }

    @Override
    public void close() {
        if (end()) node.close();
    }

    /// Ends as closing does, and leaves the node open.
    public BlockNode release() {
        end();
        return node;
    }

    /// Whether it had not ended before.
    private boolean end() {
        lock.lock();
        try {
            if (closed) return false;
            closed = true;
            submitted.signalAll();
        } finally {
            lock.unlock();
        }
        drain();
        return true;
    }
}
