package io.kahvem.host;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// An open file descriptor of Linux that is used by [Ioctl] and mapped, as devices are. Safe from any thread; closing it while another
/// thread uses its number is a mistake of the caller.
public final class Descriptor implements AutoCloseable {
    private static final int O_RDWR = 0x2;
    private static final int O_CLOEXEC = 0x8_0000;
    private static final int O_PATH = 0x20_0000;
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_SHARED = 1;
    private static final long MAP_FAILED = -1;

    private static final MethodHandle OPEN =
            Libc.function("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle CLOSE = Libc.function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle MMAP =
            Libc.function("mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = Libc.function("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

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

    /// A descriptor that only names a file or directory; the file is not opened.
    static Descriptor reference(String path) {
        return open(path, O_PATH);
    }

    private static Descriptor open(String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            int fd = (int) OPEN.invokeExact(state, arena.allocateFrom(path), flags | O_CLOEXEC);
            if (fd < 0) throw new HostException("open " + path, "open", Libc.errno(state), "");
            return new Descriptor(fd, path);
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    public int number() {
        return number;
    }

    /// Maps `sizeBytes` bytes from `offset` on, for reading and writing, shared with the kernel.
    public Mapping map(long offset, long sizeBytes) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            long address = (long) MMAP.invokeExact(state, 0L, sizeBytes, PROT_READ | PROT_WRITE, MAP_SHARED, number, offset);
            if (address == MAP_FAILED) throw new HostException("map " + sizeBytes + " bytes of " + name, "mmap", Libc.errno(state), "");
            return new NativeRange(address, sizeBytes, () -> unmap(address, sizeBytes),
                    (at, bytes) -> Words.fill(at, bytes, (byte) 0));
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    private static void unmap(long address, long sizeBytes) {
        try (Arena arena = Arena.ofConfined()) {
            int ignored = (int) MUNMAP.invokeExact(Libc.callState(arena), address, sizeBytes);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// Closes it, once. An error of close(2) on a device tells nothing that could still be mended.
    @Override
    public synchronized void close() {
        if (closed) return;
        closed = true;
        try (Arena arena = Arena.ofConfined()) {
            int ignored = (int) CLOSE.invokeExact(Libc.callState(arena), number);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    @Override
    public String toString() {
        return name + " (descriptor " + number + ")";
    }
}
