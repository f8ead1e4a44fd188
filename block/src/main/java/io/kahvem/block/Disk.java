package io.kahvem.block;

import io.kahvem.block.BlockRequest.Operation;
import io.kahvem.host.Errno;
import java.util.List;
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
    private boolean closed;

    /// Takes the node over.
    public Disk(BlockNode node) {
        this.node = node;
    }

    /// The layers of it, for tools; what is written there is not counted.
    public BlockNode node() {
        return node;
    }

    /// Shows another node from here on. The caller sees to it that nothing is under way, and that it has the same content.
    void replaceNode(BlockNode other) {
        node = other;
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
            while (first == null) {
                if (closed || left <= 0) {
                    workers--;
                    return null;
                }
                idle++;
                try {
                    left = submitted.awaitNanos(left);
                } catch (InterruptedException e) {
                    left = 0; // nobody interrupts these threads to any other end
                } finally {
                    idle--;
                }
            }
            BlockRequest request = first;
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
            if (running == 0 && first == null) quiet.signalAll();
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
            switch (request.operation()) {
                case READ -> node.readVector(offset, request.ranges());
                case WRITE -> {
                    if (isReadOnly()) return Errno.EROFS;
                    if (request.length() > 0) node.writeVector(offset, request.ranges());
                }
                case FLUSH -> {
                    if (!isReadOnly()) node.flush();
                }
                case DISCARD -> {
                    if (isReadOnly()) return Errno.EROFS;
                    node.discard(offset, request.length());
                }
                case WRITE_ZEROES -> {
                    if (isReadOnly()) return Errno.EROFS;
                    node.writeZeroes(offset, request.length(), request.mayUnmap());
                }
            }
            if (request.durable()) node.flush();
            return 0;
        } catch (BlockException failed) {
            return failed.errno() == 0 ? Errno.EIO : failed.errno();
        }
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
        node.resize(sizeBytes, Preallocation.OFF);
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
