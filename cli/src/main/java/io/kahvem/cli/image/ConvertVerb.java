package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.CacheMode;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.qcow2.Qcow2Node;
import io.kahvem.block.tool.Copier;
import io.kahvem.block.tool.Progress;
import io.kahvem.cli.PlainOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `convert`.
@Command(name = "convert", description = "Copies images, one after the other, into a new one of another format.")
final class ConvertVerb extends ImageVerb {
    private static final int MOST_WORKERS = 16;

    @Option(names = "-f", paramLabel = "FORMAT", description = "The sources' format; default: told from their first bytes.")
    private @Nullable String format;

    @Option(names = "-O", paramLabel = "FORMAT", description = "The new image's format; default raw.")
    private String targetFormat = "raw";

    @Option(names = "-o", paramLabel = "NAME=VALUE,...", description = "The new image's options.")
    private List<String> options = new ArrayList<>();

    @Option(names = "-B", paramLabel = "FILE", description = "The new image's backing file: what it has already is not copied.")
    private @Nullable String backing;

    @Option(names = "-F", paramLabel = "FORMAT", description = "The backing file's format.")
    private @Nullable String backingFormat;

    @Option(names = "-c", description = "Compress.")
    private boolean compress;

    @Option(names = "-n", description = "The target exists: do not make it.")
    private boolean exists;

    @Option(names = "--target-is-zero", description = "The target reads as zeros already.")
    private boolean targetIsZero;

    @Option(names = "--bitmaps", description = "Copy the source's bitmaps too.")
    private boolean bitmaps;

    @Option(names = "--skip-broken-bitmaps", description = "Leave out bitmaps that were in use in a crash.")
    private boolean skipBroken;

    @Option(names = "-l", paramLabel = "SNAPSHOT", description = "Copy this internal snapshot.")
    private @Nullable String snapshot;

    @Option(names = "-S", paramLabel = "SIZE", description = "How long zeros must be to be left out; 0: nothing is. Default 4k.")
    private @Nullable String sparse;

    @Option(names = "-C", description = "Let the host copy from file to file where it can; data are not looked at for zeros.")
    private boolean offload;

    @Option(names = "-r", paramLabel = "RATE", description = "Bytes a second, at most.")
    private @Nullable String rate;

    @Option(names = "--salvage", description = "What cannot be read becomes zeros, with a warning.")
    private boolean salvage;

    @Option(names = "-m", paramLabel = "N", description = "Parts that are copied at a time.")
    private int workers = Math.clamp(Runtime.getRuntime().availableProcessors(), 2, MOST_WORKERS);

    @Option(names = "-W", description = "Out of order: parts are written as they come anyway.")
    @SuppressWarnings("UnusedVariable") // what it allows is the rule here
    private boolean outOfOrder;

    @Option(names = "-t", paramLabel = "CACHE", description = "Cache mode for the target; default unsafe.")
    private @Nullable String cache;

    @Option(names = "-T", paramLabel = "CACHE", description = "Cache mode for the sources.")
    private @Nullable String sourceCache;

    @Option(names = "-p", description = "Show progress.")
    private boolean progress;

    @Option(names = {"-U", "--force-share"}, description = "Though the source is in use.")
    private boolean share;

    @Parameters(arity = "1..*", paramLabel = "FILE", description = "Sources, then the target.")
    private List<String> files = new ArrayList<>();

    /// Takes arguments without picocli, whose reading of the annotations takes longer than a small image does. False where one is not
    /// written plainly (see [PlainOptions]) or seldom given; this object is of no use then.
    boolean takesPlainly(List<String> arguments) {
        return PlainOptions.take(arguments, Set.of("-o"), this::takesWord, this::takesValue);
    }

    private boolean takesWord(String word) {
        switch (word) {
            case "-c" -> compress = true;
            case "-n" -> exists = true;
            case "-p" -> progress = true;
            case "-q" -> beQuiet();
            case "-U" -> share = true;
            case "-W" -> outOfOrder = true;
            default -> {
                return !word.startsWith("-") && !word.startsWith("@") && files.add(word);
            }
        }
        return true;
    }

    private boolean takesValue(String option, String value) {
        switch (option) {
            case "-f" -> format = value;
            case "-O" -> targetFormat = value;
            case "-o" -> options.add(value);
            case "-B" -> backing = value;
            case "-F" -> backingFormat = value;
            case "-S" -> sparse = value;
            case "-m" -> {
                if (!value.matches("[0-9]{1,6}")) return false;
                workers = Integer.parseInt(value);
            }
            case "-t" -> cache = value;
            case "-T" -> sourceCache = value;
            default -> {
                return false;
            }
        }
        return !value.startsWith("@");
    }

    @Override
    int run() {
        if (isHelp(options)) throw BlockException.invalid("kahvem image create -f %s -o help lists the options".formatted(targetFormat));
        if (files.size() < 2) throw BlockException.invalid("Must specify image file name");
        if (workers < 1 || workers > MOST_WORKERS) {
            throw BlockException.invalid("Invalid number of coroutines. Allowed number of coroutines is between 1 and " + MOST_WORKERS);
        }
        if (targetIsZero && !exists) throw BlockException.invalid("--target-is-zero requires use of -n flag");
        if (backing != null && files.size() > 2) {
            throw BlockException.invalid("Having a backing file for the target makes no sense when concatenating multiple input images");
        }
        if (offload && sparse != null) throw BlockException.invalid("Cannot enable copy offloading when -S is used");
        if (offload && salvage) throw BlockException.invalid("Cannot use copy offloading in salvaging mode");
        String target = files.getLast();
        List<BlockNode> sources = new ArrayList<>();
        try {
            for (String file : files.subList(0, files.size() - 1)) sources.add(openSource(file));
            convert(sources, target);
        } finally {
            sources.forEach(BlockNode::close);
        }
        return OK;
    }

