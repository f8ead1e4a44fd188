package io.kahvem.vmm.boot;

import io.kahvem.memory.GuestMemory;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The run of guest memory in which a loader leaves its tables and strings, one behind the other.
final class BootArea {
    /// Conventional memory away from the BIOS data area and from where Linux's secondary CPUs start.
    static final long LOW = 0x1_0000;
    static final long LOW_END = 0x9_0000;

    private final GuestMemory memory;
    private final long end;
    private long next;

    BootArea(GuestMemory memory, long start, long end) {
        this.memory = memory;
        this.next = start;
        this.end = end;
    }

    /// In conventional memory, or if the kernel is there, behind everything that is loaded.
    static BootArea beside(List<Elf.Segment> loaded, long loadedEnd, MemoryLayout layout, GuestMemory memory) {
        for (Elf.Segment segment : loaded) {
            if (segment.paddr() < LOW_END && segment.end() > LOW) return new BootArea(memory, loadedEnd, layout.lowBytes());
        }
        return new BootArea(memory, LOW, LOW_END);
    }

    /// Copies `bytes` to an address that is a multiple of `align`, and returns it.
    long put(byte[] bytes, int align) {
        long gpa = (next + align - 1) & -(long) align;
        if (gpa + bytes.length > end) {
            throw new BootException("the command line and the list of modules need more than the %s there is for them"
                    .formatted(MemoryLayout.about(end - next)));
        }
        memory.write(gpa, bytes);
        next = gpa + bytes.length;
        return gpa;
    }

    /// A string and the NUL that ends it.
    long put(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        byte[] ended = new byte[utf8.length + 1];
        System.arraycopy(utf8, 0, ended, 0, utf8.length);
        return put(ended, 1);
    }

    long next() {
        return next;
    }
}
