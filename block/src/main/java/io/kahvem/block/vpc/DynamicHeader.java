package io.kahvem.block.vpc;

import io.kahvem.block.BlockException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// "Dynamic Disk Header Format": where the table of blocks is.
record DynamicHeader(long tableOffset, long entries, int blockBytes) {
    static final int SIZE = 1024;
    static final int DEFAULT_BLOCK = 2 << 20;

    private static final byte[] COOKIE = "cxsparse".getBytes(StandardCharsets.US_ASCII);
    private static final int VERSION = 0x1_0000;
    private static final int CHECKSUM = 36;
    private static final int MOST_BLOCK = 1 << 30;

    static DynamicHeader read(ByteBuffer b, long diskBytes) {
        byte[] cookie = new byte[8];
        b.get(0, cookie);
        if (!Arrays.equals(cookie, COOKIE)) throw BlockException.invalid("error reading dynamic VHD header");
        if (Footer.checksum(b, SIZE, CHECKSUM) != b.getInt(CHECKSUM)) throw BlockException.invalid("incorrect dynamic VHD header checksum");
        DynamicHeader h = new DynamicHeader(b.getLong(16), b.getInt(28) & 0xffff_ffffL, b.getInt(32));
        if (h.blockBytes < 512 || h.blockBytes > MOST_BLOCK || Integer.bitCount(h.blockBytes) != 1) {
            throw BlockException.invalid("Invalid block size " + Integer.toUnsignedString(h.blockBytes));
        }
        if (h.entries * h.blockBytes < diskBytes) throw BlockException.invalid("Page table too small");
        if (h.tableOffset < 0 || h.tableOffset % 512 != 0) throw BlockException.invalid("Page table at offset " + h.tableOffset);
        return h;
    }

    byte[] bytes() {
        ByteBuffer b = ByteBuffer.allocate(SIZE);
        b.put(COOKIE).putLong(Footer.NO_OFFSET).putLong(tableOffset).putInt(VERSION).putInt((int) entries).putInt(blockBytes);
        b.putInt(CHECKSUM, Footer.checksum(b, SIZE, CHECKSUM));
        return b.array();
    }
}
