package io.kahvem.vmm.boot;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/// Zstandard (RFC 8878): one frame without a dictionary. What is behind the frame is not read.
final class ZstdInputStream extends BlockInputStream {
    private static final int MAGIC = 0xfd2f_b528;
    private static final int MAX_BLOCK = 128 << 10;
    /// Linux is packed with a window of 128 MiB at most.
    private static final long MAX_WINDOW = 512L << 20;

    private final long window;
    private final int capacity;
    private final boolean checksummed;
    private final ZstdBlock decoder = new ZstdBlock();
    private final Xxh64 checksum = new Xxh64();
    private final byte[] input = new byte[MAX_BLOCK + ZstdBlock.SLACK];
    private boolean last;

    /// `sizeHint` is how many bytes are expected; a wrong one costs memory or time, nothing else.
    ZstdInputStream(InputStream in, long sizeHint) throws IOException {
        super(in);
        byte[] head = new byte[8];
        readInput(head, 0, 5);
        if (Bytes.i32(head, 0) != MAGIC) throw new IOException("not a Zstandard frame");
        int descriptor = head[4] & 0xff;
        if ((descriptor & 8) != 0) throw new IOException("a Zstandard frame with an unknown feature");
        boolean singleSegment = (descriptor & 0x20) != 0;
        checksummed = (descriptor & 4) != 0;
        long windowSize = 0;
        if (!singleSegment) {
            readInput(head, 0, 1);
            long base = 1L << (10 + ((head[0] & 0xff) >>> 3));
            windowSize = base + base / 8 * (head[0] & 7);
        }
        int dictionaryBytes = new int[] {0, 1, 2, 4}[descriptor & 3];
        if (number(dictionaryBytes) != 0) throw new IOException("a Zstandard frame that needs a dictionary");
        long contentSize = switch (descriptor >>> 6) {
            case 0 -> number(singleSegment ? 1 : 0);
            case 1 -> number(2) + 256;
            case 2 -> number(4);
            default -> number(8);
        };
        if (singleSegment) windowSize = contentSize;
        if (windowSize < 0 || windowSize > MAX_WINDOW) {
            throw new IOException("a Zstandard window of " + Long.toUnsignedString(windowSize) + " bytes is too large");
        }
        window = windowSize;
        capacity = (int) (windowSize + Math.max(8 * MAX_BLOCK, windowSize / 4));
        long hint = Math.max(0, Math.min(sizeHint, windowSize)) + MAX_BLOCK;
        buffer = new byte[(int) Math.min(capacity, hint)];
    }

    private long number(int bytes) throws IOException {
        byte[] word = new byte[8];
        readInput(word, 0, bytes);
        return Bytes.i64(word, 0);
    }

    @Override
    protected boolean nextBlock() throws IOException {
        if (last) return false;
        byte[] header = new byte[4];
        readInput(header, 0, 3);
        int word = Bytes.i32(header, 0);
        last = (word & 1) != 0;
        int size = word >>> 3;
        int type = word >>> 1 & 3;
        if (size > MAX_BLOCK) throw new IOException("a Zstandard block of " + size + " bytes is longer than any can be");
        makeRoom();
        from = to;
        switch (type) {
            case 0 -> {
                readInput(buffer, to, size);
                to += size;
            }
            case 1 -> {
                readInput(header, 0, 1);
                Arrays.fill(buffer, to, to + size, header[0]);
                to += size;
            }
            case 2 -> {
                readInput(input, 0, size);
                to = decode(size);
            }
            default -> throw new IOException("a Zstandard block of an unknown type");
        }
        if (checksummed) {
            checksum.update(buffer, from, to - from);
            if (last) verify();
        }
        return true;
    }

    private int decode(int size) throws IOException {
        try {
            return decoder.decode(input, size, buffer, to, to + MAX_BLOCK);
        } catch (IndexOutOfBoundsException e) {
            throw new IOException("a Zstandard block is damaged", e);
        }
    }

    private void verify() throws IOException {
        byte[] stored = new byte[4];
        readInput(stored, 0, 4);
        if (Bytes.i32(stored, 0) != (int) checksum.value()) {
            throw new IOException("the Zstandard data is damaged: its checksum does not fit");
        }
    }

    /// Space for one block behind `to`, with a window's worth of history before it.
    private void makeRoom() {
        if (buffer.length - to >= MAX_BLOCK) return;
        if (buffer.length < capacity) {
            buffer = Arrays.copyOf(buffer, (int) Math.min(capacity, 2L * buffer.length + MAX_BLOCK));
        } else {
            int keep = (int) Math.min(window, to);
            System.arraycopy(buffer, to - keep, buffer, 0, keep);
            to = keep;
        }
        from = to;
    }
}
