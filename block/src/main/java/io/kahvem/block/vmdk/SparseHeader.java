package io.kahvem.block.vmdk;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.table.FileBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// The header of a sparse extent ("Hosted Sparse Extent Header", and ESX Server's `COWD`). Offsets and sizes are in sectors.
///
/// @param grain sectors a grain has
/// @param tableEntries entries of a grain table
/// @param directory where the grain directory is
/// @param redundant where its copy is, or 0
record SparseHeader(
        int version, int flags, long capacity, long grain, long descriptionOffset, long descriptionSize, int tableEntries, long directory,
        long redundant, long overhead, boolean compressed) {
    static final int SECTOR = 512;
    static final int MAGIC = 0x564d_444b; // "KDMV", little-endian
    static final int COWD_MAGIC = 0x4457_4f43;

    static final int FLAG_NEWLINES = 1;
    static final int FLAG_REDUNDANT = 2;
    static final int FLAG_ZERO_GRAINS = 4;
    static final int FLAG_COMPRESSED = 1 << 16;
    static final int FLAG_MARKERS = 1 << 17;

    private static final long DIRECTORY_AT_END = -1;
    private static final int DEFLATE = 1;
    private static final int FOOTER_BYTES = 3 * SECTOR;
    private static final long MOST_GRAIN = 0x20_0000;
    private static final long MOST_CAPACITY = 1L << 40;

    boolean hasZeroGrains() {
        return (flags & FLAG_ZERO_GRAINS) != 0;
    }

    static SparseHeader read(BlockNode file) {
        ByteBuffer b = FileBytes.read(file, 0, SECTOR, ByteOrder.LITTLE_ENDIAN);
        if (b.getInt(0) == COWD_MAGIC) return checked(cowd(b), file);
        if (b.getInt(0) != MAGIC) throw BlockException.invalid("Image not in VMDK format");
        SparseHeader h = hosted(b);
        if (h.directory == DIRECTORY_AT_END) {
            // Of a stream: the header at its end knows.
            long end = file.sizeBytes() - FOOTER_BYTES;
            if (end < 0) throw BlockException.invalid("The file is too short for a VMDK stream's footer");
            ByteBuffer footer = FileBytes.read(file, end, FOOTER_BYTES, ByteOrder.LITTLE_ENDIAN).slice(SECTOR, SECTOR);
            footer.order(ByteOrder.LITTLE_ENDIAN);
            if (footer.getInt(0) != MAGIC) throw BlockException.invalid("The stream's footer is missing: was it copied in whole?");
            h = hosted(footer);
        }
        return checked(h, file);
    }

    private static SparseHeader hosted(ByteBuffer b) {
        int flags = b.getInt(8);
        boolean compressed = (flags & FLAG_COMPRESSED) != 0;
        if (compressed && b.getShort(77) != DEFLATE) throw BlockException.invalid("VMDK compression " + b.getShort(77));
        return new SparseHeader(
                b.getInt(4), flags, b.getLong(12), b.getLong(20), b.getLong(28), b.getLong(36), b.getInt(44), b.getLong(56),
                (flags & FLAG_REDUNDANT) != 0 ? b.getLong(48) : 0, b.getLong(64), compressed);
    }

    private static SparseHeader cowd(ByteBuffer b) {
        return new SparseHeader(
                b.getInt(4), 0, b.getInt(12) & 0xffff_ffffL, b.getInt(16) & 0xffff_ffffL, 0, 0, 4096, b.getInt(20) & 0xffff_ffffL, 0, 0,
                false);
    }

    private static SparseHeader checked(SparseHeader h, BlockNode file) {
        if (h.version < 1 || h.version > 3) throw BlockException.invalid("Unsupported VMDK version " + Integer.toUnsignedString(h.version));
        if (h.tableEntries < 1 || h.tableEntries > 4096) throw BlockException.invalid("L2 table size too big");
        if (h.grain < 1 || h.grain > MOST_GRAIN) throw BlockException.invalid("Invalid granularity, image may be corrupt");
        if (h.capacity < 0 || h.capacity > MOST_CAPACITY) throw BlockException.invalid("VMDK of %d sectors".formatted(h.capacity));
        long inFile = file.sizeBytes() / SECTOR;
        long directory = (h.tables() * 4 + SECTOR - 1) / SECTOR;
        if (h.directory < 1 || h.directory > inFile - directory || h.redundant < 0 || h.redundant > inFile - directory) {
            throw BlockException.invalid("File truncated, expecting at least %d bytes".formatted((h.directory + directory) * SECTOR));
        }
        boolean description = h.descriptionOffset >= 0 && h.descriptionOffset <= inFile && h.descriptionSize >= 0
                && h.descriptionSize <= 1 << 11;
        if (!description) throw BlockException.invalid("VMDK description of %d sectors".formatted(h.descriptionSize));
        return h;
    }

    /// How many grain tables there are.
    long tables() {
        long covered = grain * tableEntries;
        return (capacity + covered - 1) / covered;
    }

    /// Lays a new extent out: the description, both directories each with all its tables, then grains.
    static SparseHeader layOut(long capacity, int version, int flags, int descriptionSectors) {
        int grain = 128;
        int entries = 512;
        long tables = (capacity + grain * entries - 1) / (grain * entries);
        long directorySectors = (tables * 4 + SECTOR - 1) / SECTOR;
        long both = directorySectors + tables * (entries * 4 / SECTOR);
        long redundant = 1 + descriptionSectors;
        long overhead = (redundant + 2 * both + grain - 1) / grain * grain;
        return new SparseHeader(
                version, flags, capacity, grain, 1, descriptionSectors, entries, redundant + both, redundant, overhead,
                (flags & FLAG_COMPRESSED) != 0);
    }

    byte[] bytes() {
        ByteBuffer b = ByteBuffer.allocate(SECTOR).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, MAGIC).putInt(4, version).putInt(8, flags).putLong(12, capacity).putLong(20, grain);
        b.putLong(28, descriptionOffset).putLong(36, descriptionSize).putInt(44, tableEntries);
        b.putLong(48, redundant).putLong(56, directory).putLong(64, overhead);
        b.put(73, new byte[] {'\n', ' ', '\r', '\n'}).putShort(77, (short) (compressed ? DEFLATE : 0));
        return b.array();
    }

    /// Writes an extent without grains.
    void create(BlockNode file) {
        FileBytes.write(file, 0, bytes());
        long directorySectors = (tables() * 4 + SECTOR - 1) / SECTOR;
        for (long start : new long[] {redundant, directory}) {
            ByteBuffer b = ByteBuffer.allocate((int) directorySectors * SECTOR).order(ByteOrder.LITTLE_ENDIAN);
            for (int n = 0; n < tables(); n++) b.putInt((int) (start + directorySectors + n * (long) (tableEntries * 4 / SECTOR)));
            if (b.capacity() > 0) FileBytes.write(file, start * SECTOR, b.array());
        }
    }
}
