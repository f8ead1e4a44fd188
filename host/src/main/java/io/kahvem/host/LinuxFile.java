package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/// [HostFile] by Linux' own calls.
final class LinuxFile implements HostFile {
    // asm-generic/fcntl.h; O_DIRECT differs between architectures.
    private static final int O_RDWR = 0x2;
    private static final int O_CREAT = 0x40;
    private static final int O_TRUNC = 0x200;
    private static final int O_CLOEXEC = 0x8_0000;
    private static final int O_DIRECT = System.getProperty("os.arch").equals("aarch64") ? 0x1_0000 : 0x4000;
    private static final int NEW_FILE_MODE = 0644;
    private static final int SEEK_END = 2;
    private static final int SEEK_DATA = 3;
    private static final int SEEK_HOLE = 4;
    private static final int FALLOC_FL_KEEP_SIZE = 1;
    private static final int FALLOC_FL_PUNCH_HOLE = 2;
    private static final int FALLOC_FL_ZERO_RANGE = 16;
    private static final int F_GETFL = 3;
    private static final int F_SETFL = 4;
    private static final int F_OFD_GETLK = 36;
    private static final int F_OFD_SETLK = 37;
    private static final short F_RDLCK = 0;
    private static final short F_WRLCK = 1;
    private static final short F_UNLCK = 2;
    // linux/stat.h: struct statx
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int STATX_BASIC_STATS = 0x7ff;
    private static final int STATX_DIOALIGN = 0x2000;
    private static final int STX_MASK = 0;
    private static final int STX_MODE = 28;
    private static final int STX_INO = 32;
    private static final int STX_BLOCKS = 48;
    private static final int STX_DEV_MAJOR = 136;
    private static final int STX_DEV_MINOR = 140;
    private static final int STX_DIO_MEM_ALIGN = 152;
    private static final int STX_DIO_OFFSET_ALIGN = 156;
    private static final int STATX_BYTES = 256;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFBLK = 0x6000;
    private static final int SAFE_ALIGNMENT = 4096;

    private static final int OPENAT = SystemCall.number("openat");
    private static final int PREAD64 = SystemCall.number("pread64");
    private static final int PWRITE64 = SystemCall.number("pwrite64");
    private static final int PREADV = SystemCall.number("preadv");
    private static final int PWRITEV = SystemCall.number("pwritev");
    private static final int PREADV2 = SystemCall.number("preadv2");
    private static final int FDATASYNC = SystemCall.number("fdatasync");
    private static final int FTRUNCATE = SystemCall.number("ftruncate");
    private static final int FALLOCATE = SystemCall.number("fallocate");
    private static final int LSEEK = SystemCall.number("lseek");
    private static final int FCNTL = SystemCall.number("fcntl");
    private static final int STATX = SystemCall.number("statx");
    private static final int COPY_FILE_RANGE = SystemCall.number("copy_file_range");
    private static final int AT_FDCWD = -100;
    // linux/fs.h
    private static final int RWF_NOWAIT = 8;

    /// Where errno goes, a thread each.
    private static final ThreadLocal<MemorySegment> STATE = ThreadLocal.withInitial(() -> Libc.callState(Arena.ofAuto()));

    private final Path path;
    private final Descriptor descriptor;
    private final int fd;
    private final boolean blockDevice;
    private final int alignment;
    private final AtomicBoolean closed = new AtomicBoolean();

