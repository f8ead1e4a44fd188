package io.kahvem.host;

/// A page-aligned range of native memory, zero at first and on Linux committed by the page as it is touched ([HostMemory#system]).
/// Closing it while any thread still uses its addresses is undefined: stop the vCPUs first. Closing it twice does nothing.
public interface Mapping extends AutoCloseable {
    long address();

    long sizeBytes();

    @Override
    void close();
}
