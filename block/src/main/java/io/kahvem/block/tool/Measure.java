package io.kahvem.block.tool;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.qcow2.Qcow2Node;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/// How large an image's file will be: the work of `measure`.
///
/// @param required bytes for what is there now
/// @param fullyAllocated bytes once everything has been written
/// @param bitmaps bytes for the source's bitmaps, or -1 where source or target has none
public record Measure(long required, long fullyAllocated, long bitmaps) {
    /// @param source what is to be converted, or null for a new disk of `sizeBytes`
    public static Measure of(String format, @Nullable BlockNode source, long sizeBytes, CreateOptions options) {
        long size = (source == null ? sizeBytes : source.sizeBytes()) + 511 & -512;
        return switch (format) {
            case "raw" -> new Measure(size, size, -1);
            case "qcow2" -> qcow2(source, size, options);
            default -> throw BlockException.invalid("Format driver '%s' does not support size measurement".formatted(format));
        };
    }

    private static Measure qcow2(@Nullable BlockNode source, long size, CreateOptions options) {
        long cluster = options.size("cluster_size");
        long refcountBytes = options.number("refcount_bits");
        boolean extended = options.flag("extended_l2");
        long metadata = metadata(size, cluster, refcountBytes, extended ? 16 : 8);
        long all = size + cluster - 1 & -cluster;
        boolean preallocated = options.text("preallocation", "off").equals("full") || options.text("preallocation", "off").equals("falloc");
        return new Measure(metadata + (preallocated ? all : dataBytes(source, cluster)), metadata + all, bitmapBytes(source, cluster));
    }

    /// Header, L1, L2 tables, and as many counts as all of these and the data need.
    private static long metadata(long size, long cluster, long refcountBits, long entryBytes) {
        long data = size + cluster - 1 & -cluster;
        long l2Entries = (data / cluster + cluster / entryBytes - 1) / (cluster / entryBytes) * (cluster / entryBytes);
        long l2 = l2Entries * entryBytes;
        long l1Entries = (l2Entries * entryBytes / cluster + cluster / 8 - 1) / (cluster / 8) * (cluster / 8);
        long tables = cluster + l2 + l1Entries * 8;
        long clusters = (tables + data) / cluster;
        long perBlock = cluster * 8 / refcountBits;
        long blocks = 0;
        long table = 0;
        long before;
        do {
            before = blocks + table;
            blocks = (clusters + before + perBlock - 1) / perBlock;
            table = (blocks + cluster / 8 - 1) / (cluster / 8);
        } while (blocks + table != before);
        return tables + (blocks + table) * cluster;
    }

    private static long bitmapBytes(@Nullable BlockNode source, long cluster) {
        if (!(source instanceof Qcow2Node qcow2) || qcow2.isVersion2()) return -1;
        long clusters = 0;
        long directory = 0;
        for (DirtyBitmap bitmap : qcow2.bitmaps().list()) {
            if (bitmap.isInconsistent()) continue;
            long data = (bitmap.octets() + cluster - 1) / cluster;
            clusters += data + (8 * data + cluster - 1) / cluster;
            directory += (24 + bitmap.name().getBytes(StandardCharsets.UTF_8).length + 7) / 8 * 8;
        }
        return clusters * cluster + (directory + cluster - 1) / cluster * cluster;
    }

    /// Bytes of clusters that have data.
    private static long dataBytes(@Nullable BlockNode source, long cluster) {
        if (source == null) return 0;
        long bytes = 0;
        long counted = -1; // the cluster counted last
        for (long at = 0; at < source.sizeBytes(); ) {
            Chain.Status status = Chain.statusAt(source, at, source.sizeBytes() - at);
            if (!status.zero()) {
                long first = Math.max(at / cluster, counted + 1);
                counted = (at + status.length() - 1) / cluster;
                bytes += Math.max(0, counted - first + 1) * cluster;
            }
            at += status.length();
        }
        return bytes;
    }
}
