package io.kahvem.block.qcow2;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockException;
import io.kahvem.block.Bounce;
import io.kahvem.block.compress.Codec;
import io.kahvem.block.compress.ZlibCodec;
import io.kahvem.block.compress.ZstdCodec;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Reads and writes compressed clusters (qcow2.txt, "Compressed Clusters Descriptor"), and keeps the last ones it read.
final class CompressedClusters {
    private static final ThreadLocal<Buffers> BUFFERS = ThreadLocal.withInitial(Buffers::new);

    /// What a thread needs to compress.
    private static final class Buffers {
        byte[] plain = new byte[0];
        byte[] packed = new byte[0];
        int packedLength;
        @Nullable Codec zlib;
        @Nullable Codec zstd;

        Codec codec(int type) {
            if (type == Header.ZSTD) {
                Codec known = zstd;
                if (known == null) zstd = known = new ZstdCodec();
                return known;
            }
            Codec known = zlib;
            if (known == null) zlib = known = new ZlibCodec();
            return known;
        }

        void size(int clusterSize) {
            if (plain.length < clusterSize) {
                plain = new byte[clusterSize];
                packed = new byte[clusterSize + 512];
            }
        }
    }

    private record Kept(long entry, byte[] plain) {}

    private final Image image;
    private final ClusterMap map;
    private final AtomicReference<@Nullable Kept> kept = new AtomicReference<>();

    CompressedClusters(Image image, ClusterMap map) {
        this.image = image;
        this.map = map;
    }

    /// Reads from a cluster, `start` bytes into it.
    void read(long entry, long start, MemorySegment into) {
        Kept known = kept.get();
        if (known != null && known.entry == entry) {
            MemorySegment.copy(known.plain, (int) start, into, JAVA_BYTE, 0, (int) into.byteSize());
            return;
        }
        Buffers buffers = BUFFERS.get();
        buffers.size(image.clusterSize);
        int length = map.compressedLength(entry);
        if (buffers.packed.length < length) buffers.packed = new byte[length];
        MemorySegment memory = Bounce.take(length);
        image.file.read(map.compressedOffset(entry), memory.asSlice(0, length));
        MemorySegment.copy(memory, JAVA_BYTE, 0, buffers.packed, 0, length);
        Bounce.give(memory);
        // The whole cluster for itself only where more of it may be asked for.
        byte[] plain = into.byteSize() == image.clusterSize ? buffers.plain : new byte[image.clusterSize];
        if (!buffers.codec(image.header.compressionType).decompress(buffers.packed, length, plain, image.clusterSize)) {
            throw new BlockException(Errno.EIO, "%s: the compressed cluster at %#x of the file is damaged"
                    .formatted(image.file.name(), map.compressedOffset(entry)));
        }
        MemorySegment.copy(plain, (int) start, into, JAVA_BYTE, 0, (int) into.byteSize());
        if (into.byteSize() < image.clusterSize) kept.set(new Kept(entry, plain));
    }

    /// Called when a compressed cluster is freed: another may come to lie where it was.
    void forget() {
        kept.set(null);
    }

    /// Compresses a cluster, with zeros after it if it is short, into memory of this thread's. Bytes it takes, or 0 if it gets no shorter.
    int tryWriting(MemorySegment cluster) {
        Buffers buffers = BUFFERS.get();
        buffers.size(image.clusterSize);
        int length = (int) cluster.byteSize();
        MemorySegment.copy(cluster, JAVA_BYTE, 0, buffers.plain, 0, length);
        Arrays.fill(buffers.plain, length, image.clusterSize, (byte) 0);
        int packed = buffers.codec(image.header.compressionType).compress(buffers.plain, image.clusterSize, buffers.packed,
                image.clusterSize);
        buffers.packedLength = Math.max(packed, 0);
        return buffers.packedLength;
    }

    /// Writes what [#tryWriting] made last on this thread.
    void writeTo(long offset) {
        Buffers buffers = BUFFERS.get();
        MemorySegment memory = Bounce.take(buffers.packedLength);
        MemorySegment.copy(buffers.packed, 0, memory, JAVA_BYTE, 0, buffers.packedLength);
        image.file.write(offset, memory.asSlice(0, buffers.packedLength));
        Bounce.give(memory);
    }
}
