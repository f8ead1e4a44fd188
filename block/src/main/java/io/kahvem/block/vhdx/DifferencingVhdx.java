package io.kahvem.block.vhdx;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.table.DifferencingNode;
import io.kahvem.block.table.Parent;
import io.kahvem.block.table.TablePages;
import io.kahvem.host.Errno;
import java.nio.ByteOrder;
import java.util.UUID;

/// A differencing VHDX ([MS-VHDX] 2.5): of blocks that are there in part, the sector map of their chunk says which sectors those are; the
/// first sector's bit is the least significant one.
final class DifferencingVhdx extends DifferencingNode {
    private static final int STATE_NOT_PRESENT = 0;
    private static final int STATE_PARTIALLY_PRESENT = 7;
    private static final int MAP_BYTES = 1 << 20;

    private final Headers headers;
    private final Regions regions;
    private final TablePages table;
    private final long chunkBlocks;
    private final int blockSectors;

    DifferencingVhdx(BlockNode file, Headers headers, Regions regions, Metadata metadata, Parent parent) {
        super(file, metadata.sizeBytes(), metadata.blockBytes(), metadata.logicalSectorBytes(), parent);
        this.headers = headers;
        this.regions = regions;
        chunkBlocks = metadata.chunkBlocks();
        blockSectors = metadata.blockBytes() / metadata.logicalSectorBytes();
        table = new TablePages(file, Log.SECTOR, ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public String format() {
        return VhdxFormat.NAME;
    }

    @Override
    public UUID id() {
        return headers.dataWriteId();
    }

    private long entry(long block) {
        return table.longAt(regions.batOffset() + 8 * (block + block / chunkBlocks));
    }

    @Override
    protected long placeOf(long block) {
        long entry = entry(block);
        return switch ((int) entry & VhdxNode.STATE) {
            case STATE_NOT_PRESENT -> ABSENT;
            case VhdxNode.STATE_FULLY_PRESENT, STATE_PARTIALLY_PRESENT -> VhdxNode.place(entry);
            default -> ZERO;
        };
    }

    @Override
    protected boolean isHere(long block, int sector) {
        if (((int) entry(block) & VhdxNode.STATE) == VhdxNode.STATE_FULLY_PRESENT) return true;
        long chunk = block / chunkBlocks;
        long map = table.longAt(regions.batOffset() + 8 * ((chunk + 1) * (chunkBlocks + 1) - 1));
        if (((int) map & VhdxNode.STATE) != VhdxNode.STATE_FULLY_PRESENT || VhdxNode.place(map) > file.sizeBytes() - MAP_BYTES) {
            throw new BlockException(Errno.EIO, "%s: block %d is there in part, and its sector map is not in the file"
                    .formatted(name(), block));
        }
        long bit = block % chunkBlocks * blockSectors + sector;
        return (table.byteAt(VhdxNode.place(map) + bit / 8) >> bit % 8 & 1) != 0;
    }
}
