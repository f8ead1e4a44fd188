package io.kahvem.vmm.boot;

import java.io.IOException;
import java.util.Arrays;

/// Decodes Zstandard's compressed blocks (RFC 8878, section 3.1.1.3) and keeps what one block leaves to the next: the entropy tables and
/// the last three offsets. Damaged data gives an IOException or, from an array access, an IndexOutOfBoundsException.
final class ZstdBlock {
    /// The input array is to be longer than the block by this, for words are read whole.
    static final int SLACK = 16;

    private static final int MAX_LITERALS = 128 << 10;

    private static final int[] LL_BASE = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096,
        8192, 16384, 32768, 65536
    };
    private static final int[] LL_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    };
    private static final int[] ML_BASE = {
        3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37,
        39, 41, 43, 47, 51, 59,
        67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539
    };
    private static final int[] ML_BITS = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7,
        8, 9, 10, 11, 12, 13,
        14, 15, 16
    };
    private static final int[] LL_DEFAULT = {
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1
    };
    private static final int[] ML_DEFAULT = {
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        1, 1, -1, -1, -1,
        -1, -1, -1, -1
    };
    private static final int[] OF_DEFAULT = {1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1};

    /// A finite-state-entropy table (section 4.1): for each state its symbol, the bits to read, and what to add to them for the next state.
    private record Fse(int log, byte[] symbol, byte[] bits, int[] base) {
        static Fse single(int symbol) {
            return new Fse(0, new byte[] {(byte) symbol}, new byte[1], new int[1]);
        }

        static Fse of(int log, int[] counts, int symbols) throws IOException {
            int size = 1 << log;
            byte[] symbol = new byte[size];
            int[] next = new int[symbols];
            int high = size;
            for (int s = 0; s < symbols; s++) {
                if (counts[s] == -1) {
                    symbol[--high] = (byte) s;
                    next[s] = 1;
                }
            }
            int step = (size >> 1) + (size >> 3) + 3;
            int at = 0;
            for (int s = 0; s < symbols; s++) {
                if (counts[s] <= 0) continue;
                next[s] = counts[s];
                for (int i = 0; i < counts[s]; i++) {
                    symbol[at] = (byte) s;
                    do at = (at + step) & (size - 1);
                    while (at >= high);
                }
            }
            if (at != 0) throw new IOException("a Zstandard entropy table does not add up");
            byte[] bits = new byte[size];
            int[] base = new int[size];
            for (int i = 0; i < size; i++) {
                int state = next[symbol[i] & 0xff]++;
                bits[i] = (byte) (log - highBit(state));
                base[i] = (state << bits[i]) - size;
            }
            return new Fse(log, symbol, bits, base);
        }
    }

    /// A stream of bits written forwards and read backwards (section 4.1): begins at the last set bit of its last byte.
    private static final class Bits {
        final byte[] data;
        final int start;
        /// How many bits are left; negative once more were read than there are, which read as zeros.
        int left;

        Bits(byte[] data, int start, int bytes) throws IOException {
            this.data = data;
            this.start = start;
            if (bytes < 1 || data[start + bytes - 1] == 0) throw new IOException("a Zstandard bit stream has no end mark");
            left = 8 * (bytes - 1) + highBit(data[start + bytes - 1] & 0xff);
        }

        int read(int count) {
            left -= count;
            if (left >= 0) return (int) (Bytes.i64(data, start + (left >>> 3)) >>> (left & 7)) & (int) ((1L << count) - 1);
            int real = left + count;
            return real <= 0 ? 0 : (int) ((Bytes.i64(data, start) & ((1L << real) - 1)) << -left);
        }
    }

    private final byte[] literals = new byte[MAX_LITERALS];
    private int literalBytes;
    private int huffmanBits;
    private final short[] huffman = new short[1 << 11];
    private Fse literalLengths = Fse.single(0);
    private Fse offsets = Fse.single(0);
    private Fse matchLengths = Fse.single(0);
    private boolean haveSequenceTables;
    private int last1 = 1;
    private int last2 = 4;
    private int last3 = 8;

    private byte[] in = new byte[0];
    private int at;
    private int end;

    /// Decodes the block of `size` bytes at the start of `input` to `out[o]` on, below `limit`, with the history before `o`; returns the
    /// new end.
    int decode(byte[] input, int size, byte[] out, int o, int limit) throws IOException {
        in = input;
        at = 0;
        end = size;
        // Section 3.1.1.3.1
        int type = in[0] & 3;
        switch (type) {
            case 0, 1 -> plainLiterals(type == 1);
            default -> compressedLiterals(type == 3);
        }
        return sequences(out, o, limit);
    }

    private void plainLiterals(boolean repeated) throws IOException {
        int format = in[0] >>> 2 & 3;
        switch (format) {
            case 1 -> {
                literalBytes = Bytes.u16(in, 0) >>> 4;
                at = 2;
            }
            case 3 -> {
                literalBytes = (Bytes.i32(in, 0) & 0xff_ffff) >>> 4;
                at = 3;
            }
            default -> {
                literalBytes = Bytes.u8(in, 0) >>> 3;
                at = 1;
            }
        }
        check(literalBytes <= MAX_LITERALS && at + (repeated ? 1 : literalBytes) <= end);
        if (repeated) {
            Arrays.fill(literals, 0, literalBytes, in[at++]);
        } else {
            System.arraycopy(in, at, literals, 0, literalBytes);
            at += literalBytes;
        }
    }

    private void compressedLiterals(boolean treeless) throws IOException {
        int format = in[0] >>> 2 & 3;
        int sizeBits = new int[] {10, 10, 14, 18}[format];
        long header = Bytes.i64(in, 0) >>> 4;
        literalBytes = (int) (header & ((1 << sizeBits) - 1));
        int compressed = (int) (header >>> sizeBits & ((1 << sizeBits) - 1));
        at = (4 + 2 * sizeBits + 7) / 8;
        int streamsEnd = at + compressed;
        check(literalBytes <= MAX_LITERALS && streamsEnd <= end);
        if (!treeless) readHuffmanTree(streamsEnd);
        check(huffmanBits > 0);
        if (format == 0) {
            huffmanStream(at, streamsEnd - at, 0, literalBytes);
        } else {
            int one = Bytes.u16(in, at);
            int two = Bytes.u16(in, at + 2);
            int three = Bytes.u16(in, at + 4);
            int stream = at + 6;
            check(stream + one + two + three <= streamsEnd);
            int quarter = (literalBytes + 3) / 4;
            check(3 * quarter <= literalBytes);
            huffmanStream(stream, one, 0, quarter);
            huffmanStream(stream + one, two, quarter, 2 * quarter);
            huffmanStream(stream + one + two, three, 2 * quarter, 3 * quarter);
            int fourth = stream + one + two + three;
            huffmanStream(fourth, streamsEnd - fourth, 3 * quarter, literalBytes);
        }
        at = streamsEnd;
    }

    private void huffmanStream(int start, int bytes, int from, int to) throws IOException {
        Bits bits = new Bits(in, start, bytes);
        byte[] data = in;
        short[] table = huffman;
        int width = huffmanBits;
        int mask = (1 << width) - 1;
        int left = bits.left;
        for (int o = from; o < to; o++) {
            int low = left - width;
            int index = low >= 0
                    ? (int) (Bytes.i64(data, start + (low >>> 3)) >>> (low & 7)) & mask
                    : (int) (Bytes.i64(data, start) & ((1L << left) - 1)) << -low;
            int entry = table[index];
            literals[o] = (byte) entry;
            left -= entry >>> 8;
            check(left >= 0);
        }
        check(left == 0);
    }

    /// Section 4.2.1.
    private void readHuffmanTree(int limit) throws IOException {
        int[] weights = new int[256];
        int symbols;
        int header = Bytes.u8(in, at++);
        if (header >= 128) {
            symbols = header - 127;
            for (int i = 0; i < symbols; i++) weights[i] = Bytes.u8(in, at + i / 2) >>> ((i & 1) == 0 ? 4 : 0) & 15;
            at += (symbols + 1) / 2;
        } else {
            int weightsEnd = at + header;
            check(weightsEnd <= limit);
            Fse table = readFse(6, 255);
            symbols = weights(table, new Bits(in, at, weightsEnd - at), weights);
            at = weightsEnd;
        }
        check(at <= limit);
        int sum = 0;
        for (int i = 0; i < symbols; i++) {
            check(weights[i] <= 11);
            if (weights[i] > 0) sum += 1 << (weights[i] - 1);
        }
        check(sum > 0);
        huffmanBits = highBit(sum) + 1;
        int rest = (1 << huffmanBits) - sum;
        check(huffmanBits <= 11 && Integer.bitCount(rest) == 1);
        weights[symbols++] = highBit(rest) + 1;
        int slot = 0;
        for (int weight = 1; weight <= huffmanBits; weight++) {
            for (int s = 0; s < symbols; s++) {
                if (weights[s] != weight) continue;
                int count = 1 << (weight - 1);
                Arrays.fill(huffman, slot, slot + count, (short) (s | (huffmanBits + 1 - weight) << 8));
                slot += count;
            }
        }
    }

    /// Two states take turns until the bits are used up; then the other one still holds a symbol.
    private static int weights(Fse table, Bits bits, int[] weights) throws IOException {
        int mine = bits.read(table.log);
        int other = bits.read(table.log);
        int count = 0;
        while (true) {
            check(count < 254);
            weights[count++] = table.symbol[mine];
            int next = table.base[mine] + bits.read(table.bits[mine]);
            if (bits.left < 0) {
                weights[count++] = table.symbol[other];
                return count;
            }
            mine = other;
            other = next;
        }
    }

    /// Section 4.1.1. The table description is read forwards from `at`.
    private Fse readFse(int maxLog, int maxSymbols) throws IOException {
        int log = (in[at] & 15) + 5;
        check(log <= maxLog);
        int position = 4;
        int[] counts = new int[maxSymbols + 1];
        int symbols = 0;
        int remaining = 1 << log;
        while (remaining > 0) {
            check(symbols <= maxSymbols);
            int width = highBit(remaining + 1) + 1;
            int value = forwardBits(position, width);
            position += width;
            int lowMask = (1 << (width - 1)) - 1;
            int threshold = (1 << width) - 1 - (remaining + 1);
            if ((value & lowMask) < threshold) {
                position--;
                value &= lowMask;
            } else if (value > lowMask) {
                value -= threshold;
            }
            int count = value - 1;
            remaining -= Math.abs(count);
            counts[symbols++] = count;
            if (count == 0) {
                int zeros;
                do {
                    zeros = forwardBits(position, 2);
                    position += 2;
                    symbols += zeros;
                    check(symbols <= maxSymbols);
                } while (zeros == 3);
            }
        }
        check(remaining == 0);
        at += (position + 7) / 8;
        check(at <= end);
        return Fse.of(log, counts, symbols);
    }

    private int forwardBits(int position, int width) {
        return (int) (Bytes.u32(in, at + (position >>> 3)) >>> (position & 7)) & ((1 << width) - 1);
    }

    /// Sections 3.1.1.3.2 and 3.1.1.4.
    private int sequences(byte[] out, int o, int limit) throws IOException {
        int count = Bytes.u8(in, at++);
        if (count >= 128) {
            if (count == 255) {
                count = Bytes.u16(in, at) + 0x7f00;
                at += 2;
            } else {
                count = (count - 128 << 8) + Bytes.u8(in, at++);
            }
        }
        int literal = 0;
        if (count > 0) {
            int modes = Bytes.u8(in, at++);
            literalLengths = table(modes >>> 6, literalLengths, 6, LL_DEFAULT, 9, 35);
            offsets = table(modes >>> 4 & 3, offsets, 5, OF_DEFAULT, 8, 31);
            matchLengths = table(modes >>> 2 & 3, matchLengths, 6, ML_DEFAULT, 9, 52);
            haveSequenceTables = true;
            Bits bits = new Bits(in, at, end - at);
            Fse ll = literalLengths;
            Fse of = offsets;
            Fse ml = matchLengths;
            int llState = bits.read(ll.log);
            int ofState = bits.read(of.log);
            int mlState = bits.read(ml.log);
            for (int i = 0; i < count; i++) {
                int code = of.symbol[ofState];
                int offsetValue = (1 << code) + bits.read(code);
                int mlCode = ml.symbol[mlState];
                int length = ML_BASE[mlCode] + bits.read(ML_BITS[mlCode]);
                int llCode = ll.symbol[llState];
                int copy = LL_BASE[llCode] + bits.read(LL_BITS[llCode]);
                int offset = offset(offsetValue, copy);
                check(copy <= literalBytes - literal && copy + length <= limit - o);
                System.arraycopy(literals, literal, out, o, copy);
                literal += copy;
                o += copy;
                check(offset > 0 && offset <= o);
                Lz4LegacyInputStream.copyMatch(out, o, offset, length);
                o += length;
                if (i < count - 1) {
                    llState = ll.base[llState] + bits.read(ll.bits[llState]);
                    mlState = ml.base[mlState] + bits.read(ml.bits[mlState]);
                    ofState = of.base[ofState] + bits.read(of.bits[ofState]);
                }
            }
            check(bits.left == 0);
        }
        int rest = literalBytes - literal;
        check(rest <= limit - o);
        System.arraycopy(literals, literal, out, o, rest);
        return o + rest;
    }

    private Fse table(int mode, Fse previous, int defaultLog, int[] defaults, int maxLog, int maxSymbol) throws IOException {
        return switch (mode) {
            case 0 -> Fse.of(defaultLog, defaults, defaults.length);
            case 1 -> {
                check(Bytes.u8(in, at) <= maxSymbol);
                yield Fse.single(in[at++]);
            }
            case 2 -> readFse(maxLog, maxSymbol);
            default -> {
                check(haveSequenceTables);
                yield previous;
            }
        };
    }

    /// Section 3.1.1.5: values 1 to 3 repeat one of the last three offsets.
    private int offset(int value, int literalLength) {
        if (value > 3 || value < 0) {
            last3 = last2;
            last2 = last1;
            last1 = value - 3;
            return last1;
        }
        int which = literalLength == 0 ? value + 1 : value;
        if (which == 1) return last1;
        int offset = which == 2 ? last2 : which == 3 ? last3 : last1 - 1;
        if (which != 2) last3 = last2;
        last2 = last1;
        last1 = offset;
        return offset;
    }

    private static int highBit(int value) {
        return 31 - Integer.numberOfLeadingZeros(value);
    }

    private static void check(boolean right) throws IOException {
        if (!right) throw new IOException("a Zstandard block is damaged");
    }
}
