package io.kahvem.devices.virtio.queue;

import io.kahvem.host.Words;
import io.kahvem.memory.GuestMemory;
import org.jspecify.annotations.Nullable;

/// A split virtqueue (virtio 1.2, 2.7): descriptor table, available ring, used ring.
final class SplitRing extends Ring {
    private static final int RING = 4;
    private static final int AVAIL_F_NO_INTERRUPT = 1;
    private static final int USED_F_NO_NOTIFY = 1;

    private final Virtqueue queue;
    private final GuestMemory memory;
    private final int size;
    private final boolean eventIndex;
    private final long desc;
    private final long avail;
    private final long usedGpa;
    private int lastAvail;
    private int usedIdx;
    private int signalledIdx;
    private boolean signalledValid;

    private SplitRing(Virtqueue queue, Virtqueue.Layout layout, long desc, long avail) {
        this.queue = queue;
        this.memory = queue.memory();
        this.size = layout.size();
        this.eventIndex = layout.eventIndex();
        this.desc = desc;
        this.avail = avail;
        this.usedGpa = layout.deviceGpa();
    }

    /// Null where the areas are not in memory, not aligned, or the size is no power of 2; the reason was told.
    static @Nullable SplitRing of(Virtqueue queue, Virtqueue.Layout layout) {
        int size = layout.size();
        if (Integer.bitCount(size) != 1) {
            queue.broken("a split ring of %d entries, which is no power of 2", size);
            return null;
        }
        GuestMemory memory = queue.memory();
        if ((layout.descGpa() & 15 | layout.driverGpa() & 1 | layout.deviceGpa() & 3) != 0) {
            queue.broken("a ring that is not aligned: %#x", layout.descGpa());
            return null;
        }
        long desc = memory.hva(layout.descGpa(), size * (long) DESC_BYTES);
        long avail = memory.hva(layout.driverGpa(), RING + 2L * size + 2);
        if (desc == 0 || avail == 0 || !memory.isRam(layout.deviceGpa(), RING + 8L * size + 2)) {
            queue.broken("a ring outside of memory: %#x, %#x", layout.descGpa(), layout.driverGpa());
            return null;
        }
        return new SplitRing(queue, layout, desc, avail);
    }

    @Override
    @Nullable DescriptorChain poll() {
        int pending = availIdx() - lastAvail & 0xffff;
        if (pending == 0) return null;
        if (pending > size) {
            queue.broken("an available index %d entries ahead in a ring of %d", pending, size);
            return null;
        }
        int head = Words.get16(avail + RING + 2L * (lastAvail & size - 1)) & 0xffff;
        if (head >= size) {
            queue.broken("descriptor %d of %d in the available ring", head, size);
            return null;
        }
        DescriptorChain chain = queue.chain(head);
        if (chain.inFlight) {
            queue.broken("descriptor %d made available while the device still has it", head);
            return null;
        }
        chain.clear();
        if (!fill(chain, head)) return null;
        lastAvail = lastAvail + 1 & 0xffff;
        chain.inFlight = true;
        return chain;
    }

    private boolean fill(DescriptorChain chain, int head) {
        int index = head;
        for (int n = 0; n < size; n++) {
            long entry = desc + index * (long) DESC_BYTES;
            int flags = flagsOfSplit(entry);
            if ((flags & DESC_F_INDIRECT) != 0) {
                if (!queue.indirect()) return queue.broken("an indirect descriptor, %d, that was not negotiated", index);
                if ((flags & DESC_F_NEXT) != 0) return queue.broken("an indirect descriptor, %d, with a next one", index);
                return addIndirect(queue, chain, Words.get64(entry), Words.get32(entry + 8), false);
            }
            if (!addBuffer(queue, chain, entry, (flags & DESC_F_WRITE) != 0)) return false;
            if ((flags & DESC_F_NEXT) == 0) return true;
            index = nextOfSplit(entry);
            if (index >= size) return queue.broken("a chain that leads to descriptor %d of %d", index, size);
        }
        return queue.broken("a loop in the chain of descriptor %d", head);
    }

    @Override
    void complete(DescriptorChain chain, int written) {
        long entry = usedGpa + RING + 8L * (usedIdx & size - 1);
        memory.write64(entry, chain.id() | (long) written << 32);
        usedIdx = usedIdx + 1 & 0xffff;
        memory.write16(usedGpa + 2, usedIdx);
    }

    @Override
    boolean wantsInterrupt() {
        Words.fullFence(); // used.idx before what the driver says
        int old = signalledIdx;
        boolean valid = signalledValid;
        signalledIdx = usedIdx;
        signalledValid = true;
        if (valid && old == usedIdx) return false;
        if (!eventIndex) return (Words.get16(avail) & AVAIL_F_NO_INTERRUPT) == 0;
        int usedEvent = Words.get16(avail + RING + 2L * size) & 0xffff;
        return !valid || (usedIdx - usedEvent - 1 & 0xffff) < (usedIdx - old & 0xffff);
    }

    @Override
    boolean setNotifications(boolean on) {
        if (!eventIndex) {
            memory.write16(usedGpa, on ? 0 : USED_F_NO_NOTIFY);
        } else if (on) {
            memory.write16(usedGpa + RING + 8L * size, lastAvail);
        }
        if (!on) return false;
        Words.fullFence(); // the wish before the look
        return hasAvailable();
    }

    @Override
    boolean hasAvailable() {
        return availIdx() != lastAvail;
    }

    private int availIdx() {
        return Words.get16(avail + 2) & 0xffff;
    }
}
