package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// An eventfd(2): a counter in the kernel, which kernel and program signal each other by. Any thread signals, one thread waits.
public final class EventFd implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x8_0000;

    private static final MethodHandle EVENTFD = Libc.function("eventfd", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
    private static final MethodHandle READ = Libc.function("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle WRITE = Libc.function("write", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));

    private final Descriptor descriptor;
    private final MemorySegment one = Arena.ofAuto().allocateFrom(JAVA_LONG, 1);
    private final MemorySegment taken = Arena.ofAuto().allocate(JAVA_LONG);
    private final MemorySegment readState = Libc.callState(Arena.ofAuto());
    private final MemorySegment writeState = Libc.callState(Arena.ofAuto());

    private EventFd(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /// Throws [HostException] where the process has too many descriptors.
    public static EventFd create() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = Libc.callState(arena);
            int fd = (int) EVENTFD.invokeExact(state, 0, EFD_CLOEXEC);
            if (fd < 0) throw new HostException("make an event counter", "eventfd", Libc.errno(state), "See `ulimit -n`.");
            return new EventFd(new Descriptor(fd, "eventfd"));
        } catch (HostException refused) {
            throw refused;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    public Descriptor descriptor() {
        return descriptor;
    }

    /// Adds one to the counter.
    public void signal() {
        try {
            // write(2) of 8 bytes to an eventfd whose counter is far from its end neither blocks nor fails; errno need not be looked at.
            long ignored = (long) WRITE.invokeExact(writeState, descriptor.number(), one.address(), 8L);
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    /// Waits until the counter is not zero, clears it and returns what it was.
    public long await() {
        try {
            while (true) {
                long read = (long) READ.invokeExact(readState, descriptor.number(), taken.address(), 8L);
                if (read == 8) return taken.get(JAVA_LONG, 0);
                Errno errno = Libc.errno(readState);
                if (errno.number() != Errno.EINTR) throw new HostException("wait for an event", "read", errno, "");
            }
        } catch (HostException failed) {
            throw failed;
        } catch (Throwable t) {
            throw Libc.broken(t);
        }
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
