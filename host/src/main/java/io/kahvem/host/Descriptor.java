package io.kahvem.host;

import java.lang.foreign.Arena;

/// An open file descriptor of Linux that is used by [Ioctl] and mapped, as devices are. Safe from any thread; closing it while another
/// thread uses its number is a mistake of the caller.
public final class Descriptor implements AutoCloseable {
    private static final int O_WRONLY = 0x1;
    private static final int O_RDWR = 0x2;
    private static final int O_ACCMODE = 0x3;
    private static final int O_APPEND = 0x400;
    private static final int O_CLOEXEC = 0x8_0000;
    private static final int O_PATH = 0x20_0000;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;

    private static final int AT_FDCWD = -100;
    private static final int F_GETFD = 1;
    private static final int F_GETFL = 3;
    private static final int FD_CLOEXEC = 1;
    private static final int F_DUPFD_CLOEXEC = 1030;

    /// What a file is open for.
    public enum Access {
        READ,
        WRITE,
        READ_WRITE
    }

    /// The numbers of the calls, looked up where the first descriptor is made.
    private static final class Calls {
        static final int OPENAT = SystemCall.number("openat");
        static final int CLOSE = SystemCall.number("close");
        static final int MMAP = SystemCall.number("mmap");
        static final int MUNMAP = SystemCall.number("munmap");
        static final int FCNTL = SystemCall.number("fcntl");

        private Calls() {}
    }

    private final int number;
    private final String name;
    private boolean closed;

    /// Takes over a descriptor that a system call gave; `name` is for messages.
    public Descriptor(int number, String name) {
        this.number = number;
        this.name = name;
    }

    /// Whether this host has what this class and [Ioctl] need.
    public static boolean isSupported() {
        return Platform.hasLinuxCalls();
    }

    /// Opens a device for reading and writing. Throws [HostException], whose errno tells why not.
    public static Descriptor open(String path) {
        return open(path, O_RDWR);
    }

    /// Opens a file for reading, to pass it to a process that may not.
    public static Descriptor openForReading(String path) {
        return open(path, 0);
    }

    /// Opens a file that is there for writing at its end.
    public static Descriptor openForAppending(String path) {
        return open(path, O_WRONLY | O_APPEND);
    }

    /// Takes over a descriptor that the process was started with. Throws [HostException] where there is none of that number, or one that
    /// does not pass to programs, and so came from none.
    public static Descriptor inherited(int number) {
        String name = "descriptor " + number;
        long flags = SystemCall.completed(Calls.FCNTL, number, F_GETFD, 0);
        if (flags < 0) throw new HostException("use " + name, "fcntl", new Errno((int) -flags), "Pass it open, as in 3<>FILE of a shell.");
        if ((flags & FD_CLOEXEC) != 0) {
            throw new HostException("use " + name, "fcntl", new Errno(Errno.EBADF), "It is the process' own, and was not passed to it.");
        }
        return new Descriptor(number, name);
    }

    /// What the file was opened for. Throws [HostException] where the kernel does not tell.
    public Access access() {
        long flags = SystemCall.completed(Calls.FCNTL, number, F_GETFL, 0);
        if (flags < 0) throw new HostException("look at " + name, "fcntl", new Errno((int) -flags), "");
        return switch ((int) flags & O_ACCMODE) {
            case O_WRONLY -> Access.WRITE;
            case O_RDWR -> Access.READ_WRITE;
            default -> Access.READ;
        };
    }

    /// A descriptor that only names a file or directory; the file is not opened.
    static Descriptor reference(String path) {
        return open(path, O_PATH);
    }

    private static Descriptor open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            long fd = SystemCall.completed(Calls.OPENAT, AT_FDCWD, arena.allocateFrom(path).address(), flags | O_CLOEXEC);
            if (fd < 0) throw new HostException("open " + path, "open", new Errno((int) -fd), "");
            return new Descriptor((int) fd, path);
        }
    }

    /// Another number for the same open file. Throws [HostException] where the process has no more to give.
    public Descriptor duplicate() {
        long fd = SystemCall.completed(Calls.FCNTL, number, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) throw new HostException("duplicate " + name, "fcntl", new Errno((int) -fd), "");
        return new Descriptor((int) fd, name);
    }

    public int number() {
        return number;
    }

    /// Maps `sizeBytes` bytes from `offset` on, for reading and writing, shared with the kernel.
    public Mapping map(long offset, long sizeBytes) {
        long address = SystemCall.call(Calls.MMAP, 0, sizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, number, offset);
        if (SystemCall.failed(address)) {
            throw new HostException("map " + sizeBytes + " bytes of " + name, "mmap", new Errno((int) -address), "");
        }
        return new NativeRange(address, sizeBytes, () -> SystemCall.call(Calls.MUNMAP, address, sizeBytes, 0),
                (at, bytes) -> Words.fill(at, bytes, (byte) 0));
    }

    /// Closes it, once. An error of close(2) on a device tells nothing that could still be mended.
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        SystemCall.call(Calls.CLOSE, number, 0, 0);
    }

    @Override
    public String toString() {
        return name + " (descriptor " + number + ")";
    }
}