    private LinuxFile(Path path, Descriptor descriptor, boolean direct) {
        this.path = path;
        this.descriptor = descriptor;
        fd = descriptor.number();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = stat(arena);
            blockDevice = (stat.get(JAVA_SHORT, STX_MODE) & S_IFMT) == S_IFBLK;
            alignment = direct ? directAlignment(stat) : 1;
        }
    }

    /// A file that is open; past the page cache if it was opened so, or is to be from now on. The descriptor is closed where that fails.
    static HostFile of(Path path, Descriptor descriptor, boolean direct) {
        try {
            long flags = call(FCNTL, descriptor.number(), F_GETFL, 0, 0);
            boolean already = (flags & O_DIRECT) != 0;
            if (direct && !already) {
                long result = call(FCNTL, descriptor.number(), F_SETFL, flags | O_DIRECT, 0);
                if (result < 0) throw new HostException("open " + path + " past the page cache", "fcntl", new Errno((int) -result), "");
            }
            return new LinuxFile(path, descriptor, direct || already);
        } catch (RuntimeException e) {
            descriptor.close();
            throw e;
        }
    }

    static HostFile open(Path path, Mode mode) {
        int flags = (mode.write() ? O_RDWR : 0) | (mode.create() ? O_CREAT | O_TRUNC : 0) | (mode.direct() ? O_DIRECT : 0) | O_CLOEXEC;
        try (Arena arena = Arena.ofConfined()) {
            long fd = call(OPENAT, AT_FDCWD, arena.allocateFrom(path.toString()).address(), flags, NEW_FILE_MODE);
            if (fd < 0) throw new HostException("open " + path, "open", new Errno((int) -fd), "");
            return new LinuxFile(path, new Descriptor((int) fd, path.toString()), mode.direct());
        }
    }

    /// The result, or -errno.
    private static long call(int number, long a, long b, long c, long d) {
        return SystemCall.call(STATE.get(), number, a, b, c, d, 0, 0);
    }

    private static int directAlignment(MemorySegment stat) {
        if ((stat.get(JAVA_INT, STX_MASK) & STATX_DIOALIGN) == 0) return SAFE_ALIGNMENT;
        int align = Math.max(stat.get(JAVA_INT, STX_DIO_MEM_ALIGN), stat.get(JAVA_INT, STX_DIO_OFFSET_ALIGN));
        return align > 0 && Integer.bitCount(align) == 1 ? Math.max(align, 512) : SAFE_ALIGNMENT;
    }

    private MemorySegment stat(Arena arena) {
        MemorySegment stat = arena.allocate(STATX_BYTES, 8);
        MemorySegment empty = arena.allocateFrom("");
        long result = SystemCall.call(
                STATE.get(), STATX, fd, empty.address(), AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_DIOALIGN, stat.address(), 0);
        if (result < 0) throw new HostException("look at " + path, "statx", new Errno((int) -result), "");
        return stat;
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public long read(long offset, long address, long length) {
        long done = 0;
        while (done < length) {
            long n = pread(address + done, length - done, offset + done);
            if (n == -Errno.EINTR) continue;
            if (n < 0) return n;
            if (n == 0) break;
            done += n;
        }
        return done;
    }

    @Override
    public long write(long offset, long address, long length) {
        long done = 0;
        while (done < length) {
            long n = pwrite(address + done, length - done, offset + done);
            if (n == -Errno.EINTR) continue;
            if (n < 0) return n;
            if (n == 0) return -Errno.EIO;
            done += n;
        }
        return done;
    }

    private long pread(long address, long length, long offset) {
        return call(PREAD64, fd, address, length, offset);
    }

    private long pwrite(long address, long length, long offset) {
        return call(PWRITE64, fd, address, length, offset);
    }

    @Override
    public long readVector(long offset, long iovec, int count) {
        return vector(PREADV, offset, iovec, count);
    }

    @Override
    public long writeVector(long offset, long iovec, int count) {
        return vector(PWRITEV, offset, iovec, count);
    }

    @Override
    public long readVectorAtOnce(long offset, long iovec, int count) {
        return SystemCall.call(STATE.get(), PREADV2, fd, iovec, count, offset, 0, RWF_NOWAIT);
    }

    private long vector(int number, long offset, long iovec, int count) {
        while (true) {
            long n = call(number, fd, iovec, count, offset);
            if (n != -Errno.EINTR) return n;
        }
    }

    @Override
    public int flush() {
        return (int) call(FDATASYNC, fd, 0, 0, 0);
    }

    @Override
    public long size() {
        return seek(0, SEEK_END);
    }

    @Override
    public long allocatedSize() {
        try (Arena arena = Arena.ofConfined()) {
            return stat(arena).get(JAVA_LONG, STX_BLOCKS) * 512;
        }
    }

    @Override
    public int resize(long sizeBytes) {
        return (int) call(FTRUNCATE, fd, sizeBytes, 0, 0);
    }

    @Override
    public int punchHole(long offset, long length) {
        return fallocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
    }

    @Override
    public int zeroRange(long offset, long length) {
        return fallocate(FALLOC_FL_ZERO_RANGE, offset, length);
    }

    @Override
    public int allocate(long offset, long length) {
        return fallocate(0, offset, length);
    }

    private int fallocate(int mode, long offset, long length) {
        while (true) {
            int result = (int) call(FALLOCATE, fd, mode, offset, length);
            if (result == -Errno.ENOSYS) return -Errno.EOPNOTSUPP;
            if (result != -Errno.EINTR) return result;
        }
    }

    @Override
    public long seekData(long offset) {
        long found = seek(offset, SEEK_DATA);
        return found == -Errno.EINVAL ? offset : found;
    }

    @Override
    public long seekHole(long offset) {
        long found = seek(offset, SEEK_HOLE);
        return found == -Errno.EINVAL ? size() : found;
    }

    private long seek(long offset, int whence) {
        return call(LSEEK, fd, offset, whence, 0);
    }

    @Override
    public int alignment() {
        return alignment;
    }

    @Override
    public boolean isSameAs(HostFile other) {
        return other instanceof LinuxFile file && identity().equals(file.identity());
    }

    /// The numbers of the file system and the inode.
    private List<Long> identity() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment stat = stat(arena);
            long device = (long) stat.get(JAVA_INT, STX_DEV_MAJOR) << 32 | stat.get(JAVA_INT, STX_DEV_MINOR) & 0xffff_ffffL;
            return List.of(device, stat.get(JAVA_LONG, STX_INO));
        }
    }

    @Override
    public boolean isBlockDevice() {
        return blockDevice;
    }

    @Override
    public long copyTo(long offset, HostFile to, long toOffset, long length) {
        if (!(to instanceof LinuxFile other)) return -Errno.EOPNOTSUPP;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment offsets = arena.allocate(16, 8);
            offsets.set(JAVA_LONG, 0, offset);
            offsets.set(JAVA_LONG, 8, toOffset);
            while (true) {
                long n = SystemCall.call(
                        STATE.get(), COPY_FILE_RANGE, fd, offsets.address(), other.fd, offsets.address() + 8, length, 0);
                if (n != -Errno.EINTR) return n == -Errno.ENOSYS ? -Errno.EOPNOTSUPP : n;
            }
        }
    }

    @Override
    public int lockShared(long offset) {
        return lock(F_OFD_SETLK, F_RDLCK, offset);
    }

    @Override
    public int unlock(long offset) {
        return lock(F_OFD_SETLK, F_UNLCK, offset);
    }

    @Override
    public int testExclusive(long offset) {
        return lock(F_OFD_GETLK, F_WRLCK, offset);
    }

    /// fcntl(2) with `struct flock`: type and whence in 16 bits each, start and length in 64, the process in 32 (0 for OFD locks). The
    /// file systems without locks say EINVAL or ENOLCK: there, nobody holds one.
    private int lock(int command, short type, long offset) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment flock = arena.allocate(32, 8);
            flock.set(JAVA_SHORT, 0, type);
            flock.set(JAVA_LONG, 8, offset);
            flock.set(JAVA_LONG, 16, 1L);
            int result = (int) call(FCNTL, fd, command, flock.address(), 0);
            if (result == -Errno.EINVAL || result == -Errno.ENOLCK || result == -Errno.EOPNOTSUPP) return 0;
            if (result == -Errno.EACCES) return -Errno.EAGAIN;
            if (command == F_OFD_GETLK && result == 0) return flock.get(JAVA_SHORT, 0) == F_UNLCK ? 0 : -Errno.EAGAIN;
            return result;
        }
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) descriptor.close();
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
