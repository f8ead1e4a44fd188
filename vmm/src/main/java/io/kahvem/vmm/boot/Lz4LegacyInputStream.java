package io.kahvem.vmm.boot;

import java.io.IOException;
import java.io.InputStream;

/// LZ4's legacy frame (lz4_Frame_format.md, "Legacy frame"), which Linux uses: the magic, then blocks of a 32-bit compressed size and that
/// many bytes, each but the last of 8 MiB when decompressed and independent of the others. There is no end mark and no checksum.
final class Lz4LegacyInputStream extends BlockInputStream {
    static final int MAGIC = 0x184c_2102;
    static final int BLOCK_BYTES = 8 << 20;
    /// What LZ4 makes of 8 MiB at worst.
    private static final int MAX_COMPRESSED = BLOCK_BYTES + BLOCK_BYTES / 255 + 16;

    private byte[] compressed = new byte[0];

    Lz4LegacyInputStream(InputStream in) throws IOException {
        super(in);
        byte[] magic = new byte[4];
        readInput(magic, 0, 4);
        if (Bytes.i32(magic, 0) != MAGIC) throw new IOException("not an LZ4 legacy frame");
    }

    @Override
    protected boolean nextBlock() throws IOException {
        byte[] header = new byte[4];
        int got = in.readNBytes(header, 0, 4);
        if (got == 0) return false;
        if (got < 4) throw new IOException("the LZ4 data ends inside a block's size");
        long size = Bytes.u32(header, 0);
        if (size == MAGIC) return true;
        if (size > MAX_COMPRESSED) throw new IOException("an LZ4 block of " + size + " bytes is longer than any can be");
        if (compressed.length < size) compressed = new byte[(int) size];
        readInput(compressed, 0, (int) size);
        if (buffer.length == 0) buffer = new byte[BLOCK_BYTES];
        from = 0;
        to = decodeBlock(compressed, (int) size, buffer);
        return true;
    }

    /// Decodes one block (lz4_Block_format.md) and returns how many bytes it gave.
    static int decodeBlock(byte[] in, int inEnd, byte[] out) throws IOException {
        int i = 0;
        int o = 0;
        try {
            while (i < inEnd) {
                int token = in[i++] & 0xff;
                int literals = token >>> 4;
                if (literals == 15) {
                    int more;
                    do {
                        more = in[i++] & 0xff;
                        literals += more;
                    } while (more == 255);
                }
                if (literals > inEnd - i || literals < 0) throw new IOException("an LZ4 block ends inside its literals");
                System.arraycopy(in, i, out, o, literals);
                i += literals;
                o += literals;
                if (i >= inEnd) break; // the last sequence has no match
                int offset = (in[i] & 0xff) | (in[i + 1] & 0xff) << 8;
                i += 2;
                int length = (token & 15) + 4;
                if (length == 19) {
                    int more;
                    do {
                        more = in[i++] & 0xff;
                        length += more;
                    } while (more == 255);
                }
                if (offset == 0 || offset > o) throw new IOException("an LZ4 match points before its block");
                copyMatch(out, o, offset, length);
                o += length;
            }
        } catch (IndexOutOfBoundsException e) {
            throw new IOException("an LZ4 block is damaged at byte " + i, e);
        }
        return o;
    }

    /// Copies `length` bytes from `offset` bytes before; the ranges may overlap, and then the bytes repeat.
    static void copyMatch(byte[] out, int at, int offset, int length) {
        if (offset >= length) {
            System.arraycopy(out, at - offset, out, at, length);
        } else {
            for (int end = Math.addExact(at, length); at < end; at++) out[at] = out[at - offset];
        }
    }
}
