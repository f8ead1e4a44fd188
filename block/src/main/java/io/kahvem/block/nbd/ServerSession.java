package io.kahvem.block.nbd;

import io.kahvem.block.BlockException;
import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import io.kahvem.block.DirtyBitmap;
import io.kahvem.block.nbd.NbdExport.Context;
import io.kahvem.block.tool.Chain;
import io.kahvem.host.Errno;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// One client's requests. Its threads take turns: one reads a request, lets the next one read, and does what it has read.
final class ServerSession {
    private static final int MOST_THREADS = 8;
    private static final int MOST_EXTENTS = 2048;

    /// Holes shorter than this are sent as data.
    private static final int LEAST_HOLE = 4096;

    /// A request as it was read; the payload of a write with it.
    private record Request(int flags, int type, long cookie, long offset, long length, @Nullable MemorySegment payload) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    private final Wire wire;
    private final BlockNode node;
    private final NbdExport export;
    private final boolean structured;
    private final Set<Context> contexts;
    private final ReentrantLock reading = new ReentrantLock();
    private final ReentrantLock sending = new ReentrantLock();
    private final List<Thread> helpers = new ArrayList<>(); // under `reading`
    private boolean ended; // under `reading`

    ServerSession(Wire wire, NbdExport export, boolean structured, Set<Context> contexts) {
        this.wire = wire;
        this.export = export;
        node = export.node();
        this.structured = structured;
        this.contexts = contexts;
    }

    /// Serves until the client leaves, and everything is answered.
    void run() {
        serve();
        for (Thread helper : helpers) join(helper); // nobody adds one: the session has ended
    }

