package io.kahvem.block.qcow2;

/// An internal snapshot (qcow2.txt, "Snapshots").
///
/// @param diskSizeBytes the disk's size then
/// @param icount instructions executed, or -1
/// @param unknown extra data of versions to come
public record Snapshot(
        String id,
        String name,
        long dateSeconds,
        int dateNanos,
        long vmClockNanos,
        long vmStateBytes,
        long diskSizeBytes,
        long icount,
        long l1TableOffset,
        int l1Size,
        byte[] unknown) {}
