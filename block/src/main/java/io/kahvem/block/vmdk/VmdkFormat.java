package io.kahvem.block.vmdk;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOption;
import io.kahvem.block.CreateOption.Kind;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import io.kahvem.block.table.FileBytes;
import io.kahvem.block.table.WindowNode;
import io.kahvem.block.vmdk.Description.ExtentLine;
import io.kahvem.block.vmdk.VmdkNode.Part;
import io.kahvem.host.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/// `vmdk`: an image of its own, or a description that names the files a disk is in.
public final class VmdkFormat implements ImageFormat {
    public static final String NAME = "vmdk";

    private static final int SECTOR = SparseHeader.SECTOR;
    private static final int DESCRIPTION_SECTORS = 20;
    private static final int MOST_DESCRIPTION = 1 << 20;
    private static final long SPLIT_SECTORS = (2L << 30) / SECTOR;
    private static final long MOST_SECTORS = 1L << 40;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int probe(byte[] head, String fileName) {
        if (head.length < 4) return 0;
        int magic = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getInt(0);
        if (magic == SparseHeader.MAGIC || magic == SparseHeader.COWD_MAGIC) return 100;
        return head[0] == '#' && Description.isOne(new String(head, StandardCharsets.ISO_8859_1)) ? 100 : 0;
    }

    @Override
    public BlockNode open(BlockNode file, OpenOptions options) {
        int magic = FileBytes.read(file, 0, 4, ByteOrder.LITTLE_ENDIAN).getInt(0);
        if (magic == SparseHeader.MAGIC || magic == SparseHeader.COWD_MAGIC) return openSparse(file);
        int length = (int) Math.min(MOST_DESCRIPTION, file.sizeBytes());
        String text = length == 0 ? "" : text(file, 0, length);
        if (!Description.isOne(text)) throw BlockException.invalid("Image not in VMDK format");
        return openDescribed(file, Description.of(text), options);
    }

    private static String text(BlockNode file, long offset, int length) {
        return new String(FileBytes.read(file, offset, length, ByteOrder.LITTLE_ENDIAN).array(), StandardCharsets.UTF_8);
    }

    /// An image whose one extent holds the description too, or none.
    private static BlockNode openSparse(BlockNode file) {
        SparseHeader header = SparseHeader.read(file);
        long at = header.descriptionOffset() * SECTOR;
        int bytes = (int) header.descriptionSize() * SECTOR;
        Description description = Description.of(at == 0 || bytes == 0 ? "" : text(file, at, bytes));
        if (description.value("createType") == null) {
            description = Description.of("version=1\nCID=00000000\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n");
        }
        SparseExtent extent = new SparseExtent(file, header);
        Part part = new Part(0, extent.sizeBytes(), extent, "");
        return new VmdkNode(file, description, at, bytes, List.of(part));
    }

    private static BlockNode openDescribed(BlockNode file, Description description, OpenOptions options) {
        String type = description.createType();
        List<String> known = List.of("monolithicFlat", "vmfs", "vmfsSparse", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "custom");
        if (!known.contains(type)) throw BlockException.invalid("Unsupported image type '%s'".formatted(type));
        List<Part> parts = new ArrayList<>();
        try {
            long start = 0;
            for (ExtentLine line : description.extents()) {
                if (line.sectors() < 1 || line.sectors() + start / SECTOR > MOST_SECTORS) {
                    throw BlockException.invalid("Invalid extent line: %d sectors".formatted(line.sectors()));
                }
                BlockNode node = openExtent(file, line, options);
                parts.add(new Part(start, line.sectors() * SECTOR, node, line.type()));
                start += line.sectors() * SECTOR;
            }
            if (parts.isEmpty()) throw BlockException.invalid("The VMDK description names no extents");
            return new VmdkNode(file, description, 0, 0, parts);
        } catch (RuntimeException e) {
            for (Part part : parts) if (part.node() != null) part.node().close();
            throw e;
        }
    }

