package io.kahvem.host;

import java.lang.foreign.MemorySegment;

/// Where guest memory comes from.
public interface HostMemory {
    /// Multiples of this are what can be mapped.
    int PAGE_SIZE = 4096;

    /// Whether the kernel is asked to back a mapping with huge pages. They make random access cheaper and the resident size larger.
    enum Pages {
        DEFAULT,
        HUGE
    }

    /// Maps `sizeBytes` bytes of zeros, private to this process. Throws IllegalArgumentException where that is not whole pages,
    /// [HostException] where the host has not as much.
    Mapping map(long sizeBytes, Pages pages);

    default Mapping map(long sizeBytes) {
        return map(sizeBytes, Pages.DEFAULT);
    }

    /// Memory at a native address, whose owner keeps it mapped while the segment is used.
    static MemorySegment at(long address, long length) {
        return MemorySegment.ofAddress(address).reinterpret(length);
    }

    /// mmap(2) on Linux, else memory from the JVM's own allocator.
    static HostMemory system() {
        return Platform.hasLinuxCalls() ? new MmapMemory() : new AllocatedMemory();
    }
}
