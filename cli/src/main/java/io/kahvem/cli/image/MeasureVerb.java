package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.tool.Measure;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `measure`.
@Command(name = "measure", description = "Tells how large a new image's file will be.")
final class MeasureVerb extends ImageVerb {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The source's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "-O", paramLabel = "FORMAT", description = "The new image's format; default raw.")
    private String targetFormat = "raw";

    @Option(names = "-o", paramLabel = "NAME=VALUE,...", description = "The new image's options.")
    private List<String> options = new ArrayList<>();

    @Option(names = "--output", paramLabel = "human|json", description = "How the answer looks.")
    private String output = "human";

    @Option(names = "--size", paramLabel = "SIZE", description = "Of a new disk, instead of a source.")
    private @Nullable String size;

    @Option(names = "-l", paramLabel = "SNAPSHOT", description = "The source's internal snapshot.")
    private @Nullable String snapshot;

    @Option(names = {"-U", "--force-share"}, description = "Though the source is in use.")
    private boolean share;

    @Parameters(arity = "0..1", paramLabel = "FILE")
    private @Nullable String file;

    @Override
    int run() {
        boolean json = isJson(output);
        if (file == null == (size == null)) throw BlockException.invalid("Either --size N or one filename must be specified.");
        CreateOptions given = new CreateOptions(CreateVerb.formatFor(targetFormat, targetFormat));
        fill(given, options);
        Measure measure;
        if (file == null) {
            measure = Measure.of(targetFormat, null, ByteSize.parse("size", String.valueOf(size)), given);
        } else {
            try (BlockNode source = open(file, OpenOptions.readOnly(format).withShareable(share).withSnapshot(snapshot))) {
                measure = Measure.of(targetFormat, source, 0, given);
            }
        }
        if (json) {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("required", measure.required());
            map.put("fully-allocated", measure.fullyAllocated());
            if (measure.bitmaps() >= 0) map.put("bitmaps", measure.bitmaps());
            out().println(QmpText.json(map));
        } else {
            out().println("required size: %d\nfully allocated size: %d".formatted(measure.required(), measure.fullyAllocated()));
        }
        if (!json && measure.bitmaps() >= 0) out().println("bitmaps size: " + measure.bitmaps());
        out().flush();
        return OK;
    }
}
