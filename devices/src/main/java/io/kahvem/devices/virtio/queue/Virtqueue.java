package io.kahvem.devices.virtio.queue;

import io.kahvem.memory.GuestMemory;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The device's end of a virtqueue (virtio 1.2, 2.6 to 2.8), split or packed as was negotiated.
///
/// ```java
/// for (DescriptorChain c; (c = q.poll()) != null; ) q.complete(c, work(c));
/// q.notifyDriver();
/// ```
///
/// Chains may be completed in any order and on any thread. What a driver cannot mean (a loop, a buffer outside of memory, an index out of
/// range) makes the queue give no more chains until it is reset, and is told to the device's control, which sets DEVICE_NEEDS_RESET.
/// Chains are kept and filled anew: a request allocates nothing once its id has been in use.
///
/// Any thread. Lock: this object's monitor, under which guest memory is accessed; the interrupt is sent outside of it.
public final class Virtqueue {
    /// The largest number of pieces of memory one request may have; a driver is to keep to the queue's size (2.7.5.3.1).
    public static final int MAX_SEGMENTS = 1024;

    /// 2.7.5: the longest chain of buffers.
    static final long MAX_CHAIN_BYTES = 1L << 32;

    /// The largest size of a queue (2.6).
    public static final int MAX_SIZE = 32768;

    /// Where a queue lies, and what was negotiated for it.
    ///
    /// @param size entries
    /// @param descGpa the descriptor area
    /// @param driverGpa the driver area: available ring, or driver event suppression
    /// @param deviceGpa the device area: used ring, or device event suppression
    public record Layout(
            int size, long descGpa, long driverGpa, long deviceGpa, boolean packed, boolean indirect, boolean eventIndex) {}

    private final GuestMemory memory;
    private final int maxSize;
    private final Runnable interrupt;
    private final Runnable notification = this::notifyDriver;
    private final Consumer<String> malformed;
    private @Nullable Ring ring;
    private @Nullable DescriptorChain[] chains = {};
    private boolean indirect;
    private int inFlight;

    /// @param maxSize the largest size a driver may choose
    /// @param interrupt sends the queue's used buffer notification
    /// @param malformed hears, under the queue's lock, what was wrong with the driver's ring; it must call back nothing
    public Virtqueue(GuestMemory memory, int maxSize, Runnable interrupt, Consumer<String> malformed) {
        if (maxSize < 1 || maxSize > MAX_SIZE) throw new IllegalArgumentException("a queue of " + maxSize);
        this.memory = memory;
        this.maxSize = maxSize;
        this.interrupt = interrupt;
        this.malformed = malformed;
    }

    public int maxSize() {
        return maxSize;
    }

    /// Starts the queue. A layout that cannot be is told as malformed, and the queue stays without chains.
    public synchronized void enable(Layout layout) {
        reset();
        if (layout.size < 1 || layout.size > maxSize) {
            broken("a queue of %d entries where at most %d may be", layout.size, maxSize);
            return;
        }
        chains = new DescriptorChain[layout.size];
        indirect = layout.indirect;
        ring = layout.packed ? PackedRing.of(this, layout) : SplitRing.of(this, layout);
    }

    /// Forgets ring and chains: the device has none in use any more.
    public synchronized void reset() {
        ring = null;
        chains = new DescriptorChain[0];
        inFlight = 0;
    }

    public synchronized boolean enabled() {
        return ring != null;
    }

    /// The next request, or null where there is none.
    public synchronized @Nullable DescriptorChain poll() {
        if (ring == null) return null;
        DescriptorChain chain = ring.poll();
        if (chain != null) inFlight++;
        return chain;
    }

    /// Gives a request back to the driver, which hears of it by [#notifyDriver].
    ///
    /// @param written how many bytes from the start of the writable part are valid
    public synchronized void complete(DescriptorChain chain, long written) {
        if (ring == null || !chain.inFlight || chains.length <= chain.id() || chains[chain.id()] != chain) return; // reset meanwhile
        chain.inFlight = false;
        inFlight--;
        ring.complete(chain, (int) written);
    }

    /// Interrupts the driver if it wants to hear of what was completed.
    public void notifyDriver() {
        boolean wanted;
        synchronized (this) {
            wanted = ring != null && ring.wantsInterrupt();
        }
        if (wanted) interrupt.run();
    }

    /// [#notifyDriver] as an object, always the same.
    public Runnable notification() {
        return notification;
    }

    /// The driver need not notify of new requests: the device looks by itself.
    public synchronized void disableNotifications() {
        if (ring != null) ring.setNotifications(false);
    }

    /// The driver is to notify again; true where a request is there already, which it may not notify of.
    public synchronized boolean enableNotifications() {
        return ring != null && ring.setNotifications(true);
    }

    public synchronized boolean hasAvailable() {
        return ring != null && ring.hasAvailable();
    }

    /// Requests polled and not completed.
    public synchronized int inFlight() {
        return inFlight;
    }

    GuestMemory memory() {
        return memory;
    }

    boolean indirect() {
        return indirect;
    }

    DescriptorChain chain(int id) {
        DescriptorChain chain = chains[id];
        if (chain == null) chains[id] = chain = new DescriptorChain(memory, id);
        return chain;
    }

    /// The device itself finds a request that cannot be: the same as a malformed ring.
    public synchronized void refuse(String why) {
        broken("%s", why);
    }

    /// Always false, for callers that pass it on.
    boolean broken(String what, Object... values) {
        ring = null;
        malformed.accept(what.formatted(values));
        return false;
    }
}
