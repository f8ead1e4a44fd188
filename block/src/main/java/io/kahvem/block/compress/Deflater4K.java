package io.kahvem.block.compress;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Deflate (RFC 1951) whose matches reach back 4 KiB at most: what readers with a window of 12 bits take, as QEMU does for qcow2, and
/// java.util.zip cannot write. Lazy matching over chains of hashed 4-byte strings; each block has codes of its own.
final class Deflater4K {
    private static final int WINDOW = 4096;
    private static final int LEAST_MATCH = 4;
    private static final int MOST_MATCH = 258;
    private static final int HASH_BITS = 13;

    /// How many earlier places are tried, and the match that ends the search.
    private static final int MOST_TRIES = 24;
    private static final int GOOD_MATCH = 64;

    /// Matches as long as this are not compared with the one a byte later.
    private static final int LAZY_MATCH = 24;

    private static final int TOKENS = 1 << 15;
    private static final int END_OF_BLOCK = 256;
    private static final int LITERALS = 286;
    private static final int DISTANCES = 30;
    private static final int MATCH = 1 << 31;

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /// RFC 1951, 3.2.5: by length - 3, and by distance - 1 where that is below 256, or above it divided by 128.
    private static final short[] LENGTH_CODE = new short[256];
    private static final int[] LENGTH_BASE = new int[29];
    private static final int[] LENGTH_EXTRA = new int[29];
    private static final byte[] DISTANCE_CODE = new byte[512];
    private static final int[] DISTANCE_BASE = new int[DISTANCES];
    private static final int[] DISTANCE_EXTRA = new int[DISTANCES];

    static {
        int length = 0;
        for (int code = 0; code < 28; code++) {
            LENGTH_EXTRA[code] = code < 8 ? 0 : code / 4 - 1;
            LENGTH_BASE[code] = length;
            for (int n = 0; n < 1 << LENGTH_EXTRA[code] && length < 256; n++) LENGTH_CODE[length++] = (short) code;
        }
        LENGTH_CODE[255] = 28;
        LENGTH_BASE[28] = 255;
        int distance = 0;
        for (int code = 0; code < DISTANCES; code++) {
            DISTANCE_EXTRA[code] = code < 4 ? 0 : code / 2 - 1;
            DISTANCE_BASE[code] = distance;
            for (int n = 0; n < 1 << DISTANCE_EXTRA[code]; n++, distance++) {
                if (distance < 256) DISTANCE_CODE[distance] = (byte) code;
                else if ((distance & 127) == 0) DISTANCE_CODE[256 + (distance >>> 7)] = (byte) code;
            }
        }
    }

    private final int[] head = new int[1 << HASH_BITS];
    private final int[] previous = new int[WINDOW];
    private final int[] tokens = new int[TOKENS];
    private final int[] literalCounts = new int[LITERALS];
    private final int[] distanceCounts = new int[DISTANCES];
    private final Huffman literals = new Huffman(LITERALS, 15);
    private final Huffman distances = new Huffman(DISTANCES, 15);
    private final Huffman lengths = new Huffman(19, 7);
    private int tokenCount;
    private byte[] in = new byte[0];
    private BitWriter out = new BitWriter(new byte[8], 0);

    /// Compresses `length` bytes. How many bytes that took, or -1 if they would be `most` or more.
    int compress(byte[] input, int length, byte[] output, int most) {
        in = input;
        out = new BitWriter(output, Math.min(most, output.length));
        Arrays.fill(head, -1);
        startBlock();
        int blockStart = 0;
        int at = 0;
        int heldLength = 0; // the match found at the byte before, not yet chosen
        int heldDistance = 0;
        boolean held = false;
        while (at < length) {
            int matchLength = 0;
            int matchDistance = 0;
            if (at + LEAST_MATCH + 4 <= length) {
                int hash = hash(at);
                int candidate = head[hash];
                if (heldLength < LAZY_MATCH) {
                    long match = longest(candidate, at, length, Math.max(heldLength, LEAST_MATCH - 1));
                    matchLength = (int) (match >>> 32);
                    matchDistance = (int) match;
                }
                previous[at & WINDOW - 1] = candidate;
                head[hash] = at;
            }
            if (held && heldLength >= LEAST_MATCH && matchLength <= heldLength) {
                putMatch(heldLength, heldDistance);
                int end = at - 1 + heldLength;
                for (at++; at < end; at++) if (at + LEAST_MATCH + 4 <= length) insert(at);
                held = false;
                heldLength = 0;
            } else {
                if (held) putLiteral(in[at - 1]);
                held = true;
                heldLength = matchLength;
                heldDistance = matchDistance;
                at++;
            }
            if (tokenCount >= TOKENS - 2) {
                int end = held ? at - 1 : at;
                endBlock(blockStart, end, false);
                blockStart = end;
                if (out.isFull()) return -1;
            }
        }
        if (held) putLiteral(in[length - 1]);
        endBlock(blockStart, length, true);
        out.align();
        return out.isFull() ? -1 : out.length();
    }

