package io.kahvem.daemon.storage;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.CreateOptions;
import io.kahvem.block.Formats;
import io.kahvem.block.ImageFormat;
import io.kahvem.block.Images;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import io.kahvem.block.tool.Copier;
import io.kahvem.block.tool.Progress;
import io.kahvem.daemon.domain.Units;
import io.kahvem.daemon.xml.Element;
import io.kahvem.daemon.xml.Xml;
import io.kahvem.libvirt.ErrorCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;
import java.util.function.Consumer;

/// Makes, copies, resizes, wipes and removes volumes. What fails leaves no file behind.
public final class VolumeMaker {
    private static final int THREADS = 2;
    private static final int SPARSE_BYTES = 4096;
    private static final int WIPE_CHUNK = 1 << 20;
    private static final int PREALLOCATE_METADATA = 1;

    /// virStorageVolResizeFlags.
    private static final int RESIZE_ALLOCATE = 1;
    private static final int RESIZE_DELTA = 2;
    private static final int RESIZE_SHRINK = 4;

    private VolumeMaker() {}

    /// What a description asks for. Sizes in bytes.
    private record Wanted(
            String name, String format, long capacity, OptionalLong allocation, String backing, String backingFormat, String compat) {
        static Wanted parse(String document) {
            Element volume = Xml.parse("storage_volume_definition", document);
            if (!volume.name().equals("volume")) throw StorageErrors.xml("unexpected root element <%s>, expecting <volume>", volume.name());
            String name = volume.textAt("name").orElseThrow(() -> StorageErrors.xml("missing volume name element"));
            String format = volume.attributeAt("target/format", "type").orElse("raw");
            if (!Volume.formats().contains(format)) throw StorageErrors.xml("unknown volume format type %s", format);
            String backing = volume.textAt("backingStore/path").orElse("");
            Element capacity = volume.child("capacity");
            if (capacity == null && backing.isEmpty()) throw StorageErrors.xml("missing capacity element");
            Element allocation = volume.child("allocation");
            return new Wanted(name, format, capacity == null ? -1 : bytes(capacity),
                    allocation == null ? OptionalLong.empty() : OptionalLong.of(bytes(allocation)), backing,
                    volume.attributeAt("backingStore/format", "type").orElse(""), volume.textAt("target/compat").orElse(""));
        }

        private static long bytes(Element size) {
            return Units.bytes(size.text(), size.attribute("unit"), 1)
                    .orElseThrow(() -> StorageErrors.xml("malformed %s element", size.name()));
        }

        /// A raw file of which nothing is said has all its room; an image grows.
        Preallocation preallocation(int flags) {
            if ((flags & PREALLOCATE_METADATA) != 0) {
                if (!format.equals("qcow2")) {
                    throw StorageErrors.of(ErrorCode.INVALID_ARG, "metadata preallocation is not supported for %s volumes", format);
                }
                return Preallocation.METADATA;
            }
            if (!format.equals("raw")) return Preallocation.OFF;
            return allocation.orElse(capacity) >= capacity ? Preallocation.FALLOC : Preallocation.OFF;
        }

        private CreateOptions options(ImageFormat kind, int flags) {
            CreateOptions options = new CreateOptions(kind);
            Preallocation preallocation = preallocation(flags);
            if (preallocation != Preallocation.OFF) options.set("preallocation", preallocation.toString());
            if (!compat.isEmpty() && format.equals("qcow2")) options.set("compat", compat);
            if (!backing.isEmpty()) {
                if (!format.equals("qcow2")) {
                    throw StorageErrors.of(ErrorCode.CONFIG_UNSUPPORTED, "backing storage not supported for raw volumes");
                }
                options.set("backing_file", backing).set("backing_fmt", backingFormat.isEmpty() ? probed(backing) : backingFormat);
            }
            return options;
        }

        private static String probed(String path) {
            try (BlockNode node = Images.open(path, OpenOptions.readOnly(null).withShareable(true).withBacking(false))) {
                return node.format();
            }
        }
    }