    private static @Nullable BlockNode openExtent(BlockNode file, ExtentLine line, OpenOptions options) {
        if (line.type().equals("ZERO")) return null;
        boolean flat = line.type().equals("FLAT") || line.type().equals("VMFS");
        boolean sparse = line.type().equals("SPARSE") || line.type().equals("VMFSSPARSE");
        if (!flat && !sparse) throw BlockException.invalid("Unsupported extent type '%s'".formatted(line.type()));
        if (line.access().equals("NOACCESS")) throw BlockException.invalid("Extent '%s' may not be accessed".formatted(line.file()));
        if (!options.readOnly() && line.access().equals("RDONLY")) {
            throw new BlockException(Errno.EACCES, "Extent '%s' is read-only".formatted(line.file()));
        }
        if (line.file().isEmpty()) throw BlockException.invalid("Invalid extent line: no file");
        BlockNode data = Images.openDataFile(file.name(), line.file(), options);
        try {
            long bytes = line.sectors() * SECTOR;
            if (flat) {
                if (line.offset() > (Long.MAX_VALUE >> 10) || data.sizeBytes() < line.offset() * SECTOR + bytes) {
                    throw BlockException.invalid("Extent '%s' ends after %d bytes; the description says %d"
                            .formatted(line.file(), data.sizeBytes(), bytes));
                }
                return new WindowNode(data, NAME, line.offset() * SECTOR, bytes);
            }
            SparseExtent extent = new SparseExtent(data, SparseHeader.read(data));
            if (extent.sizeBytes() < bytes) {
                throw BlockException.invalid("Extent '%s' has %d bytes; the description says %d"
                        .formatted(line.file(), extent.sizeBytes(), bytes));
            }
            return extent;
        } catch (RuntimeException e) {
            data.close();
            throw e;
        }
    }

    @Override
    public List<CreateOption> createOptions() {
        return List.of(
                new CreateOption("adapter_type", Kind.STRING,
                        "Virtual adapter type, can be one of ide (default), lsilogic, buslogic or legacyESX", ""),
                new CreateOption("backing_file", Kind.STRING, "File name of a base image", ""),
                new CreateOption("backing_fmt", Kind.STRING, "Must be 'vmdk' if present", ""),
                new CreateOption("compat6", Kind.BOOL, "VMDK version 6 image", "off"),
                new CreateOption("hwversion", Kind.STRING, "VMDK hardware version", "undefined"),
                new CreateOption("size", Kind.SIZE, "Virtual disk size", ""),
                new CreateOption("subformat", Kind.STRING, "VMDK flat extent format, can be one of {monolithicSparse (default) | "
                        + "monolithicFlat | twoGbMaxExtentSparse | twoGbMaxExtentFlat | streamOptimized} ", ""),
                new CreateOption("toolsversion", Kind.STRING, "VMware guest tools version", ""),
                new CreateOption("zeroed_grain", Kind.BOOL, "Enable efficient zero writes using the zeroed-grain GTE feature", ""));
    }

