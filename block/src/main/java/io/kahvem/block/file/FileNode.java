package io.kahvem.block.file;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.CacheMode;
import io.kahvem.block.Extent;
import io.kahvem.block.FileOpener;
import io.kahvem.block.IoVector;
import io.kahvem.block.OpenOptions;
import io.kahvem.block.Preallocation;
import io.kahvem.host.Errno;
import io.kahvem.host.HostException;
import io.kahvem.host.HostFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// A file or block device of the host. It grows where it is written beyond its end, and reads as zeros there.
public final class FileNode implements BlockNode {
    private static final long ZEROS = 1 << 20;

    private volatile HostFile file;
    private final String name;
    private volatile boolean readOnly;
    private final CacheMode cache;
    private final boolean unmap;
    private final FileOpener opener;
    private final int alignment;
    /// Of a file that was passed: whether it is open for writing.
    private volatile Optional<Boolean> passedForWriting;

    /// Held while a part of an aligned unit is read, changed and written back.
    private final Lock unaligned = new ReentrantLock();

    private final AtomicBoolean closed = new AtomicBoolean();

    private volatile boolean zeroRangeWorks = true;
    private volatile boolean punchHoleWorks = true;

    /// A stretch of the file without holes.
    private record Stretch(long start, long end) {}

    /// The last one that was found: to find its end the host may need as long as to go through all of it, and is asked anew for each part
    /// of a copy. Where others have made a hole since, it is called data that are zeros, which is true as well.
    private volatile @Nullable Stretch known;

    private FileNode(
            HostFile file, String name, boolean readOnly, CacheMode cache, boolean unmap, FileOpener opener,
            Optional<Boolean> passedForWriting) {
        this.opener = opener;
        this.passedForWriting = passedForWriting;
        this.file = file;
        this.name = name;
        this.readOnly = readOnly;
        this.cache = cache;
        this.unmap = unmap;
        alignment = file.alignment();
    }

    /// Opens a file that exists, without locks yet. Throws [BlockException] in qemu-img's words.
    public static FileNode open(String name, OpenOptions options) {
        HostFile.Mode mode = new HostFile.Mode(!options.readOnly(), false, options.cache().isDirect());
        return open(name, mode, options.cache(), options.unmap(), options.files());
    }

    /// A file that another process has opened and passed. It cannot be opened again: what it was opened for, it stays good for.
    public static FileNode of(HostFile file, String name, boolean readOnly) {
        return new FileNode(file, name, readOnly, CacheMode.WRITEBACK, true, FileOpener.BY_NAME, Optional.of(!readOnly));
    }

    /// Makes a file, or empties one that nobody uses.
    public static FileNode create(String name, CacheMode cache) {
        try {
            HostFile held = HostFile.open(Path.of(name), HostFile.Mode.READ_WRITE);
            try {
                ImageLocks.take(held, name, ImageLocks.WRITE | ImageLocks.RESIZE, 0);
            } finally {
                held.close();
            }
        } catch (HostException absent) {
            if (absent.errno() != Errno.ENOENT) throw failed("Could not create '%s'".formatted(name), absent);
        }
        try {
            return open(name, HostFile.Mode.CREATE, cache, true, FileOpener.BY_NAME);
        } catch (BlockException e) {
            throw new BlockException(e.errno(), e.getMessage().replaceFirst("Could not open", "Could not create"), e);
        }
    }

    private static FileNode open(String name, HostFile.Mode mode, CacheMode cache, boolean unmap, FileOpener opener) {
        try {
            HostFile file = opener.open(name, mode);
            try {
                if (file.size() < 0) throw new BlockException(Errno.EISDIR, "Could not open '%s': Is a directory".formatted(name));
                if (!mode.write()) refuseDirectory(file, name);
                return new FileNode(file, name, !mode.write(), cache, unmap, opener, Optional.empty());
            } catch (RuntimeException e) {
                file.close();
                throw e;
            }
        } catch (HostException e) {
            throw failed("Could not open '%s'".formatted(name), e);
        }
    }

    /// A directory opens for reading, and is no image.
    private static void refuseDirectory(HostFile file, String name) {
        try (Arena arena = Arena.ofConfined()) {
            if (file.read(0, arena.allocate(1).address(), 1) == -Errno.EISDIR) {
                throw new BlockException(Errno.EISDIR, "Could not open '%s': A regular file or block device was expected".formatted(name));
            }
        }
    }

    private static BlockException failed(String what, HostException e) {
        int errno = e.errno() == 0 ? Errno.EIO : e.errno();
        return new BlockException(errno, what + ": " + new Errno(errno).meaning(), e);
    }

    /// Keeps other processes from what would harm: the locks QEMU takes.
    ///
    /// @param writes whether this process changes the image
    /// @param others whether others may change it meanwhile
    public void lock(boolean writes, boolean others) {
        int changes = ImageLocks.WRITE | ImageLocks.RESIZE;
        ImageLocks.take(file, name, ImageLocks.CONSISTENT_READ | (writes ? changes : 0), others ? 0 : changes);
    }

