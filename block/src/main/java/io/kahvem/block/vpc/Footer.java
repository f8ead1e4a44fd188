package io.kahvem.block.vpc;

import io.kahvem.block.BlockException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/// The sector at a VHD's end, and at its beginning too if it is dynamic ("Hard Disk Footer Format").
record Footer(long dataOffset, String creator, long currentSize, Geometry geometry, int type, UUID id) {
    static final int SIZE = 512;
    static final int FIXED = 2;
    static final int DYNAMIC = 3;
    static final int DIFFERENCING = 4;
    static final long NO_OFFSET = -1;
    static final String COOKIE = "conectix";

    /// What QEMU writes whose size, not its geometry, counts.
    static final String CREATOR_SIZED = "qem2";
    static final String CREATOR = "qemu";

    private static final int FEATURES = 2;
    private static final int VERSION = 0x1_0000;
    private static final int CREATOR_VERSION = 0x5_0003;
    private static final byte[] WINDOWS = "Wi2k".getBytes(StandardCharsets.US_ASCII);
    private static final int CHECKSUM = 64;
    private static final Instant EPOCH = Instant.parse("2000-01-01T00:00:00Z");

    /// Programs whose disks are as large as the size says, whatever the geometry.
    private static final List<String> SIZED_CREATORS = List.of("win ", CREATOR_SIZED, "d2v ", "tap\0", "CTXS", "wa\0\0");

    static boolean isThere(ByteBuffer bytes) {
        byte[] cookie = new byte[8];
        bytes.get(0, cookie);
        return Arrays.equals(cookie, COOKIE.getBytes(StandardCharsets.US_ASCII));
    }

    static Footer read(ByteBuffer b) {
        if (checksum(b, SIZE, CHECKSUM) != b.getInt(CHECKSUM)) throw BlockException.invalid("incorrect footer checksum");
        byte[] creator = new byte[4];
        b.get(28, creator);
        return new Footer(
                b.getLong(16), new String(creator, StandardCharsets.ISO_8859_1), b.getLong(48),
                new Geometry(b.getShort(56) & 0xffff, b.get(58) & 0xff, b.get(59) & 0xff), b.getInt(60),
                new UUID(b.getLong(68), b.getLong(76)));
    }

    /// The disk's size: by its geometry, except where the creator or the largest geometry says that the footer's size counts.
    long sizeBytes() {
        boolean sized = SIZED_CREATORS.contains(creator) || geometry.equals(Geometry.MOST);
        return sized ? currentSize / 512 * 512 : geometry.total() * 512;
    }

    byte[] bytes() {
        ByteBuffer b = ByteBuffer.allocate(SIZE);
        b.put(COOKIE.getBytes(StandardCharsets.US_ASCII)).putInt(FEATURES).putInt(VERSION).putLong(dataOffset);
        b.putInt((int) (Instant.now().getEpochSecond() - EPOCH.getEpochSecond()));
        b.put(creator.getBytes(StandardCharsets.ISO_8859_1)).putInt(CREATOR_VERSION).put(WINDOWS);
        b.putLong(currentSize).putLong(currentSize);
        b.putShort((short) geometry.cylinders()).put((byte) geometry.heads()).put((byte) geometry.sectors());
        b.putInt(type).putInt(0).putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits());
        b.putInt(CHECKSUM, checksum(b, SIZE, CHECKSUM));
        return b.array();
    }

    /// The complement of the sum of all bytes but the checksum's own.
    static int checksum(ByteBuffer bytes, int length, int where) {
        int sum = 0;
        for (int n = 0; n < length; n++) if (n < where || n >= where + 4) sum += bytes.get(n) & 0xff;
        return ~sum;
    }
}
