package io.kahvem.block.qcow2;

import static io.kahvem.block.qcow2.BigEndian.U32;
import static io.kahvem.block.qcow2.BigEndian.U64;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.host.Errno;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The header and its extensions (qcow2.txt, "Header" and "Header extensions"). Fields have the specification's names.
final class Header {
    static final int MAGIC = 0x5146_49fb; // "QFI\xfb"

    static final long INCOMPAT_DIRTY = 1;
    static final long INCOMPAT_CORRUPT = 2;
    static final long INCOMPAT_DATA_FILE = 4;
    static final long INCOMPAT_COMPRESSION = 8;
    static final long INCOMPAT_EXTENDED_L2 = 16;
    static final long COMPAT_LAZY_REFCOUNTS = 1;
    static final long AUTOCLEAR_BITMAPS = 1;
    static final long AUTOCLEAR_DATA_FILE_RAW = 2;

    static final int CRYPT_NONE = 0;
    static final int CRYPT_AES = 1;
    static final int CRYPT_LUKS = 2;

    static final int ZLIB = 0;
    static final int ZSTD = 1;

    static final int EXT_END = 0;
    static final int EXT_BACKING_FORMAT = 0xe279_2aca;
    static final int EXT_FEATURE_NAMES = 0x6803_f857;
    static final int EXT_BITMAPS = 0x2385_2875;
    static final int EXT_CRYPTO = 0x0537_be77;
    static final int EXT_DATA_FILE = 0x4441_5441;

    static final int V2_LENGTH = 72;
    static final int V3_LENGTH = 112;
    private static final int V3_LEAST_LENGTH = 104;

    static final int LEAST_CLUSTER_BITS = 9;
    static final int MOST_CLUSTER_BITS = 21;
    static final long MOST_L1_BYTES = 32 << 20;
    private static final long MOST_REFTABLE_BYTES = 8 << 20;
    private static final int MOST_SNAPSHOTS = 65_536;

    /// Smaller clusters keep the room for what matters.
    private static final int LEAST_FOR_NAMES = 1024;

    private static final int MOST_NAME = 1023;

    /// An extension this version of us does not interpret, or whose payload another class reads.
    record Extension(int type, byte[] data) {}

    int version = 3;
    int clusterBits = 16;
    long sizeBytes;
    int cryptMethod;
    int l1Size;
    long l1TableOffset;
    long refcountTableOffset;
    int refcountTableClusters;
    int snapshotCount;
    long snapshotsOffset;
    long incompatible;
    long compatible;
    long autoclear;
    int refcountOrder = 4;
    int headerLength = V3_LENGTH;
    int compressionType;
    @Nullable String backingFile;
    @Nullable String backingFormat;
    @Nullable String dataFile;
    final List<Extension> extensions = new ArrayList<>();

    /// What an image of a later version keeps in its header after the fields known here.
    private byte[] unknownFields = new byte[0];

    int clusterSize() {
        return 1 << clusterBits;
    }

    int refcountBits() {
        return 1 << refcountOrder;
    }

    boolean isExtendedL2() {
        return (incompatible & INCOMPAT_EXTENDED_L2) != 0;
    }

    boolean hasDataFile() {
        return (incompatible & INCOMPAT_DATA_FILE) != 0;
    }

    boolean isLazy() {
        return (compatible & COMPAT_LAZY_REFCOUNTS) != 0;
    }

    @Nullable Extension extension(int type) {
        for (Extension extension : extensions) if (extension.type() == type) return extension;
        return null;
    }

    void setExtension(int type, byte @Nullable [] data) {
        extensions.removeIf(extension -> extension.type() == type);
        if (data != null) extensions.add(new Extension(type, data));
    }

