package io.kahvem.block.table;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Headers of a file, as byte buffers.
public final class FileBytes {
    private FileBytes() {}

    /// What is beyond the file's end reads as zeros.
    public static ByteBuffer read(BlockNode file, long offset, int length, ByteOrder order) {
        MemorySegment memory = Bounce.take(length);
        MemorySegment part = memory.asSlice(0, length);
        file.read(offset, part);
        byte[] bytes = part.toArray(JAVA_BYTE);
        Bounce.give(memory);
        return ByteBuffer.wrap(bytes).order(order);
    }

    public static void write(BlockNode file, long offset, byte[] bytes) {
        MemorySegment memory = Bounce.take(bytes.length);
        MemorySegment.copy(bytes, 0, memory, JAVA_BYTE, 0, bytes.length);
        file.write(offset, memory.asSlice(0, bytes.length));
        Bounce.give(memory);
    }
}
