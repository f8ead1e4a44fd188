package io.kahvem.block;

import java.util.List;

/// A format of disk images: one row of [Formats].
public interface ImageFormat {
    /// As `-f` names it.
    String name();

    /// How sure the format is that these first bytes of a file are its own: 0 not at all, 100 certainly (QEMU's scores).
    ///
    /// @param head up to 2,048 bytes
    int probe(byte[] head, String fileName);

    /// Opens an image over `file`, which the node closes with itself. Throws [BlockException] where it is none of this format or damaged.
    BlockNode open(BlockNode file, OpenOptions options);

    /// What `create -o` takes; none if it makes no images.
    List<CreateOption> createOptions();

    /// Whether images can be made.
    default boolean canCreate() {
        return true;
    }

    /// Writes a new image of `sizeBytes` bytes into an empty `file`. Throws [BlockException] for values it cannot have.
    void create(BlockNode file, long sizeBytes, CreateOptions options);
}
