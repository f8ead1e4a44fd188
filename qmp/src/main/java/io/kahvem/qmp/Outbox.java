package io.kahvem.qmp;

import io.kahvem.host.HostException;
import io.kahvem.host.LocalSocket;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/// What one client is to read, written by a thread of its own: whoever tells an event never waits for a client.
///
/// Lock: this object's monitor; nothing is called under it but closing the socket.
final class Outbox implements AutoCloseable {
    /// A client that reads its replies so late gets no more commands carried out.
    private static final int ENOUGH_BYTES = 256 << 10;

    /// A client that does not read its events either is given up.
    private static final int MOST_BYTES = 4 << 20;

    private final LocalSocket socket;
    private final Deque<byte[]> lines = new ArrayDeque<>();
    private int bytes;
    private boolean closed;

    Outbox(LocalSocket socket) {
        this.socket = socket;
        Thread.ofPlatform().daemon().name("qmp-out").start(this::write);
    }

    synchronized void put(byte[] line) {
        if (closed) return;
        lines.add(line);
        bytes += line.length;
        if (bytes > MOST_BYTES) giveUp();
        notifyAll();
    }

    /// Waits while the client has too much to read.
    synchronized void awaitRoom() {
        while (bytes > ENOUGH_BYTES && !closed) waitQuietly(0);
    }

    /// Waits until all is written, at most so long.
    synchronized void drain(long millis) {
        long deadline = System.nanoTime() + millis * 1_000_000;
        while (bytes > 0 && !closed) {
            long left = (deadline - System.nanoTime()) / 1_000_000;
            if (left <= 0) return;
            waitQuietly(left);
        }
    }

    @Override
    public synchronized void close() {
        giveUp();
    }

    private void giveUp() {
        closed = true;
        lines.clear();
        bytes = 0;
        socket.close();
        notifyAll();
    }

    private void write() {
        for (byte[] line; (line = next()) != null; ) {
            try {
                socket.write(line, 0, line.length);
            } catch (HostException gone) {
                close();
                return;
            }
            written(line.length);
        }
    }

    private synchronized byte @Nullable [] next() {
        while (lines.isEmpty() && !closed) waitQuietly(0);
        return closed ? null : lines.remove();
    }

    private synchronized void written(int count) {
        if (closed) return;
        bytes -= count;
        notifyAll();
    }

    /// These waits end by what is put, written or closed.
    @SuppressWarnings("WaitNotInLoop") // the callers' loops
    private void waitQuietly(long millis) {
        try {
            wait(millis);
        } catch (InterruptedException e) {
            giveUp();
        }
    }
}
