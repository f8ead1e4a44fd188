package io.kahvem.block.tool;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Extent;
import org.jspecify.annotations.Nullable;

/// What a disk has over a stretch, all its layers taken together.
public final class Chain {
    private static final long MOST = 1 << 30;

    private Chain() {}

    /// An extent and where it comes from.
    ///
    /// @param depth 0 for the layer on top; the lowest where none has anything
    /// @param present whether a layer says what is there
    /// @param data whether bytes are kept for it
    /// @param zero whether it reads as zeros
    /// @param fileOffset where the bytes are in the layer's file, or -1
    public record Status(
            BlockNode layer, int depth, long length, boolean present, boolean data, boolean zero, boolean compressed, long fileOffset) {}

    /// The longest stretch from `offset` on, at most `length` bytes, of which one thing is true.
    public static Status statusAt(BlockNode top, long offset, long length) {
        return statusAt(top, offset, length, null);
    }

    /// The same, as seen without `base` and what is below it: what these layers have not is then not present.
    public static Status statusAt(BlockNode top, long offset, long length, @Nullable BlockNode base) {
        long most = Math.min(length, MOST);
        BlockNode layer = top;
        for (int depth = 0; ; depth++) {
            Extent extent = layer.extentAt(offset, most);
            most = Math.min(most, extent.length());
            if (extent.kind() != Extent.Kind.ABSENT) return present(layer, depth, offset, extent, most);
            BlockNode below = layer.backing();
            if (below == null || below.equals(base)) {
                return new Status(layer, depth, most, false, false, true, false, -1);
            }
            if (offset >= below.sizeBytes()) return new Status(layer, depth, most, false, false, true, false, -1);
            most = Math.min(most, below.sizeBytes() - offset);
            layer = below;
        }
    }

    private static Status present(BlockNode layer, int depth, long offset, Extent extent, long length) {
        boolean zero = extent.kind() == Extent.Kind.ZERO;
        if (layer.format().equals("raw")) {
            return new Status(layer, depth, length, true, !zero, zero, false, extent.fileOffset());
        }
        if (zero) return new Status(layer, depth, length, true, false, true, false, extent.fileOffset());
        if (extent.fileOffset() < 0 || layer.children().isEmpty()) {
            return new Status(layer, depth, length, true, true, false, extent.compressed(), extent.fileOffset());
        }
        // Room that was given and never written reads as zeros: the file knows.
        Extent inFile = layer.fileAt(offset).extentAt(extent.fileOffset(), length);
        boolean hole = inFile.kind() == Extent.Kind.ZERO;
        return new Status(layer, depth, Math.min(length, inFile.length()), true, true, hole, false, extent.fileOffset());
    }

    /// How many layers a disk has.
    public static int depthOf(BlockNode top) {
        int depth = 0;
        for (BlockNode layer = top; layer != null; layer = layer.backing()) depth++;
        return depth;
    }
}
