package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.CacheMode;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import io.kahvem.block.qcow2.Qcow2Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `amend`.
@Command(name = "amend", description = "Changes an image's options.")
final class AmendVerb extends ImageVerb {
    private static final List<String> HELP = List.of(
            "  backing_file=<str>     - File name of a base image",
            "  backing_fmt=<str>      - Image format of the base image",
            "  compat=<str>           - Compatibility level: v3 [1.1]",
            "  lazy_refcounts=<bool (on/off)> - Postpone refcount updates",
            "  size=<size>            - Virtual disk size");

    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "-o", paramLabel = "NAME=VALUE,...", description = "What to change; -o help lists it.")
    private List<String> options = new ArrayList<>();

    @Option(names = "-t", paramLabel = "CACHE", description = "Cache mode.")
    private @Nullable String cache;

    @Parameters(arity = "0..1", paramLabel = "FILE")
    private @Nullable String file;

    @Override
    int run() {
        if (isHelp(options)) {
            out().println("Amend options for 'qcow2':");
            HELP.forEach(out()::println);
            out().flush();
            return OK;
        }
        if (file == null) throw BlockException.invalid("Expecting one image file name");
        if (options.isEmpty()) throw BlockException.invalid("Must specify options (-o)");
        try (BlockNode node = open(file, OpenOptions.writable(format).withBacking(false).withCache(cache(cache, CacheMode.WRITEBACK)))) {
            if (!(node instanceof Qcow2Node qcow2)) {
                throw BlockException.invalid("Format driver '%s' does not support option amendment".formatted(node.format()));
            }
            for (String text : options) amend(qcow2, pairs(text));
        }
        return OK;
    }

    private static void amend(Qcow2Node node, Map<String, String> changes) {
        for (String name : changes.keySet()) {
            if (HELP.stream().noneMatch(line -> line.startsWith("  " + name + "="))) {
                throw BlockException.invalid("Invalid parameter '%s'\nThis option is only supported for image creation".formatted(name));
            }
        }
        String compat = changes.get("compat");
        if (compat != null && !compat.equals("1.1") && !compat.equals("v3")) {
            throw BlockException.invalid("Downgrading to compatibility level %s is not supported; convert the image instead"
                    .formatted(compat));
        }
        String lazy = changes.get("lazy_refcounts");
        if (compat != null || lazy != null) node.amend(compat != null, lazy == null ? null : lazy.equals("on"));
        String size = changes.get("size");
        if (size != null) {
            long bytes = ByteSize.parse("size", size);
            if (bytes < node.sizeBytes()) throw BlockException.invalid("Use kahvem image resize --shrink to make a disk smaller");
            node.resize(bytes, Preallocation.OFF);
        }
        if (changes.containsKey("backing_file") || changes.containsKey("backing_fmt")) {
            String backing = changes.containsKey("backing_file") ? changes.get("backing_file") : node.backingFile();
            String itsFormat = changes.containsKey("backing_fmt") ? changes.get("backing_fmt") : node.backingFormat();
            node.changeBackingFile(backing == null || backing.isEmpty() ? null : backing, itsFormat);
        }
    }
}
