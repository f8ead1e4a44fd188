package io.kahvem.block.qcow2;

import static io.kahvem.block.qcow2.BigEndian.U16;
import static io.kahvem.block.qcow2.BigEndian.U32;
import static io.kahvem.block.qcow2.BigEndian.U64;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// The bitmaps an image keeps (qcow2.txt, "Bitmaps extension"). While it is open they are in memory; in the file they are marked as in use
/// from the first write on, so that a crash leaves none that lies.
public final class Bitmaps {
    private static final int MOST = 65_535;
    private static final int FIXED = 24;
    private static final int IN_USE = 1;
    private static final int AUTO = 2;
    private static final int DIRTY_TRACKING = 1;
    private static final int LEAST_GRANULARITY_BITS = 9;
    private static final int MOST_GRANULARITY_BITS = 31;
    private static final int MOST_NAME = 1023;
    private static final long MOST_DIRECTORY = 64 << 20;
    private static final long ALL_ONES = 1;
    private static final long OFFSET_MASK = L2Tables.OFFSET_MASK;

    /// Where a stored bitmap is.
    private record Stored(long tableOffset, int tableSize) {}

    private final Image image;
    private final List<DirtyBitmap> all = new CopyOnWriteArrayList<>();
    private final List<Stored> stored = new ArrayList<>();
    private long directoryOffset;
    private long directoryBytes;
    private volatile boolean marked;
    private boolean changed;

    Bitmaps(Image image) {
        this.image = image;
    }

    public List<DirtyBitmap> list() {
        return List.copyOf(all);
    }

    public @Nullable DirtyBitmap find(String name) {
        for (DirtyBitmap bitmap : all) if (bitmap.name().equals(name)) return bitmap;
        return null;
    }

