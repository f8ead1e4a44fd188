package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import io.kahvem.host.Errno;
import io.kahvem.host.HostMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// A connection to a server: any number of threads have a request under way each; a thread of its own takes the replies.
final class NbdClient implements AutoCloseable {
    private static final int MOST_EXTENTS = 1 << 16;

    /// A stretch, as `base:allocation` tells of it.
    record Status(long length, int flags) {}

    /// One request under way; its thread waits for `done`.
    private static final class Pending {
        final CountDownLatch done = new CountDownLatch(1);
        final long offset;
        final @Nullable MemorySegment into;
        final List<Status> extents = new ArrayList<>();
        int errno;
        String message = "";

        /// The memory as any thread may reach it: the one that waits keeps it alive.
        Pending(long offset, @Nullable MemorySegment into) {
            this.offset = offset;
            this.into = into == null ? null : HostMemory.at(into.address(), into.byteSize());
        }
    }

    private final Wire wire;
    private final String name;
    private final ClientHandshake.Agreed agreed;
    private final Map<Long, Pending> underWay = new ConcurrentHashMap<>();
    private final AtomicLong cookies = new AtomicLong();
    private final ReentrantLock sending = new ReentrantLock();
    private volatile @Nullable String broken;

    private NbdClient(Wire wire, String name, ClientHandshake.Agreed agreed) {
        this.wire = wire;
        this.name = name;
        this.agreed = agreed;
    }

    /// Throws [BlockException] in qemu-img's words.
    static NbdClient connect(String name, NbdUrl url) {
        try {
            NbdClient client = negotiated(url, wire -> new NbdClient(wire, name, ClientHandshake.agree(wire, url)));
            Thread.ofPlatform().daemon().name("nbd " + url.shown()).start(client::takeReplies);
            return client;
        } catch (BlockException e) {
            throw new BlockException(e.errno(), "Could not open '%s': %s".formatted(name, e.getMessage()), e);
        }
    }

    /// What a server has. Throws [BlockException] in qemu-nbd's words.
    static List<ListedExport> list(NbdUrl url) {
        return negotiated(url, wire -> {
            try (wire) {
                return ClientHandshake.list(wire, url);
            }
        });
    }

    private interface Negotiation<T> {
        T with(Wire wire) throws IOException;
    }

    /// Connects; the connection is closed where the negotiation fails.
    private static <T> T negotiated(NbdUrl url, Negotiation<T> negotiation) {
        Wire wire;
        try {
            wire = Wire.connect(url.address());
        } catch (IOException | UnresolvedAddressException e) {
            throw new BlockException(Errno.EIO, "Failed to connect to '%s': %s".formatted(url.shown(), why(e)), e);
        }
        try {
            return negotiation.with(wire);
        } catch (IOException e) {
            wire.close();
            throw new BlockException(Errno.EIO, "Failed to negotiate with '%s': %s".formatted(url.shown(), why(e)), e);
        } catch (BlockException e) {
            wire.close();
            throw e;
        }
    }

    private static String why(Exception e) {
        return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    }

    ClientHandshake.Agreed agreed() {
        return agreed;
    }

    void read(long offset, MemorySegment into) {
        request(Nbd.CMD_READ, 0, offset, into.byteSize(), new Pending(offset, into), null);
    }

    void write(long offset, MemorySegment from) {
        MemorySegment memory = HostMemory.at(from.address(), from.byteSize());
        request(Nbd.CMD_WRITE, 0, offset, from.byteSize(), new Pending(offset, null), memory);
    }

    void command(int command, int flags, long offset, long length) {
        request(command, flags, offset, length, new Pending(offset, null), null);
    }

    List<Status> blockStatus(long offset, long length) {
        Pending pending = new Pending(offset, null);
        request(Nbd.CMD_BLOCK_STATUS, 0, offset, length, pending, null);
        return pending.extents;
    }

    private void request(int command, int flags, long offset, long length, Pending pending, @Nullable MemorySegment payload) {
        long cookie = cookies.incrementAndGet();
        ByteBuffer head = ByteBuffer.allocate(28).putInt(Nbd.REQUEST_MAGIC).putShort((short) flags).putShort((short) command)
                .putLong(cookie).putLong(offset).putInt((int) length).flip();
        underWay.put(cookie, pending);
        sending.lock();
        try {
            if (broken != null) throw new IOException(broken);
            if (payload == null) wire.write(head);
            else wire.write(head, payload.asByteBuffer());
        } catch (IOException e) {
            underWay.remove(cookie);
            breakWith(why(e));
            throw new BlockException(Errno.EIO, "%s: the connection is gone: %s".formatted(name, why(e)), e);
        } finally {
            sending.unlock();
        }
        if (broken != null && underWay.remove(cookie) != null) throw gone();
        await(pending.done);
        if (pending.errno != 0) {
            String said = pending.message.isEmpty() ? new Errno(pending.errno).toString() : pending.message;
            throw new BlockException(pending.errno, "%s: request %d at %d failed: %s".formatted(name, command, offset, said));
        }
    }

    private BlockException gone() {
        return new BlockException(Errno.EIO, "%s: the connection is gone: %s".formatted(name, broken));
    }