    public static Volume create(Pool pool, String document, int flags) {
        Wanted wanted = Wanted.parse(document);
        return make(pool, wanted, wanted.capacity(), flags, path -> {});
    }

    /// A volume with another's content, in the format its description names.
    public static Volume createFrom(Pool pool, String document, Volume source, int flags) {
        Wanted wanted = Wanted.parse(document);
        return make(pool, wanted, Math.max(wanted.capacity(), source.capacity()), flags, path -> copy(source, path, wanted.format()));
    }

    private static Volume make(Pool pool, Wanted wanted, long capacity, int flags, Consumer<Path> fill) {
        Path path = pool.newVolume(wanted.name());
        Pool.makeFile(path);
        try {
            ImageFormat kind = Formats.named(wanted.format());
            CreateOptions options = wanted.options(kind, flags);
            Images.create(kind, path.toString(), Images.sizeOfNew(path.toString(), capacity, options, true), options);
            fill.accept(path);
            return pool.reload(path);
        } catch (BlockException e) {
            Pool.removeQuietly(path);
            throw StorageErrors.image(e);
        } catch (RuntimeException e) {
            Pool.removeQuietly(path);
            throw e;
        }
    }

    private static void copy(Volume source, Path path, String format) {
        try (BlockNode from = Images.open(source.path().toString(), OpenOptions.readOnly(source.format()).withShareable(true));
                BlockNode to = Images.open(path.toString(), OpenOptions.writable(format))) {
            new Copier(from, to, 0, SPARSE_BYTES, true, null, null).copy(THREADS, Progress.NONE);
            to.flush();
        }
    }

    /// Changes what a guest sees to `capacity` bytes.
    public static void resize(Pool pool, Volume volume, long capacity, int flags) {
        boolean shrink = (flags & RESIZE_SHRINK) != 0;
        long size = capacity;
        if ((flags & RESIZE_DELTA) != 0) size = shrink ? volume.capacity() - capacity : volume.capacity() + capacity;
        if (size < 0) throw StorageErrors.of(ErrorCode.INVALID_ARG, "the volume is smaller than what is to be taken away");
        if (size < volume.capacity() && !shrink) {
            throw StorageErrors.of(ErrorCode.INVALID_ARG,
                    "Can't shrink capacity below current capacity unless shrink flag explicitly specified");
        }
        try (BlockNode node = Images.open(volume.path().toString(), OpenOptions.writable(volume.format()))) {
            node.resize(size, (flags & RESIZE_ALLOCATE) != 0 ? Preallocation.FALLOC : Preallocation.OFF);
        } catch (BlockException e) {
            throw StorageErrors.image(e);
        }
        pool.reload(volume.path());
    }

    /// Overwrites the file with zeros, of which nothing can be read back.
    public static void wipe(Pool pool, Volume volume, int algorithm) {
        if (algorithm != 0) throw StorageErrors.of(ErrorCode.ARGUMENT_UNSUPPORTED, "wiping algorithm %d; only zero is there", algorithm);
        try (FileChannel file = FileChannel.open(volume.path(), StandardOpenOption.WRITE)) {
            ByteBuffer zeros = ByteBuffer.allocate(WIPE_CHUNK);
            long end = file.size();
            while (file.position() < end) {
                zeros.clear().limit((int) Math.min(WIPE_CHUNK, end - file.position()));
                file.write(zeros);
            }
            file.force(true);
        } catch (IOException e) {
            throw StorageErrors.system("wipe '%s'".formatted(volume.path()), e);
        }
        pool.reload(volume.path());
    }

    public static void delete(Pool pool, Volume volume) {
        try {
            Files.delete(volume.path());
        } catch (IOException e) {
            throw StorageErrors.system("unlink file '%s'".formatted(volume.path()), e);
        }
        pool.forget(volume.name());
    }
}
