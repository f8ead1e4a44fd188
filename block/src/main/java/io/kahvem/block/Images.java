package io.kahvem.block;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.file.FileNode;
import io.kahvem.block.nbd.NbdNode;
import io.kahvem.block.nbd.NbdUrl;
import io.kahvem.host.Errno;
import io.kahvem.host.HostFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Opens and makes images.
public final class Images {
    /// How much of a file is looked at to tell its format.
    private static final int PROBED_BYTES = 2048;

    /// A chain longer than this is a mistake.
    private static final int MOST_LAYERS = 200;

    private Images() {}

    /// Opens an image with the layers below it. Throws [BlockException] in qemu-img's words; nothing is left open then.
    ///
    /// @param name a path, or an address as [NbdUrl] has it
    public static BlockNode open(String name, OpenOptions options) {
        return open(name, options, false, new ArrayList<>());
    }

    private static BlockNode open(String name, OpenOptions options, boolean isBacking, List<Path> above) {
        return open(openFile(name, options), name, options, isBacking, above);
    }

    private static BlockNode open(BlockNode file, String name, OpenOptions options, boolean isBacking, List<Path> above) {
        BlockNode node;
        try {
            ImageFormat format = options.format() == null ? probe(file) : Formats.named(options.format());
            boolean sharedRead = options.readOnly() && !isBacking && format.name().equals("raw");
            if (file instanceof FileNode host) host.lock(!options.readOnly(), options.shareable() || sharedRead);
            node = openFormat(format, file, name, options);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
        String below = node.backingFile();
        if (!options.backing() || below == null) return node;
        try {
            above.add(real(name));
            node.attachBacking(openBacking(name, below, node.backingFormat(), options, above));
            return node;
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    private static BlockNode openFile(String name, OpenOptions options) {
        if (NbdUrl.isOne(name)) return NbdNode.open(name, options.readOnly());
        return FileNode.open(name, options);
    }

    private static BlockNode openFormat(ImageFormat format, BlockNode file, String name, OpenOptions options) {
        try {
            return format.open(file, options);
        } catch (BlockException e) {
            String prefix = "Could not open '%s': ".formatted(name);
            throw e.getMessage().startsWith("Could not open") ? e : new BlockException(e.errno(), prefix + e.getMessage(), e);
        }
    }

    private static BlockNode openBacking(String name, String below, @Nullable String format, OpenOptions options, List<Path> above) {
        String resolved = resolve(name, below);
        if (above.contains(real(resolved)) || above.size() > MOST_LAYERS) {
            throw new BlockException(Errno.EINVAL, "Could not open '%s': Backing file '%s' creates an infinite loop."
                    .formatted(name, below));
        }
        OpenOptions its = options.withReadOnly(true).withFormat(format).withSnapshot(null);
        try {
            return open(resolved, its, true, above);
        } catch (BlockException e) {
            if (e.getMessage().contains("Could not open backing file") || e.getMessage().contains("infinite loop")) throw e;
            throw new BlockException(e.errno(), "Could not open '%s': Could not open backing file: %s".formatted(name, e.getMessage()), e);
        }
    }

    private static Path real(String name) {
        try {
            return Path.of(name).toRealPath();
        } catch (IOException absent) {
            return Path.of(name).toAbsolutePath().normalize();
        }
    }

    /// A name recorded in an image, as seen from here: relative ones start at the image's directory.
    public static String resolve(String image, String recorded) {
        if (recorded.matches("[a-z+]+:.*")) return recorded;
        Path parent = Path.of(image).getParent();
        return parent == null ? recorded : parent.resolve(recorded).toString();
    }

    /// Opens the layer an image records below itself, alone or with those below it, for reading.
    public static BlockNode openBackingOf(BlockNode node, OpenOptions options) {
        String below = node.backingFile();
        if (below == null) throw new BlockException(Errno.ENOENT, "Image does not have a backing file");
        return open(resolve(node.name(), below), options.withFormat(node.backingFormat()), true, new ArrayList<>());
    }

    /// The file an image's data are in, beside it. It is opened like the image.
    public static BlockNode openDataFile(String image, String recorded, OpenOptions options) {
        FileNode file = FileNode.open(resolve(image, recorded), options);
        try {
            file.lock(!options.readOnly(), options.shareable());
            return file;
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    public static BlockNode createDataFile(String image, String recorded, long sizeBytes) {
        FileNode file = FileNode.create(resolve(image, recorded), CacheMode.WRITEBACK);
        file.resize(sizeBytes, Preallocation.OFF);
        return file;
    }

    /// The format of what is in `file`.
    public static ImageFormat probe(BlockNode file) {
        try (Arena arena = Arena.ofConfined()) {
            long length = Math.min(PROBED_BYTES, file.sizeBytes());
            MemorySegment head = arena.allocate(Math.max(1, length), 8).asSlice(0, length);
            if (length > 0) file.read(0, head);
            return Formats.probe(head.toArray(JAVA_BYTE), file.name());
        }
    }

    /// The size a new image will have: as given, or left (-1) to a backing file among its options, which must exist and whose format must
    /// be among them too. Throws [BlockException] in qemu-img's words.
    public static long sizeOfNew(String name, long sizeBytes, CreateOptions options, boolean checkBacking) {
        long size = sizeBytes;
        String below = options.given().get("backing_file");
        if (below != null && (checkBacking || size < 0)) {
            String belowFormat = options.given().get("backing_fmt");
            String resolved = resolve(name, below);
            try (BlockNode node = open(resolved, OpenOptions.readOnly(belowFormat).withShareable(true))) {
                if (belowFormat == null) {
                    throw BlockException.invalid("Backing file specified without backing format\nDetected format of " + node.format(
                            ) + ".");
                }
                if (size < 0) size = node.sizeBytes();
            } catch (BlockException e) {
                if (e.getMessage().startsWith("Backing file")) throw e;
                String why = e.getMessage().replaceFirst("^Could not open '[^']*': ", "");
                throw new BlockException(e.errno(), "Could not open '%s': %s\nCould not open backing image.".formatted(resolved, why), e);
            }
        }
        if (size < 0) throw BlockException.invalid("Image creation needs a size parameter");
        return size;
    }

    /// Makes an image. Throws [BlockException] in qemu-img's words.
    public static void create(ImageFormat format, String name, long sizeBytes, CreateOptions options) {
        if (NbdUrl.isOne(name)) {
            try (BlockNode file = NbdNode.open(name, false)) {
                format.create(file, sizeBytes, options);
            }
            return;
        }
        try (FileNode file = FileNode.create(name, CacheMode.WRITEBACK)) {
            file.lock(true, false);
            format.create(file, sizeBytes, options);
        }
    }

    /// A disk for a device: an image with threads of its own.
    public static BlockBackend openDisk(String name, OpenOptions options) {
        return new Disk(open(name, options));
    }

    /// Opens an image in a file that another process has opened and passed; it must be open for writing unless `options` are for reading
    /// alone. It is closed where that fails.
    public static BlockNode open(HostFile file, String name, OpenOptions options) {
        return open(FileNode.of(file, name, options.readOnly()), name, options, false, new ArrayList<>());
    }

    /// Makes an image in a file that another process has opened for writing and passed; what it has is cut off. The file is closed.
    public static void create(HostFile passed, ImageFormat format, String name, long sizeBytes, CreateOptions options) {
        try (FileNode file = FileNode.of(passed, name, false)) {
            file.lock(true, false);
            file.resize(0, Preallocation.OFF);
            format.create(file, sizeBytes, options);
        }
    }

    /// Gives a layer its own file, passed open for reading and writing, so that it can be written where it cannot be opened anew. Requests
    /// must not be under way. Throws [BlockException] where it is another file, or the layer is in none; it is closed then.
    public static void giveFile(BlockNode layer, HostFile passed) {
        BlockNode node = layer;
        while (!node.children().isEmpty()) node = node.children().getFirst();
        if (node instanceof FileNode file) {
            file.replace(passed);
            return;
        }
        passed.close();
        throw BlockException.invalid("'%s' is no file that a descriptor could be passed for".formatted(layer.name()));
    }

    /// Whether a name is that of a file: no address.
    public static boolean isFile(String name) {
        return !NbdUrl.isOne(name);
    }

    /// The names of all formats.
    public static List<String> formatNames() {
        return Formats.all().stream().map(ImageFormat::name).sorted().toList();
    }
}