    private static void await(CountDownLatch done) {
        boolean interrupted = false;
        while (true) {
            try {
                done.await();
                break;
            } catch (InterruptedException e) {
                interrupted = true; // the memory is the server's until it has answered
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    // ---- replies

    private void takeReplies() {
        try {
            ByteBuffer simple = ByteBuffer.allocate(16);
            while (true) takeReply(wire.read(simple.clear()));
        } catch (IOException e) {
            breakWith(why(e));
        }
    }

    private void breakWith(String why) {
        if (broken == null) broken = why;
        wire.close();
        for (Long cookie : underWay.keySet()) {
            Pending pending = underWay.remove(cookie);
            if (pending == null) continue;
            pending.errno = Errno.EIO;
            pending.message = "the connection is gone: " + broken;
            pending.done.countDown();
        }
    }

    private Pending pending(long cookie) throws IOException {
        Pending pending = underWay.get(cookie);
        if (pending == null) throw new IOException("a reply to no request");
        return pending;
    }

    private void takeReply(ByteBuffer head) throws IOException {
        int magic = head.getInt();
        if (magic == Nbd.SIMPLE_REPLY_MAGIC && !agreed.structured()) {
            int error = head.getInt();
            long cookie = head.getLong();
            Pending pending = pending(cookie);
            pending.errno = error;
            if (error == 0 && pending.into != null) wire.read(pending.into.asByteBuffer());
            finish(cookie, pending);
            return;
        }
        if (magic == Nbd.SIMPLE_REPLY_MAGIC) {
            // With structured replies, what carries no data may still come like this.
            int error = head.getInt();
            long cookie = head.getLong();
            Pending pending = pending(cookie);
            if (pending.into != null && error == 0) throw new IOException("a simple reply with data");
            pending.errno = error;
            finish(cookie, pending);
            return;
        }
        if (magic != Nbd.STRUCTURED_REPLY_MAGIC || !agreed.structured()) throw new IOException("a reply of magic %#x".formatted(magic));
        int flags = head.getShort();
        int type = head.getShort() & 0xffff;
        long cookie = head.getLong();
        Pending pending = pending(cookie);
        takeChunk(type, wire.read(4).getInt(), pending);
        if ((flags & Nbd.REPLY_FLAG_DONE) != 0) finish(cookie, pending);
    }

    private void finish(long cookie, Pending pending) {
        underWay.remove(cookie);
        pending.done.countDown();
    }

    private void takeChunk(int type, int length, Pending pending) throws IOException {
        if (length < 0 || length > Nbd.MOST_PAYLOAD + 8) throw new IOException("a chunk of %d bytes".formatted(length & 0xffff_ffffL));
        switch (type) {
            case Nbd.REPLY_NONE -> {
                if (length != 0) throw new IOException("an empty chunk of %d bytes".formatted(length));
            }
            case Nbd.REPLY_OFFSET_DATA -> {
                if (length < 9) throw new IOException("a chunk of data of %d bytes".formatted(length));
                wire.read(place(pending, wire.read(8).getLong(), length - 8).asByteBuffer());
            }
            case Nbd.REPLY_OFFSET_HOLE -> {
                if (length != 12) throw new IOException("a hole of %d bytes".formatted(length));
                ByteBuffer b = wire.read(12);
                place(pending, b.getLong(), b.getInt() & 0xffff_ffffL).fill((byte) 0);
            }
            case Nbd.REPLY_BLOCK_STATUS -> takeExtents(wire.read(length), pending);
            default -> takeError(type, wire.read(length), pending);
        }
    }

    private static MemorySegment place(Pending pending, long offset, long length) throws IOException {
        MemorySegment into = pending.into;
        long start = offset - pending.offset;
        if (into == null || start < 0 || length > into.byteSize() - start) throw new IOException("data that nobody asked for");
        return into.asSlice(start, length);
    }

    private void takeExtents(ByteBuffer b, Pending pending) throws IOException {
        if (b.remaining() < 12 || b.remaining() % 8 != 4) throw new IOException("extents in %d bytes".formatted(b.remaining()));
        if (!agreed.allocationId().equals(OptionalInt.of(b.getInt()))) return;
        while (b.hasRemaining() && pending.extents.size() < MOST_EXTENTS) {
            pending.extents.add(new Status(b.getInt() & 0xffff_ffffL, b.getInt()));
        }
    }

    private static void takeError(int type, ByteBuffer b, Pending pending) throws IOException {
        if ((type & Nbd.REPLY_ERROR_BIT) == 0 || b.remaining() < 6) throw new IOException("a chunk of type %d".formatted(type));
        int errno = b.getInt();
        int length = b.getShort() & 0xffff;
        pending.errno = errno == 0 ? Errno.EIO : errno;
        if (length > 0 && length <= b.remaining()) {
            byte[] text = new byte[length];
            b.get(text);
            pending.message = new String(text, StandardCharsets.UTF_8);
        }
    }

    /// Takes leave. No request may be under way.
    @Override
    public void close() {
        sending.lock();
        try {
            ByteBuffer leave = ByteBuffer.allocate(28).putInt(0, Nbd.REQUEST_MAGIC).putShort(6, (short) Nbd.CMD_DISC);
            if (broken == null) {
                wire.write(leave);
                wire.finish();
            }
        } catch (IOException e) {
            broken = why(e); // it has gone first
        } finally {
            sending.unlock();
            wire.close();
        }
    }
}
