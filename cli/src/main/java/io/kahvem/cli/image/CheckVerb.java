package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CacheMode;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CheckedNode;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Repair;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `check`.
@Command(
        name = "check",
        description = "Looks for errors in an image's structure, and repairs them.",
        exitCodeListHeading = "Exit status:%n",
        exitCodeList = {
            "0:the image is in order now",
            "1:the check could not be completed",
            "2:the image is corrupt",
            "3:clusters are lost, the image is not corrupt",
            "63:the format has no checks"
        })
final class CheckVerb extends ImageVerb {
    private static final int CORRUPT = 2;
    private static final int LEAKED = 3;
    private static final int NO_CHECKS = 63;

    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "--output", paramLabel = "human|json", description = "How the answer looks.")
    private String output = "human";

    @Option(names = {"-r", "--repair"}, paramLabel = "leaks|all", description = "Repair: lost clusters, or everything.")
    private @Nullable String repair;

    @Option(names = "-T", paramLabel = "CACHE", description = "Cache mode.")
    private @Nullable String cache;

    @Option(names = {"-U", "--force-share"}, description = "Though it is in use.")
    private boolean share;

    @Parameters(paramLabel = "FILE")
    private String file = "";

    @Override
    int run() {
        boolean json = isJson(output);
        Repair what = repair == null ? Repair.NONE : switch (repair) {
            case "leaks" -> Repair.LEAKS;
            case "all" -> Repair.ALL;
            default -> throw BlockException.invalid("-r expects option argument 'leaks' or 'all'");
        };
        OpenOptions options = (repair == null ? OpenOptions.readOnly(format) : OpenOptions.writable(format)).withShareable(share)
                .withBacking(false).withCache(cache(cache, CacheMode.WRITEBACK));
        try (BlockNode node = open(file, options.forRepair(repair != null))) {
            if (!(node instanceof CheckedNode checked)) {
                if (json) {
                    out().println("null");
                    out().flush();
                }
                fail("This image format does not support checks");
                return NO_CHECKS;
            }
            CheckResult result = checked.check(what, line -> {
                if (!json && !isQuiet()) fail(line);
            });
            if (json) {
                out().println(QmpText.json(json(node, result)));
                out().flush();
            } else {
                say(text(result).stripTrailing());
            }
            if (result.checkErrors() > 0) return FAILED;
            if (result.corruptions() > 0) return CORRUPT;
            return result.leaks() > 0 ? LEAKED : OK;
        }
    }

    private static Map<String, Object> json(BlockNode node, CheckResult result) {
        Map<String, Object> json = new LinkedHashMap<>();
        if (result.imageEndOffset() > 0) json.put("image-end-offset", result.imageEndOffset());
        if (result.totalClusters() > 0) json.put("total-clusters", result.totalClusters());
        json.put("check-errors", result.checkErrors());
        if (result.corruptions() > 0) json.put("corruptions", result.corruptions());
        if (result.leaks() > 0) json.put("leaks", result.leaks());
        if (result.corruptionsFixed() > 0) json.put("corruptions-fixed", result.corruptionsFixed());
        if (result.leaksFixed() > 0) json.put("leaks-fixed", result.leaksFixed());
        if (result.allocatedClusters() > 0) json.put("allocated-clusters", result.allocatedClusters());
        if (result.fragmentedClusters() > 0) json.put("fragmented-clusters", result.fragmentedClusters());
        if (result.compressedClusters() > 0) json.put("compressed-clusters", result.compressedClusters());
        json.put("filename", node.name());
        json.put("format", node.format());
        return json;
    }

    private static String text(CheckResult r) {
        StringBuilder text = new StringBuilder();
        if (r.corruptionsFixed() > 0 || r.leaksFixed() > 0) {
            text.append("The following inconsistencies were found and repaired:\n\n    %d leaked clusters\n    %d corruptions\n\n"
                    .formatted(r.leaksFixed(), r.corruptionsFixed()));
            text.append("Double checking the fixed image now...\n");
        }
        if (r.isClean()) {
            text.append("No errors were found on the image.\n");
        } else {
            if (r.corruptions() > 0) {
                text.append("\n%d errors were found on the image.\nData may be corrupted, or further writes to the image may corrupt it.\n"
                        .formatted(r.corruptions()));
            }
            if (r.leaks() > 0) {
                text.append("\n%d leaked clusters were found on the image.\nThis means waste of disk space, but no harm to data.\n"
                        .formatted(r.leaks()));
            }
            if (r.checkErrors() > 0) {
                text.append("\n%d internal errors have occurred during the check.\n".formatted(r.checkErrors()));
            }
        }
        if (r.totalClusters() != 0 && r.allocatedClusters() != 0) {
            text.append("%d/%d = %.2f%% allocated, %.2f%% fragmented, %.2f%% compressed clusters\n".formatted(
                    r.allocatedClusters(),
                    r.totalClusters(),
                    100.0 * r.allocatedClusters() / r.totalClusters(),
                    100.0 * r.fragmentedClusters() / r.allocatedClusters(),
                    100.0 * r.compressedClusters() / r.allocatedClusters()));
        }
        if (r.imageEndOffset() > 0) text.append("Image end offset: %d\n".formatted(r.imageEndOffset()));
        return text.toString();
    }
}
