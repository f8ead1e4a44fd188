package io.kahvem.block.compress;

import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// Raw deflate (RFC 1951), written with a window of 4 KiB and read with any.
public final class ZlibCodec implements Codec {
    private final Deflater4K deflater = new Deflater4K();
    private final Inflater inflater = new Inflater(true);

    @Override
    public int compress(byte[] in, int length, byte[] out, int most) {
        return deflater.compress(in, length, out, most);
    }

    @Override
    public boolean decompress(byte[] in, int inLength, byte[] out, int outLength) {
        try {
            inflater.reset();
            inflater.setInput(in, 0, inLength);
            int done = 0;
            while (done < outLength) {
                int n = inflater.inflate(out, done, outLength - done);
                if (n == 0) return false; // ended early, or wants what is not there
                done += n;
            }
            return true;
        } catch (DataFormatException damaged) {
            return false;
        }
    }
}
