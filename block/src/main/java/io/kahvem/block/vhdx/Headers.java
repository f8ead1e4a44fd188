package io.kahvem.block.vhdx;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.table.FileBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/// The file type identifier and the two headers ([MS-VHDX] 2.2.1, 2.2.2): the one with the higher sequence number counts, and the other
/// one is written next.
final class Headers {
    static final int SIGNATURE = 0x6461_6568; // "head"
    static final byte[] FILE_SIGNATURE = "vhdxfile".getBytes(StandardCharsets.US_ASCII);
    private static final int SIZE = 4096;
    private static final long[] PLACES = {64 << 10, 128 << 10};
    private static final int VERSION = 1;

    private final BlockNode file;
    private int current;
    private long sequence;
    private UUID dataWriteId = Guid.ZERO;
    private UUID logId = Guid.ZERO;
    private final int logLength;
    private final long logOffset;

    private Headers(BlockNode file, int logLength, long logOffset) {
        this.file = file;
        this.logLength = logLength;
        this.logOffset = logOffset;
    }

    static Headers read(BlockNode file) {
        byte[] signature = new byte[8];
        FileBytes.read(file, 0, 8, ByteOrder.LITTLE_ENDIAN).get(0, signature);
        if (!Arrays.equals(signature, FILE_SIGNATURE)) throw BlockException.invalid("Image is not in VHDX format");
        @Nullable ByteBuffer best = null;
        int which = 0;
        for (int n = 0; n < PLACES.length; n++) {
            ByteBuffer b = FileBytes.read(file, PLACES[n], SIZE, ByteOrder.LITTLE_ENDIAN);
            if (b.getInt(0) != SIGNATURE || b.getShort(66) != VERSION || !Checksum.isRight(b, SIZE)) continue;
            if (best != null && Long.compareUnsigned(b.getLong(8), best.getLong(8)) <= 0) continue;
            best = b;
            which = n;
        }
        if (best == null) throw BlockException.invalid("No valid VHDX header found");
        Headers h = new Headers(file, best.getInt(68), best.getLong(72));
        h.current = which;
        h.sequence = best.getLong(8);
        h.dataWriteId = Guid.get(best, 32);
        h.logId = Guid.get(best, 48);
        boolean aligned = h.logOffset % (1 << 20) == 0 && h.logLength % (1 << 20) == 0;
        if (h.logOffset < 1 << 20 || h.logLength <= 0 || !aligned || h.logOffset > file.sizeBytes() - h.logLength) {
            throw BlockException.invalid("VHDX log at %d of %d bytes".formatted(h.logOffset, h.logLength & 0xffff_ffffL));
        }
        return h;
    }

    /// Writes both headers of a new file.
    static void create(BlockNode file, int logLength, long logOffset) {
        Headers h = new Headers(file, logLength, logOffset);
        h.current = 1;
        h.sequence = System.nanoTime() >>> 1;
        h.dataWriteId = UUID.randomUUID();
        h.write();
        h.write();
    }

    /// Another one after each time that the disk was opened and written: what a child knows its parent by.
    UUID dataWriteId() {
        return dataWriteId;
    }

    UUID logId() {
        return logId;
    }

    int logLength() {
        return logLength;
    }

    long logOffset() {
        return logOffset;
    }

    /// The data will change, through a log of this id, or [Guid#ZERO]: the log is empty. On the medium when it returns.
    void change(UUID log, boolean data) {
        logId = log;
        if (data) dataWriteId = UUID.randomUUID();
        file.flush();
        write();
        file.flush();
    }

    private void write() {
        sequence++;
        current = 1 - current;
        ByteBuffer b = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, SIGNATURE).putLong(8, sequence);
        Guid.put(b, 16, UUID.randomUUID());
        Guid.put(b, 32, dataWriteId);
        Guid.put(b, 48, logId);
        b.putShort(66, (short) VERSION).putInt(68, logLength).putLong(72, logOffset);
        Checksum.put(b, SIZE);
        FileBytes.write(file, PLACES[current], b.array());
    }
}
