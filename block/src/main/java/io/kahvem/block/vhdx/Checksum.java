package io.kahvem.block.vhdx;

import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/// CRC-32C over a structure whose own checksum counts as zero.
final class Checksum {
    /// Where every structure of the format has its checksum.
    private static final int AT = 4;

    private Checksum() {}

    static boolean isRight(ByteBuffer b, int length) {
        return b.getInt(AT) == of(b, length);
    }

    static void put(ByteBuffer b, int length) {
        b.putInt(AT, of(b, length));
    }

    private static int of(ByteBuffer b, int length) {
        CRC32C crc = new CRC32C();
        crc.update(b.array(), 0, AT);
        crc.update(new byte[4]);
        crc.update(b.array(), AT + 4, length - AT - 4);
        return (int) crc.getValue();
    }
}
