package io.kahvem.memory;

import io.kahvem.host.Mapping;
import io.kahvem.host.Words;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A guest's physical memory: slots of mapped RAM or ROM at guest-physical addresses (`gpa`), and a code bit a page.
///
/// Every writer other than a vCPU's own stores (DMA, loaders, debuggers) goes through `write…` here, so that a write to a page from which
/// an engine has decoded instructions reaches the engine's [CodeListener]. Reads outside every slot give all ones, as an open bus
/// does; writes there, and to ROM, are dropped. Slots come and go, before vCPUs start and while they run; all is safe from any thread.
public final class GuestMemory implements AutoCloseable {
    public static final int PAGE_SHIFT = 12;
    public static final int PAGE_SIZE = 1 << PAGE_SHIFT;

    /// Told, on the writer's thread and after the write, of each write to a page marked as code.
    public interface CodeListener {
        void codeWritten(long gpa, long bytes);
    }

    /// Told, on the thread that makes the change and under this memory's lock, of slots that have come or gone.
    public interface SlotListener {
        void slotAdded(MemorySlot slot);

        void slotRemoved(MemorySlot slot);
    }

    private volatile MemorySlot[] slots = {};
    private final List<Mapping> mappings = new ArrayList<>();
    private final List<SlotListener> slotListeners = new ArrayList<>();
    private boolean dirtyLogging;
    private volatile @Nullable CodeListener codeListener;

    /// Adds a slot backed by `mapping`, which this memory then owns; one that was removed may be added again, elsewhere too. Throws
    /// IllegalArgumentException if it is not whole pages or overlaps.
    public synchronized MemorySlot add(long gpa, Mapping mapping, boolean readOnly) {
        MemorySlot slot = new MemorySlot(gpa, mapping.sizeBytes(), mapping.address(), readOnly);
        MemorySlot[] grown = new MemorySlot[slots.length + 1];
        for (int i = 0; i < slots.length; i++) {
            if (slots[i].overlaps(slot)) throw new IllegalArgumentException(slot + " overlaps " + slots[i]);
            grown[i] = slots[i];
        }
        grown[slots.length] = slot;
        if (!mappings.contains(mapping)) mappings.add(mapping);
        slot.setDirtyLogging(dirtyLogging);
        slots = grown;
        try {
            for (SlotListener listener : slotListeners) listener.slotAdded(slot);
        } catch (RuntimeException refused) { // by the kernel, which has limits
            remove(slot);
            throw refused;
        }
        return slot;
    }

    /// The same for a place that a guest has chosen: null, and nothing changed, where other memory is there already.
    public synchronized @Nullable MemorySlot addIfFree(long gpa, Mapping mapping, boolean readOnly) {
        for (MemorySlot slot : slots) {
            if (slot.overlaps(gpa, mapping.sizeBytes())) return null;
        }
        return add(gpa, mapping, readOnly);
    }

    /// Takes a slot away from the guest: for vCPUs on KVM at once, for those of the Java engine at the end of what they execute, within
    /// microseconds. Devices may be in the middle of an access too, so its mapping stays until this memory is closed.
    public synchronized void remove(MemorySlot slot) {
        List<MemorySlot> left = new ArrayList<>(List.of(slots));
        if (!left.remove(slot)) throw new IllegalArgumentException(slot + " is not there");
        slots = left.toArray(MemorySlot[]::new);
        for (SlotListener listener : slotListeners) listener.slotRemoved(slot);
    }

    /// From here on `listener` hears of every slot that comes or goes; gives those that are there.
    public synchronized List<MemorySlot> listen(SlotListener listener) {
        slotListeners.add(listener);
        return slots();
    }

    public synchronized void endListening(SlotListener listener) {
        slotListeners.remove(listener);
    }

    public List<MemorySlot> slots() {
        return List.of(slots);
    }

    /// One listener, set by the engine before its first vCPU runs.
    public void setCodeListener(CodeListener listener) {
        codeListener = listener;
    }

    /// The slot holding `gpa`, or null where nothing is mapped.
    public @Nullable MemorySlot slotAt(long gpa) {
        for (MemorySlot slot : slots) {
            if (slot.contains(gpa)) return slot;
        }
        return null;
    }

    /// Whether `bytes` bytes from `gpa` on all lie in one writable slot.
    public boolean isRam(long gpa, long bytes) {
        MemorySlot slot = slotAt(gpa);
        return slot != null && !slot.readOnly() && bytes >= 0 && bytes <= slot.end() - gpa;
    }

    /// Marks the page of `gpa` as one instructions were decoded from; returns false if it was marked already.
    public boolean markCode(long gpa) {
        MemorySlot slot = slotAt(gpa);
        return slot != null && slot.markCode(gpa);
    }

    public void clearCode(long gpa) {
        MemorySlot slot = slotAt(gpa);
        if (slot != null) slot.clearCode(gpa);
    }

    public boolean isCode(long gpa) {
        MemorySlot slot = slotAt(gpa);
        return slot != null && slot.isCode(gpa);
    }

    /// Starts or ends noting which pages are written ([MemorySlot#takeDirty]). Engines call it, and note by [MemorySlot#markDirty] what
    /// their vCPUs write; what is written through `write…` here is noted here.
    public synchronized void setDirtyLogging(boolean on) {
        dirtyLogging = on;
        for (MemorySlot slot : slots) slot.setDirtyLogging(on);
    }

    public int read8(long gpa) {
        long hva = hva(gpa, 1);
        return hva == 0 ? 0xff : Words.get8(hva) & 0xff;
    }

