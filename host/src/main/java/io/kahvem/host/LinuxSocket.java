package io.kahvem.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// By the C library's calls, with descriptors (SCM_RIGHTS of unix(7)).
final class LinuxSocket implements LocalSocket {
    /// What one call moves, and what it moves of little.
    private static final int PIECE_BYTES = 1 << 16;
    private static final int FIRST_BYTES = 1 << 12;

    /// SCM_MAX_FD: what the kernel passes in one message.
    private static final int MAX_DESCRIPTORS = 253;

    // struct msghdr, struct iovec, struct cmsghdr with 64-bit words
    private static final int MSGHDR_BYTES = 56;
    private static final int MSG_IOV = 16;
    private static final int MSG_IOVLEN = 24;
    private static final int MSG_CONTROL = 32;
    private static final int MSG_CONTROLLEN = 40;
    private static final int IOVEC_BYTES = 16;
    private static final int CMSG_LEVEL = 8;
    private static final int CMSG_TYPE = 12;
    private static final int CMSG_DATA = 16;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    private final UsedDescriptor socket;
    private final Message in = new Message();
    private final Message out = new Message();
    private final List<Descriptor> received = new ArrayList<>();

    LinuxSocket(Descriptor socket) {
        this.socket = new UsedDescriptor(socket);
    }

    static LocalSocket connect(Path path) {
        Descriptor socket = SocketCalls.socket("connection to " + path);
        int result;
        try {
            result = SocketCalls.connect(socket, path);
        } catch (HostException e) {
            socket.close();
            throw e;
        }
        if (result == 0) return new LinuxSocket(socket);
        socket.close();
        String remedy = -result == SocketCalls.ECONNREFUSED ? "The process that listened there is gone." : "";
        throw new HostException("connect to " + path, "connect", new Errno(-result), remedy);
    }

    @Override
    public int read(byte[] into, int offset, int length) {
        if (!socket.enter()) return -1;
        try {
            in.prepare(Math.min(length, in.room), in.control.byteSize());
            int count = (int) SocketCalls.receive(socket.descriptor(), in.header, in.state);
            if (count < 0) return -1; // reset, or closed here
            takeRights();
            if (count == 0) return -1;
            MemorySegment.copy(in.data, JAVA_BYTE, 0, into, offset, count);
            if (count == in.room) in.room = PIECE_BYTES;
            return count;
        } finally {
            socket.leave();
        }
    }

    private void takeRights() {
        long end = in.header.get(JAVA_LONG, MSG_CONTROLLEN);
        for (long at = 0; at + CMSG_DATA <= end; ) {
            long length = in.control.get(JAVA_LONG, at);
            if (length < CMSG_DATA || at + length > end) return;
            if (in.control.get(JAVA_INT, at + CMSG_LEVEL) == SOL_SOCKET && in.control.get(JAVA_INT, at + CMSG_TYPE) == SCM_RIGHTS) {
                synchronized (received) {
                    for (long fd = at + CMSG_DATA; fd + 4 <= at + length; fd += 4) {
                        received.add(new Descriptor(in.control.get(JAVA_INT, fd), "received descriptor"));
                    }
                }
            }
            at += (length + 7) & ~7L;
        }
    }

    @Override
    public void write(byte[] bytes, int offset, int length, List<Descriptor> descriptors) {
        if (descriptors.size() > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException("one message passes %d descriptors, not %d".formatted(MAX_DESCRIPTORS, descriptors.size()));
        }
        if (!socket.enter()) throw closed();
        try {
            long control = descriptors.isEmpty() ? 0 : putRights(descriptors);
            for (int done = 0; done < length; ) {
                int piece = Math.min(length - done, PIECE_BYTES);
                MemorySegment.copy(bytes, offset + done, out.data(piece), JAVA_BYTE, 0, piece);
                out.prepare(piece, done == 0 ? control : 0);
                long sent = SocketCalls.send(socket.descriptor(), out.header, out.state);
                if (sent < 0) throw new HostException("write to a socket", "sendmsg", new Errno((int) -sent), "");
                done += (int) sent;
            }
        } finally {
            socket.leave();
        }
    }

    private long putRights(List<Descriptor> descriptors) {
        long length = CMSG_DATA + 4L * descriptors.size();
        out.control.set(JAVA_LONG, 0, length);
        out.control.set(JAVA_INT, CMSG_LEVEL, SOL_SOCKET);
        out.control.set(JAVA_INT, CMSG_TYPE, SCM_RIGHTS);
        for (int n = 0; n < descriptors.size(); n++) out.control.set(JAVA_INT, CMSG_DATA + 4L * n, descriptors.get(n).number());
        return (length + 7) & ~7L;
    }

    private static HostException closed() {
        return new HostException("write to a socket", "sendmsg", new Errno(Errno.EPIPE), "");
    }

    @Override
    public List<Descriptor> takeDescriptors() {
        synchronized (received) {
            List<Descriptor> taken = List.copyOf(received);
            received.clear();
            return taken;
        }
    }

    @Override
    public String peer() {
        if (!socket.enter()) throw closed();
        try {
            int user = SocketCalls.peerUser(socket.descriptor());
            if (user < 0) throw new HostException("tell who is connected", "getsockopt", new Errno(-user), "");
            return UserNames.of(user);
        } finally {
            socket.leave();
        }
    }

    @Override
    public void close() {
        if (socket.close()) takeDescriptors().forEach(Descriptor::close);
    }

    /// The structures of one direction.
    private static final class Message {
        private static final long CONTROL = MSGHDR_BYTES + IOVEC_BYTES;
        private static final long CONTROL_BYTES = CMSG_DATA + 4L * (MAX_DESCRIPTORS + 1);

        private final Arena arena = Arena.ofAuto();
        private final MemorySegment state = Libc.callState(arena);
        private final MemorySegment header;
        private final MemorySegment vector;
        private final MemorySegment control;
        private MemorySegment data;
        /// What a read asks for.
        private int room = FIRST_BYTES;

        Message() {
            MemorySegment all = arena.allocate(CONTROL + CONTROL_BYTES + FIRST_BYTES, 8);
            header = all.asSlice(0, MSGHDR_BYTES);
            vector = all.asSlice(MSGHDR_BYTES, IOVEC_BYTES);
            control = all.asSlice(CONTROL, CONTROL_BYTES);
            data = all.asSlice(CONTROL + CONTROL_BYTES, FIRST_BYTES);
        }

        /// Makes room for so many bytes of data: most connections carry little.
        MemorySegment data(int bytes) {
            if (data.byteSize() < bytes) data = arena.allocate(Math.min(2L * Integer.highestOneBit(bytes), PIECE_BYTES));
            return data;
        }

        void prepare(int bytes, long controlBytes) {
            vector.set(JAVA_LONG, 0, data(bytes).address());
            vector.set(JAVA_LONG, 8, bytes);
            header.set(JAVA_LONG, MSG_IOV, vector.address());
            header.set(JAVA_LONG, MSG_IOVLEN, 1);
            header.set(JAVA_LONG, MSG_CONTROL, controlBytes == 0 ? 0 : control.address());
            header.set(JAVA_LONG, MSG_CONTROLLEN, controlBytes);
        }
    }
}