    private int hash(int at) {
        return ((int) INT.get(in, at) * 0x9e37_79b1) >>> 32 - HASH_BITS;
    }

    private void insert(int at) {
        int hash = hash(at);
        previous[at & WINDOW - 1] = head[hash];
        head[hash] = at;
    }

    /// The longest match for what is at `at`, if it is longer than `least`: its length in the upper half, its distance in the lower; or 0.
    private long longest(int first, int at, int end, int least) {
        int most = Math.min(MOST_MATCH, end - at);
        int bestLength = least;
        int bestDistance = 0;
        int candidate = first;
        int oldest = at - WINDOW;
        int start = (int) INT.get(in, at);
        for (int tries = 0; tries < MOST_TRIES && candidate >= 0 && candidate >= oldest; tries++) {
            if (bestLength >= most) break;
            if (in[candidate + bestLength] == in[at + bestLength] && (int) INT.get(in, candidate) == start) {
                int length = matching(candidate, at, most);
                if (length > bestLength) {
                    bestLength = length;
                    bestDistance = at - candidate;
                    if (length >= GOOD_MATCH) break;
                }
            }
            int next = previous[candidate & WINDOW - 1];
            if (next >= candidate) break;
            candidate = next;
        }
        return bestDistance == 0 ? 0 : (long) bestLength << 32 | bestDistance;
    }

    private int matching(int earlier, int at, int most) {
        int n = 4;
        while (n + 8 <= most) {
            long difference = (long) LONG.get(in, earlier + n) ^ (long) LONG.get(in, at + n);
            if (difference != 0) return n + (Long.numberOfTrailingZeros(difference) >>> 3);
            n += 8;
        }
        while (n < most && in[earlier + n] == in[at + n]) n++;
        return n;
    }

    // ---- blocks

    private void startBlock() {
        tokenCount = 0;
        Arrays.fill(literalCounts, 0);
        Arrays.fill(distanceCounts, 0);
        literalCounts[END_OF_BLOCK] = 1;
    }

    private void putLiteral(byte value) {
        tokens[tokenCount++] = value & 0xff;
        literalCounts[value & 0xff]++;
    }

    private void putMatch(int length, int distance) {
        tokens[tokenCount++] = MATCH | length - 3 << 16 | distance - 1;
        literalCounts[257 + LENGTH_CODE[length - 3]]++;
        distanceCounts[distanceCode(distance - 1)]++;
    }

    private static int distanceCode(int distance) {
        return distance < 256 ? DISTANCE_CODE[distance] : DISTANCE_CODE[256 + (distance >>> 7)];
    }

    private void endBlock(int start, int end, boolean last) {
        literals.build(literalCounts);
        distances.build(distanceCounts);
        int bits = dynamicHeader(last);
        for (int n = 0; n < LITERALS; n++) {
            bits += literalCounts[n] * (literals.length(n) + (n > END_OF_BLOCK ? LENGTH_EXTRA[n - 257] : 0));
        }
        for (int n = 0; n < DISTANCES; n++) bits += distanceCounts[n] * (distances.length(n) + DISTANCE_EXTRA[n]);
        if (bits / 8 > end - start + 5 * ((end - start) / 0xffff + 1)) {
            stored(start, end, last);
        } else {
            writeHeader();
            writeTokens();
        }
        startBlock();
    }

