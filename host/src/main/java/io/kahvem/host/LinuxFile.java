package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
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
    private static final int STX_BLOCKS = 48;
    private static final int STX_DIO_MEM_ALIGN = 152;
    private static final int STX_DIO_OFFSET_ALIGN = 156;
    private static final int STATX_BYTES = 256;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFBLK = 0x6000;
    private static final int SAFE_ALIGNMENT = 4096;

    private static final Linker.Option VARIADIC_2 = Linker.Option.firstVariadicArg(2);
    private static final MethodHandle OPEN =
            Libc.function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), VARIADIC_2);
    private static final FunctionDescriptor TRANSFER = FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    private static final FunctionDescriptor VECTOR = FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_LONG);
    private static final MethodHandle PREAD = Libc.function("pread", TRANSFER);
    private static final MethodHandle PWRITE = Libc.function("pwrite", TRANSFER);
    private static final MethodHandle PREADV = Libc.function("preadv", VECTOR);
    private static final MethodHandle PWRITEV = Libc.function("pwritev", VECTOR);
    private static final MethodHandle FDATASYNC = Libc.function("fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle FTRUNCATE = Libc.function("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle FALLOCATE =
            Libc.function("fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle LSEEK = Libc.function("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
    private static final MethodHandle FCNTL =
            Libc.function("fcntl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS), VARIADIC_2);
    private static final MethodHandle STATX =
            Libc.function("statx", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));

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

    static HostFile of(Path path, Descriptor descriptor) {
        return new LinuxFile(path, descriptor, false);
    }

    static HostFile open(Path path, Mode mode) {
        int flags = (mode.write() ? O_RDWR : 0) | (mode.create() ? O_CREAT | O_TRUNC : 0) | (mode.direct() ? O_DIRECT : 0) | O_CLOEXEC;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = STATE.get();
            int fd = (int) OPEN.invokeExact(state, arena.allocateFrom(path.toString()), flags, NEW_FILE_MODE);
            if (fd < 0) throw new HostException("open " + path, "open", Libc.errno(state), "");
            return new LinuxFile(path, new Descriptor(fd, path.toString()), mode.direct());
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    private static int directAlignment(MemorySegment stat) {
        if ((stat.get(JAVA_INT, STX_MASK) & STATX_DIOALIGN) == 0) return SAFE_ALIGNMENT;
        int align = Math.max(stat.get(JAVA_INT, STX_DIO_MEM_ALIGN), stat.get(JAVA_INT, STX_DIO_OFFSET_ALIGN));
        return align > 0 && Integer.bitCount(align) == 1 ? Math.max(align, 512) : SAFE_ALIGNMENT;
    }

    private MemorySegment stat(Arena arena) {
        MemorySegment stat = arena.allocate(STATX_BYTES, 8);
        MemorySegment state = STATE.get();
        int result;
        try {
            result = (int) STATX.invokeExact(
                    state, fd, arena.allocateFrom(""), AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_DIOALIGN, stat);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
        if (result < 0) throw new HostException("look at " + path, "statx", Libc.errno(state), "");
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
        MemorySegment state = STATE.get();
        try {
            long n = (long) PREAD.invokeExact(state, fd, address, length, offset);
            return n >= 0 ? n : -Libc.errnoNumber(state);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    private long pwrite(long address, long length, long offset) {
        MemorySegment state = STATE.get();
        try {
            long n = (long) PWRITE.invokeExact(state, fd, address, length, offset);
            return n >= 0 ? n : -Libc.errnoNumber(state);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    @Override
    public long readVector(long offset, long iovec, int count) {
        MemorySegment state = STATE.get();
        try {
            while (true) {
                long n = (long) PREADV.invokeExact(state, fd, iovec, count, offset);
                if (n >= 0) return n;
                if (Libc.errnoNumber(state) != Errno.EINTR) return -Libc.errnoNumber(state);
            }
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    @Override
    public long writeVector(long offset, long iovec, int count) {
        MemorySegment state = STATE.get();
        try {
            while (true) {
                long n = (long) PWRITEV.invokeExact(state, fd, iovec, count, offset);
                if (n >= 0) return n;
                if (Libc.errnoNumber(state) != Errno.EINTR) return -Libc.errnoNumber(state);
            }
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    @Override
    public int flush() {
        MemorySegment state = STATE.get();
        try {
            return result((int) FDATASYNC.invokeExact(state, fd), state);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
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
        MemorySegment state = STATE.get();
        try {
            return result((int) FTRUNCATE.invokeExact(state, fd, sizeBytes), state);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
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
        MemorySegment state = STATE.get();
        try {
            while (true) {
                int result = result((int) FALLOCATE.invokeExact(state, fd, mode, offset, length), state);
                if (result == -Errno.ENOSYS) return -Errno.EOPNOTSUPP;
                if (result != -Errno.EINTR) return result;
            }
        } catch (Throwable t) {
            throw Libc.broken(t);
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
        MemorySegment state = STATE.get();
        try {
            long found = (long) LSEEK.invokeExact(state, fd, offset, whence);
            return found >= 0 ? found : -Libc.errnoNumber(state);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    @Override
    public int alignment() {
        return alignment;
    }

    @Override
    public boolean isBlockDevice() {
        return blockDevice;
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
            MemorySegment state = STATE.get();
            int result = result((int) FCNTL.invokeExact(state, fd, command, flock), state);
            if (result == -Errno.EINVAL || result == -Errno.ENOLCK || result == -Errno.EOPNOTSUPP) return 0;
            if (result == -Errno.EACCES) return -Errno.EAGAIN;
            if (command == F_OFD_GETLK && result == 0) return flock.get(JAVA_SHORT, 0) == F_UNLCK ? 0 : -Errno.EAGAIN;
            return result;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    private static int result(int result, MemorySegment state) {
        return result >= 0 ? 0 : -Libc.errnoNumber(state);
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
