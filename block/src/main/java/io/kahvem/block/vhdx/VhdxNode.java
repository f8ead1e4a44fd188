package io.kahvem.block.vhdx;

import io.kahvem.block.BlockNode;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CheckedNode;
import io.kahvem.block.FormatInfo;
import io.kahvem.block.Preallocation;
import io.kahvem.block.Repair;
import io.kahvem.block.table.BlockTableNode;
import io.kahvem.block.table.IdentifiedNode;
import io.kahvem.block.table.TablePages;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;

/// A VHDX disk, fixed or dynamic: its blocks are whole megabytes, and so are their places.
final class VhdxNode extends BlockTableNode implements CheckedNode, IdentifiedNode {
    static final int MEGABYTE = 1 << 20;

    // States of a block ([MS-VHDX] 2.5.1.1); the others read as zeros.
    static final int STATE_ZERO = 2;
    static final int STATE_FULLY_PRESENT = 6;
    static final int STATE = 7;

    private final Headers headers;
    private final Regions regions;
    private final Log log;
    private final TablePages table;
    private final long chunkBlocks;
    private boolean changed;

    VhdxNode(BlockNode file, Headers headers, Regions regions, Metadata metadata, Log log) {
        super(file, metadata.sizeBytes(), metadata.blockBytes());
        this.headers = headers;
        this.regions = regions;
        this.log = log;
        chunkBlocks = metadata.chunkBlocks();
        table = new TablePages(file, Log.SECTOR, ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public String format() {
        return VhdxFormat.NAME;
    }

    /// Behind each chunk of blocks stands the entry of its sector map, which disks without a parent have no use for.
    private long entryAt(long block) {
        return regions.batOffset() + 8 * (block + block / chunkBlocks);
    }

    @Override
    protected long placeOf(long block) {
        long entry = table.longAt(entryAt(block));
        if ((entry & STATE) != STATE_FULLY_PRESENT) return ZERO;
        return place(entry);
    }

    /// Of an entry that has one.
    static long place(long entry) {
        return (entry >>> 20) * MEGABYTE & Long.MAX_VALUE;
    }

    @Override
    public UUID id() {
        return headers.dataWriteId();
    }

    @Override
    protected int mostNeighbours() {
        return 1;
    }

    @Override
    protected long allocate(int count) {
        long start = (file.sizeBytes() + MEGABYTE - 1) / MEGABYTE * MEGABYTE;
        file.resize(start + blockBytes, Preallocation.OFF);
        return start;
    }

    @Override
    protected void link(long block, long place) {
        table.putLong(entryAt(block), place / MEGABYTE << 20 | STATE_FULLY_PRESENT);
    }

    @Override
    protected void beforeChange() {
        if (changed) return;
        headers.change(UUID.randomUUID(), true);
        changed = true;
    }

    @Override
    protected int changedPages() {
        return table.changedPages();
    }

    @Override
    protected void writeTables() {
        log.write(table);
    }

    @Override
    protected void closing() {
        if (changed) log.empty();
    }

    @Override
    public CheckResult check(Repair what, Consumer<String> lines) {
        return checkTable(lines);
    }

    @Override
    public FormatInfo info() {
        return new FormatInfo(blockBytes, Map.of(), false);
    }
}
