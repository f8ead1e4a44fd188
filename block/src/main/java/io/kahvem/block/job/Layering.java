package io.kahvem.block.job;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import org.jspecify.annotations.Nullable;

/// The order of a disk's layers.
final class Layering {
    private Layering() {}

    static boolean isBelow(BlockNode top, BlockNode layer) {
        return layerOver(top, layer) != null;
    }

    /// The layer directly over `layer`.
    static @Nullable BlockNode layerOver(BlockNode top, BlockNode layer) {
        for (BlockNode over = top; over != null; over = over.backing()) {
            if (layer.equals(over.backing())) return over;
        }
        return null;
    }

    /// Throws [BlockException] where a layer from `top` on down to `base` ends before both `over` and `base` do: it hides what `base` has
    /// there, and could not be taken out.
    static void requireNoneShorter(BlockNode over, @Nullable BlockNode top, BlockNode base) {
        long shown = Math.min(over.sizeBytes(), base.sizeBytes());
        for (BlockNode layer = top; layer != null && !layer.equals(base); layer = layer.backing()) {
            if (layer.sizeBytes() >= shown) continue;
            throw BlockException.invalid("'%s' is shorter than the layers over and below it; resize it first".formatted(layer.name()));
        }
    }

    /// Takes `layer` out from under `top`, so that closing that leaves it open.
    static void detach(BlockNode top, BlockNode layer) {
        BlockNode over = layerOver(top, layer);
        if (over != null) over.attachBacking(null);
    }
}
