package io.kahvem.host;

import java.nio.file.Path;

/// A file, or a block device, read and written at offsets from and to native memory. Safe from any thread, any number of calls at once;
/// closing it while a call is under way is a mistake of the caller.
///
/// Results are primitives, for paths that allocate nothing: what is not negative is the call's result, what is negative is -errno.
public interface HostFile extends AutoCloseable {
    /// What the file is opened for and how.
    ///
    /// @param write reading and writing; else reading alone
    /// @param create made, if it does not exist; what it has is cut off
    /// @param direct past the page cache (O_DIRECT): addresses, offsets and lengths are multiples of [#alignment]
    record Mode(boolean write, boolean create, boolean direct) {
        public static final Mode READ = new Mode(false, false, false);
        public static final Mode READ_WRITE = new Mode(true, false, false);
        public static final Mode CREATE = new Mode(true, true, false);
    }

    /// A file that another process has opened and passed, under the name it has there. The descriptor is closed with it.
    static HostFile of(Descriptor descriptor, Path path) {
        return LinuxFile.of(path, descriptor, false);
    }

    /// The same, past the page cache: from then on for all who have it open.
    static HostFile direct(Descriptor descriptor, Path path) {
        return LinuxFile.of(path, descriptor, true);
    }

    /// Opens `path`. Throws [HostException], whose errno tells why not.
    static HostFile open(Path path, Mode mode) {
        return Platform.hasLinuxCalls() ? LinuxFile.open(path, mode) : ChannelFile.open(path, mode);
    }

    Path path();

    /// Reads up to `length` bytes: fewer only where the file ends. Bytes read, or -errno.
    long read(long offset, long address, long length);

    /// Writes all `length` bytes, or fails. `length`, or -errno.
    long write(long offset, long address, long length);

    /// [#read] into several ranges: `iovec` is the address of `count` pairs of address and length, 8 bytes each, as preadv(2) takes them.
    /// Fewer bytes than asked for, even before the end of the file, are possible.
    long readVector(long offset, long iovec, int count);

    /// [#readVector] of what the host has in memory: -EAGAIN where it would have to wait for the medium, or cannot tell.
    default long readVectorAtOnce(long offset, long iovec, int count) {
        return -Errno.EAGAIN;
    }

    /// [#write] from several ranges. Fewer bytes than asked for are possible.
    long writeVector(long offset, long iovec, int count);

    /// Whatever was written is on the medium when it returns 0.
    int flush();

    /// Bytes.
    long size();

    /// Bytes that the file system gives to it; on a host that does not tell, its size.
    long allocatedSize();

    int resize(long sizeBytes);

    /// Gives the range back to the file system; it reads as zeros. -EOPNOTSUPP where the file system cannot.
    int punchHole(long offset, long length);

    /// Makes the range read as zeros without writing them; it stays allocated, and the file grows if it ends beyond. -EOPNOTSUPP where
    /// the file system cannot.
    int zeroRange(long offset, long length);

    /// Allocates the range, so that writing there cannot fail for lack of room; the file grows if it ends beyond.
    int allocate(long offset, long length);

    /// Where data begin at or after `offset`, or -ENXIO (6) if none do. A host that does not tell says `offset`.
    long seekData(long offset);

    /// Where a hole begins at or after `offset`; the end of the file is one.
    long seekHole(long offset);

    /// What offsets and lengths are multiples of in a file opened with [Mode#direct], and addresses; else 1.
    int alignment();

    boolean isBlockDevice();

    /// Whether both are open for one file. False where the host does not tell.
    default boolean isSameAs(HostFile other) {
        return false;
    }

    /// Has the kernel copy up to `length` bytes to another file: how many it copied, 0 at the file's end, or a negative error number;
    /// one of EOPNOTSUPP, EINVAL or EXDEV (18) where it cannot between these files.
    default long copyTo(long offset, HostFile to, long toOffset, long length) {
        return -Errno.EOPNOTSUPP;
    }

    /// Takes a shared lock of the byte at `offset`, which belongs to this open file (OFD lock of fcntl(2)) and ends with it. 0 or -errno;
    /// 0 without a lock where the host has no such locks.
    int lockShared(long offset);

    int unlock(long offset);

    /// 0 if an exclusive lock of the byte could be had, -EAGAIN if another open file holds one there.
    int testExclusive(long offset);

    @Override
    void close();
}
