package io.kahvem.block.qcow2;

import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.FormatInfo;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What `info` tells of an image: QMP's ImageInfoSpecificQCow2.
final class Qcow2Info {
    private Qcow2Info() {}

    static FormatInfo of(Header h, Qcow2Node node) {
        Map<String, Object> specific = new LinkedHashMap<>();
        specific.put("compat", h.version == 2 ? "0.10" : "1.1");
        if (h.version >= 3 || h.compressionType != Header.ZLIB) specific.put("compression-type", h.compressionType == Header.ZSTD
                ? "zstd" : "zlib");
        if (h.version == 2) specific.put("compression-type", "zlib");
        if (h.version >= 3) specific.put("lazy-refcounts", h.isLazy());
        List<Object> bitmaps = bitmaps(node);
        if (!bitmaps.isEmpty()) specific.put("bitmaps", bitmaps);
        specific.put("refcount-bits", (long) h.refcountBits());
        if (h.version >= 3) {
            specific.put("corrupt", (h.incompatible & Header.INCOMPAT_CORRUPT) != 0);
            if (h.hasDataFile() && h.dataFile != null) {
                specific.put("data-file", h.dataFile);
                specific.put("data-file-raw", (h.autoclear & Header.AUTOCLEAR_DATA_FILE_RAW) != 0);
            }
            specific.put("extended-l2", h.isExtendedL2());
        }
        if (h.cryptMethod == Header.CRYPT_LUKS) specific.put("encrypt", Map.of("format", "luks"));
        return new FormatInfo(h.clusterSize(), specific, (h.incompatible & Header.INCOMPAT_DIRTY) != 0);
    }

    private static List<Object> bitmaps(Qcow2Node node) {
        List<Object> bitmaps = new ArrayList<>();
        for (DirtyBitmap bitmap : node.bitmaps().list()) {
            List<Object> flags = new ArrayList<>();
            if (bitmap.isInconsistent()) flags.add("in-use");
            if (bitmap.isEnabled()) flags.add("auto");
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("flags", flags);
            one.put("name", bitmap.name());
            one.put("granularity", (long) bitmap.granularity());
            bitmaps.add(one);
        }
        return bitmaps;
    }
}
