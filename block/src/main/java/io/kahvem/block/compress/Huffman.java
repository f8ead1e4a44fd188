package io.kahvem.block.compress;

import java.util.Arrays;

/// A canonical prefix code (RFC 1951, 3.2.2) of bounded length, from how often each symbol occurs.
final class Huffman {
    private final int mostBits;
    private final byte[] lengths;
    private final short[] codes;
    private final long[] sorted;
    private final long[] weights;
    private final int[] parents;

    Huffman(int symbols, int mostBits) {
        this.mostBits = mostBits;
        lengths = new byte[symbols];
        codes = new short[symbols];
        sorted = new long[symbols];
        weights = new long[2 * symbols];
        parents = new int[2 * symbols];
    }

    int length(int symbol) {
        return lengths[symbol];
    }

    /// The code, its first bit lowest, as it is written.
    int code(int symbol) {
        return codes[symbol] & 0xffff;
    }

    void build(int[] counts) {
        Arrays.fill(lengths, (byte) 0);
        int used = 0;
        for (int symbol = 0; symbol < lengths.length; symbol++) {
            if (counts[symbol] > 0) sorted[used++] = (long) counts[symbol] << 16 | symbol;
        }
        if (used == 0) {
            lengths[0] = 1; // a code with no symbol is not allowed
        } else if (used == 1) {
            lengths[(int) sorted[0] & 0xffff] = 1;
        } else {
            Arrays.sort(sorted, 0, used);
            assignLengths(used);
        }
        assignCodes();
    }

    /// Two queues: leaves by weight, and the nodes made of them, which come into being by weight too.
    private void assignLengths(int used) {
        for (int n = 0; n < used; n++) weights[n] = sorted[n] >>> 16;
        int leaf = 0;
        int node = used;
        for (int made = used; made < 2 * used - 1; made++) {
            weights[made] = 0;
            for (int child = 0; child < 2; child++) {
                int least = leaf < used && (node >= made || weights[leaf] <= weights[node]) ? leaf++ : node++;
                weights[made] += weights[least];
                parents[least] = made;
            }
        }
        int root = 2 * used - 2;
        int[] ofLength = new int[64];
        weights[root] = 0;
        for (int n = root - 1; n >= 0; n--) {
            weights[n] = weights[parents[n]] + 1; // from here on, depths
            if (n < used) ofLength[(int) Math.min(weights[n], mostBits)]++;
        }
        shorten(ofLength);
        int next = 0;
        for (int bits = mostBits; bits > 0; bits--) {
            for (int n = 0; n < ofLength[bits]; n++) lengths[(int) sorted[next++] & 0xffff] = (byte) bits;
        }
    }

    /// Where codes were cut to the bound, others grow until all of them fit (Kraft's sum is 1).
    private void shorten(int[] ofLength) {
        long sum = 0;
        for (int bits = 1; bits <= mostBits; bits++) sum += (long) ofLength[bits] << mostBits - bits;
        while (sum > 1L << mostBits) {
            int bits = mostBits - 1;
            while (ofLength[bits] == 0) bits--;
            ofLength[bits]--;
            ofLength[bits + 1] += 2;
            ofLength[mostBits]--;
            sum--;
        }
    }

    private void assignCodes() {
        int[] ofLength = new int[mostBits + 1];
        for (byte length : lengths) ofLength[length]++;
        ofLength[0] = 0;
        int[] next = new int[mostBits + 1];
        int code = 0;
        for (int bits = 1; bits <= mostBits; bits++) {
            code = code + ofLength[bits - 1] << 1;
            next[bits] = code;
        }
        for (int symbol = 0; symbol < lengths.length; symbol++) {
            int bits = lengths[symbol];
            if (bits > 0) codes[symbol] = (short) (Integer.reverse(next[bits]++) >>> 32 - bits);
        }
    }
}
