package io.kahvem.block.vhdx;

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
import io.kahvem.block.table.Parent;
import io.kahvem.host.Errno;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// `vhdx`.
public final class VhdxFormat implements ImageFormat {
    public static final String NAME = "vhdx";

    private static final int MEGABYTE = VhdxNode.MEGABYTE;
    private static final int LOGICAL_SECTOR = 512;

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int probe(byte[] head, String fileName) {
        byte[] signature = Headers.FILE_SIGNATURE;
        return head.length >= signature.length && Arrays.equals(head, 0, signature.length, signature, 0, signature.length) ? 100 : 0;
    }

    @Override
    public BlockNode open(BlockNode file, OpenOptions options) {
        Headers headers = Headers.read(file);
        Log log = new Log(file, headers);
        if (log.isPending()) {
            if (options.readOnly() || file.isReadOnly()) {
                throw new BlockException(Errno.EPERM,
                        ("VHDX image file '%s' opened read-only, but contains a log that needs to be replayed\n"
                        + "To replay the log, run:\nkahvem image check -r all '%1$s'").formatted(file.name()));
            }
            log.replay();
        }
        Regions regions = Regions.read(file);
        Metadata metadata = Metadata.read(file, regions);
        if (metadata.entries() * 8 > Math.min(regions.batLength(), file.sizeBytes() - regions.batOffset())) {
            throw BlockException.invalid("VHDX table of %d bytes for %d blocks".formatted(regions.batLength(), metadata.entries()));
        }
        Optional<Parent> parent = metadata.parent();
        if (parent.isEmpty()) return new VhdxNode(file, headers, regions, metadata, log);
        if (!options.readOnly()) throw DifferencingNode.writeRefused(file.name(), NAME);
        return new DifferencingVhdx(file, headers, regions, metadata, parent.get());
    }

    @Override
    public List<CreateOption> createOptions() {
        return List.of(
                new CreateOption("block_size", Kind.SIZE,
                        "Block Size; min 1MB, max 256MB. 0 means auto-calculate based on image size.", "0"),
                new CreateOption("block_state_zero", Kind.BOOL, "Force use of payload blocks of type 'ZERO'. Non-standard, but default.  "
                        + "Do not set to 'off' when using 'qemu-img convert' with subformat=dynamic.", ""),
                new CreateOption("log_size", Kind.SIZE, "Log size; min 1MB.", "1048576"),
                new CreateOption("size", Kind.SIZE, "Virtual disk size; max of 64TB.", ""),
                new CreateOption("subformat", Kind.STRING,
                        "VHDX format type, can be either 'dynamic' or 'fixed'. Default is 'dynamic'.", ""));
    }

    @Override
    public void create(BlockNode file, long sizeBytes, CreateOptions options) {
        boolean fixed = switch (options.text("subformat", "dynamic")) {
            case "dynamic" -> false;
            case "fixed" -> true;
            default -> throw BlockException.invalid("Invalid parameter '%s'".formatted(options.text("subformat")));
        };
        if (sizeBytes > Metadata.MOST_SIZE) throw BlockException.invalid("Image size too large; max of 64TB");
        if (sizeBytes <= 0) throw BlockException.invalid("A VHDX disk needs a size");
        long logLength = options.size("log_size");
        if (logLength < MEGABYTE || logLength > 0xffff_ffffL || logLength % MEGABYTE != 0) {
            throw BlockException.invalid("Log size must be a multiple of 1 MB");
        }
        long block = options.size("block_size");
        if (block == 0) block = defaultBlock(sizeBytes);
        if (block % MEGABYTE != 0 || Long.bitCount(block) != 1) {
            throw BlockException.invalid("Block size must be a power of two and a multiple of 1 MB");
        }
        if (block > Metadata.MOST_BLOCK) throw BlockException.invalid("Block size must not exceed 256 MB");
        long size = (sizeBytes + LOGICAL_SECTOR - 1) / LOGICAL_SECTOR * LOGICAL_SECTOR;
        Metadata metadata = new Metadata((int) block, fixed, Optional.empty(), size, LOGICAL_SECTOR);
        long metadataOffset = MEGABYTE + logLength;
        long batLength = (metadata.entries() * 8 + MEGABYTE - 1) / MEGABYTE * MEGABYTE;
        Regions regions = new Regions(metadataOffset + MEGABYTE, batLength, metadataOffset, MEGABYTE);
        write(file, regions, metadata, (int) logLength, fixed, options.flag("block_state_zero") || !options.has("block_state_zero"));
    }

    /// As QEMU chooses it: larger for larger disks.
    private static long defaultBlock(long sizeBytes) {
        if (sizeBytes > 32L << 40) return 64L << 20;
        if (sizeBytes > 100L << 30) return 32L << 20;
        return sizeBytes > 1L << 30 ? 16L << 20 : 8L << 20;
    }

    private static void write(BlockNode file, Regions regions, Metadata metadata, int logLength, boolean fixed, boolean stateZero) {
        long end = regions.batOffset() + regions.batLength();
        long blocks = (metadata.sizeBytes() + metadata.blockBytes() - 1) / metadata.blockBytes();
        file.resize(fixed ? end + blocks * metadata.blockBytes() : end, Preallocation.OFF);
        ByteBuffer id = ByteBuffer.allocate(8 + 512);
        id.put(0, Headers.FILE_SIGNATURE).put(8, "Kahvem".getBytes(StandardCharsets.UTF_16LE));
        FileBytes.write(file, 0, id.array());
        metadata.write(file, regions.metadataOffset());
        regions.write(file);
        ByteBuffer part = ByteBuffer.allocate(MEGABYTE).order(ByteOrder.LITTLE_ENDIAN);
        long chunk = metadata.chunkBlocks();
        for (long entry = 0, block = 0; block < blocks; entry++) {
            boolean sectorMap = entry % (chunk + 1) == chunk;
            long place = end + block * metadata.blockBytes();
            part.putLong(sectorMap ? 0 : fixed ? place | VhdxNode.STATE_FULLY_PRESENT : stateZero ? VhdxNode.STATE_ZERO : 0);
            if (!sectorMap) block++;
            if (block == blocks || !part.hasRemaining()) {
                byte[] bytes = Arrays.copyOf(part.array(), part.position());
                FileBytes.write(file, regions.batOffset() + 8 * (entry + 1) - bytes.length, bytes);
                part.clear();
            }
        }
        Headers.create(file, logLength, MEGABYTE);
        file.flush();
    }
}