    private static void join(Thread helper) {
        boolean interrupted = false;
        while (helper.isAlive()) {
            try {
                helper.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
    }

    private void serve() {
        try {
            for (Request request = next(); request != null; request = next()) {
                try {
                    answer(request);
                } finally {
                    if (request.payload != null) Bounce.give(request.payload);
                }
            }
        } catch (IOException e) {
            end();
        }
    }

    private void end() {
        reading.lock();
        try {
            ended = true;
        } finally {
            reading.unlock();
            wire.close();
        }
    }

    private @Nullable Request next() throws IOException {
        reading.lock();
        try {
            if (ended) return null;
            Request request = read();
            if (request == null) {
                ended = true;
                return null;
            }
            if (!reading.hasQueuedThreads() && helpers.size() < MOST_THREADS - 1) {
                helpers.add(Thread.ofPlatform().daemon().name("nbd " + (helpers.size() + 1)).start(this::serve));
            }
            return request;
        } catch (EOFException gone) {
            ended = true;
            return null;
        } finally {
            reading.unlock();
        }
    }

    private @Nullable Request read() throws IOException {
        ByteBuffer head = wire.read(28);
        if (head.getInt() != Nbd.REQUEST_MAGIC) throw new IOException("a request without its magic");
        int flags = head.getShort() & 0xffff;
        int type = head.getShort() & 0xffff;
        long cookie = head.getLong();
        long offset = head.getLong();
        long length = head.getInt() & 0xffff_ffffL;
        if (type == Nbd.CMD_DISC) return null;
        if (type != Nbd.CMD_WRITE) return new Request(flags, type, cookie, offset, length, null);
        if (length > Nbd.MOST_PAYLOAD) throw new IOException("a write of %d bytes".formatted(length));
        MemorySegment memory = Bounce.take(Math.max(1, length));
        wire.read(memory.asSlice(0, length).asByteBuffer());
        return new Request(flags, type, cookie, offset, length, memory);
    }

    private void answer(Request r) throws IOException {
        try {
            int wrong = check(r);
            if (wrong != 0) {
                fail(r, wrong, wrong == Errno.EPERM ? "Export is read-only" : "the request is not valid");
                return;
            }
            switch (r.type) {
                case Nbd.CMD_READ -> {
                    if (r.has(Nbd.CMD_FLAG_FUA)) node.flush();
                    read(r);
                    return;
                }
                case Nbd.CMD_BLOCK_STATUS -> {
                    blockStatus(r);
                    return;
                }
                case Nbd.CMD_WRITE -> {
                    if (r.payload != null) node.write(r.offset, r.payload.asSlice(0, r.length));
                }
                case Nbd.CMD_TRIM -> node.discard(r.offset, r.length);
                case Nbd.CMD_WRITE_ZEROES -> node.writeZeroes(r.offset, r.length, !r.has(Nbd.CMD_FLAG_NO_HOLE));
                case Nbd.CMD_FLUSH -> node.flush();
                case Nbd.CMD_CACHE -> { }
                default -> throw new AssertionError("checked before: " + r.type);
            }
            boolean changes = r.type == Nbd.CMD_WRITE || r.type == Nbd.CMD_TRIM || r.type == Nbd.CMD_WRITE_ZEROES;
            if (changes && r.has(Nbd.CMD_FLAG_FUA)) node.flush();
            done(r);
        } catch (BlockException e) {
            fail(r, Nbd.errorOf(e.errno()), e.getMessage());
        }
    }

    /// 0, or what the request is refused with.
    private int check(Request r) {
        boolean changes = r.type == Nbd.CMD_WRITE || r.type == Nbd.CMD_TRIM || r.type == Nbd.CMD_WRITE_ZEROES;
        if (changes && export.readOnly()) return Errno.EPERM;
        boolean ranged = changes || r.type == Nbd.CMD_READ || r.type == Nbd.CMD_BLOCK_STATUS || r.type == Nbd.CMD_CACHE;
        if (!ranged && r.type != Nbd.CMD_FLUSH) return Errno.EINVAL;
        if (ranged && (r.offset < 0 || r.length > node.sizeBytes() - r.offset)) {
            return r.type == Nbd.CMD_WRITE || r.type == Nbd.CMD_WRITE_ZEROES ? Errno.ENOSPC : Errno.EINVAL;
        }
        if (r.type == Nbd.CMD_READ && r.length > Nbd.MOST_PAYLOAD) return Errno.EINVAL;
        if (r.type == Nbd.CMD_BLOCK_STATUS && (r.length == 0 || contexts.isEmpty())) return Errno.EINVAL;
        int known = Nbd.CMD_FLAG_FUA | switch (r.type) {
            case Nbd.CMD_WRITE_ZEROES -> Nbd.CMD_FLAG_NO_HOLE;
            case Nbd.CMD_READ -> structured ? Nbd.CMD_FLAG_DF : 0;
            case Nbd.CMD_BLOCK_STATUS -> Nbd.CMD_FLAG_REQ_ONE;
            default -> 0;
        };
        return (r.flags & ~known) == 0 ? 0 : Errno.EINVAL;
    }

    // ---- replies

    private void send(ByteBuffer... parts) throws IOException {
        sending.lock();
        try {
            wire.write(parts);
        } finally {
            sending.unlock();
        }
    }

    private static ByteBuffer simple(long cookie, int error) {
        return ByteBuffer.allocate(16).putInt(Nbd.SIMPLE_REPLY_MAGIC).putInt(error).putLong(cookie).flip();
    }

    /// A chunk's head with room for `more` bytes behind it.
    private static ByteBuffer chunk(Request r, boolean last, int type, long length, int more) {
        return ByteBuffer.allocate(20 + more).putInt(Nbd.STRUCTURED_REPLY_MAGIC).putShort((short) (last ? Nbd.REPLY_FLAG_DONE : 0))
                .putShort((short) type).putLong(r.cookie).putInt((int) length);
    }

    private void done(Request r) throws IOException {
        send(simple(r.cookie, 0));
    }

    private void fail(Request r, int error, String why) throws IOException {
        if (!structured) {
            send(simple(r.cookie, error));
            return;
        }
        byte[] text = why.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(text.length, Nbd.MOST_NAME);
        send(chunk(r, true, Nbd.REPLY_ERROR, 6 + length, 6 + length).putInt(error).putShort((short) length).put(text, 0, length).flip());
    }

    private void read(Request r) throws IOException {
        if (!structured) {
            MemorySegment memory = Bounce.take(Math.max(1, r.length));
            try {
                MemorySegment part = memory.asSlice(0, r.length);
                node.read(r.offset, part);
                send(simple(r.cookie, 0), part.asByteBuffer());
            } finally {
                Bounce.give(memory);
            }
            return;
        }
        if (r.length == 0) {
            send(chunk(r, true, Nbd.REPLY_NONE, 0, 0).flip());
            return;
        }
        long end = r.offset + r.length;
        for (long at = r.offset; at < end; ) {
            long length = end - at;
            boolean hole = false;
            if (!r.has(Nbd.CMD_FLAG_DF) && r.length > LEAST_HOLE) {
                Chain.Status status = Chain.statusAt(node, at, length);
                hole = status.zero() && (status.length() >= LEAST_HOLE || status.length() == length);
                length = hole ? status.length() : dataUntilHole(at, length, status);
            }
            sendPart(r, at, length, hole, at + length == end);
            at += length;
        }
    }

    /// How far it is to the next hole worth telling.
    private long dataUntilHole(long offset, long length, Chain.Status first) {
        long at = first.length();
        while (at < length) {
            Chain.Status status = Chain.statusAt(node, offset + at, length - at);
            if (status.zero() && status.length() >= LEAST_HOLE) break;
            at += status.length();
        }
        return Math.min(at, length);
    }

    private void sendPart(Request r, long offset, long length, boolean hole, boolean last) throws IOException {
        if (hole) {
            send(chunk(r, last, Nbd.REPLY_OFFSET_HOLE, 12, 12).putLong(offset).putInt((int) length).flip());
            return;
        }
        MemorySegment memory = Bounce.take(length);
        try {
            MemorySegment part = memory.asSlice(0, length);
            node.read(offset, part);
            send(chunk(r, last, Nbd.REPLY_OFFSET_DATA, 8 + length, 8).putLong(offset).flip(), part.asByteBuffer());
        } finally {
            Bounce.give(memory);
        }
    }

    private void blockStatus(Request r) throws IOException {
        int left = contexts.size();
        for (Context context : contexts) {
            ByteBuffer extents = ByteBuffer.allocate(MOST_EXTENTS * 8);
            int most = r.has(Nbd.CMD_FLAG_REQ_ONE) ? 1 : MOST_EXTENTS;
            long end = r.offset + r.length;
            long heldLength = 0;
            int heldFlags = 0;
            int count = 0;
            for (long at = r.offset; at < end; ) {
                long[] extent = extent(context, at, end - at);
                if (heldLength > 0 && heldFlags == (int) extent[1]) {
                    heldLength += extent[0];
                } else {
                    if (heldLength > 0) extents.putInt((int) heldLength).putInt(heldFlags);
                    if (heldLength > 0 && ++count == most) {
                        heldLength = 0;
                        break;
                    }
                    heldLength = extent[0];
                    heldFlags = (int) extent[1];
                }
                at += extent[0];
            }
            if (heldLength > 0) extents.putInt((int) heldLength).putInt(heldFlags);
            extents.flip();
            send(chunk(r, --left == 0, Nbd.REPLY_BLOCK_STATUS, 4 + extents.remaining(), 4).putInt(context.ordinal() + 1).flip(), extents);
        }
    }

    /// Length, and what the context says of it.
    private long[] extent(Context context, long offset, long length) {
        if (context == Context.BITMAP) {
            DirtyBitmap bitmap = export.dirtyBitmap();
            if (bitmap == null) return new long[] {length, 0};
            long granularity = bitmap.granularity();
            long until = Math.min(length, granularity - offset % granularity);
            return new long[] {until, bitmap.isDirty(offset) ? 1 : 0};
        }
        Chain.Status status = Chain.statusAt(node, offset, length);
        int flags = context == Context.DEPTH ? status.present() ? status.depth() + 1 : 0
                : (status.data() ? 0 : Nbd.STATE_HOLE) | (status.zero() ? Nbd.STATE_ZERO : 0);
        return new long[] {status.length(), flags};
    }
}
