package io.kahvem.block.raw;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Extent;
import io.kahvem.block.FileLayer;
import io.kahvem.block.Formats;
import io.kahvem.block.IoVector;
import io.kahvem.block.Preallocation;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// A raw disk. One whose format was probed refuses writes that would make its first sector look like another format: the next start
/// would probe that, and open whatever file the guest names there as backing file (QEMU's rule).
final class RawNode extends FileLayer {
    static final int SECTOR = 512;

    private final boolean probed;
    private volatile long sizeBytes;

    RawNode(BlockNode file, boolean probed) {
        super(file);
        this.probed = probed;
        sizeBytes = (file.sizeBytes() + SECTOR - 1) / SECTOR * SECTOR;
    }

    @Override
    public String format() {
        return RawFormat.NAME;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public void read(long offset, MemorySegment into) {
        file.read(offset, into);
    }

    @Override
    public void readVector(long offset, IoVector into) {
        file.readVector(offset, into);
    }

    @Override
    public boolean readAtOnce(long offset, IoVector into) {
        return file.readAtOnce(offset, into);
    }

    @Override
    public void write(long offset, MemorySegment from) {
        if (probed && offset < SECTOR) refuseOtherFormats(offset, from.asSlice(0, Math.min(from.byteSize(), SECTOR - offset)));
        file.write(offset, from);
    }

    @Override
    public void writeVector(long offset, IoVector from) {
        if (probed && offset < SECTOR) {
            super.writeVector(offset, from);
        } else {
            file.writeVector(offset, from);
        }
    }

    private void refuseOtherFormats(long offset, MemorySegment from) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment sector = arena.allocate(SECTOR, SECTOR);
            file.read(0, sector);
            sector.asSlice(offset, from.byteSize()).copyFrom(from);
            String looksLike = Formats.probe(sector.toArray(JAVA_BYTE), name()).name();
            if (looksLike.equals(RawFormat.NAME)) return;
            throw new BlockException(
                    Errno.EPERM, "%s: the guest writes the first sector of a %s image to a disk whose format, raw, was only guessed\n"
                            .formatted(name(), looksLike) + "  Give the format, raw, if this is meant.");
        }
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        file.writeZeroes(offset, length, mayUnmap);
    }

    @Override
    public void discard(long offset, long length) {
        file.discard(offset, length);
    }

    @Override
    public Extent extentAt(long offset, long length) {
        return file.extentAt(offset, length);
    }

    @Override
    public void resize(long newSizeBytes, Preallocation preallocation) {
        file.resize(newSizeBytes, preallocation);
        sizeBytes = newSizeBytes;
    }
}
