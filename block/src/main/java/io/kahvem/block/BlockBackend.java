package io.kahvem.block;

/// A disk as a device emulator uses it: requests go in, any number at once, and each is completed later on one of the disk's own
/// threads. Submitting never waits for the host's disk.
///
/// Requests under way at one time have no order between them; a flush covers the writes that were completed before it was submitted.
/// Every method may be called on any thread.
public interface BlockBackend extends AutoCloseable {
    /// The disk's size now. It changes when somebody resizes it ([#onResize]); a request beyond it fails with EIO.
    long sizeBytes();

    boolean isReadOnly();

    /// What offsets and lengths of requests should be multiples of to be fast: the host file's or the format's own unit, at least 512.
    int preferredAlignment();

    /// Starts `request`, which belongs to the disk until its [BlockRequest#completed] is called: exactly once, and not within this call.
    void submit(BlockRequest request);

    /// Does a read whose bytes the host has in memory, here and now; [BlockRequest#completed] is not called. Whether it did: what would
    /// have to wait, or fails, is to be submitted.
    default boolean readAtOnce(BlockRequest request) {
        return false;
    }

    /// Returns when nothing is under way. The caller sees to it that nothing is submitted meanwhile. Requests that an error has stopped
    /// ([#onError]) count as not under way.
    void drain();

    /// `listener` is called, on some thread, after the size has changed.
    void onResize(Runnable listener);

    /// Sets what happens with errors of the host's file; see [ErrorPolicy]. `listener` is told of each; it must not wait.
    void onError(ErrorPolicy reads, ErrorPolicy writes, ErrorListener listener);

    /// Starts the requests again that an error has stopped.
    void retryStopped();

    BlockStatistics statistics();

    /// Flushes and closes the image. Requests must not be under way.
    @Override
    void close();

    /// Hears of failed requests: what QMP's BLOCK_IO_ERROR tells.
    interface ErrorListener {
        /// @param stopped whether the request waits for [BlockBackend#retryStopped]: the machine should be paused
        void failed(BlockRequest.Operation operation, int errno, boolean stopped);
    }
}
