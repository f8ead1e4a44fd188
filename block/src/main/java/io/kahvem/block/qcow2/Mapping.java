package io.kahvem.block.qcow2;

/// What an image has over a stretch of the disk.
///
/// @param length bytes of the disk
/// @param hostOffset where they are in the data file; -1 nowhere
/// @param entry the L2 entry, of a compressed cluster
record Mapping(Kind kind, long length, long hostOffset, long entry) {
    enum Kind {
        UNALLOCATED,
        ZERO_PLAIN,
        /// Zeros, for which the file holds room.
        ZERO_ALLOCATED,
        NORMAL,
        COMPRESSED;

        boolean isZero() {
            return this == ZERO_PLAIN || this == ZERO_ALLOCATED;
        }
    }
}
