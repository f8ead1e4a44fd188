package io.kahvem.host;

/// A page-aligned range of native memory, zero at first and on Linux committed by the page as it is touched ([HostMemory#system]).
/// Closing it while any thread still uses its addresses is undefined: stop the vCPUs first. Closing it twice does nothing.
public interface Mapping extends AutoCloseable {
    long address();

    long sizeBytes();

    /// Zeros whole pages, from `offset` on, and gives their memory back to the host where this kind of mapping can. The range lies inside.
    default void discard(long offset, long bytes) {
        Words.fill(address() + offset, bytes, (byte) 0);
    }

    @Override
    void close();

    /// A part of this mapping, which is gone with it; closing the part does nothing.
    default Mapping slice(long offset, long bytes) {
        if (offset < 0 || bytes <= 0 || offset + bytes > sizeBytes()) throw new IndexOutOfBoundsException(offset + " + " + bytes);
        return new Slice(address() + offset, bytes);
    }

    /// What [Mapping#slice] gives.
    record Slice(long address, long sizeBytes) implements Mapping {
        @Override
        public void close() {}
    }
}
