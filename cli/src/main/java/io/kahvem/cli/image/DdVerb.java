package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.table.WindowNode;
import io.kahvem.block.tool.Copier;
import io.kahvem.block.tool.Progress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `dd`.
@Command(name = "dd", description = "Copies a part of a disk into a new image, as dd does: if=FILE of=FILE [bs=SIZE] [count=N] [skip=N].")
final class DdVerb extends ImageVerb {
    private static final List<String> OPERANDS = List.of("bs", "count", "if", "of", "skip");

    @Option(names = "-f", paramLabel = "FORMAT", description = "The source's format; default: told from its first bytes.")
    private @Nullable String format;

    @Option(names = "-O", paramLabel = "FORMAT", description = "The new image's format; default raw.")
    private String targetFormat = "raw";

    @Option(names = {"-U", "--force-share"}, description = "Though the source is in use.")
    private boolean share;

    @Parameters(arity = "0..*", paramLabel = "NAME=VALUE")
    private List<String> operands = new ArrayList<>();

    @Override
    int run() {
        Map<String, String> given = new HashMap<>();
        for (String operand : operands) {
            int equals = operand.indexOf('=');
            String name = equals < 0 ? operand : operand.substring(0, equals);
            if (!OPERANDS.contains(name) || equals < 0) throw BlockException.invalid("unrecognized operand %s".formatted(name));
            given.put(name, operand.substring(equals + 1));
        }
        String from = given.get("if");
        String to = given.get("of");
        if (from == null || to == null) throw BlockException.invalid("Must specify both input and output files");
        long block = number(given, "bs", 512);
        if (block == 0 || block > Integer.MAX_VALUE) throw BlockException.invalid("bs: invalid number: '%s'".formatted(given.get("bs")));
        copy(from, to, block, number(given, "count", -1), number(given, "skip", 0));
        return OK;
    }

    private static long number(Map<String, String> given, String name, long otherwise) {
        String text = given.get(name);
        if (text == null) return otherwise;
        long value = ByteSize.tryParse(text);
        if (value < 0) {
            throw BlockException.invalid(("Invalid %s specified. You may use k, M, G, T, P or E suffixes for\n"
                    + "kahvem image: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.").formatted(name));
        }
        return value;
    }

    private void copy(String from, String to, long block, long count, long skip) {
        ImageFormat made = CreateVerb.formatFor(to, targetFormat);
        try (BlockNode source = open(from, OpenOptions.readOnly(format).withShareable(share))) {
            long size = source.sizeBytes();
            long start = skip > size / block ? size : skip * block;
            if (skip > 0 && start >= size) fail("%s: cannot skip to specified offset".formatted(from));
            long length = size - start;
            if (count >= 0 && count < length / block + 1) length = Math.min(length, count * block);
            CreateOptions options = new CreateOptions(made);
            Images.create(made, to, length, options);
            try (BlockNode target = open(to, OpenOptions.writable(targetFormat))) {
                CompressingNode packs = target instanceof CompressingNode it && it.needsCompressedWrites() ? it : null;
                BlockNode part = new WindowNode(source, source.format(), start, length);
                new Copier(part, target, 0, 4096, true, packs, null).copy(2, Progress.NONE);
                target.flush();
            }
        }
    }
}
