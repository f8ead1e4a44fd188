package io.kahvem.block.vhdx;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.Parent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The metadata region ([MS-VHDX] 2.6): what disk it is.
///
/// @param parent of a differencing disk
record Metadata(int blockBytes, boolean leavesBlocksAllocated, Optional<Parent> parent, long sizeBytes, int logicalSectorBytes) {
    static final int LEAST_BLOCK = 1 << 20;
    static final int MOST_BLOCK = 256 << 20;
    static final long MOST_SIZE = 64L << 40;

    private static final byte[] SIGNATURE = "metadata".getBytes(StandardCharsets.US_ASCII);
    private static final int TABLE = 64 << 10;
    private static final int ENTRY = 32;
    private static final int MOST_ENTRIES = 2047;
    private static final int LARGEST_ITEM = 16;

    /// Flags of an entry: what the disk, not the file, is; and what a reader must know.
    private static final int IS_VIRTUAL_DISK = 2;
    private static final int IS_REQUIRED = 4;

    static Metadata read(BlockNode file, Regions regions) {
        ByteBuffer table = FileBytes.read(file, regions.metadataOffset(), TABLE, ByteOrder.LITTLE_ENDIAN);
        byte[] signature = new byte[8];
        table.get(0, signature);
        int count = table.getShort(10) & 0xffff;
        if (!Arrays.equals(signature, SIGNATURE) || count > MOST_ENTRIES) throw BlockException.invalid("VHDX metadata table is damaged");
        Map<UUID, ByteBuffer> items = new HashMap<>();
        long[] locator = {};
        for (int n = 0; n < count; n++) {
            int at = 32 + ENTRY * n;
            UUID id = Guid.get(table, at);
            long offset = table.getInt(at + 16) & 0xffff_ffffL;
            boolean known = isKnown(id);
            if (!known && (table.getInt(at + 24) & IS_REQUIRED) != 0) {
                throw BlockException.invalid("VHDX metadata item %s is required and unknown".formatted(id));
            }
            if (!known) continue;
            if (offset < TABLE || offset > regions.metadataLength() - LARGEST_ITEM) {
                throw BlockException.invalid("VHDX metadata item %s at %d, outside of its region".formatted(id, offset));
            }
            if (id.equals(Guid.PARENT_LOCATOR)) {
                locator = new long[] {offset, table.getInt(at + 20) & 0xffff_ffffL};
                if (locator[1] > regions.metadataLength() - offset) {
                    throw BlockException.invalid("VHDX parent locator of %d bytes, beyond its region".formatted(locator[1]));
                }
            }
            items.put(id, FileBytes.read(file, regions.metadataOffset() + offset, LARGEST_ITEM, ByteOrder.LITTLE_ENDIAN));
        }
        ByteBuffer parameters = needed(items.get(Guid.FILE_PARAMETERS), "file parameters");
        int flags = parameters.getInt(4);
        Optional<Parent> parent = Optional.empty();
        if ((flags & 2) != 0) {
            if (locator.length == 0) throw BlockException.invalid("VHDX differencing disk without a parent locator");
            parent = Optional.of(ParentLocator.read(file, regions.metadataOffset() + locator[0], locator[1]));
        }
        Metadata m = new Metadata(
                parameters.getInt(0), (flags & 1) != 0, parent,
                needed(items.get(Guid.VIRTUAL_DISK_SIZE), "virtual disk size").getLong(0),
                needed(items.get(Guid.LOGICAL_SECTOR_SIZE), "logical sector size").getInt(0));
        m.check();
        return m;
    }

    private static boolean isKnown(UUID id) {
        return id.equals(Guid.FILE_PARAMETERS) || id.equals(Guid.VIRTUAL_DISK_SIZE) || id.equals(Guid.VIRTUAL_DISK_ID)
                || id.equals(Guid.LOGICAL_SECTOR_SIZE) || id.equals(Guid.PHYSICAL_SECTOR_SIZE) || id.equals(Guid.PARENT_LOCATOR);
    }

    private static ByteBuffer needed(@Nullable ByteBuffer item, String what) {
        if (item == null) throw BlockException.invalid("VHDX metadata without the " + what);
        return item;
    }

    private void check() {
        if (blockBytes < LEAST_BLOCK || blockBytes > MOST_BLOCK || Integer.bitCount(blockBytes) != 1) {
            throw BlockException.invalid("VHDX block size " + Integer.toUnsignedString(blockBytes));
        }
        if (logicalSectorBytes != 512 && logicalSectorBytes != 4096) {
            throw BlockException.invalid("VHDX logical sector size " + Integer.toUnsignedString(logicalSectorBytes));
        }
        if (sizeBytes <= 0 || sizeBytes > MOST_SIZE || sizeBytes % logicalSectorBytes != 0) {
            throw BlockException.invalid("VHDX disk of %d bytes".formatted(sizeBytes));
        }
    }

    /// How many entries of blocks stand between two of sector maps.
    long chunkBlocks() {
        return (1L << 23) * logicalSectorBytes / blockBytes;
    }

    /// How many entries the table of blocks has, those of sector maps included; behind the last blocks only a differencing disk has one.
    long entries() {
        long blocks = (sizeBytes + blockBytes - 1) / blockBytes;
        if (parent.isPresent()) return (blocks + chunkBlocks() - 1) / chunkBlocks() * (chunkBlocks() + 1);
        return blocks + (blocks - 1) / chunkBlocks();
    }

    void write(BlockNode file, long offset) {
        ByteBuffer table = ByteBuffer.allocate(TABLE).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer items = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);
        table.put(0, SIGNATURE).putShort(10, (short) 5);
        items.putInt(0, blockBytes).putInt(4, leavesBlocksAllocated ? 1 : 0).putLong(8, sizeBytes);
        Guid.put(items, 16, UUID.randomUUID());
        items.putInt(32, logicalSectorBytes).putInt(36, 512);
        put(table, 0, Guid.FILE_PARAMETERS, 0, 8, IS_REQUIRED);
        put(table, 1, Guid.VIRTUAL_DISK_SIZE, 8, 8, IS_REQUIRED | IS_VIRTUAL_DISK);
        put(table, 2, Guid.VIRTUAL_DISK_ID, 16, 16, IS_REQUIRED | IS_VIRTUAL_DISK);
        put(table, 3, Guid.LOGICAL_SECTOR_SIZE, 32, 4, IS_REQUIRED | IS_VIRTUAL_DISK);
        put(table, 4, Guid.PHYSICAL_SECTOR_SIZE, 36, 4, IS_REQUIRED | IS_VIRTUAL_DISK);
        FileBytes.write(file, offset, table.array());
        FileBytes.write(file, offset + TABLE, items.array());
    }

    private static void put(ByteBuffer table, int index, UUID id, int item, int length, int flags) {
        int at = 32 + ENTRY * index;
        Guid.put(table, at, id);
        table.putInt(at + 16, TABLE + item).putInt(at + 20, length).putInt(at + 24, flags);
    }
}
