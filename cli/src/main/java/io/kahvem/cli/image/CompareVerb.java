package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CacheMode;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.tool.Chain;
import io.kahvem.block.tool.Comparer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `compare`.
@Command(
        name = "compare",
        description = "Compares what two images show.",
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {"0:they are identical", "1:they differ", "2:one could not be opened", "3:what is allocated could not be told",
            "4:one could not be read"})
final class CompareVerb extends ImageVerb {
    private static final int DIFFER = 1;
    private static final int NOT_OPENED = 2;
    private static final int NOT_READ = 4;

    @Option(names = "-f", paramLabel = "FORMAT", description = "The first image's format.")
    private @Nullable String format;

    @Option(names = "-F", paramLabel = "FORMAT", description = "The second image's format.")
    private @Nullable String otherFormat;

    @Option(names = "-T", paramLabel = "CACHE", description = "Cache mode.")
    private @Nullable String cache;

    @Option(names = "-p", description = "Show progress.")
    private boolean progress;

    @Option(names = "-s", description = "Sizes and what is allocated must be the same too.")
    private boolean strict;

    @Option(names = {"-U", "--force-share"}, description = "Though they are in use.")
    private boolean share;

    @Parameters(index = "0", paramLabel = "FILE1")
    private String file = "";

    @Parameters(index = "1", paramLabel = "FILE2")
    private String other = "";

    @Override
    int run() {
        try (BlockNode a = openOrNull(file, format); BlockNode b = openOrNull(other, otherFormat)) {
            return a == null || b == null ? NOT_OPENED : compare(a, b);
        } catch (BlockException e) {
            fail(e.getMessage());
            return NOT_READ;
        }
    }

    private @Nullable BlockNode openOrNull(String name, @Nullable String formatName) {
        try {
            return open(name, options(formatName));
        } catch (BlockException e) {
            fail(e.getMessage());
            return null;
        }
    }

    private OpenOptions options(@Nullable String formatName) {
        return OpenOptions.readOnly(formatName).withShareable(share).withCache(cache(cache, CacheMode.WRITEBACK));
    }

    private int compare(BlockNode a, BlockNode b) {
        if (strict && a.sizeBytes() != b.sizeBytes()) {
            say("Strict mode: Image size mismatch!");
            return DIFFER;
        }
        if (strict) {
            long differs = firstAllocationDifference(a, b);
            if (differs >= 0) {
                say("Strict mode: Offset %d block status mismatch!".formatted(differs));
                return DIFFER;
            }
        }
        long differs = Comparer.firstDifference(a, b, Runtime.getRuntime().availableProcessors(), progress(progress));
        if (differs >= 0) {
            say("Content mismatch at offset %d!".formatted(differs & -512));
            return DIFFER;
        }
        if (a.sizeBytes() != b.sizeBytes()) say("Warning: Image size mismatch!");
        say("Images are identical.");
        return OK;
    }

    private static long firstAllocationDifference(BlockNode a, BlockNode b) {
        for (long at = 0; at < a.sizeBytes(); ) {
            Chain.Status left = Chain.statusAt(a, at, a.sizeBytes() - at);
            Chain.Status right = Chain.statusAt(b, at, left.length());
            if (left.present() != right.present() || left.data() != right.data()) return at;
            at += right.length();
        }
        return -1;
    }
}