    public int read16(long gpa) {
        long hva = hva(gpa, 2);
        return hva == 0 ? (int) readBytes(gpa, 2) : Words.get16(hva) & 0xffff;
    }

    public int read32(long gpa) {
        long hva = hva(gpa, 4);
        return hva == 0 ? (int) readBytes(gpa, 4) : Words.get32(hva);
    }

    public long read64(long gpa) {
        long hva = hva(gpa, 8);
        return hva == 0 ? readBytes(gpa, 8) : Words.get64(hva);
    }

    public void write8(long gpa, int value) {
        long hva = writableHva(gpa, 1);
        if (hva == 0) return;
        Words.put8(hva, (byte) value);
        written(gpa, 1);
    }

    public void write16(long gpa, int value) {
        long hva = writableHva(gpa, 2);
        if (hva == 0) {
            writeBytes(gpa, 2, value);
        } else {
            Words.put16(hva, (short) value);
            written(gpa, 2);
        }
    }

    public void write32(long gpa, int value) {
        long hva = writableHva(gpa, 4);
        if (hva == 0) {
            writeBytes(gpa, 4, value);
        } else {
            Words.put32(hva, value);
            written(gpa, 4);
        }
    }

    public void write64(long gpa, long value) {
        long hva = writableHva(gpa, 8);
        if (hva == 0) {
            writeBytes(gpa, 8, value);
        } else {
            Words.put64(hva, value);
            written(gpa, 8);
        }
    }

    public void read(long gpa, byte[] to, int offset, int bytes) {
        while (bytes > 0) {
            MemorySlot slot = slotAt(gpa);
            int chunk = slot == null ? 1 : (int) Math.min(bytes, slot.end() - gpa);
            if (slot == null) {
                to[offset] = (byte) 0xff;
            } else {
                Words.copyOut(slot.hva(gpa), to, offset, chunk);
            }
            gpa += chunk;
            offset += chunk;
            bytes -= chunk;
        }
    }

    public void write(long gpa, byte[] from, int offset, int bytes) {
        while (bytes > 0) {
            MemorySlot slot = slotAt(gpa);
            int chunk = slot == null ? 1 : (int) Math.min(bytes, slot.end() - gpa);
            if (slot != null && !slot.readOnly()) {
                Words.copyIn(from, offset, slot.hva(gpa), chunk);
                written(gpa, chunk);
            }
            gpa += chunk;
            offset += chunk;
            bytes -= chunk;
        }
    }

    public void write(long gpa, byte[] from) {
        write(gpa, from, 0, from.length);
    }

    /// Gives the whole pages inside of this range back to the host: zeros from here on, and no memory until they are written. What is no
    /// RAM stays as it is.
    public void discard(long gpa, long bytes) {
        long first = gpa + PAGE_SIZE - 1 & -PAGE_SIZE;
        long end = gpa + bytes & -PAGE_SIZE;
        while (first < end) {
            MemorySlot slot = slotAt(first);
            long piece = slot == null ? PAGE_SIZE : Math.min(end, slot.end()) - first;
            if (slot != null && !slot.readOnly()) discard(slot, first, piece);
            first += piece;
        }
    }

    private synchronized void discard(MemorySlot slot, long gpa, long bytes) {
        long hva = slot.hva(gpa);
        for (Mapping mapping : mappings) {
            long offset = hva - mapping.address();
            if (offset < 0 || offset >= mapping.sizeBytes()) continue;
            mapping.discard(offset, bytes);
            written(gpa, bytes);
            return;
        }
    }

    /// The native address of `gpa` if `bytes` bytes from there lie in one slot, else 0.
    public long hva(long gpa, long bytes) {
        MemorySlot slot = slotAt(gpa);
        return slot == null || bytes > slot.end() - gpa ? 0 : slot.hva(gpa);
    }

    /// Frees the mappings. The caller has stopped every thread that reads or writes this memory.
    @Override
    public synchronized void close() {
        slots = new MemorySlot[0];
        mappings.forEach(Mapping::close);
        mappings.clear();
    }

    private long writableHva(long gpa, int bytes) {
        MemorySlot slot = slotAt(gpa);
        return slot == null || slot.readOnly() || bytes > slot.end() - gpa ? 0 : slot.hva(gpa);
    }

    private long readBytes(long gpa, int bytes) {
        long value = 0;
        for (int i = 0; i < bytes; i++) value |= (long) read8(gpa + i) << (8 * i);
        return value;
    }

    private void writeBytes(long gpa, int bytes, long value) {
        for (int i = 0; i < bytes; i++) write8(gpa + i, (int) (value >>> (8 * i)));
    }

    /// What every write here does after it: notes dirty pages, tells the engine of written code. For a device that writes by the native
    /// address, as a read from a file straight into guest memory does, after it has; the range lies in one slot.
    public void written(long gpa, long bytes) {
        MemorySlot slot = slotAt(gpa);
        if (slot != null && slot.isLoggingDirty()) {
            for (long page = gpa & -PAGE_SIZE; page < gpa + bytes; page += PAGE_SIZE) slot.markDirty(page);
        }
        CodeListener listener = codeListener;
        if (listener == null) return;
        long last = gpa + bytes - 1;
        for (long page = gpa & -PAGE_SIZE; page <= last; page += PAGE_SIZE) {
            if (isCode(page)) {
                long from = Math.max(gpa, page);
                listener.codeWritten(from, Math.min(last + 1, page + PAGE_SIZE) - from);
            }
        }
    }
}
