package io.kahvem.block.qcow2;

import static io.kahvem.block.qcow2.BigEndian.U64;

import io.kahvem.block.CheckResult;
import io.kahvem.block.Repair;
import io.kahvem.block.qcow2.L2Tables.L2;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/// Compares an image's reference counts with what refers to each cluster, as `qemu-img check` does, and repairs what differs.
public final class Checker {
    /// No file has clusters beyond this offset; an entry that says so is damaged.
    private static final long MOST_OFFSET = 1L << 56;

    private final Qcow2Node node;
    private final Image image;
    private final ClusterMap map;
    private Consumer<String> out = line -> { };
    private Repair repair = Repair.NONE;
    private ReferenceCounts counts = new ReferenceCounts(0);
    private boolean countsBroken;
    private long errors;
    private long corruptions;
    private long leaks;
    private long corruptionsFixed;
    private long leaksFixed;
    private long allocated;
    private long compressed;
    private long fragmented;

    public Checker(Qcow2Node node) {
        this.node = node;
        image = node.image();
        map = node.map();
    }

    /// Checks all of it, while nothing else reads or writes the image; says each finding in a line. Counts are what is left after repair.
    public CheckResult check(Repair what, Consumer<String> lines) {
        CheckResult[] result = new CheckResult[1];
        node.exclusively(() -> result[0] = checkAlone(what, lines));
        return result[0];
    }

    private CheckResult checkAlone(Repair what, Consumer<String> lines) {
        out = lines;
        repair = what;
        if (!image.isReadOnly()) image.writeMetadata(true);
        pass();
        if (repair != Repair.NONE && (corruptionsFixed > 0 || leaksFixed > 0)) {
            image.refcounts.write();
            image.tables.writeTables();
            image.tables.writeL1();
            image.file.flush();
            long fixedCorruptions = corruptionsFixed;
            long fixedLeaks = leaksFixed;
            repair = Repair.NONE;
            pass();
            corruptionsFixed = fixedCorruptions;
            leaksFixed = fixedLeaks;
        }
        if (what == Repair.ALL && corruptions == 0 && errors == 0 && (image.header.incompatible & Header.INCOMPAT_CORRUPT) != 0) {
            image.clearCorrupt();
        }
        return new CheckResult(
                errors, corruptions, leaks, corruptionsFixed, leaksFixed, image.clustersIn(node.sizeBytes()), allocated, fragmented,
                compressed, counts.end() << image.clusterBits);
    }

    private void pass() {
        errors = corruptions = leaks = corruptionsFixed = leaksFixed = allocated = compressed = fragmented = 0;
        countsBroken = false;
        counts = new ReferenceCounts(image.clustersIn(image.file.sizeBytes()));
        counts.add(0);
        range(image.header.l1TableOffset, 8L * image.header.l1Size);
        active();
        for (Snapshot snapshot : node.snapshots().list()) inactive(snapshot);
        if (!node.snapshots().list().isEmpty()) range(image.header.snapshotsOffset, Snapshots.tableBytes(node.snapshots().list()));
        node.bitmaps().eachCluster(counts::add);
        Header.Extension crypto = image.header.extension(Header.EXT_CRYPTO);
        if (crypto != null && crypto.data().length == 16) {
            MemorySegment fields = MemorySegment.ofArray(crypto.data());
            range(fields.get(U64, 0), Math.clamp(fields.get(U64, 8), 0, image.file.sizeBytes()));
        }
        countTables();
        if (countsBroken) rebuild();
        else compare();
        copiedFlags();
    }

    private void range(long offset, long bytes) {
        for (long at = offset; at < offset + bytes; at += image.clusterSize) counts.add(at >>> image.clusterBits);
    }

    private void corruption(String line) {
        out.accept(line);
        corruptions++;
    }

    // ---- what refers to clusters

    private void active() {
        long next = -1;
        long[] l1 = image.tables.l1();
        for (int n = 0; n < l1.length; n++) {
            long offset = l1[n] & L2Tables.OFFSET_MASK;
            if (offset == 0) continue;
            if (offset % image.clusterSize != 0) {
                corruption("ERROR l2_offset=%x: Table is not cluster aligned; L1 entry corrupted".formatted(offset));
                if (repair == Repair.ALL) {
                    image.tables.setL1(n, 0);
                    corruptionsFixed++;
                }
                continue;
            }
            counts.add(offset >>> image.clusterBits);
            L2 table = image.tables.find(n);
            if (table == null) continue;
            for (int k = 0; k < image.tables.entriesPerTable(); k++) next = entry(table, k, next);
        }
    }

    /// Counts an entry of the active tree. Where the next cluster would be, were the file in order.
    private long entry(L2 table, int index, long next) {
        long entry = image.tables.entry(table, index);
        if (!map.hasHost(entry)) return next;
        if ((entry & L2Tables.COMPRESSED) != 0) {
            map.eachHostCluster(entry, counts::add);
            allocated++;
            compressed++;
            fragmented++; // each one is where it found room
            return next;
        }
        long offset = entry & L2Tables.OFFSET_MASK;
        if ((offset & image.clusterSize - 1) != 0 || offset >= MOST_OFFSET) {
            corruption("ERROR offset=%x: Cluster is not properly aligned; L2 entry corrupted.".formatted(offset));
            if (repair == Repair.ALL) {
                image.tables.setEntry(table, index, image.header.version >= 3 && !map.isExtended() ? L2Tables.ZERO : 0);
                if (map.isExtended()) image.tables.setBitmap(table, index, 0xffff_ffffL << 32);
                corruptionsFixed++;
            }
            return next;
        }
        if (next >= 0 && offset != next) fragmented++;
        allocated++;
        map.eachHostCluster(entry, counts::add);
        return offset + image.clusterSize;
    }

