package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.Extent;
import io.kahvem.block.Preallocation;
import io.kahvem.host.Errno;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/// A disk that a server has, in a host file's place: any format may be read over it.
public final class NbdNode implements BlockNode {
    private static final long MOST_RANGE = 1 << 30;

    private final String name;
    private final NbdClient client;
    private final ClientHandshake.Agreed agreed;
    private final boolean readOnly;
    private final long sizeBytes;

    /// Held while a part of the server's smallest block is read, changed and written back.
    private final ReentrantLock unaligned = new ReentrantLock();

    private NbdNode(String name, NbdClient client, boolean readOnly) {
        this.name = name;
        this.client = client;
        this.readOnly = readOnly;
        agreed = client.agreed();
        sizeBytes = agreed.sizeBytes() - agreed.sizeBytes() % agreed.leastBlock();
    }

    /// Connects. Throws [BlockException] in qemu-img's words.
    public static NbdNode open(String name, boolean readOnly) {
        NbdClient client = NbdClient.connect(name, NbdUrl.parse(name));
        if (!readOnly && client.agreed().has(Nbd.READ_ONLY)) {
            client.close();
            throw new BlockException(Errno.EACCES, "Could not open '%s': the export is read-only".formatted(name));
        }
        return new NbdNode(name, client, readOnly);
    }

    @Override
    public String format() {
        return "nbd";
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    /// Beyond the disk's end there are zeros, as in a file.
    @Override
    public void read(long offset, MemorySegment into) {
        long there = Math.clamp(sizeBytes - offset, 0, into.byteSize());
        if (there < into.byteSize()) into.asSlice(there).fill((byte) 0);
        if (there == 0) return;
        if (isAligned(offset | there)) {
            readAligned(offset, into.asSlice(0, there));
            return;
        }
        long start = offset / agreed.leastBlock() * agreed.leastBlock();
        long end = roundUp(offset + there);
        MemorySegment whole = Bounce.take(end - start);
        readAligned(start, whole.asSlice(0, end - start));
        into.asSlice(0, there).copyFrom(whole.asSlice(offset - start, there));
        Bounce.give(whole);
    }

    private void readAligned(long offset, MemorySegment into) {
        int most = agreed.mostPayload();
        for (long at = 0; at < into.byteSize(); at += most) {
            client.read(offset + at, into.asSlice(at, Math.min(most, into.byteSize() - at)));
        }
    }

    @Override
    public void write(long offset, MemorySegment from) {
        if (from.byteSize() > sizeBytes - offset) {
            throw new BlockException(Errno.ENOSPC, "%s has %d bytes, and no room at %d".formatted(name, sizeBytes, offset));
        }
        if (isAligned(offset | from.byteSize())) {
            writeAligned(offset, from);
            return;
        }
        long start = offset / agreed.leastBlock() * agreed.leastBlock();
        long end = roundUp(offset + from.byteSize());
        MemorySegment memory = Bounce.take(end - start);
        MemorySegment whole = memory.asSlice(0, end - start);
        unaligned.lock();
        try {
            readAligned(start, whole);
            whole.asSlice(offset - start, from.byteSize()).copyFrom(from);
            writeAligned(start, whole);
        } finally {
            unaligned.unlock();
            Bounce.give(memory);
        }
    }

    private void writeAligned(long offset, MemorySegment from) {
        int most = agreed.mostPayload();
        for (long at = 0; at < from.byteSize(); at += most) {
            client.write(offset + at, from.asSlice(at, Math.min(most, from.byteSize() - at)));
        }
    }

    private boolean isAligned(long what) {
        return (what & agreed.leastBlock() - 1) == 0;
    }

    private long roundUp(long offset) {
        return (offset + agreed.leastBlock() - 1) / agreed.leastBlock() * agreed.leastBlock();
    }

    @Override
    public void writeZeroes(long offset, long length, boolean mayUnmap) {
        if (length > sizeBytes - offset) {
            throw new BlockException(Errno.ENOSPC, "%s has %d bytes, and no room at %d".formatted(name, sizeBytes, offset));
        }
        if (agreed.has(Nbd.SEND_WRITE_ZEROES) && isAligned(offset | length)) {
            ranges(Nbd.CMD_WRITE_ZEROES, mayUnmap ? 0 : Nbd.CMD_FLAG_NO_HOLE, offset, length);
            return;
        }
        MemorySegment zeros = Bounce.take(Math.min(length, 1 << 20));
        zeros.fill((byte) 0);
        for (long at = 0; at < length; at += zeros.byteSize()) {
            write(offset + at, zeros.asSlice(0, Math.min(zeros.byteSize(), length - at)));
        }
        Bounce.give(zeros);
    }

    private void ranges(int command, int flags, long offset, long length) {
        for (long at = 0; at < length; at += MOST_RANGE) client.command(command, flags, offset + at, Math.min(MOST_RANGE, length - at));
    }

    @Override
    public void discard(long offset, long length) {
        long start = roundUp(offset);
        long end = Math.min(sizeBytes, (offset + length) / agreed.leastBlock() * agreed.leastBlock());
        if (agreed.has(Nbd.SEND_TRIM) && start < end) ranges(Nbd.CMD_TRIM, 0, start, end - start);
    }

    @Override
    public void flush() {
        if (agreed.has(Nbd.SEND_FLUSH) && !readOnly) client.command(Nbd.CMD_FLUSH, 0, 0, 0);
    }

    @Override
    public Extent extentAt(long offset, long length) {
        long most = Math.min(Math.min(length, MOST_RANGE), sizeBytes - offset);
        if (most <= 0) return Extent.zero(length);
        if (agreed.allocationId().isEmpty() || !isAligned(offset)) return Extent.data(most, offset);
        List<NbdClient.Status> extents = client.blockStatus(offset, roundUp(most));
        if (extents.isEmpty() || extents.getFirst().length() <= 0) return Extent.data(most, offset);
        int flags = extents.getFirst().flags() & (Nbd.STATE_HOLE | Nbd.STATE_ZERO);
        long same = 0;
        for (NbdClient.Status extent : extents) {
            if ((extent.flags() & (Nbd.STATE_HOLE | Nbd.STATE_ZERO)) != flags) break;
            same += extent.length();
        }
        same = Math.min(same, most);
        if ((flags & Nbd.STATE_ZERO) == 0) return Extent.data(same, offset);
        return new Extent(same, Extent.Kind.ZERO, offset, false, (flags & Nbd.STATE_HOLE) == 0);
    }

    /// A server's disk has its size: a smaller image may lie in it.
    @Override
    public void resize(long newSizeBytes, Preallocation preallocation) {
        if (newSizeBytes > sizeBytes) {
            throw new BlockException(Errno.ENOSPC, "%s has %d bytes; %d are needed, and a server's disk does not grow"
                    .formatted(name, sizeBytes, newSizeBytes));
        }
    }

    @Override
    public int clusterSize() {
        return agreed.leastBlock();
    }

    /// Nobody knows.
    @Override
    public long allocatedSize() {
        return -1;
    }

    @Override
    public void close() {
        client.close();
    }

    @Override
    public String toString() {
        return name;
    }
}