    /// Opens the file anew and takes its locks; requests must not be under way.
    @Override
    public void setReadOnly(boolean wanted) {
        if (wanted == readOnly) return;
        if (passedForWriting.isPresent()) {
            if (!wanted && !passedForWriting.get()) {
                throw new BlockException(Errno.EACCES, "Could not reopen '%s': it was passed for reading alone; pass it open for writing"
                        .formatted(name));
            }
            ImageLocks.release(file);
            lock(!wanted, false);
            readOnly = wanted;
            return;
        }
        HostFile before = file;
        HostFile next;
        try {
            next = opener.open(name, new HostFile.Mode(!wanted, false, cache.isDirect()));
        } catch (HostException e) {
            throw failed("Could not reopen '%s'".formatted(name), e);
        }
        ImageLocks.release(before);
        int changes = ImageLocks.WRITE | ImageLocks.RESIZE;
        try {
            ImageLocks.take(next, name, ImageLocks.CONSISTENT_READ | (wanted ? 0 : changes), changes);
        } catch (BlockException inUse) {
            next.close();
            ImageLocks.take(before, name, ImageLocks.CONSISTENT_READ | (readOnly ? 0 : changes), changes);
            throw inUse;
        }
        file = next;
        known = null;
        readOnly = wanted;
        before.close();
    }

    /// Takes the same file in place of what it has, passed open for reading and writing: so it can be written where it cannot be opened
    /// anew. Requests must not be under way. Throws [BlockException] where it is another file; it is closed then.
    public void replace(HostFile passed) {
        HostFile before = file;
        try {
            if (!passed.isSameAs(before)) {
                throw BlockException.invalid("The descriptor that was passed for '%s' is another file's".formatted(name));
            }
            ImageLocks.release(before);
            int changes = ImageLocks.WRITE | ImageLocks.RESIZE;
            ImageLocks.take(passed, name, ImageLocks.CONSISTENT_READ | (readOnly ? 0 : changes), changes);
        } catch (RuntimeException e) {
            passed.close();
            throw e;
        }
        file = passed;
        passedForWriting = Optional.of(true);
        before.close();
    }

