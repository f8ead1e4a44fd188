package io.kahvem.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/// A run of guest-physical pages backed by native memory at `base`, with a code bit a page and, while asked for, a dirty bit.
public final class MemorySlot {
    private static final VarHandle CODE = MethodHandles.arrayElementVarHandle(byte[].class);
    private static final VarHandle DIRTY = MethodHandles.arrayElementVarHandle(long[].class);

    private final long gpa;
    private final long sizeBytes;
    private final long base;
    private final boolean readOnly;
    private final byte[] code;

    /// A bit a page, or null while nobody asks.
    private volatile long @Nullable [] dirty;

    MemorySlot(long gpa, long sizeBytes, long base, boolean readOnly) {
        if (((gpa | sizeBytes | base) & (GuestMemory.PAGE_SIZE - 1)) != 0 || sizeBytes <= 0) {
            throw new IllegalArgumentException("a memory slot is whole pages: gpa %#x, %#x bytes".formatted(gpa, sizeBytes));
        }
        this.gpa = gpa;
        this.sizeBytes = sizeBytes;
        this.base = base;
        this.readOnly = readOnly;
        this.code = new byte[Math.toIntExact(sizeBytes >>> GuestMemory.PAGE_SHIFT)];
    }

    public long gpa() {
        return gpa;
    }

    public long sizeBytes() {
        return sizeBytes;
    }

    /// The first guest-physical address after this slot.
    public long end() {
        return gpa + sizeBytes;
    }

    public boolean readOnly() {
        return readOnly;
    }

    public boolean contains(long address) {
        return Long.compareUnsigned(address - gpa, sizeBytes) < 0;
    }

    /// The native address of a guest-physical address inside this slot.
    public long hva(long address) {
        return base + (address - gpa);
    }

    public boolean isCode(long address) {
        return (byte) CODE.getAcquire(code, page(address)) != 0;
    }

    /// Starts or ends noting dirty pages; see [GuestMemory#setDirtyLogging].
    void setDirtyLogging(boolean on) {
        dirty = on ? new long[(code.length + 63) / 64] : null;
    }

    boolean isLoggingDirty() {
        return dirty != null;
    }

    /// Notes that the page of `address` is written: unless the kernel notes it.
    public void markDirty(long address) {
        long[] bits = dirty;
        if (bits == null) return;
        int page = page(address);
        long bit = 1L << page;
        if (((long) DIRTY.getAcquire(bits, page >> 6) & bit) == 0) DIRTY.getAndBitwiseOr(bits, page >> 6, bit);
    }

    /// The pages marked since logging started or since the last call, which forgets them. Empty where nobody asked for logging.
    public BitSet takeDirty() {
        long[] bits = dirty;
        if (bits == null) return new BitSet();
        long[] taken = new long[bits.length];
        for (int n = 0; n < bits.length; n++) taken[n] = (long) DIRTY.getAndSet(bits, n, 0L);
        return BitSet.valueOf(taken);
    }

    boolean markCode(long address) {
        return CODE.compareAndSet(code, page(address), (byte) 0, (byte) 1);
    }

    void clearCode(long address) {
        CODE.setRelease(code, page(address), (byte) 0);
    }

    boolean overlaps(MemorySlot other) {
        return overlaps(other.gpa, other.sizeBytes);
    }

    boolean overlaps(long otherGpa, long otherBytes) {
        return gpa < otherGpa + otherBytes && otherGpa < end();
    }

    private int page(long address) {
        return (int) ((address - gpa) >>> GuestMemory.PAGE_SHIFT);
    }

    @Override
    public String toString() {
        return "memory slot %#x-%#x%s".formatted(gpa, end(), readOnly ? " (read-only)" : "");
    }
}
