package io.kahvem.block.qcow2;

import java.nio.charset.StandardCharsets;

/// The feature name table (qcow2.txt, "Feature name table"): what older programs call the bits they do not know.
final class FeatureNames {
    private static final int ROW = 48;
    private static final int INCOMPATIBLE = 0;
    private static final int COMPATIBLE = 1;
    private static final int AUTOCLEAR = 2;

    static final byte[] TABLE = table();

    private FeatureNames() {}

    private static byte[] table() {
        byte[] table = new byte[8 * ROW];
        row(table, 0, INCOMPATIBLE, 0, "dirty bit");
        row(table, 1, INCOMPATIBLE, 1, "corrupt bit");
        row(table, 2, INCOMPATIBLE, 2, "external data file");
        row(table, 3, INCOMPATIBLE, 3, "compression type");
        row(table, 4, INCOMPATIBLE, 4, "extended L2 entries");
        row(table, 5, COMPATIBLE, 0, "lazy refcounts");
        row(table, 6, AUTOCLEAR, 0, "bitmaps");
        row(table, 7, AUTOCLEAR, 1, "raw external data");
        return table;
    }

    private static void row(byte[] table, int row, int type, int bit, String name) {
        table[row * ROW] = (byte) type;
        table[row * ROW + 1] = (byte) bit;
        byte[] text = name.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, table, row * ROW + 2, text.length);
    }
}