    private void stored(int start, int end, boolean last) {
        int at = start;
        do {
            int part = Math.min(0xffff, end - at);
            out.put(last && at + part == end ? 1 : 0, 3);
            out.align();
            out.put(part, 16);
            out.put(~part & 0xffff, 16);
            out.bytes(in, at, part);
            at += part;
        } while (at < end);
    }

    // The header of a block with codes of its own (RFC 1951, 3.2.7), prepared to know how long it is.
    private final byte[] runs = new byte[LITERALS + DISTANCES];
    private final byte[] runExtra = new byte[LITERALS + DISTANCES];
    private final int[] runCounts = new int[19];
    private static final int[] ORDER = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    private static final int[] RUN_EXTRA = {2, 3, 7};
    private int runCount;
    private int literalCodes;
    private int distanceCodes;
    private int lengthCodes;
    private int lastBit;

    private int dynamicHeader(boolean last) {
        lastBit = last ? 1 : 0;
        literalCodes = LITERALS;
        while (literals.length(literalCodes - 1) == 0) literalCodes--;
        distanceCodes = DISTANCES;
        while (distanceCodes > 1 && distances.length(distanceCodes - 1) == 0) distanceCodes--;
        collectRuns();
        lengths.build(runCounts);
        lengthCodes = 19;
        while (lengthCodes > 4 && lengths.length(ORDER[lengthCodes - 1]) == 0) lengthCodes--;
        int bits = 3 + 5 + 5 + 4 + 3 * lengthCodes;
        for (int n = 0; n < 19; n++) bits += runCounts[n] * (lengths.length(n) + (n >= 16 ? RUN_EXTRA[n - 16] : 0));
        return bits;
    }

    private int lengthAt(int n) {
        return n < literalCodes ? literals.length(n) : distances.length(n - literalCodes);
    }

    private void collectRuns() {
        runCount = 0;
        Arrays.fill(runCounts, 0);
        int total = literalCodes + distanceCodes;
        for (int n = 0; n < total; ) {
            int value = lengthAt(n);
            int run = 1;
            while (n + run < total && lengthAt(n + run) == value) run++;
            n += run;
            if (value != 0) {
                addRun(value, 0);
                run--;
            }
            while (run > 0) {
                if (value == 0 && run >= 11) run -= addRun(18, Math.min(run, 138) - 11) + 11;
                else if (value == 0 && run >= 3) run -= addRun(17, Math.min(run, 10) - 3) + 3;
                else if (run >= 3) run -= addRun(16, Math.min(run, 6) - 3) + 3;
                else run -= addRun(value, 0) + 1;
            }
        }
    }

    private int addRun(int code, int extra) {
        runs[runCount] = (byte) code;
        runExtra[runCount++] = (byte) extra;
        runCounts[code]++;
        return extra;
    }

    private void writeHeader() {
        out.put(lastBit | 2 << 1, 3);
        out.put(literalCodes - 257, 5);
        out.put(distanceCodes - 1, 5);
        out.put(lengthCodes - 4, 4);
        for (int n = 0; n < lengthCodes; n++) out.put(lengths.length(ORDER[n]), 3);
        for (int n = 0; n < runCount; n++) {
            out.put(lengths.code(runs[n]), lengths.length(runs[n]));
            if (runs[n] >= 16) out.put(runExtra[n], RUN_EXTRA[runs[n] - 16]);
        }
    }

    private void writeTokens() {
        for (int n = 0; n < tokenCount && !out.isFull(); n++) {
            int token = tokens[n];
            if (token >= 0) {
                out.put(literals.code(token), literals.length(token));
                continue;
            }
            int length = token >>> 16 & 0xff;
            int lengthCode = LENGTH_CODE[length];
            out.put(literals.code(257 + lengthCode), literals.length(257 + lengthCode));
            out.put(length - LENGTH_BASE[lengthCode], LENGTH_EXTRA[lengthCode]);
            int distance = token & 0xffff;
            int distanceCode = distanceCode(distance);
            out.put(distances.code(distanceCode), distances.length(distanceCode));
            out.put(distance - DISTANCE_BASE[distanceCode], DISTANCE_EXTRA[distanceCode]);
        }
        out.put(literals.code(END_OF_BLOCK), literals.length(END_OF_BLOCK));
    }
}
