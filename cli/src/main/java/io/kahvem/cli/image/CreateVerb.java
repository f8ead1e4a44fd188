package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.ByteSize;
import io.kahvem.block.CreateOption;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `create`.
@Command(name = "create", description = "Makes an image.")
final class CreateVerb extends ImageVerb {
    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default raw.")
    private String format = "raw";

    @Option(names = "-b", paramLabel = "FILE", description = "The image shows this one where it has nothing of its own.")
    private @Nullable String backing;

    @Option(names = "-F", paramLabel = "FORMAT", description = "The backing file's format.")
    private @Nullable String backingFormat;

    @Option(names = {"-u", "--backing-unchecked"}, description = "Do not look at the backing file.")
    private boolean unchecked;

    @Option(names = "-o", paramLabel = "NAME=VALUE,...", description = "The format's options; -o help lists them.")
    private List<String> options = new ArrayList<>();

    @Parameters(index = "0", arity = "0..1", paramLabel = "FILE")
    private @Nullable String file;

    @Parameters(index = "1", arity = "0..1", paramLabel = "SIZE", description = "Bytes, or with a suffix: k, M, G, T, P, E.")
    private @Nullable String size;

    @Override
    int run() {
        if (isHelp(options)) {
            help(Formats.named(format));
            return OK;
        }
        if (file == null) throw BlockException.invalid("Expecting image file name\nTry 'kahvem image create --help' for more information");
        ImageFormat made = formatFor(file, format);
        CreateOptions given = new CreateOptions(made);
        try {
            fill(given, options);
            if (backing != null) given.set("backing_file", backing);
            if (backingFormat != null) given.set("backing_fmt", backingFormat);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "%s: %s".formatted(file, e.getMessage()), e);
        }
        long bytes = -1;
        if (size != null) bytes = ByteSize.tryParse(size);
        else if (given.has("size")) bytes = given.size("size");
        if (size != null && bytes < 0) {
            fail("Invalid image size specified. You may use k, M, G, T, P or E suffixes for");
            fail("kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
            return FAILED;
        }
        create(made, file, bytes, given);
        return OK;
    }

    private void create(ImageFormat made, String name, long bytes, CreateOptions given) {
        try {
            // As qemu-img does, it is said before it is done, so that a failure has its context.
            long size = Images.sizeOfNew(name, bytes, given, !unchecked);
            say(formatting(name, made, size, given));
            Images.create(made, name, size, given);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "%s: %s".formatted(name, e.getMessage()), e);
        }
    }

    static ImageFormat formatFor(String file, String format) {
        ImageFormat made;
        try {
            made = Formats.named(format);
        } catch (BlockException unknown) {
            throw BlockException.invalid("%s: Unknown file format '%s'".formatted(file, format));
        }
        if (!made.canCreate()) {
            throw BlockException.invalid("%s: Format driver '%s' does not support image creation".formatted(file, format));
        }
        return made;
    }

    private static String formatting(String name, ImageFormat format, long bytes, CreateOptions given) {
        StringBuilder line = new StringBuilder("Formatting '%s', fmt=%s".formatted(name, format.name()));
        for (CreateOption option : shownOrder(format.createOptions())) {
            String value = option.name().equals("size") ? Long.toString(bytes) : given.text(option.name());
            if (value == null || !given.has(option.name()) && !isShown(option)) continue;
            if (option.kind() == CreateOption.Kind.SIZE && !option.name().equals("size")) value = Long.toString(given.size(option.name()));
            line.append(' ').append(option.name()).append('=').append(value);
        }
        return line.toString();
    }

    /// What is said of options that were not given.
    private static boolean isShown(CreateOption option) {
        return option.name().equals("size") || !option.initial().isEmpty() && !option.name().equals("data_file_raw");
    }

    /// The order qemu-img has: cluster_size, then what was added lately, then the size and what depends on it.
    private static List<CreateOption> shownOrder(List<CreateOption> options) {
        List<String> first = List.of("cluster_size", "extended_l2", "preallocation", "compression_type", "size", "log_size", "block_size",
                "adapter_type", "compat", "backing_file", "backing_fmt", "compat6", "hwversion", "toolsversion", "subformat",
                "zeroed_grain", "block_state_zero", "force_size", "data_file", "data_file_raw", "lazy_refcounts", "refcount_bits");
        List<CreateOption> sorted = new ArrayList<>(options);
        sorted.sort(Comparator.comparingInt(o -> first.indexOf(o.name()) < 0 ? first.size() : first.indexOf(o.name())));
        return sorted;
    }

    private void help(ImageFormat format) {
        out().println("Supported %s options:".formatted(format.name()));
        for (CreateOption option : format.createOptions()) {
            out().println("  %-22s - %s".formatted("%s=<%s>".formatted(option.name(), option.kind()), option.help()));
        }
        out().flush();
    }
}
