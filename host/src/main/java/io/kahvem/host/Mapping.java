package io.kahvem.host;

/// A page-aligned range of native memory, zero until touched and committed by the page as it is touched. Closing it while any
/// thread still uses its addresses is undefined: stop the vCPUs first.
public interface Mapping extends AutoCloseable {
    long address();

    long sizeBytes();

    @Override
    void close();
}
