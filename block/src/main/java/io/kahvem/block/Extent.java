package io.kahvem.block;

/// What a layer has over a stretch of the disk (QEMU's block status).
///
/// @param length bytes, at least 1
/// @param kind what a reader finds
/// @param fileOffset where the bytes are in the layer's file as they are read, or -1: compressed, encrypted or nowhere
/// @param compressed whether they are kept compressed
/// @param reserved zeros for which the file holds room
public record Extent(long length, Kind kind, long fileOffset, boolean compressed, boolean reserved) {
    /// What a reader finds there.
    public enum Kind {
        DATA,
        ZERO,
        /// Nothing of this layer's own: what its backing layer has, or zeros without one.
        ABSENT
    }

    public static Extent data(long length, long fileOffset) {
        return new Extent(length, Kind.DATA, fileOffset, false, true);
    }

    public static Extent zero(long length) {
        return new Extent(length, Kind.ZERO, -1, false, false);
    }

    public static Extent absent(long length) {
        return new Extent(length, Kind.ABSENT, -1, false, false);
    }

    public Extent withLength(long bytes) {
        return new Extent(bytes, kind, fileOffset, compressed, reserved);
    }

    /// The same, of a file that lies `delta` bytes further on.
    public Extent moved(long delta) {
        return fileOffset < 0 ? this : new Extent(length, kind, fileOffset + delta, compressed, reserved);
    }
}