    /// Reads all of them, if the extension is there and valid.
    void load() {
        Header.Extension extension = image.header.extension(Header.EXT_BITMAPS);
        if (extension == null || (image.header.autoclear & Header.AUTOCLEAR_BITMAPS) == 0) return;
        if (extension.data().length != 24) throw BlockException.invalid("bitmaps_ext: Invalid extension length");
        ByteBuffer fields = ByteBuffer.wrap(extension.data());
        int count = fields.getInt();
        if (count <= 0 || count > MOST) throw BlockException.invalid("bitmaps_ext: found bitmaps extension with zero or too many bitmaps");
        fields.getInt();
        directoryBytes = fields.getLong();
        directoryOffset = fields.getLong();
        if (directoryOffset <= 0 || directoryOffset % image.clusterSize != 0) {
            throw BlockException.invalid("bitmaps_ext: invalid bitmap directory offset");
        }
        if (directoryBytes <= 0 || directoryBytes > MOST_DIRECTORY) throw BlockException.invalid(
                "bitmaps_ext: bitmap directory size is invalid");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment m = arena.allocate(directoryBytes, 8);
            image.file.read(directoryOffset, m);
            long at = 0;
            for (int n = 0; n < count; n++) at = loadOne(m, at);
        }
    }

    private long loadOne(MemorySegment m, long at) {
        if (at + FIXED > directoryBytes) throw BlockException.invalid("Broken bitmap directory");
        Stored where = new Stored(m.get(U64, at), m.get(U32, at + 8));
        int flags = m.get(U32, at + 12);
        int type = m.get(JAVA_BYTE, at + 16);
        int granularityBits = m.get(JAVA_BYTE, at + 17);
        int nameLength = m.get(U16, at + 18) & 0xffff;
        int extraLength = m.get(U32, at + 20);
        long next = at + (FIXED + Integer.toUnsignedLong(extraLength) + nameLength + 7L) / 8 * 8;
        boolean sane = type == DIRTY_TRACKING && extraLength == 0 && nameLength > 0 && nameLength <= MOST_NAME && next <= directoryBytes
                && granularityBits >= LEAST_GRANULARITY_BITS && granularityBits < MOST_GRANULARITY_BITS
                && where.tableOffset > 0 && where.tableOffset % image.clusterSize == 0;
        if (!sane) throw BlockException.invalid("Broken bitmap directory entry " + stored.size());
        String name = new String(m.asSlice(at + FIXED, nameLength).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
        DirtyBitmap bitmap = new DirtyBitmap(name, 1 << granularityBits, image.header.sizeBytes);
        if (where.tableSize != image.clustersIn(bitmap.octets())) throw BlockException.invalid(
                "Bitmap '%s' has a table of the wrong size".formatted(name));
        bitmap.setEnabled((flags & AUTO) != 0);
        if ((flags & IN_USE) != 0) bitmap.setInconsistent();
        else loadBits(bitmap, where);
        bitmap.setStored();
        all.add(bitmap);
        stored.add(where);
        return next;
    }

    private void loadBits(DirtyBitmap bitmap, Stored where) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = arena.allocate(Math.max(8, 8L * where.tableSize), 8);
            image.file.read(where.tableOffset, table);
            MemorySegment cluster = arena.allocate(image.clusterSize, 4096);
            for (int n = 0; n < where.tableSize; n++) {
                long entry = table.getAtIndex(U64, n);
                long offset = entry & OFFSET_MASK;
                if (offset == 0) cluster.fill((byte) ((entry & ALL_ONES) != 0 ? 0xff : 0));
                else image.file.read(offset, cluster);
                long first = (long) n * image.clusterSize;
                long octets = Math.min(image.clusterSize, bitmap.octets() - first);
                for (long k = 0; k < octets; k++) bitmap.loadOctet(first + k, cluster.get(JAVA_BYTE, k));
            }
        }
    }

    /// Every cluster that bitmaps take in the file, for checks.
    void eachCluster(LongConsumer action) {
        if (directoryOffset == 0) return;
        range(directoryOffset, directoryBytes, action);
        try (Arena arena = Arena.ofConfined()) {
            for (Stored where : stored) {
                range(where.tableOffset, 8L * where.tableSize, action);
                MemorySegment table = arena.allocate(Math.max(8, 8L * where.tableSize), 8);
                image.file.read(where.tableOffset, table);
                for (int n = 0; n < where.tableSize; n++) {
                    long offset = table.getAtIndex(U64, n) & OFFSET_MASK;
                    if (offset != 0) action.accept(offset >>> image.clusterBits);
                }
            }
        }
    }

    private void range(long offset, long bytes, LongConsumer action) {
        for (long at = offset; at < offset + bytes; at += image.clusterSize) action.accept(at >>> image.clusterBits);
    }

    // ---- changes

    /// Notes a write in those that are enabled. Called before it happens.
    void touch(long offset, long length) {
        if (all.isEmpty()) return;
        if (!marked) markInUse();
        for (DirtyBitmap bitmap : all) if (bitmap.isEnabled() && !bitmap.isInconsistent()) bitmap.mark(offset, length);
    }

    private void markInUse() {
        image.lock.lock();
        try {
            if (marked || directoryOffset == 0) {
                marked = true;
                return;
            }
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment m = arena.allocate(directoryBytes, 8);
                image.file.read(directoryOffset, m);
                long at = 0;
                for (int n = 0; n < stored.size(); n++) {
                    m.set(U32, at + 12, m.get(U32, at + 12) | IN_USE);
                    at += (FIXED + m.get(U32, at + 20) + (m.get(U16, at + 18) & 0xffff) + 7L) / 8 * 8;
                }
                image.file.write(directoryOffset, m);
                image.file.flush();
            }
            marked = true;
        } finally {
            image.lock.unlock();
        }
    }

    /// Adds an empty one that notes writes from here on. Throws [BlockException] in QEMU's words.
    public void add(String name, int granularity, boolean enabled) {
        if (image.header.version < 3) {
            throw new BlockException(Errno.EOPNOTSUPP, "Cannot store dirty bitmaps in qcow2 v2 files");
        }
        if (name.isEmpty() || name.getBytes(StandardCharsets.UTF_8).length > MOST_NAME) throw BlockException.invalid(
                "Bitmap name is too long");
        if (find(name) != null) throw BlockException.invalid("Bitmap already exists: " + name);
        if (all.size() >= MOST) throw new BlockException(Errno.EFBIG, "Maximum number of persistent bitmaps is already reached");
        DirtyBitmap bitmap = new DirtyBitmap(name, granularity, image.header.sizeBytes);
        bitmap.setEnabled(enabled);
        all.add(bitmap);
        changed = true;
    }

    /// Throws [BlockException] in QEMU's words where there is none.
    public void remove(String name) {
        DirtyBitmap bitmap = needed(name);
        all.remove(bitmap);
        changed = true;
    }

    /// Throws [BlockException] in QEMU's words where there is none.
    public DirtyBitmap needed(String name) {
        DirtyBitmap bitmap = find(name);
        if (bitmap == null) throw new BlockException(Errno.ENOENT, "Dirty bitmap '%s' not found".formatted(name));
        return bitmap;
    }

    /// The granularity QEMU gives a bitmap where none is asked for.
    public int defaultGranularity() {
        return Math.clamp(image.clusterSize, 4096, 65_536);
    }

    void resize(long sizeBytes) {
        for (DirtyBitmap bitmap : all) changed |= bitmap.sizeBytes() != sizeBytes;
        for (DirtyBitmap bitmap : all) bitmap.resize(sizeBytes);
    }

    /// Writes them to the file, if they changed: new ones beside the old ones, then the directory, then the header. Under the image's lock.
    void store() {
        if (image.isReadOnly()) return;
        for (DirtyBitmap bitmap : all) changed |= bitmap.isChanged();
        if (!changed && !marked) return;
        List<Long> old = new ArrayList<>();
        eachCluster(old::add);
        List<Stored> places = new ArrayList<>();
        for (DirtyBitmap bitmap : all) places.add(storeBits(bitmap));
        byte[] extension = null;
        if (all.isEmpty()) {
            directoryOffset = 0;
            directoryBytes = 0;
        } else {
            extension = storeDirectory(places);
        }
        image.writeMetadata(true);
        image.file.flush();
        image.header.setExtension(Header.EXT_BITMAPS, extension);
        if (extension == null) image.header.autoclear &= ~Header.AUTOCLEAR_BITMAPS;
        else image.header.autoclear |= Header.AUTOCLEAR_BITMAPS;
        image.header.write(image.file);
        image.file.flush();
        old.forEach(image.refcounts::release);
        stored.clear();
        stored.addAll(places);
        all.forEach(DirtyBitmap::setStored);
        marked = false;
        changed = false;
    }

    private Stored storeBits(DirtyBitmap bitmap) {
        int clusters = (int) image.clustersIn(bitmap.octets());
        long tableClusters = Math.max(1, image.clustersIn(8L * clusters));
        long tableOffset = image.refcounts.allocate(tableClusters);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment table = arena.allocate(tableClusters << image.clusterBits, 4096);
            MemorySegment cluster = arena.allocate(image.clusterSize, 4096);
            for (int n = 0; n < clusters && !bitmap.isInconsistent(); n++) {
                boolean any = false;
                for (int k = 0; k < image.clusterSize; k++) {
                    byte octet = bitmap.octet((long) n * image.clusterSize + k);
                    any |= octet != 0;
                    cluster.set(JAVA_BYTE, k, octet);
                }
                if (!any) continue;
                long offset = image.refcounts.allocate(1);
                image.file.write(offset, cluster);
                table.setAtIndex(U64, n, offset);
            }
            image.file.write(tableOffset, table);
        }
        return new Stored(tableOffset, clusters);
    }

    private byte[] storeDirectory(List<Stored> places) {
        long bytes = 0;
        for (DirtyBitmap bitmap : all) bytes += (FIXED + bitmap.name().getBytes(StandardCharsets.UTF_8).length + 7L) / 8 * 8;
        directoryBytes = bytes;
        directoryOffset = image.refcounts.allocate(image.clustersIn(bytes));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment m = arena.allocate(bytes, 8);
            long at = 0;
            for (int n = 0; n < all.size(); n++) {
                DirtyBitmap bitmap = all.get(n);
                byte[] name = bitmap.name().getBytes(StandardCharsets.UTF_8);
                m.set(U64, at, places.get(n).tableOffset);
                m.set(U32, at + 8, places.get(n).tableSize);
                m.set(U32, at + 12, (bitmap.isInconsistent() ? IN_USE : 0) | (bitmap.isEnabled() ? AUTO : 0));
                m.set(JAVA_BYTE, at + 16, (byte) DIRTY_TRACKING);
                m.set(JAVA_BYTE, at + 17, (byte) Integer.numberOfTrailingZeros(bitmap.granularity()));
                m.set(U16, at + 18, (short) name.length);
                MemorySegment.copy(name, 0, m, JAVA_BYTE, at + FIXED, name.length);
                at += (FIXED + name.length + 7L) / 8 * 8;
            }
            image.file.write(directoryOffset, m);
        }
        return ByteBuffer.allocate(24).putInt(all.size()).putInt(0).putLong(directoryBytes).putLong(directoryOffset).array();
    }
}