    private void inactive(Snapshot snapshot) {
        range(snapshot.l1TableOffset(), 8L * snapshot.l1Size());
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = arena.allocate(image.clusterSize, 4096);
            for (long l1Entry : image.tables.readL1(snapshot.l1TableOffset(), snapshot.l1Size())) {
                long offset = l1Entry & L2Tables.OFFSET_MASK;
                if (offset == 0) continue;
                if (offset % image.clusterSize != 0) {
                    corruption("ERROR l2_offset=%x: Table is not cluster aligned; L1 entry corrupted".formatted(offset));
                    continue;
                }
                counts.add(offset >>> image.clusterBits);
                image.file.read(offset, table);
                for (long at = 0; at < image.clusterSize; at += image.tables.entryBytes) map.eachHostCluster(table.get(U64, at),
                        counts::add);
            }
        }
    }

    private void countTables() {
        range(image.header.refcountTableOffset, (long) image.header.refcountTableClusters << image.clusterBits);
        long[] table = image.refcounts.table();
        for (int n = 0; n < table.length; n++) {
            long offset = table[n];
            if (offset == 0) continue;
            if (offset < 0 || offset % image.clusterSize != 0) {
                corruption("ERROR refcount block %d is not cluster aligned; refcount table entry corrupted".formatted(n));
                countsBroken = true;
            } else if (offset >= image.clustersIn(image.file.sizeBytes()) << image.clusterBits) {
                corruption("ERROR refcount block %d is outside image".formatted(n));
                countsBroken = true;
            } else {
                counts.add(offset >>> image.clusterBits);
                if (counts.get(offset >>> image.clusterBits) != 1) {
                    corruption("ERROR refcount block %d refcount=%d".formatted(n, counts.get(offset >>> image.clusterBits)));
                    countsBroken = true;
                }
            }
        }
    }

    // ---- comparing

    private void compare() {
        for (long cluster = 0; cluster < counts.inFile(); cluster++) compare(cluster, image.refcounts.get(cluster));
        // Beyond the file's end there are few references and few blocks, however far away.
        Set<Long> beyond = new TreeSet<>(counts.beyond());
        long[] table = image.refcounts.table();
        int perBlock = image.refcounts.entriesPerBlock();
        for (int n = (int) (counts.inFile() / perBlock); n < table.length; n++) {
            if (table[n] == 0) continue;
            for (long cluster = Math.max(counts.inFile(), (long) n * perBlock); cluster < (n + 1L) * perBlock; cluster++) {
                compare(cluster, image.refcounts.get(cluster));
                beyond.remove(cluster);
            }
        }
        for (long cluster : beyond) compare(cluster, 0);
        if (countsBroken) rebuild();
    }

    private void compare(long cluster, long count) {
        int references = counts.get(cluster);
        if (count == references) return;
        boolean leaked = count > references;
        boolean fix = repair == Repair.ALL || leaked && repair == Repair.LEAKS;
        String what = fix ? "Repairing" : leaked ? "Leaked" : "ERROR";
        out.accept("%s cluster %d refcount=%d reference=%d".formatted(what, cluster, count, references));
        if (fix && !image.refcounts.repair(cluster, references)) {
            countsBroken = true; // there is no block it could be counted in
            fix = false;
        }
        if (fix && leaked) leaksFixed++;
        else if (fix) corruptionsFixed++;
        else if (leaked) leaks++;
        else corruptions++;
    }

    private void rebuild() {
        if (repair != Repair.ALL) return;
        out.accept("Rebuilding refcount structure");
        long found = corruptions;
        image.refcounts.rebuild(counts, image.clustersIn(image.file.sizeBytes()));
        corruptionsFixed += Math.max(1, found);
    }

    private void copiedFlags() {
        long[] l1 = image.tables.l1();
        for (int n = 0; n < l1.length; n++) {
            long offset = l1[n] & L2Tables.OFFSET_MASK;
            if (offset == 0 || offset % image.clusterSize != 0) continue;
            long count = image.refcounts.get(offset >>> image.clusterBits);
            if ((count == 1) != ((l1[n] & L2Tables.COPIED) != 0)) {
                boolean fix = repair == Repair.ALL;
                out.accept("%s OFLAG_COPIED L2 cluster: l1_index=%d l1_entry=%x refcount=%d"
                        .formatted(fix ? "Repairing" : "ERROR", n, l1[n], count));
                if (fix) {
                    image.tables.setL1(n, count == 1 ? l1[n] | L2Tables.COPIED : l1[n] & ~L2Tables.COPIED);
                    corruptionsFixed++;
                } else {
                    corruptions++;
                }
            }
            L2 table = image.tables.find(n);
            if (table == null) continue;
            for (int k = 0; k < image.tables.entriesPerTable(); k++) copiedFlag(table, k);
        }
    }

    private void copiedFlag(L2 table, int index) {
        long entry = image.tables.entry(table, index);
        if (!map.isPlain(entry) || image.header.hasDataFile()) return;
        long count = image.refcounts.get((entry & L2Tables.OFFSET_MASK) >>> image.clusterBits);
        if ((count == 1) == ((entry & L2Tables.COPIED) != 0)) return;
        boolean fix = repair == Repair.ALL;
        out.accept("%s OFLAG_COPIED data cluster: l2_entry=%x refcount=%d".formatted(fix ? "Repairing" : "ERROR", entry, count));
        if (fix) {
            image.tables.setEntry(table, index, count == 1 ? entry | L2Tables.COPIED : entry & ~L2Tables.COPIED);
            corruptionsFixed++;
        } else {
            corruptions++;
        }
    }
}
