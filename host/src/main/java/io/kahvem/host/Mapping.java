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
}
