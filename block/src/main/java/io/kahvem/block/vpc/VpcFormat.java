package io.kahvem.block.vpc;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOption;
import io.kahvem.block.CreateOption.Kind;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import io.kahvem.block.table.DifferencingNode;
import io.kahvem.block.table.FileBytes;
import io.kahvem.host.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

/// `vpc`: Virtual PC's and Hyper-V's VHD. A fixed one has its mark at its end alone, so it is not probed.
public final class VpcFormat implements ImageFormat {
    public static final String NAME = "vpc";

    private static final long MOST_BYTES = 2040L << 30;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int probe(byte[] head, String fileName) {
        byte[] cookie = Footer.COOKIE.getBytes(StandardCharsets.US_ASCII);
        return head.length >= cookie.length && Arrays.equals(head, 0, cookie.length, cookie, 0, cookie.length) ? 100 : 0;
    }

    @Override
    public BlockNode open(BlockNode file, OpenOptions options) {
        ByteBuffer head = FileBytes.read(file, 0, Footer.SIZE, ByteOrder.BIG_ENDIAN);
        if (!Footer.isThere(head)) return openFixed(file);
        Footer footer = Footer.read(head);
        checkSize(footer);
        if (footer.type() == Footer.FIXED) return new FixedNode(file, footer);
        boolean differencing = footer.type() == Footer.DIFFERENCING;
        if (footer.type() != Footer.DYNAMIC && !differencing) {
            throw BlockException.invalid("VHD type %d is unknown".formatted(footer.type()));
        }
        if (differencing && !options.readOnly()) throw DifferencingNode.writeRefused(file.name(), NAME);
        if (footer.dataOffset() < Footer.SIZE || footer.dataOffset() % 512 != 0) {
            throw BlockException.invalid("error reading dynamic VHD header: it is said to be at " + footer.dataOffset());
        }
        ByteBuffer bytes = FileBytes.read(file, footer.dataOffset(), DynamicHeader.SIZE, ByteOrder.BIG_ENDIAN);
        DynamicHeader header = DynamicHeader.read(bytes, footer.sizeBytes());
        if (header.tableOffset() > file.sizeBytes() - 4 * header.entries()) {
            throw BlockException.invalid("Page table beyond the file's end");
        }
        if (differencing) return new DifferencingVhd(file, footer, header, ParentLocators.read(file, bytes));
        return new DynamicNode(file, footer, header);
    }

    private static BlockNode openFixed(BlockNode file) {
        long end = file.sizeBytes() - Footer.SIZE;
        if (end < 0) throw BlockException.invalid("File too small for a VHD header");
        ByteBuffer tail = FileBytes.read(file, end, Footer.SIZE, ByteOrder.BIG_ENDIAN);
        if (!Footer.isThere(tail)) throw BlockException.invalid("invalid VPC image");
        Footer footer = Footer.read(tail);
        checkSize(footer);
        if (footer.type() != Footer.FIXED) {
            throw BlockException.invalid("VHD type %d without the copy of its footer at the file's beginning".formatted(footer.type()));
        }
        if (footer.sizeBytes() > end) {
            throw BlockException.invalid("The disk is said to have %d bytes, and the file has %d".formatted(footer.sizeBytes(), end));
        }
        return new FixedNode(file, footer);
    }

    private static void checkSize(Footer footer) {
        long size = footer.sizeBytes();
        if (size < 0 || size > MOST_BYTES) throw new BlockException(Errno.EFBIG, "Disk size is too large, max size is 2040 GiB");
    }

    @Override
    public List<CreateOption> createOptions() {
        return List.of(
                new CreateOption("force_size", Kind.BOOL, "Force disk size calculation to use the actual size specified, "
                        + "rather than using the nearest CHS-based calculation", ""),
                new CreateOption("size", Kind.SIZE, "Virtual disk size", ""),
                new CreateOption("subformat", Kind.STRING, "Type of virtual hard disk format. "
                        + "Supported formats are {dynamic (default) | fixed} ", ""));
    }

    @Override
    public void create(BlockNode file, long sizeBytes, CreateOptions options) {
        boolean fixed = switch (options.text("subformat", "dynamic")) {
            case "dynamic" -> false;
            case "fixed" -> true;
            default -> throw BlockException.invalid("Invalid parameter '%s'".formatted(options.text("subformat")));
        };
        if (sizeBytes > MOST_BYTES) throw new BlockException(Errno.EFBIG, "Disk size is too large, max size is 2040 GiB");
        long size = (sizeBytes + 511) / 512 * 512;
        Geometry geometry = options.flag("force_size") ? Geometry.MOST : Geometry.atLeast(size / 512);
        if (!geometry.equals(Geometry.MOST)) size = geometry.total() * 512;
        Footer footer = new Footer(
                fixed ? Footer.NO_OFFSET : Footer.SIZE, options.flag("force_size") ? Footer.CREATOR_SIZED : Footer.CREATOR, size, geometry,
                fixed ? Footer.FIXED : Footer.DYNAMIC, UUID.randomUUID());
        if (fixed) {
            file.resize(size + Footer.SIZE, Preallocation.OFF);
            FileBytes.write(file, size, footer.bytes());
        } else {
            createDynamic(file, footer);
        }
        file.flush();
    }

    private static void createDynamic(BlockNode file, Footer footer) {
        long entries = (footer.currentSize() + DynamicHeader.DEFAULT_BLOCK - 1) / DynamicHeader.DEFAULT_BLOCK;
        DynamicHeader header = new DynamicHeader(Footer.SIZE + DynamicHeader.SIZE, entries, DynamicHeader.DEFAULT_BLOCK);
        byte[] table = new byte[(int) DynamicNode.tableBytes(entries)];
        Arrays.fill(table, (byte) 0xff);
        FileBytes.write(file, 0, footer.bytes());
        FileBytes.write(file, Footer.SIZE, header.bytes());
        FileBytes.write(file, header.tableOffset(), table);
        FileBytes.write(file, header.tableOffset() + table.length, footer.bytes());
    }
}
