package io.kahvem.block.qcow2;

import static io.kahvem.block.qcow2.BigEndian.U16;
import static io.kahvem.block.qcow2.BigEndian.U32;
import static io.kahvem.block.qcow2.BigEndian.U64;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// An image's internal snapshots: a table of them, each with an L1 table of its own. Changes happen while nothing else reads or writes.
public final class Snapshots {
    private static final int FIXED = 40;
    private static final int KNOWN_EXTRA = 24;
    private static final int MOST = 65_536;
    private static final int MOST_EXTRA = 1024;

    private final Qcow2Node node;
    private final Image image;
    private final ClusterMap map;
    private final List<Snapshot> all = new ArrayList<>();

    Snapshots(Qcow2Node node, Image image, ClusterMap map) {
        this.node = node;
        this.image = image;
        this.map = map;
    }

    public List<Snapshot> list() {
        return List.copyOf(all);
    }

    public @Nullable Snapshot find(String idOrName) {
        for (Snapshot snapshot : all) if (snapshot.id().equals(idOrName)) return snapshot;
        for (Snapshot snapshot : all) if (snapshot.name().equals(idOrName)) return snapshot;
        return null;
    }

    /// Reads the table. Throws [BlockException] for one that cannot be true.
    void load() {
        long at = image.header.snapshotsOffset;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fixed = arena.allocate(FIXED, 8);
            for (int n = 0; n < image.header.snapshotCount; n++) {
                image.file.read(at, fixed);
                int idLength = fixed.get(U16, 12) & 0xffff;
                int nameLength = fixed.get(U16, 14) & 0xffff;
                int extraLength = fixed.get(U32, 36);
                if (extraLength < 0 || extraLength > MOST_EXTRA) {
                    throw BlockException.invalid("Too much extra metadata in snapshot table entry " + n);
                }
                int rest = extraLength + idLength + nameLength;
                MemorySegment m = arena.allocate(Math.max(1, rest), 8);
                image.file.read(at + FIXED, m);
                all.add(parse(fixed, m, extraLength, idLength, nameLength));
                at += (FIXED + rest + 7L) / 8 * 8;
                if (at - image.header.snapshotsOffset > MOST * 1024L) throw BlockException.invalid("Snapshot table too large");
            }
        }
        if (!all.isEmpty()) image.refcounts.noteMetadata(image.header.snapshotsOffset, image.clustersIn(tableBytes(all)));
    }

    private Snapshot parse(MemorySegment fixed, MemorySegment m, int extraLength, int idLength, int nameLength) {
        long l1Offset = fixed.get(U64, 0);
        int l1Size = fixed.get(U32, 8);
        if (Integer.toUnsignedLong(l1Size) * 8 > Header.MOST_L1_BYTES) throw BlockException.invalid("Snapshot L1 table too large");
        if (l1Offset < 0 || l1Offset % image.clusterSize != 0) throw BlockException.invalid("Snapshot L1 table offset invalid");
        return new Snapshot(
                text(m.asSlice(extraLength, idLength)),
                text(m.asSlice(extraLength + idLength, nameLength)),
                fixed.get(U32, 16) & 0xffff_ffffL,
                fixed.get(U32, 20),
                fixed.get(U64, 24),
                extraLength >= 8 ? m.get(U64, 0) : fixed.get(U32, 32) & 0xffff_ffffL,
                extraLength >= 16 ? m.get(U64, 8) : image.header.sizeBytes,
                extraLength >= 24 ? m.get(U64, 16) : -1,
                l1Offset,
                l1Size,
                extraLength > KNOWN_EXTRA ? m.asSlice(KNOWN_EXTRA, extraLength - KNOWN_EXTRA).toArray(JAVA_BYTE) : new byte[0]);
    }

    private static String text(MemorySegment bytes) {
        return new String(bytes.toArray(JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private static long entryBytes(Snapshot s) {
        int id = s.id().getBytes(StandardCharsets.UTF_8).length;
        int name = s.name().getBytes(StandardCharsets.UTF_8).length;
        return (FIXED + KNOWN_EXTRA + s.unknown().length + id + name + 7L) / 8 * 8;
    }

    static long tableBytes(List<Snapshot> snapshots) {
        return snapshots.stream().mapToLong(Snapshots::entryBytes).sum();
    }

    /// Takes one of the disk as it is. Throws [BlockException] where a cluster cannot be counted once more.
    ///
    /// @param vmStateBytes of a machine's state that is kept beside the disk, or 0
    public Snapshot create(String name, Instant date, long vmStateBytes, long vmClockNanos) {
        Snapshot[] made = new Snapshot[1];
        node.exclusively(() -> made[0] = createAlone(name, date, vmStateBytes, vmClockNanos));
        return made[0];
    }

    private Snapshot createAlone(String name, Instant date, long vmStateBytes, long vmClockNanos) {
        if (all.size() >= MOST) throw new BlockException(Errno.EFBIG, "Too many snapshots");
        if (image.header.hasDataFile()) throw new BlockException(Errno.EOPNOTSUPP, "Images with a data file have no internal snapshots");
        image.beforeFirstChange();
        image.writeMetadata(true);
        long[] l1 = image.tables.l1().clone();
        countTree(l1);
        long l1Clusters = Math.max(1, image.clustersIn(8L * l1.length));
        long l1Offset = image.refcounts.allocate(l1Clusters);
        image.writeMetadata(true);
        image.file.flush();
        clearCopied();
        image.tables.writeL1At(l1Offset, image.tables.l1());
        image.writeMetadata(true);
        image.file.flush();
        long id = 1 + all.stream().mapToLong(s -> s.id().matches("[0-9]{1,9}") ? Long.parseLong(s.id()) : 0).max().orElse(0);
        Snapshot snapshot = new Snapshot(
                Long.toString(id), name, date.getEpochSecond(), date.getNano(), vmClockNanos, vmStateBytes,
                image.header.sizeBytes, 0, l1Offset, l1.length, new byte[0]);
        List<Snapshot> changed = new ArrayList<>(all);
        changed.add(snapshot);
        writeTable(changed);
        return snapshot;
    }

    /// Counts everything a tree refers to once more, or nothing.
    private void countTree(long[] l1) {
        List<Long> counted = new ArrayList<>();
        try {
            eachCluster(l1, cluster -> {
                image.refcounts.increment(cluster);
                counted.add(cluster);
            });
        } catch (BlockException full) {
            counted.forEach(image.refcounts::release);
            throw full;
        }
    }

    /// Every cluster the tree refers to, tables and data, as often as it does. Everything is in the file.
    private void eachCluster(long[] l1, LongConsumer action) {
        MemorySegment table = Arena.ofAuto().allocate(image.clusterSize, 4096);
        for (long entry : l1) {
            long offset = entry & L2Tables.OFFSET_MASK;
            if (offset == 0) continue;
            if (offset % image.clusterSize != 0) throw image.corrupt("L2 table offset %#x of a snapshot unaligned".formatted(offset));
            image.file.read(offset, table);
            for (long at = 0; at < image.clusterSize; at += image.tables.entryBytes) map.eachHostCluster(table.get(U64, at), action);
            action.accept(offset >>> image.clusterBits);
        }
    }

    /// Nothing of the active tree may be written in place any more.
    private void clearCopied() {
        for (int n = 0; n < image.tables.l1().length; n++) {
            long entry = image.tables.l1()[n];
            if ((entry & L2Tables.OFFSET_MASK) == 0) continue;
            L2Tables.L2 table = image.tables.find(n);
            if (table == null) continue;
            for (int k = 0; k < image.tables.entriesPerTable(); k++) {
                long old = image.tables.entry(table, k);
                if ((old & L2Tables.COPIED) != 0) image.tables.setEntry(table, k, old & ~L2Tables.COPIED);
            }
            if ((entry & L2Tables.COPIED) != 0) image.tables.setL1(n, entry & ~L2Tables.COPIED);
            image.bound(true);
        }
    }

    /// Marks what is used once as such again, after a tree has gone.
    private void setCopied() {
        for (int n = 0; n < image.tables.l1().length; n++) {
            long entry = image.tables.l1()[n];
            long offset = entry & L2Tables.OFFSET_MASK;
            if (offset == 0 || image.refcounts.get(offset >>> image.clusterBits) != 1) continue;
            L2Tables.L2 table = image.tables.find(n);
            if (table == null) continue;
            for (int k = 0; k < image.tables.entriesPerTable(); k++) {
                long old = image.tables.entry(table, k);
                if (!map.isPlain(old)) continue;
                boolean once = image.refcounts.get((old & L2Tables.OFFSET_MASK) >>> image.clusterBits) == 1;
                long now = once ? old | L2Tables.COPIED : old & ~L2Tables.COPIED;
                if (now != old) image.tables.setEntry(table, k, now);
            }
            if ((entry & L2Tables.COPIED) == 0) image.tables.setL1(n, entry | L2Tables.COPIED);
            image.bound(true);
        }
    }

    private void writeTable(List<Snapshot> snapshots) {
        long bytes = tableBytes(snapshots);
        long clusters = image.clustersIn(bytes);
        long offset = snapshots.isEmpty() ? 0 : image.refcounts.allocate(clusters);
        image.writeMetadata(true);
        if (!snapshots.isEmpty()) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment m = arena.allocate(bytes, 8);
                long at = 0;
                for (Snapshot snapshot : snapshots) at = put(m, at, snapshot);
                image.file.write(offset, m);
            }
            image.refcounts.noteMetadata(offset, clusters);
        }
        image.file.flush();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fields = arena.allocate(12, 8);
            fields.set(U32, 0, snapshots.size());
            fields.set(U64, 4, offset);
            image.file.write(60, fields);
        }
        image.file.flush();
        if (!all.isEmpty()) image.refcounts.free(image.header.snapshotsOffset, image.clustersIn(tableBytes(all)));
        image.header.snapshotCount = snapshots.size();
        image.header.snapshotsOffset = offset;
        all.clear();
        all.addAll(snapshots);
        image.writeMetadata(true);
        image.file.flush();
    }

    private static long put(MemorySegment m, long at, Snapshot s) {
        byte[] id = s.id().getBytes(StandardCharsets.UTF_8);
        byte[] name = s.name().getBytes(StandardCharsets.UTF_8);
        m.set(U64, at, s.l1TableOffset());
        m.set(U32, at + 8, s.l1Size());
        m.set(U16, at + 12, (short) id.length);
        m.set(U16, at + 14, (short) name.length);
        m.set(U32, at + 16, (int) s.dateSeconds());
        m.set(U32, at + 20, s.dateNanos());
        m.set(U64, at + 24, s.vmClockNanos());
        m.set(U32, at + 32, s.vmStateBytes() > 0xffff_ffffL ? 0 : (int) s.vmStateBytes());
        m.set(U32, at + 36, KNOWN_EXTRA + s.unknown().length);
        long next = at + FIXED;
        m.set(U64, next, s.vmStateBytes());
        m.set(U64, next + 8, s.diskSizeBytes());
        m.set(U64, next + 16, s.icount());
        next += KNOWN_EXTRA;
        MemorySegment.copy(s.unknown(), 0, m, JAVA_BYTE, next, s.unknown().length);
        next += s.unknown().length;
        MemorySegment.copy(id, 0, m, JAVA_BYTE, next, id.length);
        next += id.length;
        MemorySegment.copy(name, 0, m, JAVA_BYTE, next, name.length);
        return at + entryBytes(s);
    }

    /// Removes one. Throws [BlockException] in qemu-img's words where there is none.
    public void delete(String idOrName) {
        node.exclusively(() -> {
            Snapshot snapshot = needed(idOrName);
            image.beforeFirstChange();
            image.writeMetadata(true);
            List<Snapshot> changed = new ArrayList<>(all);
            changed.remove(snapshot);
            writeTable(changed);
            eachCluster(image.tables.readL1(snapshot.l1TableOffset(), snapshot.l1Size()), image.refcounts::release);
            image.refcounts.free(snapshot.l1TableOffset(), Math.max(1, image.clustersIn(8L * snapshot.l1Size())));
            image.writeMetadata(true);
            setCopied();
            image.writeMetadata(true);
            image.file.flush();
        });
    }

    /// Makes the disk what it was. Throws [BlockException] in qemu-img's words where there is no such snapshot.
    public void apply(String idOrName) {
        node.exclusively(() -> {
            Snapshot snapshot = needed(idOrName);
            if (image.header.version < 3 && snapshot.diskSizeBytes() != image.header.sizeBytes) {
                throw new BlockException(Errno.EOPNOTSUPP, "The snapshot has another disk size, and version 2 images cannot change theirs");
            }
            image.beforeFirstChange();
            image.writeMetadata(true);
            long[] old = image.tables.l1();
            long oldOffset = image.header.l1TableOffset;
            long[] l1 = image.tables.readL1(snapshot.l1TableOffset(), snapshot.l1Size());
            countTree(l1);
            for (int n = 0; n < l1.length; n++) l1[n] &= ~L2Tables.COPIED;
            long offset = image.refcounts.allocate(Math.max(1, image.clustersIn(8L * l1.length)));
            image.writeMetadata(true);
            image.tables.writeL1At(offset, l1);
            image.file.flush();
            switchL1(offset, l1, snapshot.diskSizeBytes());
            eachCluster(old, image.refcounts::release);
            image.refcounts.free(oldOffset, Math.max(1, image.clustersIn(8L * old.length)));
            image.writeMetadata(true);
            setCopied();
            image.writeMetadata(true);
            image.file.flush();
            node.sizeChanged();
        });
    }

    /// Size, and L1 table with its size: fields of the first sector, in one write.
    void switchL1(long offset, long[] l1, long sizeBytes) {
        image.header.sizeBytes = sizeBytes;
        image.header.l1Size = l1.length;
        image.header.l1TableOffset = offset;
        image.tables.replaceL1(l1);
        image.refcounts.noteMetadata(offset, image.clustersIn(8L * l1.length));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fields = arena.allocate(24, 8);
            fields.set(U64, 0, sizeBytes);
            fields.set(U32, 8, image.header.cryptMethod);
            fields.set(U32, 12, l1.length);
            fields.set(U64, 16, offset);
            image.file.write(24, fields);
        }
        image.file.flush();
    }

    /// Shows a snapshot instead of the disk, for reading.
    void show(String idOrName) {
        Snapshot snapshot = needed(idOrName);
        image.header.sizeBytes = snapshot.diskSizeBytes();
        image.tables.replaceL1(image.tables.readL1(snapshot.l1TableOffset(), snapshot.l1Size()));
        node.sizeChanged();
    }

    private Snapshot needed(String idOrName) {
        Snapshot snapshot = find(idOrName);
        if (snapshot == null) throw new BlockException(Errno.ENOENT, "Can't find the snapshot");
        return snapshot;
    }
}
