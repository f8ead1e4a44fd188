package io.kahvem.devices.virtio.balloon;

import java.util.Map;

/// What the guest's driver says of its memory (virtio 1.2, 5.5.6.3).
///
/// @param values by tag; a tag that this version does not know is left out
/// @param updateNanos when they came, on the machine's clock
public record BalloonStatistics(Map<Tag, Long> values, long updateNanos) {
    /// In the order of the specification's numbers, from 0 on. Sizes are bytes.
    public enum Tag {
        SWAP_IN,
        SWAP_OUT,
        MAJFLT,
        MINFLT,
        MEMFREE,
        MEMTOT,
        AVAIL,
        CACHES,
        HTLB_PGALLOC,
        HTLB_PGFAIL
    }

    public BalloonStatistics {
        values = Map.copyOf(values);
    }
}
