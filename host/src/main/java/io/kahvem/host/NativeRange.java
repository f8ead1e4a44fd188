package io.kahvem.host;

import java.util.concurrent.atomic.AtomicBoolean;

/// A mapping that knows how to free itself, once.
final class NativeRange implements Mapping {
    private final long address;
    private final long sizeBytes;
    private final Runnable free;
    private final AtomicBoolean closed = new AtomicBoolean();

    NativeRange(long address, long sizeBytes, Runnable free) {
        this.address = address;
        this.sizeBytes = sizeBytes;
        this.free = free;
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
    public void close() {
        if (closed.compareAndSet(false, true)) free.run();
    }
}
