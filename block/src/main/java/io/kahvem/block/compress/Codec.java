package io.kahvem.block.compress;

/// A way to compress one cluster. One object serves one thread.
public interface Codec {
    /// Compresses the first `length` bytes. How many bytes of `out` that takes, or -1 if it does not get shorter than `most`.
    int compress(byte[] in, int length, byte[] out, int most);

    /// Fills `out` from the compressed data at the beginning of `in`, whose end may hold other bytes. Whether that is what they hold.
    boolean decompress(byte[] in, int inLength, byte[] out, int outLength);
}