    @Override
    public String format() {
        return file.isBlockDevice() ? "host_device" : "file";
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long sizeBytes() {
        return file.size();
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public void read(long offset, MemorySegment into) {
        if (!isAligned(offset, into.address(), into.byteSize())) {
            readUnaligned(offset, into);
            return;
        }
        long n = check("read", offset, file.read(offset, into.address(), into.byteSize()));
        if (n < into.byteSize()) into.asSlice(n).fill((byte) 0);
    }

    private void readUnaligned(long offset, MemorySegment into) {
        long start = offset / alignment * alignment;
        long end = roundUp(offset + into.byteSize());
        MemorySegment whole = Bounce.take(end - start);
        long n = check("read", start, file.read(start, whole.address(), end - start));
        if (n < end - start) whole.asSlice(n, end - start - n).fill((byte) 0);
        into.copyFrom(whole.asSlice(offset - start, into.byteSize()));
        Bounce.give(whole);
    }

    @Override
    public void write(long offset, MemorySegment from) {
        if (isAligned(offset, from.address(), from.byteSize())) {
            check("write", offset, file.write(offset, from.address(), from.byteSize()));
        } else {
            writeUnaligned(offset, from);
        }
        if (cache.flushesEachWrite()) flush();
    }

    private void writeUnaligned(long offset, MemorySegment from) {
        long start = offset / alignment * alignment;
        long end = roundUp(offset + from.byteSize());
        MemorySegment whole = Bounce.take(end - start);
        unaligned.lock();
        try {
            if (start != offset || end != offset + from.byteSize()) {
                long n = check("read", start, file.read(start, whole.address(), end - start));
                if (n < end - start) whole.asSlice(n, end - start - n).fill((byte) 0);
            }
            whole.asSlice(offset - start, from.byteSize()).copyFrom(from);
            check("write", start, file.write(start, whole.address(), end - start));
        } finally {
            unaligned.unlock();
            Bounce.give(whole);
        }
    }

    @Override
    public void readVector(long offset, IoVector into) {
        if (into.count() > 1 && into.count() <= 1024 && isAligned(offset, into)) {
            long n = check("read", offset, file.readVector(offset, into.address(), into.count()));
            if (n == into.lengthBytes()) return;
        }
        BlockNode.super.readVector(offset, into); // the file ended, or the host stopped half-way: rare enough to begin again
    }

    @Override
    public boolean readAtOnce(long offset, IoVector into) {
        if (alignment != 1 || into.count() > 1024) return false;
        return file.readVectorAtOnce(offset, into.address(), into.count()) == into.lengthBytes();
    }

    @Override
    public void writeVector(long offset, IoVector from) {
        if (from.count() > 1 && from.count() <= 1024 && isAligned(offset, from)) {
            long n = check("write", offset, file.writeVector(offset, from.address(), from.count()));
            if (n == from.lengthBytes()) {
                if (cache.flushesEachWrite()) flush();
                return;
            }
        }
        BlockNode.super.writeVector(offset, from);
    }

    private boolean isAligned(long offset, long address, long length) {
        return ((offset | address | length) & (alignment - 1)) == 0;
    }

    private boolean isAligned(long offset, IoVector ranges) {
        if (alignment == 1) return true;
        long all = offset;
        for (int n = 0; n < ranges.count(); n++) all |= ranges.addressOf(n) | ranges.lengthOf(n);
        return (all & (alignment - 1)) == 0;
    }

    private long roundUp(long offset) {
        return (offset + alignment - 1) / alignment * alignment;
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        if (length == 0) return;
        long end = offset + length;
        if (mayUnmap && punchHoleWorks && unmap) {
            int result = file.punchHole(offset, length);
            known = null;
            if (result == 0) {
                if (end > file.size()) check("resize", end, file.resize(end));
                return;
            }
            if (result != -Errno.EOPNOTSUPP) check("write zeroes to", offset, result);
            punchHoleWorks = false;
        }
        if (zeroRangeWorks && (length & 511) == 0) {
            int result = file.zeroRange(offset, length);
            known = null;
            if (result == 0) return;
            if (result != -Errno.EOPNOTSUPP && result != -Errno.EINVAL) check("write zeroes to", offset, result);
            zeroRangeWorks = false;
        }
        MemorySegment zeros = Bounce.take(Math.min(length, ZEROS));
        zeros.fill((byte) 0);
        for (long at = offset; at < end; at += zeros.byteSize()) write(at, zeros.asSlice(0, Math.min(zeros.byteSize(), end - at)));
        Bounce.give(zeros);
    }

    @Override
    public void discard(long offset, long length) {
        if (!unmap || !punchHoleWorks || length == 0) return;
        int result = file.punchHole(offset, length);
        known = null;
        if (result == -Errno.EOPNOTSUPP || result == -Errno.EINVAL) punchHoleWorks = false;
        else check("discard", offset, result);
    }

    @Override
    public void flush() {
        if (cache.flushes()) check("flush", 0, file.flush());
    }

    @Override
    public Extent extentAt(long offset, long length) {
        Stretch before = known;
        if (before != null && before.start <= offset && offset < before.end) {
            return Extent.data(Math.min(length, before.end - offset), offset);
        }
        long data = file.seekData(offset);
        if (data == -Errno.ENXIO) return Extent.zero(length);
        if (data < 0) return Extent.data(length, offset);
        if (data > offset) return Extent.zero(Math.min(length, data - offset));
        long hole = file.seekHole(offset);
        if (hole <= offset) return Extent.data(length, offset);
        known = new Stretch(offset, hole);
        return Extent.data(Math.min(length, hole - offset), offset);
    }

    @Override
    public void resize(long sizeBytes, Preallocation preallocation) {
        long old = file.size();
        check("resize", sizeBytes, file.resize(sizeBytes));
        known = null;
        if (sizeBytes <= old) return;
        switch (preallocation) {
            case OFF, METADATA -> { }
            case FALLOC -> {
                int result = file.allocate(old, sizeBytes - old);
                if (result < 0) throw preallocationFailed(old, result);
            }
            case FULL -> {
                MemorySegment zeros = Bounce.take(ZEROS);
                zeros.fill((byte) 0);
                for (long at = old; at < sizeBytes; at += ZEROS) {
                    long result = file.write(at, zeros.address(), Math.min(ZEROS, sizeBytes - at));
                    if (result < 0) throw preallocationFailed(old, (int) result);
                }
                Bounce.give(zeros);
            }
        }
    }

    private BlockException preallocationFailed(long old, int result) {
        file.resize(old);
        return new BlockException(-result, "Could not write zeros for preallocation: " + new Errno(-result).meaning());
    }

    /// Has the host copy a stretch to another file. Whether it could; if not, part of it may have been copied.
    public boolean copyTo(long offset, FileNode to, long toOffset, long length) {
        if (!isAligned(offset, toOffset, length) || !to.isAligned(offset, toOffset, length)) return false;
        for (long done = 0; done < length; ) {
            long n = file.copyTo(offset + done, to.file, toOffset + done, length - done);
            if (n <= 0) return false; // it cannot between these, or the file ends: a copy by hand says what is wrong
            done += n;
        }
        return true;
    }

    private long check(String what, long offset, long result) {
        if (result < 0) {
            int errno = (int) -result;
            throw new BlockException(errno, "cannot %s %s at %d: %s".formatted(what, name, offset, new Errno(errno)));
        }
        return result;
    }

    @Override
    public int clusterSize() {
        return Math.max(1, alignment);
    }

    @Override
    public long allocatedSize() {
        return file.allocatedSize();
    }

    @Override
    public void close() {
        if (closed.getAndSet(true)) return;
        ImageLocks.release(file); // who passed it may have it open still, and the locks with it
        file.close();
    }

    @Override
    public String toString() {
        return name;
    }
}
