package io.kahvem.daemon.service;

import java.util.Arrays;
import java.util.BitSet;

/// Sets of processors as the protocol has them: a bit each, the first in the lowest of the first byte.
final class CpuMaps {
    private CpuMaps() {}

    /// The bytes that so many processors take.
    static int length(int cpus) {
        return (cpus + 7) / 8;
    }

    static byte[] bytes(BitSet cpus, int length) {
        return Arrays.copyOf(cpus.toByteArray(), length);
    }

    static BitSet cpus(byte[] map) {
        return BitSet.valueOf(map);
    }
}
