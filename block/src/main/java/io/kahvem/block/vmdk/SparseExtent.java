package io.kahvem.block.vmdk;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CheckedNode;
import io.kahvem.block.CompressingNode;
import io.kahvem.block.Preallocation;
import io.kahvem.block.Repair;
import io.kahvem.block.table.BlockTableNode;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.TablePages;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.zip.DataFormatException;
import java.util.zip.Deflater;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/// An extent of grains, which a directory of tables finds; those of a stream are compressed.
final class SparseExtent extends BlockTableNode implements CheckedNode, CompressingNode {
    private static final int SECTOR = SparseHeader.SECTOR;
    private static final long ZERO_GRAIN = 1;

    /// Sector of the disk and length in bytes, in front of a compressed grain.
    private static final int MARKER = 12;

    private final SparseHeader header;
    private final TablePages tables;
    private long end; // where the next compressed grain goes

    SparseExtent(BlockNode file, SparseHeader header) {
        super(file, header.capacity() * SECTOR, (int) header.grain() * SECTOR);
        this.header = header;
        tables = new TablePages(file, SECTOR, ByteOrder.LITTLE_ENDIAN);
        end = (file.sizeBytes() + SECTOR - 1) / SECTOR * SECTOR;
    }

    SparseHeader header() {
        return header;
    }

    @Override
    public String format() {
        return VmdkFormat.NAME;
    }

    @Override
    protected boolean isCompressed() {
        return header.compressed();
    }

    @Override
    public boolean needsCompressedWrites() {
        return header.compressed();
    }

    @Override
    protected boolean hasZeroEntries() {
        return header.hasZeroGrains();
    }

    /// Shows `node` from its byte `start` on where there is no grain.
    void showsBelow(@Nullable BlockNode node, long start) {
        showBelow(node, start);
    }

    private long tableAt(long directory, long block) {
        return tables.unsignedInt(directory * SECTOR + 4 * (block / header.tableEntries())) * SECTOR;
    }

    @Override
    protected long placeOf(long block) {
        long table = tableAt(header.directory(), block);
        if (table == 0) return ABSENT;
        long entry = tables.unsignedInt(table + 4 * (block % header.tableEntries()));
        if (entry == 0) return ABSENT;
        return entry == ZERO_GRAIN && header.hasZeroGrains() ? ZERO : entry * SECTOR;
    }

    @Override
    protected long allocate(int count) {
        long start = (file.sizeBytes() + blockBytes - 1) / blockBytes * blockBytes;
        long next = start + (long) count * blockBytes;
        checkRoom(next);
        file.resize(next, Preallocation.OFF);
        return start;
    }

    private void checkRoom(long fileEnd) {
        if (fileEnd / SECTOR > 0xffff_ffffL) throw new BlockException(Errno.EFBIG, name() + ": a VMDK extent cannot grow beyond 2 TiB");
    }

    @Override
    protected void link(long block, long place) {
        int entry = place == ZERO ? (int) ZERO_GRAIN : (int) (place / SECTOR);
        enter(header.directory(), block, entry);
        if (header.redundant() > 0) enter(header.redundant(), block, entry);
    }

    private void enter(long directory, long block, int entry) {
        long table = tableAt(directory, block);
        if (table == 0) {
            int bytes = (header.tableEntries() * 4 + SECTOR - 1) / SECTOR * SECTOR;
            table = (file.sizeBytes() + SECTOR - 1) / SECTOR * SECTOR;
            checkRoom(table + bytes);
            file.resize(table + bytes, Preallocation.OFF);
            end = Math.max(end, table + bytes);
            tables.putInt(directory * SECTOR + 4 * (block / header.tableEntries()), (int) (table / SECTOR));
        }
        tables.putInt(table + 4 * (block % header.tableEntries()), entry);
    }

    @Override
    protected int changedPages() {
        return tables.changedPages();
    }

    @Override
    protected void writeTables() {
        tables.writeChanged((offset, page) -> FileBytes.write(file, offset, page));
    }

    @Override
    public CheckResult check(Repair what, Consumer<String> lines) {
        return checkTable(lines);
    }

    // ---- compressed grains

    @Override
    protected void readCompressed(long place, long start, MemorySegment into) {
        ByteBuffer marker = FileBytes.read(file, place, MARKER, ByteOrder.LITTLE_ENDIAN);
        int length = marker.getInt(8);
        if (length <= 0 || length > blockBytes * 2 + SECTOR) throw damaged(place);
        byte[] packed = FileBytes.read(file, place + MARKER, length, ByteOrder.LITTLE_ENDIAN).array();
        byte[] plain = new byte[blockBytes];
        Inflater inflater = new Inflater();
        try {
            inflater.setInput(packed);
            int done = 0;
            for (int n = 1; n > 0 && done < plain.length; done += n) n = inflater.inflate(plain, done, plain.length - done);
            if (done < start + into.byteSize()) throw damaged(place);
        } catch (DataFormatException e) {
            throw damaged(place);
        } finally {
            inflater.end();
        }
        MemorySegment.copy(plain, (int) start, into, JAVA_BYTE, 0, (int) into.byteSize());
    }

    private BlockException damaged(long place) {
        return new BlockException(Errno.EIO, "%s: the compressed grain at %#x of the file is damaged".formatted(name(), place));
    }

    @Override
    public void writeCompressed(long offset, MemorySegment cluster) {
        byte[] plain = new byte[blockBytes];
        MemorySegment.copy(cluster, JAVA_BYTE, 0, plain, 0, (int) cluster.byteSize());
        byte[] packed = new byte[blockBytes + blockBytes / 100 + SECTOR];
        Deflater deflater = new Deflater();
        deflater.setInput(plain);
        deflater.finish();
        int length = deflater.deflate(packed, MARKER, packed.length - MARKER);
        deflater.end();
        ByteBuffer.wrap(packed).order(ByteOrder.LITTLE_ENDIAN).putLong(0, offset / SECTOR).putInt(8, length);
        byte[] padded = Arrays.copyOf(packed, (MARKER + length + SECTOR - 1) / SECTOR * SECTOR);
        lock.lock();
        try {
            long place = end;
            checkRoom(place + padded.length);
            end += padded.length;
            FileBytes.write(file, place, padded);
            link(offset / blockBytes, place);
        } finally {
            lock.unlock();
        }
    }
}