    /// Reads and checks it. Throws [BlockException] in QEMU's words.
    static Header read(BlockNode file) {
        Header h = new Header();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment fixed = arena.allocate(V3_LENGTH, 8);
            file.read(0, fixed);
            h.fixed(fixed);
            MemorySegment cluster = arena.allocate(h.clusterSize(), 8);
            file.read(0, cluster);
            h.rest(cluster);
        }
        h.validate();
        return h;
    }

    private void fixed(MemorySegment m) {
        if (m.get(U32, 0) != MAGIC) throw BlockException.invalid("Image is not in qcow2 format");
        version = m.get(U32, 4);
        if (version < 2 || version > 3) {
            throw new BlockException(Errno.EOPNOTSUPP, "Unsupported qcow2 version " + Integer.toUnsignedString(version));
        }
        clusterBits = m.get(U32, 20);
        if (clusterBits < LEAST_CLUSTER_BITS || clusterBits > MOST_CLUSTER_BITS) {
            throw BlockException.invalid("Unsupported cluster size: 2^" + Integer.toUnsignedString(clusterBits));
        }
        sizeBytes = m.get(U64, 24);
        cryptMethod = m.get(U32, 32);
        l1Size = m.get(U32, 36);
        l1TableOffset = m.get(U64, 40);
        refcountTableOffset = m.get(U64, 48);
        refcountTableClusters = m.get(U32, 56);
        snapshotCount = m.get(U32, 60);
        snapshotsOffset = m.get(U64, 64);
        headerLength = V2_LENGTH;
        if (version == 2) return;
        incompatible = m.get(U64, 72);
        compatible = m.get(U64, 80);
        autoclear = m.get(U64, 88);
        refcountOrder = m.get(U32, 96);
        headerLength = m.get(U32, 100);
        if (Integer.compareUnsigned(headerLength, V3_LEAST_LENGTH) < 0) throw BlockException.invalid("qcow2 header too short");
        if (Integer.compareUnsigned(headerLength, clusterSize()) > 0) throw BlockException.invalid("qcow2 header exceeds cluster size");
        if (headerLength > V3_LEAST_LENGTH) compressionType = m.get(JAVA_BYTE, 104) & 0xff;
    }

    private void rest(MemorySegment cluster) {
        if (headerLength > V3_LENGTH) unknownFields = cluster.asSlice(V3_LENGTH, headerLength - V3_LENGTH).toArray(JAVA_BYTE);
        long backingOffset = cluster.get(U64, 8);
        int backingSize = cluster.get(U32, 16);
        long end = clusterSize();
        if (backingOffset != 0) {
            if (Long.compareUnsigned(backingOffset, clusterSize()) > 0) throw BlockException.invalid("Invalid backing file offset");
            end = backingOffset;
        }
        extensions(cluster, end);
        if (backingOffset == 0) return;
        if (Integer.compareUnsigned(backingSize, Math.min(MOST_NAME, (int) (clusterSize() - backingOffset))) > 0) {
            throw BlockException.invalid("Backing file name too long");
        }
        backingFile = text(cluster.asSlice(backingOffset, backingSize));
    }

    private static String text(MemorySegment bytes) {
        return new String(bytes.toArray(JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private void extensions(MemorySegment cluster, long end) {
        long at = headerLength;
        while (at + 8 <= end) {
            int type = cluster.get(U32, at);
            int length = cluster.get(U32, at + 4);
            at += 8;
            if (type == EXT_END) return;
            if (length < 0 || length > end - at) throw BlockException.invalid("Header extension too large");
            MemorySegment data = cluster.asSlice(at, length);
            switch (type) {
                case EXT_BACKING_FORMAT -> {
                    if (length > 15) throw BlockException.invalid("ERROR: ext_backing_format: len=" + length + " too large (>=16)");
                    backingFormat = text(data);
                }
                case EXT_DATA_FILE -> dataFile = text(data);
                case EXT_FEATURE_NAMES -> { } // written anew
                default -> extensions.add(new Extension(type, data.toArray(JAVA_BYTE)));
            }
            at += (length + 7L) / 8 * 8;
        }
    }

    private void validate() {
        long known = INCOMPAT_DIRTY | INCOMPAT_CORRUPT | INCOMPAT_DATA_FILE | INCOMPAT_COMPRESSION | INCOMPAT_EXTENDED_L2;
        if ((incompatible & ~known) != 0) {
            throw new BlockException(Errno.EOPNOTSUPP, "Unsupported qcow2 feature(s): Unknown incompatible feature: %x"
                    .formatted(incompatible & ~known));
        }
        if ((incompatible & INCOMPAT_COMPRESSION) != 0 && compressionType == ZLIB) {
            throw BlockException.invalid("qcow2: Compression type incompatible feature bit must not be set");
        }
        if ((incompatible & INCOMPAT_COMPRESSION) == 0 && compressionType != ZLIB) {
            throw BlockException.invalid("qcow2: Compression type incompatible feature bit must be set");
        }
        if (compressionType > ZSTD) {
            throw new BlockException(Errno.EOPNOTSUPP, "qcow2: unknown compression type: " + compressionType);
        }
        if (isExtendedL2() && clusterBits < 14) {
            throw BlockException.invalid("Extended L2 entries are only supported with cluster sizes of at least 16384 bytes");
        }
        if (refcountOrder < 0 || refcountOrder > 6) {
            throw BlockException.invalid("Reference count entry width too large; may not exceed 64 bits");
        }
        if (cryptMethod < CRYPT_NONE || cryptMethod > CRYPT_LUKS) {
            throw BlockException.invalid("Unsupported encryption method " + Integer.toUnsignedString(cryptMethod));
        }
        if (refcountTableClusters == 0) throw BlockException.invalid("Image does not contain a reference count table");
        table("Reference count table", refcountTableOffset, Integer.toUnsignedLong(refcountTableClusters) << clusterBits,
                MOST_REFTABLE_BYTES);
        if (Integer.toUnsignedLong(snapshotCount) > MOST_SNAPSHOTS) throw new BlockException(Errno.EINVAL, "Snapshot table too large");
        table("Snapshot table", snapshotsOffset, Integer.toUnsignedLong(snapshotCount) * 40, MOST_SNAPSHOTS * 1024L);
        table("Active L1 table", l1TableOffset, Integer.toUnsignedLong(l1Size) * 8, MOST_L1_BYTES);
        if (sizeBytes < 0 || l1EntriesFor(sizeBytes) > MOST_L1_BYTES / 8) throw new BlockException(Errno.EINVAL, "Image is too big");
        if (l1Size < l1EntriesFor(sizeBytes)) throw BlockException.invalid("L1 table is too small");
        if (hasDataFile() && dataFile == null) throw BlockException.invalid("'data-file' is required for this image");
    }

    private void table(String what, long offset, long bytes, long most) {
        if (bytes > most) throw BlockException.invalid(what + " too large");
        if (offset < 0 || offset > Long.MAX_VALUE - bytes || offset % clusterSize() != 0) throw BlockException.invalid(
                what + " offset invalid");
    }

    int l2EntryBytes() {
        return isExtendedL2() ? 16 : 8;
    }

    /// How many entries of L1 a disk of this size needs.
    long l1EntriesFor(long bytes) {
        long perTable = (long) clusterSize() / l2EntryBytes() << clusterBits;
        return bytes / perTable + (bytes % perTable == 0 ? 0 : 1);
    }

    /// Writes all of it: the first cluster's beginning. Throws [BlockException] where the backing file's name does not fit.
    void write(BlockNode file) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment m = arena.allocate(clusterSize(), 4096);
            long used = layOut(m);
            file.write(0, m.asSlice(0, Math.min(clusterSize(), (used + 511) / 512 * 512)));
        }
    }

    private long layOut(MemorySegment m) {
        m.set(U32, 0, MAGIC);
        m.set(U32, 4, version);
        m.set(U32, 20, clusterBits);
        m.set(U64, 24, sizeBytes);
        m.set(U32, 32, cryptMethod);
        m.set(U32, 36, l1Size);
        m.set(U64, 40, l1TableOffset);
        m.set(U64, 48, refcountTableOffset);
        m.set(U32, 56, refcountTableClusters);
        m.set(U32, 60, snapshotCount);
        m.set(U64, 64, snapshotsOffset);
        long at = V2_LENGTH;
        if (version >= 3) {
            m.set(U64, 72, incompatible);
            m.set(U64, 80, compatible);
            m.set(U64, 88, autoclear);
            m.set(U32, 96, refcountOrder);
            headerLength = V3_LENGTH + unknownFields.length;
            m.set(U32, 100, headerLength);
            m.set(JAVA_BYTE, 104, (byte) compressionType);
            MemorySegment.copy(unknownFields, 0, m, JAVA_BYTE, V3_LENGTH, unknownFields.length);
            at = headerLength;
        }
        if (backingFormat != null) at = extension(m, at, EXT_BACKING_FORMAT, backingFormat.getBytes(StandardCharsets.UTF_8));
        if (dataFile != null) at = extension(m, at, EXT_DATA_FILE, dataFile.getBytes(StandardCharsets.UTF_8));
        if (version >= 3 && clusterSize() > LEAST_FOR_NAMES) at = extension(m, at, EXT_FEATURE_NAMES, FeatureNames.TABLE);
        for (Extension extension : extensions) at = extension(m, at, extension.type(), extension.data());
        at = extension(m, at, EXT_END, new byte[0]);
        if (backingFile != null) {
            byte[] name = backingFile.getBytes(StandardCharsets.UTF_8);
            if (name.length > MOST_NAME || name.length > clusterSize() - at) {
                throw BlockException.invalid("Backing file name '" + backingFile + "' is too long for the image's header");
            }
            m.set(U64, 8, at);
            m.set(U32, 16, name.length);
            MemorySegment.copy(name, 0, m, JAVA_BYTE, at, name.length);
            at += name.length;
        }
        return at;
    }

    private long extension(MemorySegment m, long at, int type, byte[] data) {
        long next = at + 8 + (data.length + 7) / 8 * 8;
        if (next > clusterSize()) throw BlockException.invalid("Header extensions are too long for a cluster of " + clusterSize(
                ) + " bytes");
        m.set(U32, at, type);
        m.set(U32, at + 4, data.length);
        MemorySegment.copy(data, 0, m, JAVA_BYTE, at + 8, data.length);
        return next;
    }
}
