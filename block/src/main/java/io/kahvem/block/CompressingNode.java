package io.kahvem.block;

import java.lang.foreign.MemorySegment;

/// A layer that can keep clusters compressed: for tools that write each once.
public interface CompressingNode extends BlockNode {
    /// Writes one cluster compressed, or as it is if that is no shorter. `offset` is a cluster's start; the last one may be short.
    void writeCompressed(long offset, MemorySegment cluster);

    /// Whether nothing can be written but compressed clusters.
    default boolean needsCompressedWrites() {
        return false;
    }
}
