package io.kahvem.block;

import org.jspecify.annotations.Nullable;

/// One request to a disk, made for reuse: a device keeps as many as its queue is deep and fills one anew for each request of the guest,
/// so that nothing is allocated.
///
/// ```java
/// request.begin(Operation.READ, sector * 512);
/// request.addRange(hva, length);          // as many as the guest's buffers are
/// backend.submit(request);
/// ```
public abstract class BlockRequest {
    /// What to do. Offsets and lengths need no alignment.
    public enum Operation {
        READ,
        WRITE,
        /// Completed writes survive a power cut from here on.
        FLUSH,
        /// The guest needs the range no more; what it reads there afterwards may be anything it held before, or zeros.
        DISCARD,
        /// The range reads as zeros afterwards.
        WRITE_ZEROES
    }

    /// Nothing to announce.
    protected static final Runnable NO_ANNOUNCEMENT = () -> { };

    private final IoVector ranges = new IoVector();
    private Operation operation = Operation.FLUSH;
    private long offset;
    private long length;
    private boolean mayUnmap;
    private boolean durable;

    /// The disk's own: the next request of a list this one is in, and when it was submitted.
    @Nullable BlockRequest next;

    long submittedNanos;
    boolean quick;

    /// Makes it a request of this kind that has no ranges yet.
    ///
    /// @param offset bytes from the disk's beginning; 0 for a flush
    public final void begin(Operation operation, long offset) {
        this.operation = operation;
        this.offset = offset;
        length = 0;
        mayUnmap = false;
        durable = false;
        ranges.clear();
    }

    /// Adds memory that is read into or written from, after the ranges it has. The memory stays valid until the request is completed.
    public final void addRange(long address, long lengthBytes) {
        ranges.add(address, lengthBytes);
        length += lengthBytes;
    }

    /// How much of the disk a DISCARD or WRITE_ZEROES means.
    public final void setLength(long lengthBytes) {
        length = lengthBytes;
    }

    /// A WRITE_ZEROES may give the room back to the host's file system.
    public final void setMayUnmap(boolean mayUnmap) {
        this.mayUnmap = mayUnmap;
    }

    /// A WRITE or WRITE_ZEROES that is on the medium when it is completed (FUA).
    public final void setDurable(boolean durable) {
        this.durable = durable;
    }

    public final Operation operation() {
        return operation;
    }

    public final long offset() {
        return offset;
    }

    public final long length() {
        return length;
    }

    public final boolean mayUnmap() {
        return mayUnmap;
    }

    public final boolean durable() {
        return durable;
    }

    public final IoVector ranges() {
        return ranges;
    }

    /// Called once for each submission, on a thread of the disk's; the request may be filled and submitted anew from here. It must not
    /// wait, and takes the device's lock itself if it needs it.
    ///
    /// @param errno 0, or why it failed: EIO, ENOSPC, EROFS...
    protected abstract void completed(int errno);

    /// What makes completed requests known, as an interrupt does. Called on the thread that completed them, soon after, and once for
    /// several in a row that give the same object.
    protected Runnable announcement() {
        return NO_ANNOUNCEMENT;
    }

    /// For backends: the request has ended.
    public final void complete(int errno) {
        completed(errno);
        announcement().run();
    }
}
