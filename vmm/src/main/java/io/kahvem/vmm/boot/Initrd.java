package io.kahvem.vmm.boot;

import io.kahvem.memory.GuestMemory;

/// A file placed whole into guest memory.
///
/// @param gpa page-aligned
record Initrd(long gpa, long bytes) {
    private static final int CHUNK = 1 << 18;

    /// As high as it can be below `limit`, and not below `floor`, the end of the kernel.
    static Initrd placeHigh(ImageFile file, GuestMemory memory, long floor, long limit) {
        long gpa = limit - file.size() & -(long) GuestMemory.PAGE_SIZE;
        if (gpa < floor) throw tooLarge(file, floor, limit);
        return copy(file, memory, gpa);
    }

    /// At `gpa`, which is page-aligned, and not beyond `limit`.
    static Initrd placeAt(ImageFile file, GuestMemory memory, long gpa, long limit) {
        if (file.size() > limit - gpa) throw tooLarge(file, gpa, limit);
        return copy(file, memory, gpa);
    }

    private static Initrd copy(ImageFile file, GuestMemory memory, long gpa) {
        byte[] chunk = new byte[(int) Math.min(CHUNK, file.size())];
        for (long done = 0; done < file.size(); done += chunk.length) {
            int count = (int) Math.min(chunk.length, file.size() - done);
            file.read(done, chunk, 0, count);
            memory.write(gpa + done, chunk, 0, count);
        }
        return new Initrd(gpa, file.size());
    }

    private static BootException tooLarge(ImageFile file, long floor, long limit) {
        return file.bad("has %s, and there are %s of memory between the kernel and %#x: give the machine more memory, as in --memory %dM"
                .formatted(MemoryLayout.about(file.size()), MemoryLayout.about(Math.max(0, limit - floor)), limit,
                        MemoryLayout.suggestedMegabytes(floor + file.size())));
    }
}
