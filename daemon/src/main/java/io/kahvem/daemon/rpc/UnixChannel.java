package io.kahvem.daemon.rpc;

import io.kahvem.host.Descriptor;
import io.kahvem.host.HostException;
import io.kahvem.host.LocalSocket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// A connection of this host, over which descriptors come too. A thread that reads waits in the kernel, so it is no virtual one.
final class UnixChannel implements ByteChannel {
    /// Twice what one call brings.
    private static final int MOST_WAITING = 64;

    private final LocalSocket socket;
    private final Deque<Descriptor> received = new ArrayDeque<>();
    private volatile boolean open = true;

    UnixChannel(LocalSocket socket) {
        this.socket = socket;
    }

    /// Throws IOException too where descriptors come that no call takes, so that no client can use up the daemon's.
    @Override
    public int read(ByteBuffer into) throws IOException {
        int count = socket.read(into.array(), into.arrayOffset() + into.position(), into.remaining());
        received.addAll(socket.takeDescriptors());
        if (received.size() > MOST_WAITING) throw new IOException("descriptors come without calls");
        if (count > 0) into.position(into.position() + count);
        return count;
    }

    @Override
    public int write(ByteBuffer from) throws IOException {
        int count = from.remaining();
        try {
            socket.write(from.array(), from.arrayOffset() + from.position(), count);
        } catch (HostException e) {
            throw new IOException(e.getMessage(), e);
        }
        from.position(from.limit());
        return count;
    }

    /// The next `count` descriptors that came, which are the caller's now. Throws IOException where there are less. For the thread that
    /// reads.
    List<Descriptor> takeDescriptors(int count) throws IOException {
        if (received.size() < count) throw new IOException("%d descriptors came, not %d".formatted(received.size(), count));
        List<Descriptor> taken = new ArrayList<>();
        for (int n = 0; n < count; n++) taken.add(received.remove());
        return taken;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public void close() {
        open = false;
        socket.close();
    }

    /// Closes what came and was not taken. For the thread that read, at its end.
    void drop() {
        received.forEach(Descriptor::close);
        received.clear();
    }
}
