package io.kahvem.devices.virtio.queue;

import io.kahvem.host.Words;
import io.kahvem.memory.GuestMemory;
import org.jspecify.annotations.Nullable;

/// A packed virtqueue (virtio 1.2, 2.8): one ring of descriptors, and an event suppression structure of each side.
final class PackedRing extends Ring {
    private static final int F_AVAIL = 1 << 7;
    private static final int F_USED = 1 << 15;
    private static final int RING_EVENT_FLAGS_ENABLE = 0;
    private static final int RING_EVENT_FLAGS_DISABLE = 1;
    private static final int RING_EVENT_FLAGS_DESC = 2;
    private static final int EVENT_BYTES = 4;

    private final Virtqueue queue;
    private final GuestMemory memory;
    private final int size;
    private final boolean eventIndex;
    private final long ringGpa;
    private final long ring;
    private final long driverEvent;
    private final long deviceEventGpa;
    private int availIndex;
    private boolean availWrap = true;
    private int usedIndex;
    private boolean usedWrap = true;

    /// Entries used since the ring was made, and at the last look whether to interrupt: positions that never wrap.
    private long usedTotal;

    private long signalledTotal;

    private PackedRing(Virtqueue queue, Virtqueue.Layout layout, long ring, long driverEvent) {
        this.queue = queue;
        this.memory = queue.memory();
        this.size = layout.size();
        this.eventIndex = layout.eventIndex();
        this.ringGpa = layout.descGpa();
        this.ring = ring;
        this.driverEvent = driverEvent;
        this.deviceEventGpa = layout.deviceGpa();
    }

    /// Null where the areas are not in memory or not aligned; the reason was told.
    static @Nullable PackedRing of(Virtqueue queue, Virtqueue.Layout layout) {
        GuestMemory memory = queue.memory();
        long ringBytes = layout.size() * (long) DESC_BYTES;
        if ((layout.descGpa() & 15 | layout.driverGpa() & 3 | layout.deviceGpa() & 3) != 0) {
            queue.broken("a ring that is not aligned: %#x", layout.descGpa());
            return null;
        }
        long driverEvent = memory.hva(layout.driverGpa(), EVENT_BYTES);
        if (!memory.isRam(layout.descGpa(), ringBytes) || driverEvent == 0 || !memory.isRam(layout.deviceGpa(), EVENT_BYTES)) {
            queue.broken("a ring outside of memory: %#x, %#x", layout.descGpa(), layout.driverGpa());
            return null;
        }
        return new PackedRing(queue, layout, memory.hva(layout.descGpa(), ringBytes), driverEvent);
    }

    @Override
    @Nullable DescriptorChain poll() {
        if (!hasAvailable()) return null;
        int index = availIndex;
        int last = index;
        int entries = 0;
        int flags;
        // The id is in the last descriptor of the chain (2.8.6), so its end is looked for first.
        while (true) {
            flags = flagsOfPacked(ring + index * (long) DESC_BYTES);
            last = index;
            entries++;
            index = index + 1 == size ? 0 : index + 1;
            if ((flags & DESC_F_NEXT) == 0) break;
            if (entries == size) {
                queue.broken("a chain longer than its ring of %d", size);
                return null;
            }
        }
        int id = Words.get16(ring + last * (long) DESC_BYTES + 12) & 0xffff;
        if (id >= size) {
            queue.broken("buffer id %d in a ring of %d", id, size);
            return null;
        }
        DescriptorChain chain = queue.chain(id);
        if (chain.inFlight) {
            queue.broken("buffer id %d made available while the device still has it", id);
            return null;
        }
        chain.clear();
        if (!fill(chain, entries)) return null;
        chain.ringEntries = entries;
        chain.inFlight = true;
        availIndex += entries;
        if (availIndex >= size) {
            availIndex -= size;
            availWrap = !availWrap;
        }
        return chain;
    }

    private boolean fill(DescriptorChain chain, int entries) {
        int index = availIndex;
        for (int n = 0; n < entries; n++) {
            long entry = ring + index * (long) DESC_BYTES;
            int flags = flagsOfPacked(entry);
            if ((flags & DESC_F_INDIRECT) != 0) {
                if (!queue.indirect()) return queue.broken("an indirect descriptor, %d, that was not negotiated", index);
                if (entries != 1) return queue.broken("an indirect descriptor, %d, in a chain", index);
                return addIndirect(queue, chain, Words.get64(entry), Words.get32(entry + 8), true);
            }
            if (!addBuffer(queue, chain, entry, (flags & DESC_F_WRITE) != 0)) return false;
            index = index + 1 == size ? 0 : index + 1;
        }
        return true;
    }

    @Override
    void complete(DescriptorChain chain, int written) {
        int flags = (usedWrap ? F_AVAIL | F_USED : 0) | (written > 0 ? DESC_F_WRITE : 0);
        // Length, id and flags in one store: the driver never sees half of it.
        memory.write64(ringGpa + usedIndex * (long) DESC_BYTES + 8, written & 0xffff_ffffL | (long) chain.id() << 32 | (long) flags << 48);
        usedIndex += chain.ringEntries;
        usedTotal += chain.ringEntries;
        if (usedIndex >= size) {
            usedIndex -= size;
            usedWrap = !usedWrap;
        }
    }

    @Override
    boolean wantsInterrupt() {
        Words.fullFence(); // used descriptors before what the driver says
        long old = signalledTotal;
        signalledTotal = usedTotal;
        if (old == usedTotal) return false;
        int event = Words.get32(driverEvent);
        int flags = event >> 16 & 3;
        if (flags == RING_EVENT_FLAGS_DISABLE) return false;
        if (flags != RING_EVENT_FLAGS_DESC || !eventIndex) return true;
        boolean wrap = (event & 1 << 15) != 0;
        long wanted = usedTotal - usedIndex + (event & 0x7fff) - (wrap == usedWrap ? 0 : size);
        return wanted >= old && wanted < usedTotal;
    }

    @Override
    boolean setNotifications(boolean on) {
        if (!on) {
            memory.write16(deviceEventGpa + 2, RING_EVENT_FLAGS_DISABLE);
            return false;
        }
        if (eventIndex) {
            memory.write16(deviceEventGpa, availIndex | (availWrap ? 1 << 15 : 0));
            memory.write16(deviceEventGpa + 2, RING_EVENT_FLAGS_DESC);
        } else {
            memory.write16(deviceEventGpa + 2, RING_EVENT_FLAGS_ENABLE);
        }
        Words.fullFence(); // the wish before the look
        return hasAvailable();
    }

    @Override
    boolean hasAvailable() {
        int flags = flagsOfPacked(ring + availIndex * (long) DESC_BYTES);
        return (flags & F_AVAIL) != 0 == availWrap && (flags & F_USED) != 0 != availWrap;
    }
}