    private void warn(String lost) {
        if (!isQuiet()) fail(lost);
    }

    private BlockNode openSource(String file) {
        OpenOptions its = OpenOptions.readOnly(format).withShareable(share).withCache(cache(sourceCache, CacheMode.WRITEBACK));
        if (snapshot == null) return open(file, its);
        Map<String, String> given = pairs(snapshot);
        String idOrName = given.getOrDefault("snapshot.id", given.getOrDefault("snapshot.name", snapshot));
        return open(file, its.withSnapshot(idOrName));
    }

    private void convert(List<BlockNode> sources, String target) {
        long total = sources.stream().mapToLong(BlockNode::sizeBytes).sum();
        ImageFormat made = CreateVerb.formatFor(target, targetFormat);
        long sparseBytes = ByteSize.parse("-S", sparse == null ? "4k" : sparse);
        if (sparseBytes % 512 != 0) throw BlockException.invalid(
                "Invalid buffer size for sparse output specified. Valid sizes are multiples of 512");
        if (!exists) create(made, sources.getFirst(), target, total);
        OpenOptions its = OpenOptions.writable(targetFormat).withCache(cache(cache, CacheMode.UNSAFE)).withBacking(exists
                || backing != null);
        try (BlockNode to = Images.open(target, its)) {
            if (exists && to.sizeBytes() < total) {
                throw BlockException.invalid("The target image is too small: %d bytes, and %d are needed".formatted(to.sizeBytes(), total));
            }
            boolean packs = to instanceof CompressingNode it && (compress || it.needsCompressedWrites());
            CompressingNode compressed = packs ? (CompressingNode) to : null;
            if (compress && compressed == null) throw BlockException.invalid("Compression not supported for this file format");
            BlockNode base = backing == null ? null : baseOf(sources.getFirst());
            boolean zero = targetIsZero || !exists && backing == null;
            long bytesPerSecond = rate == null ? 0 : ByteSize.parse("rate limit", rate);
            Progress shown = progress(progress);
            long at = 0;
            for (BlockNode source : sources) {
                long offset = at;
                Progress part = (done, all) -> shown.moved(offset + done, total);
                Copier copier = new Copier(source, to, at, sparseBytes, zero, compressed, base).atMost(bytesPerSecond);
                if (salvage) copier.salvaging(this::warn);
                if (offload) copier.offloading();
                copier.copy(workers, part);
                at += source.sizeBytes();
            }
            if (bitmaps) copyBitmaps(sources.getFirst(), to);
            to.flush();
        }
    }

    /// Makes the target; its options are checked before anything is written.
    private void create(ImageFormat made, BlockNode source, String target, long total) {
        CreateOptions given = new CreateOptions(made);
        try {
            fill(given, options);
            if (backing != null) given.set("backing_file", backing);
            if (backingFormat != null) given.set("backing_fmt", backingFormat);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "%s: %s".formatted(target, e.getMessage()), e);
        }
        if (compress && !given.text("preallocation", "off").equals("off")) {
            throw BlockException.invalid("Compression and preallocation not supported at the same time");
        }
        long size = given.has("size") ? given.size("size") : total;
        if (size < total) throw BlockException.invalid("%s: the size given is less than the source's, %d bytes"
                .formatted(target, source.sizeBytes()));
        try {
            Images.create(made, target, Images.sizeOfNew(target, size, given, true), given);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "%s: error while converting %s: %s".formatted(target, targetFormat, e.getMessage()), e);
        }
    }

    /// The layer of the source that the target has below itself too, or null if it has none: then everything is compared by copying it.
    private @Nullable BlockNode baseOf(BlockNode source) {
        for (BlockNode layer = source.backing(); layer != null; layer = layer.backing()) {
            if (backing != null && sameFile(layer.name(), backing)) return layer;
        }
        return null;
    }

    private static boolean sameFile(String a, String b) {
        try {
            return Files.isSameFile(Path.of(a), Path.of(b));
        } catch (IOException absent) {
            return false;
        }
    }

    private void copyBitmaps(BlockNode source, BlockNode target) {
        if (!(source instanceof Qcow2Node from) || !(target instanceof Qcow2Node to)) {
            throw BlockException.invalid("Format driver '%s' does not support bitmaps".formatted(target.format()));
        }
        for (DirtyBitmap bitmap : from.bitmaps().list()) {
            if (bitmap.isInconsistent()) {
                if (skipBroken) continue;
                throw BlockException.invalid(("Cannot copy inconsistent bitmap '%s'\n"
                        + "Try --skip-broken-bitmaps, or use 'kahvem image bitmap --remove %1$s'").formatted(bitmap.name()));
            }
            to.bitmaps().add(bitmap.name(), bitmap.granularity(), bitmap.isEnabled());
            to.bitmaps().needed(bitmap.name()).merge(bitmap);
        }
    }
}
