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
public final class Disk implements BlockBackend {
    private static final int MOST_WORKERS = 16;
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

    // Under the lock.
    private @Nullable BlockRequest first;
    private @Nullable BlockRequest last;
    private @Nullable BlockRequest stopped;
    private int waiting;
    private int running;
    private int workers;
    private int idle;
    private boolean paused;
    private boolean closed;
    private Throttle throttle = Throttle.NONE;
    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();

    /// Takes the node over.
    public Disk(BlockNode node) {
        this.node = node;
    }

    /// The layers of it, for tools; what is written there is not counted.
    public BlockNode node() {
        return node;
    }

    /// Shows another node from here on. Called within [#exclusively], for a node that shows the same.
    public void replaceNode(BlockNode other) {
        node = other;
    }

    /// Does something while no request is under way; those that come meanwhile wait. Not to be called from a request's completion.
    public void exclusively(Runnable action) {
        lock.lock();
        try {
            while (paused) quiet.awaitUninterruptibly();
            paused = true;
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
        waiting++;
        if (idle >= waiting) {
            submitted.signal();
        } else if (workers < MOST_WORKERS) {
            workers++;
            Thread.ofPlatform().daemon().name("disk " + node.name()).start(this::work);
        } else {
            submitted.signal();
        }
    }

    private void work() {
        while (true) {
            BlockRequest request = take();
            if (request == null) return;
            serve(request);
        }
    }

    /// The next request, or null when this thread should end.
    private @Nullable BlockRequest take() {
        lock.lock();
        try {
            long left = IDLE_NANOS;
            while (true) {
                long mayStart = first == null || paused ? Long.MAX_VALUE : throttle.waitNanos(System.nanoTime());
                if (mayStart <= 0) break;
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
                }
            }
            BlockRequest request = Objects.requireNonNull(first);
            throttle.take(request.length(), System.nanoTime());
            first = request.next;
            if (first == null) last = null;
            request.next = null;
            waiting--;
            running++;
            return request;
        } finally {
            lock.unlock();
        }
    }

    private void serve(BlockRequest request) {
        int errno = perform(request);
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
        lock.lock();
        try {
            running--;
            if (running == 0) quiet.signalAll();
        } finally {
            lock.unlock();
        }
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
            long size = node.sizeBytes();
            long offset = request.offset();
            if (offset < 0 || request.length() < 0 || offset > size || request.length() > size - offset) return Errno.EIO;
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
        exclusively(() -> node.resize(sizeBytes, Preallocation.OFF));
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
        lock.lock();
        try {
            if (closed) return;
            closed = true;
            submitted.signalAll();
        } finally {
            lock.unlock();
        }
        drain();
        node.close();
    }
}
