package io.kahvem.daemon.service;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.Arrays;
import java.util.BitSet;

/// Sets of processors as the protocol has them: a bit each, the first in the lowest of the first byte.
final class CpuMaps {
    private static final int LARGEST = 16_383;

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

    /// A set in libvirt's words: 0-3,5. Throws [LibvirtException] for what is none.
    static BitSet parse(String text) {
        BitSet set = new BitSet();
        for (String part : text.strip().split(",", -1)) {
            String[] ends = part.strip().split("-", 2);
            try {
                int first = Integer.parseInt(ends[0]);
                int last = Integer.parseInt(ends[ends.length - 1]);
                if (first < 0 || first > last || last > LARGEST) throw new NumberFormatException();
                set.set(first, last + 1);
            } catch (NumberFormatException e) {
                throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.NONE, "Failed to parse bitmap '%s'".formatted(text));
            }
        }
        return set;
    }
}