    @Override
    public void create(BlockNode file, long sizeBytes, CreateOptions options) {
        String type = options.text("subformat", "monolithicSparse");
        boolean flat = type.endsWith("Flat");
        boolean split = type.startsWith("twoGb");
        boolean stream = type.equals("streamOptimized");
        List<String> types = List.of("monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized");
        if (!types.contains(type)) throw BlockException.invalid("Invalid parameter '%s'".formatted(type));
        String parent = options.text("backing_file");
        if (parent != null && flat) throw BlockException.invalid("Flat image can't have backing file");
        if (!options.text("backing_fmt", NAME).equals(NAME)) throw BlockException.invalid("Invalid backing file format: Must be vmdk");
        if (flat && options.flag("zeroed_grain")) throw BlockException.invalid("Flat image can't enable zeroed grain");
        long sectors = (sizeBytes + SECTOR - 1) / SECTOR;
        if (sectors > MOST_SECTORS) throw new BlockException(Errno.EFBIG, "Image size too large for file format 'vmdk'");
        int flags = SparseHeader.FLAG_NEWLINES | SparseHeader.FLAG_REDUNDANT
                | (options.flag("zeroed_grain") ? SparseHeader.FLAG_ZERO_GRAINS : 0)
                | (stream ? SparseHeader.FLAG_COMPRESSED | SparseHeader.FLAG_MARKERS : 0);
        int version = stream ? 3 : options.flag("zeroed_grain") ? 2 : 1;
        List<ExtentLine> extents = extents(file.name(), sectors, flat, split);
        Description description = description(file.name(), type, extents, options);
        byte[] text = description.text().getBytes(StandardCharsets.UTF_8);
        if (!flat && !split) {
            if (text.length > DESCRIPTION_SECTORS * SECTOR) {
                throw BlockException.invalid("The names of the image and its backing file are too long");
            }
            SparseHeader header = SparseHeader.layOut(sectors, version, flags, DESCRIPTION_SECTORS);
            header.create(file);
            FileBytes.write(file, SECTOR, Arrays.copyOf(text, DESCRIPTION_SECTORS * SECTOR));
            file.resize(header.overhead() * SECTOR, Preallocation.OFF);
            return;
        }
        for (ExtentLine extent : extents) {
            try (BlockNode data = Images.createDataFile(file.name(), extent.file(), flat ? extent.sectors() * SECTOR : 0)) {
                if (flat) continue;
                SparseHeader header = SparseHeader.layOut(extent.sectors(), version, flags, 0);
                header.create(data);
                data.resize(header.overhead() * SECTOR, Preallocation.OFF);
            }
        }
        FileBytes.write(file, 0, text);
    }

    private static List<ExtentLine> extents(String image, long sectors, boolean flat, boolean split) {
        String name = String.valueOf(Path.of(image).getFileName());
        int dot = name.lastIndexOf('.');
        String stem = dot < 0 ? name : name.substring(0, dot);
        String ending = dot < 0 ? "" : name.substring(dot);
        if (!flat && !split) return List.of(new ExtentLine("RW", sectors, "SPARSE", name, 0));
        if (!split) return List.of(new ExtentLine("RW", sectors, "FLAT", stem + "-flat" + ending, 0));
        List<ExtentLine> extents = new ArrayList<>();
        for (long start = 0; start < sectors; start += SPLIT_SECTORS) {
            String file = "%s-%s%03d%s".formatted(stem, flat ? "f" : "s", extents.size() + 1, ending);
            extents.add(new ExtentLine("RW", Math.min(SPLIT_SECTORS, sectors - start), flat ? "FLAT" : "SPARSE", file, 0));
        }
        return extents;
    }

    private static Description description(String image, String type, List<ExtentLine> extents, CreateOptions options) {
        String adapter = options.text("adapter_type", "ide");
        if (!List.of("ide", "lsilogic", "buslogic", "legacyESX").contains(adapter)) {
            throw BlockException.invalid("Unknown adapter type: %s".formatted(adapter));
        }
        String version = options.text("hwversion", "undefined");
        boolean version6 = options.flag("compat6");
        if (version6 && !version.equals("undefined")) throw BlockException.invalid("compat6 cannot be enabled with hwversion set");
        if (version.equals("undefined")) version = version6 ? "6" : "4";
        String parent = options.text("backing_file");
        long parentCid = Description.NO_PARENT;
        if (parent != null) {
            OpenOptions its = OpenOptions.readOnly(null).withShareable(true).withBacking(false);
            try (BlockNode node = Images.open(Images.resolve(image, parent), its)) {
                if (!(node instanceof VmdkNode vmdk)) throw BlockException.invalid("Invalid backing file format: Must be vmdk");
                parentCid = vmdk.cid();
            }
        }
        long cid = ThreadLocalRandom.current().nextLong(1, Description.NO_PARENT - 1);
        return Description.make(cid, type, parentCid, parent, extents, version, adapter, options.text("toolsversion", "2147483647"));
    }
}
