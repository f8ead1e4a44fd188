package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `resize`.
@Command(name = "resize", description = "Changes a disk's size.")
final class ResizeVerb extends ImageVerb {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "--preallocation", paramLabel = "off|metadata|falloc|full", description = "For what it grows by.")
    private String preallocation = "off";

    @Option(names = "--shrink", description = "Data beyond the new end are lost.")
    private boolean shrink;

    @Parameters(index = "0", paramLabel = "FILE")
    private String file = "";

    @Parameters(index = "1", paramLabel = "[+|-]SIZE")
    private String size = "";

    @Override
    int run() {
        int sign = size.startsWith("+") ? 1 : size.startsWith("-") ? -1 : 0;
        long given = ByteSize.tryParse(sign == 0 ? size : size.substring(1));
        if (given < 0) throw BlockException.invalid("Invalid image size specified. You may use k, M, G, T, P or E suffixes");
        try (BlockNode node = open(file, OpenOptions.writable(format))) {
            if (format == null && node.format().equals("raw")) warnOfProbing();
            long now = node.sizeBytes();
            long next = (sign == 0 ? given : now + sign * given) + 511 & -512;
            if (next <= 0) throw BlockException.invalid("New image size must be positive");
            if (next < now && !shrink) {
                fail("Use the --shrink option to perform a shrink operation.");
                fail("warning: Shrinking an image will delete all data beyond the shrunken image's end. "
                        + "Before performing such an operation, make sure there is no important data there.");
                return FAILED;
            }
            Preallocation mode = Preallocation.of(preallocation);
            if (next < now && mode != Preallocation.OFF) throw BlockException.invalid("Preallocation can only be used for growing images");
            node.resize(next, mode);
        }
        say("Image resized.");
        return OK;
    }

    private void warnOfProbing() {
        if (isQuiet()) return;
        fail("WARNING: Image format was not specified for '%s' and probing guessed raw.".formatted(file));
        fail("         Specify the 'raw' format explicitly (-f raw) if that is what it is.");
    }
}
