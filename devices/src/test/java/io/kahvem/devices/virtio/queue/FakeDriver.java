package io.kahvem.devices.virtio.queue;

import io.kahvem.memory.GuestMemory;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The driver's end of a virtqueue in a test's memory: offers buffers, takes them back, and keeps both sides' suppression rules
/// (virtio 1.2, 2.7 and 2.8).
///
/// It lies in 1 MiB from `base`: the areas, tables of indirect descriptors, and room for buffers ([#buffer]).
public final class FakeDriver {
    /// A piece of guest memory that the device reads or writes.
    public record Buffer(long gpa, long bytes, boolean writable) {}

    /// A chain that came back.
    public record Used(int id, int written) {}

    private static final long DRIVER_AREA = 0x1_0000;
    private static final long DEVICE_AREA = 0x2_0000;
    private static final long TABLES = 0x4_0000;
    private static final long TABLE_BYTES = 0x400;
    private static final long BUFFERS = 0x8_0000;
    private static final long END = 0x10_0000;

    private final GuestMemory memory;
    private final Virtqueue.Layout layout;
    private final long base;
    private final int size;
    private final Deque<Integer> free = new ArrayDeque<>();
    private final Map<Integer, Integer> entriesOf = new HashMap<>();
    private final int[] nextFree;
    private int availIdx;
    private boolean availWrap = true;
    private int lastUsed;
    private boolean usedWrap = true;
    private int freeEntries;
    private long nextBuffer;

    /// Positions that never wrap: entries offered, and when the device was last asked whether it wants to hear of them.
    private long offered;

    private long askedAt;

    public FakeDriver(GuestMemory memory, long base, int size, boolean packed, boolean indirect, boolean eventIndex) {
        this.memory = memory;
        this.base = base;
        this.size = size;
        this.layout = new Virtqueue.Layout(size, base, base + DRIVER_AREA, base + DEVICE_AREA, packed, indirect, eventIndex);
        this.freeEntries = size;
        this.nextFree = new int[size];
        this.nextBuffer = base + BUFFERS;
        for (int id = 0; id < size; id++) free.add(id);
        for (long gpa = base; gpa < base + BUFFERS; gpa += 8) memory.write64(gpa, 0);
    }

    public Virtqueue.Layout layout() {
        return layout;
    }

    /// Memory for a buffer that nothing else has, until [#releaseBuffers].
    public long buffer(long bytes) {
        long gpa = nextBuffer;
        nextBuffer = (gpa + bytes + 15) & -16;
        if (nextBuffer > base + END) throw new AssertionError("no room for buffers is left");
        return gpa;
    }

    public void releaseBuffers() {
        nextBuffer = base + BUFFERS;
    }

    public int freeEntries() {
        return freeEntries;
    }

    /// Makes a chain available in the ring itself; returns its id.
    public int offer(Buffer... buffers) {
        return offer(Arrays.asList(buffers), false);
    }

    /// Makes a chain available by a table of its own.
    public int offerIndirect(Buffer... buffers) {
        return offer(Arrays.asList(buffers), true);
    }

    public int offer(List<Buffer> buffers, boolean indirect) {
        int entries = indirect ? 1 : buffers.size();
        if (entries > freeEntries) throw new AssertionError("the ring has not " + entries + " free entries");
        int id = layout.packed() ? offerPacked(buffers, indirect) : offerSplit(buffers, indirect);
        freeEntries -= entries;
        entriesOf.put(id, entries);
        return id;
    }

    /// The next chain that the device gave back, or null.
    public @Nullable Used takeUsed() {
        Used used = layout.packed() ? takePacked() : takeSplit();
        if (used == null) return null;
        Integer entries = entriesOf.remove(used.id);
        if (entries == null) throw new AssertionError("the device gave back " + used + ", which it has not got");
        freeEntries += entries;
        return used;
    }

    /// Whether the device asked to be notified of what was offered since the last call.
    public boolean mustNotify() {
        long since = askedAt;
        askedAt = offered;
        long device = layout.deviceGpa();
        if (!layout.packed()) {
            if (!layout.eventIndex()) return (memory.read16(device) & 1) == 0;
            int event = memory.read16(device + 4 + 8L * size);
            return ((int) offered - event - 1 & 0xffff) < ((int) (offered - since) & 0xffff);
        }
        int flags = memory.read16(device + 2) & 3;
        if (flags != 2) return flags == 0;
        int event = memory.read16(device);
        boolean wrap = (event & 0x8000) != 0;
        long wanted = offered - availIdx + (event & 0x7fff) - (wrap == availWrap ? 0 : size);
        return wanted >= since && wanted < offered;
    }

    /// Asks for an interrupt when the chain after `skip` more has come back: by event index where negotiated.
    public void wantInterrupt(int skip) {
        if (!layout.packed()) {
            memory.write16(layout.driverGpa(), 0);
            if (layout.eventIndex()) memory.write16(layout.driverGpa() + 4 + 2L * size, lastUsed + skip);
        } else if (layout.eventIndex()) {
            int at = lastUsed + skip;
            boolean wrap = at < size == usedWrap;
            memory.write16(layout.driverGpa(), at % size | (wrap ? 0x8000 : 0));
            memory.write16(layout.driverGpa() + 2, 2);
        } else {
            memory.write16(layout.driverGpa() + 2, 0);
        }
    }

