package io.kahvem.block.qcow2;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CheckResult;
import io.kahvem.block.CreateOption;
import io.kahvem.block.CreateOption.Kind;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import io.kahvem.block.Repair;
import io.kahvem.block.crypto.SectorCipher;
import io.kahvem.host.Errno;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `qcow2`, versions 2 and 3.
public final class Qcow2Format implements ImageFormat {
    public static final String NAME = "qcow2";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int probe(byte[] head, String fileName) {
        if (head.length < 8 || (word(head, 0) != Header.MAGIC)) return 0;
        return word(head, 4) >= 2 ? 100 : 0;
    }

    private static int word(byte[] bytes, int at) {
        return bytes[at] << 24 | (bytes[at + 1] & 0xff) << 16 | (bytes[at + 2] & 0xff) << 8 | bytes[at + 3] & 0xff;
    }

    @Override
    public BlockNode open(BlockNode file, OpenOptions options) {
        Header header = Header.read(file);
        boolean readOnly = options.readOnly() || file.isReadOnly();
        if (!readOnly && !options.repair() && (header.incompatible & Header.INCOMPAT_CORRUPT) != 0) {
            throw new BlockException(Errno.EACCES, "qcow2: Image is corrupt; cannot be opened read/write");
        }
        SectorCipher cipher = Encryption.open(header, file, options.passphrase());
        String dataFile = header.dataFile;
        BlockNode data = file;
        if (header.hasDataFile() && dataFile != null) data = Images.openDataFile(file.name(), dataFile, options);
        try {
            return open(file, data, header, cipher, readOnly, options);
        } catch (RuntimeException e) {
            if (header.hasDataFile()) data.close();
            throw e;
        }
    }

    private static Qcow2Node open(
            BlockNode file, BlockNode data, Header header, @Nullable SectorCipher cipher, boolean readOnly, OpenOptions options) {
        String snapshot = options.snapshot();
        Image image = new Image(file, header, readOnly);
        Qcow2Node node = new Qcow2Node(image, data, cipher);
        image.lock.lock();
        try {
            image.refcounts.load();
            image.tables.load();
            node.snapshots().load();
            node.bitmaps().load();
            if (!readOnly && !options.repair()) prepareForWriting(node, image);
            if (snapshot != null) {
                if (!readOnly) throw BlockException.invalid("A snapshot cannot be written");
                node.snapshots().show(snapshot);
            }
        } finally {
            image.lock.unlock();
        }
        return node;
    }

    /// Mends what a crash left with lazy reference counts, and clears the bits that a program which does not know them must clear.
    static void prepareForWriting(Qcow2Node node, Image image) {
        long known = Header.AUTOCLEAR_BITMAPS | Header.AUTOCLEAR_DATA_FILE_RAW;
        if ((image.header.autoclear & ~known) != 0) {
            image.header.autoclear &= known;
            image.header.write(image.file);
            image.file.flush();
        }
        if ((image.header.incompatible & Header.INCOMPAT_DIRTY) == 0) return;
        CheckResult result = new Checker(node).check(Repair.ALL, line -> { });
        if (!result.isClean()) {
            throw new BlockException(Errno.EIO, "ERROR: the image was not closed in order and its reference counts could not be rebuilt");
        }
        image.refcounts.write();
        image.file.flush();
        image.clearDirty();
    }

    @Override
    public List<CreateOption> createOptions() {
        return List.of(
                new CreateOption("backing_file", Kind.STRING, "File name of a base image", ""),
                new CreateOption("backing_fmt", Kind.STRING, "Image format of the base image", ""),
                new CreateOption("cluster_size", Kind.SIZE, "qcow2 cluster size", "65536"),
                new CreateOption("compat", Kind.STRING, "Compatibility level (v2 [0.10] or v3 [1.1])", ""),
                new CreateOption("compression_type", Kind.STRING, "Compression method used for image cluster compression", "zlib"),
                new CreateOption("data_file", Kind.STRING, "File name of an external data file", ""),
                new CreateOption("data_file_raw", Kind.BOOL, "The external data file must stay valid as a raw image", "off"),
                new CreateOption("extended_l2", Kind.BOOL, "Extended L2 tables", "off"),
                new CreateOption("lazy_refcounts", Kind.BOOL, "Postpone refcount updates", "off"),
                new CreateOption("preallocation", Kind.STRING, "Preallocation mode (allowed values: off, metadata, falloc, full)", ""),
                new CreateOption("refcount_bits", Kind.NUMBER, "Width of a reference count entry in bits", "16"),
                new CreateOption("size", Kind.SIZE, "Virtual disk size", ""));
    }

    @Override
    public void create(BlockNode file, long sizeBytes, CreateOptions options) {
        Header header = headerFor(sizeBytes, options);
        Preallocation preallocation = Preallocation.of(options.text("preallocation", "off"));
        if (preallocation != Preallocation.OFF && header.backingFile != null && !header.isExtendedL2()) {
            throw BlockException.invalid("Backing file and preallocation can only be used at the same time if extended_l2 is enabled");
        }
        BlockNode data = file;
        String dataFile = header.dataFile;
        if (dataFile != null) data = Images.createDataFile(file.name(), dataFile, header.sizeBytes);
        Image image = new Image(file, header, false);
        image.lock.lock();
        try {
            writeEmpty(image);
        } finally {
            image.lock.unlock();
        }
        if (preallocation == Preallocation.OFF) {
            if (header.hasDataFile()) data.close();
            return;
        }
        Qcow2Node node = new Qcow2Node(image, data, null);
        node.preallocate(0, header.sizeBytes, preallocation);
        image.lock.lock();
        try {
            image.close();
        } finally {
            image.lock.unlock();
        }
        if (header.hasDataFile()) data.close();
    }

