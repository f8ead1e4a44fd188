package io.kahvem.host;

/// Memory from the JVM's own allocator, for hosts without [MmapMemory]: the same contract, but all of it is touched when mapped, since
/// the allocator promises no zeros. (Arena.allocate is not used because it counts against -XX:MaxDirectMemorySize.)
final class AllocatedMemory implements HostMemory {
    @Override
    public Mapping map(long sizeBytes, Pages pages) {
        NativeRange.checkSize(sizeBytes);
        long block;
        try {
            block = Words.allocate(Math.addExact(sizeBytes, PAGE_SIZE));
        } catch (OutOfMemoryError | IllegalArgumentException | ArithmeticException refused) {
            throw new HostException("map " + sizeBytes + " bytes of memory", "allocateMemory", refused, "Ask for less memory.");
        }
        long address = (block + PAGE_SIZE - 1) & -PAGE_SIZE;
        Words.fill(address, sizeBytes, (byte) 0);
        return new NativeRange(address, sizeBytes, () -> Words.free(block),
                (at, bytes) -> Words.fill(at, bytes, (byte) 0));
    }
}
