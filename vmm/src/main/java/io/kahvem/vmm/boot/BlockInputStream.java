package io.kahvem.vmm.boot;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;

/// A decompressor that gains its output a block at a time. Skipping costs nothing but the decompression.
abstract class BlockInputStream extends InputStream {
    protected final InputStream in;

    /// What is decompressed and not read yet: `buffer[from]` to `buffer[to - 1]`.
    protected byte[] buffer = new byte[0];

    protected int from;
    protected int to;

    BlockInputStream(InputStream in) {
        this.in = in;
    }

    /// Decompresses the next block, which may be empty; false at the end.
    protected abstract boolean nextBlock() throws IOException;

    private boolean ensure() throws IOException {
        while (from == to) {
            if (!nextBlock()) return false;
        }
        return true;
    }

    @Override
    public int read() throws IOException {
        return ensure() ? buffer[from++] & 0xff : -1;
    }

    @Override
    public int read(byte[] target, int offset, int bytes) throws IOException {
        if (bytes == 0) return 0;
        if (!ensure()) return -1;
        int count = Math.min(bytes, to - from);
        System.arraycopy(buffer, from, target, offset, count);
        from += count;
        return count;
    }

    @Override
    public long skip(long bytes) throws IOException {
        if (bytes <= 0 || !ensure()) return 0;
        int count = (int) Math.min(bytes, to - from);
        from += count;
        return count;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }

    protected void readInput(byte[] target, int offset, int bytes) throws IOException {
        if (in.readNBytes(target, offset, bytes) != bytes) throw new EOFException("the compressed data ends early");
    }
}
