package io.kahvem.block.compress;

import io.airlift.compress.MalformedInputException;
import io.airlift.compress.zstd.ZstdCompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.util.Arrays;

/// Zstandard (RFC 8878), a frame a cluster.
public final class ZstdCodec implements Codec {
    private static final int MAGIC = 0xfd2f_b528;
    private static final int[] DICTIONARY_ID_BYTES = {0, 1, 2, 4};
    private static final int RLE = 1;

    private final ZstdCompressor compressor = new ZstdCompressor();
    private final ZstdDecompressor decompressor = new ZstdDecompressor();
    private byte[] room = new byte[0];

    @Override
    public int compress(byte[] in, int length, byte[] out, int most) {
        int bound = compressor.maxCompressedLength(length);
        if (room.length < bound) room = new byte[bound];
        int compressed = compressor.compress(in, 0, length, room, 0, room.length);
        if (compressed >= most) return -1;
        System.arraycopy(room, 0, out, 0, compressed);
        return compressed;
    }

    @Override
    public boolean decompress(byte[] in, int inLength, byte[] out, int outLength) {
        int frame = frameLength(in, inLength);
        if (frame < 0) return false;
        try {
            int done = decompressor.decompress(in, 0, frame, out, 0, outLength);
            // A frame may hold less than a cluster where the disk ends.
            Arrays.fill(out, done, outLength, (byte) 0);
            return true;
        } catch (MalformedInputException | IndexOutOfBoundsException | IllegalArgumentException damaged) {
            return false;
        }
    }

    /// Where the frame at the beginning ends (RFC 8878, 3.1.1), or -1: the decompressor takes whole frames alone.
    private static int frameLength(byte[] in, int length) {
        if (length < 6 || u32(in, 0) != MAGIC) return -1;
        int descriptor = in[4];
        boolean single = (descriptor & 0x20) != 0;
        int contentSize = descriptor >>> 6 & 3;
        int at = 5 + (single ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3];
        at += contentSize == 0 ? single ? 1 : 0 : 1 << contentSize;
        while (at + 3 <= length) {
            int header = in[at] & 0xff | (in[at + 1] & 0xff) << 8 | (in[at + 2] & 0xff) << 16;
            at += 3 + ((header >>> 1 & 3) == RLE ? 1 : header >>> 3);
            if ((header & 1) != 0) {
                at += (descriptor & 4) != 0 ? 4 : 0;
                return at <= length ? at : -1;
            }
        }
        return -1;
    }

    private static int u32(byte[] in, int at) {
        return in[at] & 0xff | (in[at + 1] & 0xff) << 8 | (in[at + 2] & 0xff) << 16 | in[at + 3] << 24;
    }
}
