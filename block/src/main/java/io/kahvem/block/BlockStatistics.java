package io.kahvem.block;

/// What a disk has done since it was opened: QMP's query-blockstats.
///
/// @param readBytes of completed requests, as are all the others
/// @param readNanos from submission to completion, summed over requests
/// @param failedReads reads the guest saw fail, or would have
public record BlockStatistics(
        long readBytes,
        long writtenBytes,
        long zeroedBytes,
        long discardedBytes,
        long reads,
        long writes,
        long flushes,
        long discards,
        long zeroWrites,
        long readNanos,
        long writeNanos,
        long flushNanos,
        long failedReads,
        long failedWrites,
        long failedFlushes) {}