    /// Asks for no interrupts; with an event index in a split ring, for none soon.
    public void wantNoInterrupts() {
        if (layout.packed()) {
            memory.write16(layout.driverGpa() + 2, 1);
        } else if (layout.eventIndex()) {
            memory.write16(layout.driverGpa() + 4 + 2L * size, lastUsed - 1);
        } else {
            memory.write16(layout.driverGpa(), 1);
        }
    }

    public void writeDescriptor(int index, long gpa, long bytes, int flags, int idOrNext) {
        describe(base + 16L * index, gpa, bytes, flags, idOrNext);
    }

    /// Puts a head into the available ring as it is, right or wrong.
    public void writeAvailable(int head) {
        memory.write16(layout.driverGpa() + 4 + 2L * (availIdx & size - 1), head);
        availIdx = availIdx + 1 & 0xffff;
        memory.write16(layout.driverGpa() + 2, availIdx);
        offered++;
    }

    private int offerSplit(List<Buffer> buffers, boolean indirect) {
        int head = free.remove();
        if (indirect) {
            long table = base + TABLES + head * TABLE_BYTES;
            for (int n = 0; n < buffers.size(); n++) {
                Buffer b = buffers.get(n);
                boolean last = n == buffers.size() - 1;
                describe(table + 16L * n, b.gpa, b.bytes, (b.writable ? Ring.DESC_F_WRITE : 0) | (last ? 0 : Ring.DESC_F_NEXT), n + 1);
            }
            writeDescriptor(head, table, 16L * buffers.size(), Ring.DESC_F_INDIRECT, 0);
            nextFree[head] = -1;
        } else {
            int index = head;
            for (int n = 0; n < buffers.size(); n++) {
                Buffer b = buffers.get(n);
                boolean last = n == buffers.size() - 1;
                int next = last ? -1 : free.remove();
                nextFree[index] = next;
                int flags = (b.writable ? Ring.DESC_F_WRITE : 0) | (last ? 0 : Ring.DESC_F_NEXT);
                writeDescriptor(index, b.gpa, b.bytes, flags, Math.max(next, 0));
                index = next;
            }
        }
        writeAvailable(head);
        return head;
    }

    private int offerPacked(List<Buffer> buffers, boolean indirect) {
        int id = free.remove();
        int head = availIdx;
        int headFlags = 0;
        int entries = indirect ? 1 : buffers.size();
        for (int n = 0; n < entries; n++) {
            Buffer b = buffers.get(n);
            int flags = (availWrap ? 1 << 7 : 1 << 15) | (n == entries - 1 ? 0 : Ring.DESC_F_NEXT);
            long gpa = b.gpa;
            long bytes = b.bytes;
            if (indirect) {
                flags |= Ring.DESC_F_INDIRECT;
                gpa = base + TABLES + id * TABLE_BYTES;
                bytes = 16L * buffers.size();
                for (int t = 0; t < buffers.size(); t++) {
                    Buffer in = buffers.get(t);
                    describePacked(gpa + 16L * t, in.gpa, in.bytes, 0, in.writable ? Ring.DESC_F_WRITE : 0);
                }
            } else if (b.writable) {
                flags |= Ring.DESC_F_WRITE;
            }
            int index = availIdx;
            availIdx = availIdx + 1 == size ? 0 : availIdx + 1;
            if (availIdx == 0) availWrap = !availWrap;
            describePacked(base + 16L * index, gpa, bytes, id, n == 0 ? 0 : flags);
            if (n == 0) headFlags = flags;
        }
        memory.write16(base + 16L * head + 14, headFlags); // what makes it available comes last (2.8.21.1)
        offered += entries;
        return id;
    }

    private @Nullable Used takeSplit() {
        long used = layout.deviceGpa();
        if (memory.read16(used + 2) == lastUsed) return null;
        long entry = used + 4 + 8L * (lastUsed & size - 1);
        lastUsed = lastUsed + 1 & 0xffff;
        int id = memory.read32(entry);
        for (int index = id; index >= 0; index = nextFree[index]) free.add(index);
        return new Used(id, memory.read32(entry + 4));
    }

    private @Nullable Used takePacked() {
        long entry = base + 16L * lastUsed;
        int flags = memory.read16(entry + 14);
        if ((flags & 1 << 7) != 0 != usedWrap || (flags & 1 << 15) != 0 != usedWrap) return null;
        int id = memory.read16(entry + 12);
        Integer entries = entriesOf.get(id);
        if (entries == null) throw new AssertionError("the device gave back id " + id + ", which it has not got");
        lastUsed += entries;
        if (lastUsed >= size) {
            lastUsed -= size;
            usedWrap = !usedWrap;
        }
        free.add(id);
        return new Used(id, memory.read32(entry + 8));
    }

    private void describe(long at, long gpa, long bytes, int flags, int next) {
        memory.write64(at, gpa);
        memory.write32(at + 8, (int) bytes);
        memory.write16(at + 12, flags);
        memory.write16(at + 14, next);
    }

    private void describePacked(long at, long gpa, long bytes, int id, int flags) {
        describe(at, gpa, bytes, id, flags);
    }
}
