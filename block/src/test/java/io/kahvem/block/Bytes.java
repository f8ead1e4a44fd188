package io.kahvem.block;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/// Native memory for tests.
public final class Bytes {
    private Bytes() {}

    public static MemorySegment of(byte... bytes) {
        MemorySegment memory = Arena.ofAuto().allocate(Math.max(1, bytes.length), 4096).asSlice(0, bytes.length);
        memory.copyFrom(MemorySegment.ofArray(bytes));
        return memory;
    }

    public static MemorySegment zeros(long length) {
        return Arena.ofAuto().allocate(length, 4096);
    }

    public static MemorySegment random(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return of(bytes);
    }

    public static byte[] read(BlockNode node, long offset, int length) {
        MemorySegment memory = zeros(length);
        node.read(offset, memory);
        return memory.toArray(JAVA_BYTE);
    }
}
