package io.kahvem.block;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.file.FileNode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Opens and makes images.
public final class Images {
    /// How much of a file is looked at to tell its format.
    private static final int PROBED_BYTES = 2048;

    private Images() {}

    /// Opens an image. Throws [BlockException] in qemu-img's words; nothing is left open then.
    ///
    /// @param name a path
    public static BlockNode open(String name, OpenOptions options) {
        FileNode file = FileNode.open(name, options.readOnly(), options.cache(), options.unmap());
        try {
            ImageFormat format = options.format() == null ? probe(file) : Formats.named(options.format());
            boolean sharedRead = options.readOnly() && format.name().equals("raw");
            file.lock(!options.readOnly(), options.shareable() || sharedRead);
            return format.open(file, options);
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /// The format of what is in `file`.
    static ImageFormat probe(BlockNode file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment head = arena.allocate(Math.min(PROBED_BYTES, file.sizeBytes()), 8);
            if (head.byteSize() > 0) file.read(0, head);
            return Formats.probe(head.toArray(JAVA_BYTE), file.name());
        }
    }

    /// A disk for a device: an image with threads of its own.
    public static BlockBackend openDisk(String name, OpenOptions options) {
        return new Disk(open(name, options));
    }

    /// The names of all formats.
    public static List<String> formatNames() {
        return Formats.all().stream().map(ImageFormat::name).sorted().toList();
    }
}
