package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CacheMode;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.tool.Layers;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `commit`.
@Command(name = "commit", description = "Writes what an image has into the image below it.")
final class CommitVerb extends ImageVerb {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "-b", paramLabel = "FILE", description = "The layer to write into, further down; implies -d.")
    private @Nullable String base;

    @Option(names = "-d", description = "Leave the image's own data where they are.")
    private boolean keep;

    @Option(names = "-t", paramLabel = "CACHE", description = "Cache mode.")
    private @Nullable String cache;

    @Option(names = "-p", description = "Show progress.")
    private boolean progress;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    @Override
    int run() {
        CacheMode mode = cache(cache, CacheMode.WRITEBACK);
        try (BlockNode top = open(file, OpenOptions.writable(format).withCache(mode))) {
            BlockNode below = top.backing();
            if (below == null) throw BlockException.invalid("Image does not have a backing file");
            BlockNode target = base == null ? below : find(below, base);
            target.setReadOnly(false);
            Layers.commit(top, target, progress(progress));
            if (!keep && base == null) Layers.empty(top);
        }
        say("Image committed.");
        return OK;
    }

    private static BlockNode find(BlockNode below, String name) {
        for (BlockNode layer = below; layer != null; layer = layer.backing()) if (layer.name().equals(name)) return layer;
        throw BlockException.invalid("Did not find '%s' in the backing chain".formatted(name));
    }
}
