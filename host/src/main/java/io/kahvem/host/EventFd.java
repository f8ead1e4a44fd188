package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// An eventfd(2): a counter in the kernel, which kernel and program signal each other by. Any thread signals, one thread waits.
public final class EventFd implements AutoCloseable {
    private static final int EFD_CLOEXEC = 0x8_0000;

    private static final int EVENTFD2 = SystemCall.number("eventfd2");
    private static final int READ = SystemCall.number("read");
    private static final int WRITE = SystemCall.number("write");

    private final Descriptor descriptor;
    private final MemorySegment one = Arena.ofAuto().allocateFrom(JAVA_LONG, 1);
    private final MemorySegment taken = Arena.ofAuto().allocate(JAVA_LONG);

    private EventFd(Descriptor descriptor) {
        this.descriptor = descriptor;
    }

    /// Throws [HostException] where the process has too many descriptors.
    public static EventFd create() {
        long fd = SystemCall.call(EVENTFD2, 0, EFD_CLOEXEC, 0);
        if (fd < 0) throw new HostException("make an event counter", "eventfd", new Errno((int) -fd), "See `ulimit -n`.");
        return new EventFd(new Descriptor((int) fd, "eventfd"));
    }

    public Descriptor descriptor() {
        return descriptor;
    }

    /// Adds one to the counter.
    public void signal() {
        // write(2) of 8 bytes to an eventfd whose counter is far from its end neither blocks nor fails.
        SystemCall.call(WRITE, descriptor.number(), one.address(), 8);
    }

    /// Waits until the counter is not zero, clears it and returns what it was.
    public long await() {
        long read = SystemCall.completed(READ, descriptor.number(), taken.address(), 8);
        if (read == 8) return taken.get(JAVA_LONG, 0);
        throw new HostException("wait for an event", "read", new Errno((int) -read), "");
    }

    @Override
    public void close() {
        descriptor.close();
    }
}
