package io.kahvem.host;

/// Anonymous mappings by mmap(2): address space at once, a page of memory when it is first touched.
final class MmapMemory implements HostMemory {
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_PRIVATE = 0x02;
    private static final int MAP_ANONYMOUS = 0x20;
    private static final int MAP_NORESERVE = 0x4000;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;

    /// The size of a huge page on the architectures of [Platform#hasLinuxCalls] with 4 KiB base pages, and a harmless alignment on others.
    private static final long HUGE_PAGE_SIZE = 2L << 20;

    private static final int MMAP = SystemCall.number("mmap");
    private static final int MUNMAP = SystemCall.number("munmap");
    private static final int MADVISE = SystemCall.number("madvise");

    @Override
    public Mapping map(long sizeBytes, Pages pages) {
        NativeRange.checkSize(sizeBytes);
        return switch (pages) {
            case DEFAULT -> {
                long address = mmap(sizeBytes, sizeBytes);
                yield new NativeRange(address, sizeBytes, () -> munmap(address, sizeBytes), MmapMemory::discard);
            }
            case HUGE -> {
                // Only an aligned 2 MiB can be a huge page: reserve enough to start on such a boundary.
                long reserved = sizeBytes + HUGE_PAGE_SIZE;
                long base = mmap(reserved, sizeBytes);
                long address = (base + HUGE_PAGE_SIZE - 1) & -HUGE_PAGE_SIZE;
                adviseHuge(address, sizeBytes);
                yield new NativeRange(address, sizeBytes, () -> munmap(base, reserved), MmapMemory::discard);
            }
        };
    }

    private static long mmap(long length, long wanted) {
        long address = SystemCall.call(MMAP, 0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (!SystemCall.failed(address)) return address;
        throw new HostException("map " + wanted + " bytes of memory", "mmap", new Errno((int) -address),
                "Ask for less memory, or see `ulimit -v` and `sysctl vm.overcommit_memory vm.max_map_count`.");
    }

    /// Advice: a kernel without transparent huge pages answers EINVAL and the mapping serves all the same, in small pages.
    private static void adviseHuge(long address, long sizeBytes) {
        madvise(address, sizeBytes, MADV_HUGEPAGE);
    }

    /// Of a private anonymous mapping: the pages are gone, and zeros when they are touched again (madvise(2)).
    private static void discard(long address, long bytes) {
        if (madvise(address, bytes, MADV_DONTNEED) != 0) Words.fill(address, bytes, (byte) 0); // locked pages stay
    }

    private static long madvise(long address, long bytes, int advice) {
        return SystemCall.call(MADVISE, address, bytes, advice);
    }

    private static void munmap(long address, long length) {
        SystemCall.checked("unmap " + length + " bytes of memory", "munmap", MUNMAP, address, length, 0);
    }
}
