package io.kahvem.block.vpc;

import io.kahvem.block.BlockNode;
import io.kahvem.block.table.DifferencingNode;
import io.kahvem.block.table.Parent;
import io.kahvem.block.table.TablePages;
import java.nio.ByteOrder;
import java.util.UUID;

/// A differencing VHD: a dynamic one, whose maps say of each sector whether it is here or the parent's; the first sector's bit is the most
/// significant one.
final class DifferencingVhd extends DifferencingNode {
    private final DynamicHeader header;
    private final TablePages table;
    private final UUID id;
    private final int mapBytes;

    DifferencingVhd(BlockNode file, Footer footer, DynamicHeader header, Parent parent) {
        super(file, footer.sizeBytes(), header.blockBytes(), 512, parent);
        this.header = header;
        id = footer.id();
        mapBytes = DynamicNode.mapBytes(header.blockBytes());
        table = new TablePages(file, 512, ByteOrder.BIG_ENDIAN);
    }

    @Override
    public String format() {
        return VpcFormat.NAME;
    }

    @Override
    public UUID id() {
        return id;
    }

    private long sectorOf(long block) {
        return table.unsignedInt(header.tableOffset() + 4 * block);
    }

    @Override
    protected long placeOf(long block) {
        long sector = sectorOf(block);
        return sector == DynamicNode.NOWHERE ? ABSENT : sector * 512 + mapBytes;
    }

    @Override
    protected boolean isHere(long block, int sector) {
        return (table.byteAt(sectorOf(block) * 512 + sector / 8) & 0x80 >> sector % 8) != 0;
    }
}
