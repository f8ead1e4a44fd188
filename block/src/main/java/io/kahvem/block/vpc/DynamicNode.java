package io.kahvem.block.vpc;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Extent;
import io.kahvem.block.FormatInfo;
import io.kahvem.block.table.BlockTableNode;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.IdentifiedNode;
import io.kahvem.block.table.TablePages;
import io.kahvem.host.Errno;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.UUID;

/// A dynamic VHD: blocks with a map of sectors in front of each, which is all ones (a sector that was never written holds zeros anyway).
final class DynamicNode extends BlockTableNode implements IdentifiedNode {
    static final long NOWHERE = 0xffff_ffffL;

    private final DynamicHeader header;
    private final TablePages table;
    private final UUID id;
    private final byte[] footer;
    private final int mapBytes;
    private long end; // where the footer at the file's end is, and the next block will be

    DynamicNode(BlockNode file, Footer footer, DynamicHeader header) {
        super(file, footer.sizeBytes(), header.blockBytes());
        this.header = header;
        id = footer.id();
        this.footer = footer.bytes();
        mapBytes = mapBytes(header.blockBytes());
        table = new TablePages(file, 512, ByteOrder.BIG_ENDIAN);
        long fileEnd = (file.sizeBytes() + 511) / 512 * 512;
        boolean footerThere = fileEnd >= Footer.SIZE
                && Footer.isThere(FileBytes.read(file, fileEnd - Footer.SIZE, Footer.SIZE, ByteOrder.BIG_ENDIAN));
        end = Math.max(footerThere ? fileEnd - Footer.SIZE : fileEnd, header.tableOffset() + tableBytes(header.entries()));
    }

    static int mapBytes(int blockBytes) {
        return (blockBytes / 512 / 8 + 511) / 512 * 512;
    }

    static long tableBytes(long entries) {
        return (entries * 4 + 511) / 512 * 512;
    }

    @Override
    public String format() {
        return VpcFormat.NAME;
    }

    @Override
    public UUID id() {
        return id;
    }

    @Override
    protected long placeOf(long block) {
        long sector = table.unsignedInt(header.tableOffset() + 4 * block);
        return sector == NOWHERE ? ABSENT : sector * 512 + mapBytes;
    }

    @Override
    protected int mostNeighbours() {
        return 1;
    }

    @Override
    protected long allocate(int count) {
        long start = end;
        long next = start + mapBytes + blockBytes;
        if (start / 512 >= NOWHERE) throw new BlockException(Errno.EFBIG, name() + ": a VHD's file cannot grow beyond 2 TiB");
        FileBytes.write(file, next, footer);
        byte[] map = new byte[mapBytes];
        Arrays.fill(map, (byte) 0xff);
        FileBytes.write(file, start, map);
        end = next;
        return start + mapBytes;
    }

    @Override
    protected void link(long block, long place) {
        table.putInt(header.tableOffset() + 4 * block, (int) ((place - mapBytes) / 512));
    }

    @Override
    protected int changedPages() {
        return table.changedPages();
    }

    @Override
    protected void writeTables() {
        table.writeChanged((offset, page) -> FileBytes.write(file, offset, page));
    }

    /// There is no layer below: what is absent is zeros.
    @Override
    public Extent extentAt(long offset, long length) {
        Extent extent = super.extentAt(offset, length);
        return extent.kind() == Extent.Kind.ABSENT ? Extent.zero(extent.length()) : extent;
    }

    @Override
    public FormatInfo info() {
        return new FormatInfo(blockBytes, Map.of(), false);
    }
}
