package io.kahvem.cli.image;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.ByteSize;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.qcow2.Bitmaps;
import io.kahvem.block.qcow2.Qcow2Node;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `bitmap`: actions are done in the order they are given in.
@Command(name = "bitmap", description = "Changes an image's bitmaps of what was written.")
final class BitmapVerb extends ImageVerb {
    @Spec
    private @Nullable CommandSpec command;

    @Option(names = "--add", description = "Add it.")
    private boolean add;

    @Option(names = "--remove", description = "Remove it.")
    private boolean remove;

    @Option(names = "--clear", description = "Nothing was written.")
    private boolean clear;

    @Option(names = "--enable", description = "Note writes from here on.")
    private boolean enable;

    @Option(names = "--disable", description = "Note no more writes.")
    private boolean disable;

    @Option(names = "--merge", paramLabel = "BITMAP", description = "Add what another one has.")
    private List<String> merge = List.of();

    @Option(names = "-g", paramLabel = "SIZE", description = "Granularity, for --add.")
    private @Nullable String granularity;

    @Option(names = "-b", paramLabel = "FILE", description = "The image --merge's bitmaps are in.")
    private @Nullable String source;

    @Option(names = "-F", paramLabel = "FORMAT", description = "That image's format.")
    private @Nullable String sourceFormat;

    @Option(names = "-f", paramLabel = "FORMAT", description = "The image's format; default: told from its first bytes.")
    private @Nullable String format;

    @Parameters(index = "0", paramLabel = "FILE")
    private String file = "";

    @Parameters(index = "1", paramLabel = "BITMAP")
    private String bitmap = "";

    @Override
    int run() {
        boolean any = add || remove || clear || enable || disable || !merge.isEmpty();
        if (!any) throw BlockException.invalid("Need at least one of --add, --remove, --clear, --enable, --disable, or --merge");
        try (BlockNode node = open(file, OpenOptions.writable(format).withBacking(false))) {
            if (!(node instanceof Qcow2Node qcow2)) {
                throw BlockException.invalid("Cannot store dirty bitmaps in file '%s': format %s has none".formatted(file, node.format()));
            }
            actions(qcow2.bitmaps());
        }
        return OK;
    }

    private void actions(Bitmaps bitmaps) {
        if (command == null) throw new AssertionError("run by picocli, which sets the spec");
        int merged = 0;
        for (String argument : command.commandLine().getParseResult().originalArgs()) {
            switch (argument.replaceFirst("=.*", "")) {
                case "--add" -> bitmaps.add(bitmap, granularity(bitmaps), !disable);
                case "--remove" -> remove(bitmaps);
                case "--clear" -> usable(bitmaps.needed(bitmap)).clear();
                case "--enable" -> usable(bitmaps.needed(bitmap)).setEnabled(true);
                case "--disable" -> usable(bitmaps.needed(bitmap)).setEnabled(false);
                case "--merge" -> merge(usable(bitmaps.needed(bitmap)), bitmaps, merge.get(merged++));
                default -> { }
            }
        }
    }

    private void remove(Bitmaps bitmaps) {
        bitmaps.needed(bitmap);
        bitmaps.remove(bitmap);
    }

    private static DirtyBitmap usable(DirtyBitmap bitmap) {
        if (bitmap.isInconsistent()) {
            throw BlockException.invalid("Bitmap '%s' is inconsistent and cannot be used\nTry 'kahvem image bitmap --remove' to delete it"
                    .formatted(bitmap.name()));
        }
        return bitmap;
    }

    private int granularity(Bitmaps bitmaps) {
        if (granularity == null) return bitmaps.defaultGranularity();
        long bytes = ByteSize.parse("granularity", granularity);
        if (bytes > 1 << 30) throw BlockException.invalid("Granularity must be a power of two, at most 1G");
        return (int) bytes;
    }

    private void merge(DirtyBitmap into, Bitmaps own, String name) {
        if (source == null) {
            into.merge(usable(own.needed(name)));
            return;
        }
        try (BlockNode node = open(source, OpenOptions.readOnly(sourceFormat).withBacking(false))) {
            if (!(node instanceof Qcow2Node qcow2)) throw BlockException.invalid("Dirty bitmap '%s' not found".formatted(name));
            into.merge(usable(qcow2.bitmaps().needed(name)));
        }
    }
}
