package io.kahvem.block;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kahvem.host.HostMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Ranges of native memory, laid out as readv(2) takes them: `count` pairs of address and length. One thread at a time.
public final class IoVector {
    private static final int PAIR = 16;
    private static final int FIRST_CAPACITY = 16;

    private MemorySegment pairs = Arena.ofAuto().allocate(FIRST_CAPACITY * PAIR, 8);
    private int count;
    private long lengthBytes;

    public void clear() {
        count = 0;
        lengthBytes = 0;
    }

    public void add(long address, long length) {
        if (length == 0) return;
        if (count > 0 && addressOf(count - 1) + lengthOf(count - 1) == address) {
            pairs.set(JAVA_LONG, (count - 1L) * PAIR + 8, lengthOf(count - 1) + length);
        } else {
            if ((long) count * PAIR == pairs.byteSize()) {
                pairs = Arena.ofAuto().allocate(2 * pairs.byteSize(), 8).copyFrom(pairs);
            }
            pairs.set(JAVA_LONG, (long) count * PAIR, address);
            pairs.set(JAVA_LONG, (long) count * PAIR + 8, length);
            count++;
        }
        lengthBytes += length;
    }

    public int count() {
        return count;
    }

    public long lengthBytes() {
        return lengthBytes;
    }

    /// Where the pairs are.
    public long address() {
        return pairs.address();
    }

    public long addressOf(int index) {
        return pairs.get(JAVA_LONG, (long) index * PAIR);
    }

    public long lengthOf(int index) {
        return pairs.get(JAVA_LONG, (long) index * PAIR + 8);
    }

    public MemorySegment range(int index) {
        return HostMemory.at(addressOf(index), lengthOf(index));
    }

    /// Fills all ranges with zeros; always true.
    public boolean zero() {
        for (int n = 0; n < count; n++) range(n).fill((byte) 0);
        return true;
    }

    /// Copies from the bytes that start `from` bytes into the vector.
    public void copyTo(long from, MemorySegment to) {
        transfer(from, to, false);
    }

    /// Copies to the bytes that start `at` bytes into the vector.
    public void copyFrom(long at, MemorySegment from) {
        transfer(at, from, true);
    }

    private void transfer(long start, MemorySegment other, boolean in) {
        long skip = start;
        long done = 0;
        for (int n = 0; n < count && done < other.byteSize(); n++) {
            long length = lengthOf(n);
            if (skip >= length) {
                skip -= length;
                continue;
            }
            long part = Math.min(length - skip, other.byteSize() - done);
            MemorySegment mine = HostMemory.at(addressOf(n) + skip, part);
            MemorySegment its = other.asSlice(done, part);
            if (in) mine.copyFrom(its);
            else its.copyFrom(mine);
            done += part;
            skip = 0;
        }
        if (done != other.byteSize()) throw new IndexOutOfBoundsException("vector of " + lengthBytes + " bytes, at " + start);
    }
}
