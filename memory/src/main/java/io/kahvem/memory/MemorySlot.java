package io.kahvem.memory;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// A run of guest-physical pages backed by native memory at `base`, with a code bit a page.
public final class MemorySlot {
    private static final VarHandle CODE = MethodHandles.arrayElementVarHandle(byte[].class);

    private final long gpa;
    private final long sizeBytes;
    private final long base;
    private final boolean readOnly;
    private final byte[] code;

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

    boolean markCode(long address) {
        return CODE.compareAndSet(code, page(address), (byte) 0, (byte) 1);
    }

    void clearCode(long address) {
        CODE.setRelease(code, page(address), (byte) 0);
    }

    boolean overlaps(MemorySlot other) {
        return gpa < other.end() && other.gpa < end();
    }

    private int page(long address) {
        return (int) ((address - gpa) >>> GuestMemory.PAGE_SHIFT);
    }

    @Override
    public String toString() {
        return "memory slot %#x-%#x%s".formatted(gpa, end(), readOnly ? " (read-only)" : "");
    }
}
