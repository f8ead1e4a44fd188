package io.kahvem.host;

import java.util.concurrent.atomic.AtomicBoolean;

/// A mapping that knows how to free itself, once.
final class NativeRange implements Mapping {
    private final long address;
    private final long sizeBytes;
    private final Runnable free;
    private final Discard discard;
    private final AtomicBoolean closed = new AtomicBoolean();

    /// How pages at a native address are given back and zeroed.
    interface Discard {
        void discard(long address, long bytes);
    }

    NativeRange(long address, long sizeBytes, Runnable free, Discard discard) {
        this.address = address;
        this.sizeBytes = sizeBytes;
        this.free = free;
        this.discard = discard;
    }

    static void checkSize(long sizeBytes) {
        if (sizeBytes <= 0 || sizeBytes % HostMemory.PAGE_SIZE != 0) {
            throw new IllegalArgumentException(
                    "a mapping is whole pages of " + HostMemory.PAGE_SIZE + " bytes, not " + sizeBytes + " bytes");
        }
    }

    @Override
    public long address() {
        if (closed.get()) throw new IllegalStateException("the mapping is closed");
        return address;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void discard(long offset, long bytes) {
        if (((offset | bytes) & HostMemory.PAGE_SIZE - 1) != 0 || offset < 0 || bytes < 0 || bytes > sizeBytes - offset) {
            throw new IllegalArgumentException("%d bytes at %d of a mapping of %d".formatted(bytes, offset, sizeBytes));
        }
        if (bytes > 0) discard.discard(address() + offset, bytes);
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) free.run();
    }
}
