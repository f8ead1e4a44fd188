package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CacheMode;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.tool.Layers;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `rebase`.
@Command(name = "rebase", description = "Gives an image another backing file; what it shows stays the same.")
final class RebaseVerb extends ImageVerb {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "-b", paramLabel = "FILE", required = true, description = "The new backing file; \"\": none.")
    private String backing = "";

    @Option(names = "-F", paramLabel = "FORMAT", description = "The new backing file's format.")
    private @Nullable String backingFormat;

    @Option(names = "-u", description = "Only what is recorded: the new backing file shows what the old one did.")
    private boolean unsafe;

    @Option(names = "-t", paramLabel = "CACHE", description = "Cache mode.")
    private @Nullable String cache;

    @Option(names = "-T", paramLabel = "CACHE", description = "Cache mode for the backing files.")
    private @Nullable String sourceCache;

    @Option(names = "-p", description = "Show progress.")
    private boolean progress;

    @Option(names = {"-U", "--force-share"}, description = "Though the backing files are in use.")
    private boolean share;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    @Override
    int run() {
        String recorded = backing.isEmpty() ? null : backing;
        if (recorded != null && backingFormat == null) {
            throw BlockException.invalid("Could not change the backing file to '%s': backing format must be specified".formatted(backing));
        }
        OpenOptions options = OpenOptions.writable(format).withCache(cache(cache, CacheMode.WRITEBACK));
        try (BlockNode node = open(file, options.withBacking(!unsafe))) {
            if (!unsafe) {
                OpenOptions its = OpenOptions.readOnly(backingFormat).withShareable(share).withCache(cache(sourceCache,
                        CacheMode.WRITEBACK));
                try (BlockNode next = recorded == null ? null : openNew(node, recorded, its)) {
                    Layers.prepareRebase(node, next, progress(progress));
                }
            }
            node.changeBackingFile(recorded, backingFormat);
        }
        return OK;
    }

    private static BlockNode openNew(BlockNode node, String recorded, OpenOptions its) {
        try {
            return Images.open(Images.resolve(node.name(), recorded), its);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not open new backing file '%s': %s".formatted(recorded, e.getMessage()), e);
        }
    }
}
