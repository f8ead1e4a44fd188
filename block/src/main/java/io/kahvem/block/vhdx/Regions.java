package io.kahvem.block.vhdx;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.table.FileBytes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;

/// The region table ([MS-VHDX] 2.2.3): where the table of blocks and the metadata are.
record Regions(long batOffset, long batLength, long metadataOffset, long metadataLength) {
    private static final int SIGNATURE = 0x6967_6572; // "regi"
    private static final int SIZE = 64 << 10;
    private static final long[] PLACES = {192 << 10, 256 << 10};
    private static final int ENTRY = 32;
    private static final int MOST_ENTRIES = 2047;
    private static final int MEGABYTE = 1 << 20;

    static Regions read(BlockNode file) {
        for (long place : PLACES) {
            ByteBuffer b = FileBytes.read(file, place, SIZE, ByteOrder.LITTLE_ENDIAN);
            if (b.getInt(0) == SIGNATURE && Checksum.isRight(b, SIZE)) return read(b);
        }
        throw BlockException.invalid("No valid VHDX region table found");
    }

    private static Regions read(ByteBuffer b) {
        int count = b.getInt(8);
        if (count < 0 || count > MOST_ENTRIES) throw BlockException.invalid("VHDX region table with %d entries".formatted(count));
        long[] bat = {};
        long[] metadata = {};
        for (int n = 0; n < count; n++) {
            int at = 16 + ENTRY * n;
            UUID id = Guid.get(b, at);
            long[] range = {b.getLong(at + 16), b.getInt(at + 24) & 0xffff_ffffL};
            if (id.equals(Guid.BAT)) bat = range;
            else if (id.equals(Guid.METADATA)) metadata = range;
            else if ((b.getInt(at + 28) & 1) != 0) throw BlockException.invalid("VHDX region %s is required and unknown".formatted(id));
        }
        checkRange("BAT", bat);
        checkRange("metadata", metadata);
        return new Regions(bat[0], bat[1], metadata[0], metadata[1]);
    }

    private static void checkRange(String what, long[] range) {
        if (range.length == 0) throw BlockException.invalid("VHDX without a %s region".formatted(what));
        boolean aligned = range[0] % MEGABYTE == 0 && range[1] % MEGABYTE == 0;
        if (range[0] < MEGABYTE || range[1] == 0 || !aligned || range[0] > 1L << 60) {
            throw BlockException.invalid("VHDX %s region at %d of %d bytes".formatted(what, range[0], range[1]));
        }
    }

    void write(BlockNode file) {
        ByteBuffer b = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, SIGNATURE).putInt(8, 2);
        put(b, 16, Guid.BAT, batOffset, batLength);
        put(b, 16 + ENTRY, Guid.METADATA, metadataOffset, metadataLength);
        Checksum.put(b, SIZE);
        for (long place : PLACES) FileBytes.write(file, place, b.array());
    }

    private static void put(ByteBuffer b, int at, UUID id, long offset, long length) {
        Guid.put(b, at, id);
        b.putLong(at + 16, offset).putInt(at + 24, (int) length).putInt(at + 28, 1);
    }
}
