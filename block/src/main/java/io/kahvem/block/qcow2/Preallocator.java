package io.kahvem.block.qcow2;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.Preallocation;
import java.lang.foreign.MemorySegment;

/// Gives clusters of the disk a place before they are written: they read as zeros, since the file does there.
final class Preallocator {
    private static final long STEP = 64 << 20;

    private Preallocator() {}

    static void run(Qcow2Node node, Image image, ClusterMap map, BlockNode data, long from, long to, Preallocation mode) {
        for (long at = from & -image.clusterSize; at < to; ) {
            long tableBytes = (long) image.tables.entriesPerTable() << image.clusterBits;
            long end = Math.min(Math.min(to + image.clusterSize - 1 & -image.clusterSize, at + STEP),
                    at / tableBytes * tableBytes + tableBytes);
            long start = at;
            node.exclusively(() -> step(image, map, data, start, end, mode));
            at = end;
        }
        node.flush();
    }

    private static void step(Image image, ClusterMap map, BlockNode data, long start, long end, Preallocation mode) {
        L2Tables.L2 table = image.tables.findForWriting(image.tables.l1Index(start));
        int index = image.tables.l2Index(start);
        int clusters = (int) (end - start >>> image.clusterBits);
        for (int n = 0; n < clusters; ) {
            if (map.hasHost(image.tables.entry(table, index + n))) {
                n++;
                continue;
            }
            int run = 1;
            while (n + run < clusters && !map.hasHost(image.tables.entry(table, index + n + run))) run++;
            long bytes = (long) run << image.clusterBits;
            long virginFrom = image.refcounts.virginFrom();
            long host = image.header.hasDataFile() ? start + ((long) n << image.clusterBits) : image.refcounts.allocate(run);
            fill(data, host, bytes, mode, host >= virginFrom || image.header.hasDataFile());
            for (int k = 0; k < run; k++) {
                image.tables.setEntry(table, index + n + k, host + ((long) k << image.clusterBits) | L2Tables.COPIED);
                if (map.isExtended()) image.tables.setBitmap(table, index + n + k, 0xffff_ffffL);
            }
            n += run;
        }
        image.needDataBarrier();
        image.bound(true);
    }

    private static void fill(BlockNode data, long host, long bytes, Preallocation mode, boolean zeros) {
        switch (mode) {
            case OFF -> { }
            case METADATA -> {
                if (!zeros) data.writeZeroes(host, bytes, true);
                else if (data.sizeBytes() < host + bytes) data.resize(host + bytes, Preallocation.OFF);
            }
            case FALLOC -> data.writeZeroes(host, bytes, false);
            case FULL -> {
                long most = Math.min(bytes, 1 << 20);
                MemorySegment memory = Bounce.take(most);
                memory.fill((byte) 0);
                for (long at = 0; at < bytes; at += most) data.write(host + at, memory.asSlice(0, Math.min(most, bytes - at)));
                Bounce.give(memory);
            }
        }
    }
}
