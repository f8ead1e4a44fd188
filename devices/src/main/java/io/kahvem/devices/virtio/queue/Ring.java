package io.kahvem.devices.virtio.queue;

import io.kahvem.host.Words;
import org.jspecify.annotations.Nullable;

/// How a virtqueue lies in guest memory. Called under the queue's lock; what is malformed is told by [Virtqueue#broken].
abstract sealed class Ring permits SplitRing, PackedRing {
    /// virtio 1.2, 2.7.5 and 2.8.10.
    static final int DESC_F_NEXT = 1;

    static final int DESC_F_WRITE = 2;
    static final int DESC_F_INDIRECT = 4;
    static final int DESC_BYTES = 16;

    /// The next chain, or null where there is none or the ring is malformed.
    abstract @Nullable DescriptorChain poll();

    /// Gives a chain back; `written` bytes of its writable part are valid.
    abstract void complete(DescriptorChain chain, int written);

    /// Whether the driver wants to hear of what was completed since this was last asked.
    abstract boolean wantsInterrupt();

    /// Asks the driver to notify of new chains, or tells it not to; true where chains are there that came before it could see that.
    abstract boolean setNotifications(boolean on);

    abstract boolean hasAvailable();

    /// Fills a chain from a table of descriptors elsewhere. In a split ring's table `next` leads on; in a packed ring's the next one
    /// follows. False where it is malformed; the reason was told.
    static boolean addIndirect(Virtqueue queue, DescriptorChain chain, long table, int tableBytes, boolean packed) {
        if (tableBytes == 0 || tableBytes % DESC_BYTES != 0) return queue.broken("an indirect table of %d bytes", tableBytes);
        int count = tableBytes / DESC_BYTES & 0xfff_ffff;
        if (count > Virtqueue.MAX_SEGMENTS) return queue.broken("an indirect table of %d descriptors", count);
        long base = queue.memory().hva(table, count * (long) DESC_BYTES);
        if (base == 0) return queue.broken("an indirect table outside of memory, at %#x", table);
        int index = 0;
        for (int n = 0; n < count; n++) {
            long entry = base + index * (long) DESC_BYTES;
            int flags = packed ? flagsOfPacked(entry) : flagsOfSplit(entry);
            if ((flags & DESC_F_INDIRECT) != 0) return queue.broken("an indirect table in an indirect table, at %#x", table);
            if (!addBuffer(queue, chain, entry, (flags & DESC_F_WRITE) != 0)) return false;
            if (packed) {
                index++;
            } else {
                if ((flags & DESC_F_NEXT) == 0) return true;
                index = nextOfSplit(entry);
                if (index >= count) return queue.broken("descriptor %d of an indirect table of %d", index, count);
            }
        }
        return packed || queue.broken("a loop in the indirect table at %#x", table);
    }

    static boolean addBuffer(Virtqueue queue, DescriptorChain chain, long entry, boolean writable) {
        long address = Words.get64(entry);
        long length = Words.get32(entry + 8) & 0xffff_ffffL;
        if (chain.add(address, length, writable)) return true;
        return queue.broken("a buffer of %2$d bytes at %1$#x that is not in memory, out of order, or too much", address, length);
    }

    static int flagsOfSplit(long entry) {
        return Words.get16(entry + 12) & 0xffff;
    }

    static int nextOfSplit(long entry) {
        return Words.get16(entry + 14) & 0xffff;
    }

    static int flagsOfPacked(long entry) {
        return Words.get16(entry + 14) & 0xffff;
    }
}