    /// Header, one cluster of reference count table, a block of counts, and the L1 table.
    private static void writeEmpty(Image image) {
        Header header = image.header;
        image.refcounts.noteMetadata(0, 2);
        image.refcounts.start(image.clusterSize, 1);
        image.refcounts.countFirst(2);
        int l1Size = (int) header.l1EntriesFor(header.sizeBytes);
        long l1Clusters = Math.max(1, image.clustersIn(8L * l1Size));
        long l1Offset = image.refcounts.allocate(l1Clusters);
        image.refcounts.noteMetadata(l1Offset, l1Clusters);
        header.l1Size = l1Size;
        header.l1TableOffset = l1Offset;
        image.tables.replaceL1(new long[l1Size]);
        image.file.writeZeroes(0, l1Offset + (l1Clusters << image.clusterBits), false);
        image.refcounts.write();
        image.file.flush();
        header.incompatible &= ~Header.INCOMPAT_DIRTY; // nothing is postponed so far
        header.write(image.file);
        image.file.flush();
    }

    private static Header headerFor(long sizeBytes, CreateOptions options) {
        Header h = new Header();
        h.sizeBytes = (sizeBytes + 511) / 512 * 512;
        h.version = switch (options.text("compat", "1.1")) {
            case "0.10", "v2" -> 2;
            case "1.1", "v3" -> 3;
            default -> throw BlockException.invalid("Invalid parameter '%s'".formatted(options.text("compat")));
        };
        long clusterSize = options.size("cluster_size");
        h.clusterBits = Long.numberOfTrailingZeros(Math.max(1, clusterSize));
        if (Long.bitCount(clusterSize) != 1 || h.clusterBits < Header.LEAST_CLUSTER_BITS || h.clusterBits > Header.MOST_CLUSTER_BITS) {
            throw BlockException.invalid("Cluster size must be a power of two between 512 and 2048k");
        }
        long refcountBits = options.number("refcount_bits");
        if (Long.bitCount(refcountBits) != 1 || refcountBits < 1 || refcountBits > 64) {
            throw BlockException.invalid("Refcount width must be a power of two and may not exceed 64 bits");
        }
        h.refcountOrder = Long.numberOfTrailingZeros(refcountBits);
        if (options.flag("lazy_refcounts")) h.compatible |= Header.COMPAT_LAZY_REFCOUNTS;
        if (options.flag("extended_l2")) h.incompatible |= Header.INCOMPAT_EXTENDED_L2;
        h.compressionType = switch (options.text("compression_type", "zlib")) {
            case "zlib" -> Header.ZLIB;
            case "zstd" -> Header.ZSTD;
            default -> throw BlockException.invalid("Invalid parameter '%s'".formatted(options.text("compression_type")));
        };
        if (h.compressionType != Header.ZLIB) h.incompatible |= Header.INCOMPAT_COMPRESSION;
        h.dataFile = options.text("data_file");
        if (h.dataFile != null) h.incompatible |= Header.INCOMPAT_DATA_FILE;
        if (options.flag("data_file_raw")) {
            if (h.dataFile == null) throw BlockException.invalid("data-file-raw requires data-file");
            h.autoclear |= Header.AUTOCLEAR_DATA_FILE_RAW;
        }
        h.backingFile = options.text("backing_file");
        h.backingFormat = options.text("backing_fmt");
        checkCombinations(h);
        return h;
    }

    private static void checkCombinations(Header h) {
        if (h.version < 3) {
            if (h.isLazy()) throw needsV3("Lazy refcounts only supported with compatibility level 1.1 and above");
            if (h.refcountOrder != 4) throw needsV3("Different refcount widths than 16 bits require compatibility level 1.1 or above");
            if (h.isExtendedL2()) throw needsV3("Extended L2 entries are only supported with version 3 and above");
            if (h.hasDataFile()) throw needsV3("External data files are only supported with version 3 and above");
            if (h.compressionType != Header.ZLIB) {
                throw needsV3("Non-zlib compression type is only supported with compatibility level 1.1 and above");
            }
        }
        if (h.isExtendedL2() && h.clusterBits < 14) {
            throw BlockException.invalid("Extended L2 entries are only supported with cluster sizes of at least 16384 bytes");
        }
        if (h.backingFile != null && (h.autoclear & Header.AUTOCLEAR_DATA_FILE_RAW) != 0) {
            throw BlockException.invalid("Backing file and data-file-raw cannot be used at the same time");
        }
        long most = Header.MOST_L1_BYTES / 8;
        if (h.sizeBytes < 0 || h.l1EntriesFor(h.sizeBytes) > most) {
            throw new BlockException(Errno.EFBIG, "Image size too large for file format '%s'".formatted(NAME));
        }
    }

    private static BlockException needsV3(String what) {
        return BlockException.invalid(what + " (use version=v3 or greater)");
    }
}
