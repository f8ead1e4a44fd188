package io.kahvem.block.qcow2;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/// How often each cluster is referred to, as a check counts it. What lies beyond the file takes memory by the reference, not by the offset.
final class ReferenceCounts {
    private final int[] inFile;
    private final Map<Long, Integer> beyond = new HashMap<>();

    ReferenceCounts(long clusters) {
        inFile = new int[(int) Math.min(clusters, Integer.MAX_VALUE - 8)];
    }

    void add(long cluster) {
        if (cluster >= 0 && cluster < inFile.length) inFile[(int) cluster]++;
        else beyond.merge(cluster, 1, Integer::sum);
    }

    int get(long cluster) {
        if (cluster >= 0 && cluster < inFile.length) return inFile[(int) cluster];
        return beyond.getOrDefault(cluster, 0);
    }

    /// Clusters the file has.
    long inFile() {
        return inFile.length;
    }

    /// Those beyond its end that are referred to.
    Set<Long> beyond() {
        return beyond.keySet();
    }

    /// One more than the last cluster that is referred to.
    long end() {
        long end = inFile.length;
        while (end > 0 && inFile[(int) end - 1] == 0) end--;
        for (long cluster : beyond.keySet()) end = Math.max(end, cluster + 1);
        return end;
    }
}
