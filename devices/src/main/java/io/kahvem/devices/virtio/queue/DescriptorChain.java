package io.kahvem.devices.virtio.queue;

import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.memory.GuestMemory;

/// One request of the driver's: buffers in guest memory, those the device reads before those it writes (virtio 1.2, 2.6.4.2).
///
/// Belongs to its queue, which fills it anew for each request: whoever polled it uses it until it is completed, on one thread at a time.
public final class DescriptorChain {
    private final int id;
    private final GuestBuffers readable;
    private final GuestBuffers writable;

    /// How many ring entries it takes: a packed ring's own account.
    int ringEntries;
    boolean inFlight;

    DescriptorChain(GuestMemory memory, int id) {
        this.id = id;
        readable = new GuestBuffers(memory, Virtqueue.MAX_SEGMENTS);
        writable = new GuestBuffers(memory, Virtqueue.MAX_SEGMENTS);
    }

    /// A number below the queue's size that no other chain in flight has.
    public int id() {
        return id;
    }

    /// What the device reads.
    public GuestBuffers readable() {
        return readable;
    }

    /// What the device writes.
    public GuestBuffers writable() {
        return writable;
    }

    void clear() {
        readable.clear();
        writable.clear();
        ringEntries = 0;
    }

    /// Appends a buffer; false where it is not in RAM, where a readable one comes after a writable one, or where there are too many.
    boolean add(long address, long length, boolean deviceWrites) {
        if (!deviceWrites && writable.count() > 0) return false;
        GuestBuffers part = deviceWrites ? writable : readable;
        return part.add(address, length, deviceWrites) && readable.totalBytes() + writable.totalBytes() <= Virtqueue.MAX_CHAIN_BYTES;
    }
}
