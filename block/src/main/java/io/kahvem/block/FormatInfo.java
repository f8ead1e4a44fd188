package io.kahvem.block;

import java.util.Map;

/// What a format tells of an image: for `info`.
///
/// @param clusterSize bytes, or 0
/// @param specific `format-specific` of QMP's ImageInfo: names as QMP spells them, values String, Long, Boolean, Map or List
/// @param dirty whether the image was not closed in order
public record FormatInfo(int clusterSize, Map<String, Object> specific, boolean dirty) {
    public static final FormatInfo NONE = new FormatInfo(0, Map.of(), false);
}
