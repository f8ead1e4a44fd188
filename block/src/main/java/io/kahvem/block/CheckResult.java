package io.kahvem.block;

/// What a check of an image found: QMP's ImageCheck.
///
/// @param fragmented clusters that do not follow the one before them in the file
/// @param imageEndOffset where the last used cluster ends
public record CheckResult(
        long checkErrors,
        long corruptions,
        long leaks,
        long corruptionsFixed,
        long leaksFixed,
        long totalClusters,
        long allocatedClusters,
        long fragmentedClusters,
        long compressedClusters,
        long imageEndOffset) {

    public boolean isClean() {
        return checkErrors == 0 && corruptions == 0 && leaks == 0;
    }
}
