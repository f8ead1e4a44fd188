package io.kahvem.daemon.rpc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/// What waits to be written to a client. Whoever finds nobody writing writes, for the others too.
final class Outbox {
    private final WritableByteChannel channel;
    private final Runnable onFailure;
    private final Queue<ByteBuffer> packets = new ConcurrentLinkedQueue<>();
    private final AtomicLong waitingBytes = new AtomicLong();
    private final AtomicBoolean writing = new AtomicBoolean();
    private volatile boolean closed;

    /// `onFailure`: the client does not take what is written.
    Outbox(WritableByteChannel channel, Runnable onFailure) {
        this.channel = channel;
        this.onFailure = onFailure;
    }

    long waitingBytes() {
        return waitingBytes.get();
    }

    /// Puts a packet behind the others and writes what is there, unless someone does so already; that may take as long as the client does.
    void send(ByteBuffer packet) {
        put(packet);
        drain();
    }

    /// Puts a packet behind the others and leaves the writing to another thread.
    void sendLater(ByteBuffer packet) {
        put(packet);
        if (!writing.get()) Thread.startVirtualThread(this::drain);
    }

    void close() {
        closed = true;
        packets.clear();
    }

    private void put(ByteBuffer packet) {
        if (closed) return;
        waitingBytes.addAndGet(packet.remaining());
        packets.add(packet);
    }

    private void drain() {
        while (!packets.isEmpty() && writing.compareAndSet(false, true)) {
            try {
                for (ByteBuffer packet; !closed && (packet = packets.poll()) != null; ) {
                    int bytes = packet.remaining();
                    while (packet.hasRemaining()) channel.write(packet);
                    waitingBytes.addAndGet(-bytes);
                }
            } catch (IOException e) {
                closed = true;
                onFailure.run();
            } finally {
                writing.set(false);
            }
            if (closed) return;
        }
    }
}
