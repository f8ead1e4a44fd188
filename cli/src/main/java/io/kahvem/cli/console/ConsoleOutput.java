package io.kahvem.cli.console;

import java.io.IOException;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// What the guest prints, on its way to a stream. A guest prints a byte a port write; a thread of its own gathers them for a
/// millisecond, so that a burst costs one system call and a lone byte is on the screen at once for the eye.
///
/// A stream that stops taking bytes holds the guest up after [#CAPACITY] more; a stream that fails (its reader is gone) takes the
/// rest silently: the machine goes on. Lock: this object's monitor, never held while the stream is written.
public final class ConsoleOutput implements AutoCloseable {
    static final int CAPACITY = 1 << 16;
    private static final long GATHER_NANOS = 1_000_000;

    private final byte[] ring = new byte[CAPACITY];
    private int first;
    private int count;
    private boolean closing;
    private boolean neverWait;
    private boolean discarding;
    private @Nullable IOException failure;
    private @Nullable Thread writer;

    /// Writes to `stream` from here on; what was put before waits till now. Once.
    public synchronized void start(OutputStream stream) {
        writer = Thread.ofPlatform().name("console output").daemon().start(() -> write(stream));
    }

    /// Prints a byte. Waits where [#CAPACITY] bytes wait already. Any thread.
    public synchronized void put(byte value) {
        boolean interrupted = false;
        while (count == CAPACITY && !discarding && !neverWait) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) Thread.currentThread().interrupt();
        if (discarding || count == CAPACITY) return;
        ring[first + count & CAPACITY - 1] = value;
        if (count++ == 0) notifyAll();
    }

    /// From here on nobody waits in [#put]; what there is no room for is lost. For a machine that is to end while its reader does not read.
    public synchronized void neverWait() {
        neverWait = true;
        notifyAll();
    }

    /// Why the stream stopped taking bytes, if it did.
    public synchronized Optional<IOException> failure() {
        return Optional.ofNullable(failure);
    }

    /// Waits until all is written.
    @Override
    public void close() {
        close(Duration.ZERO);
    }

    /// As [#close()], but gives up on a reader that takes longer than `patience`, if that is more than zero.
    public void close(Duration patience) {
        Thread thread;
        synchronized (this) {
            closing = true;
            notifyAll();
            thread = writer;
        }
        if (thread == null) return;
        LockSupport.unpark(thread);
        try {
            thread.join(patience.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void write(OutputStream stream) {
        byte[] chunk = new byte[CAPACITY];
        try {
            while (awaitBytes()) {
                LockSupport.parkNanos(gatherNanos());
                int taken = take(chunk);
                stream.write(chunk, 0, taken);
                stream.flush();
            }
        } catch (IOException e) {
            // The reader is gone (EPIPE), or there never was one (EBADF): the contract says to discard.
            discard(e);
        }
    }

    private synchronized void discard(IOException cause) {
        failure = cause;
        discarding = true;
        count = 0;
        notifyAll();
    }

    /// False at the end.
    private synchronized boolean awaitBytes() {
        while (count == 0 && !closing && !discarding) {
            try {
                wait();
            } catch (InterruptedException e) {
                closing = true;
            }
        }
        return count > 0;
    }

    private synchronized long gatherNanos() {
        return closing || count > CAPACITY / 2 ? 0 : GATHER_NANOS;
    }

    private synchronized int take(byte[] chunk) {
        int taken = count;
        int untilEnd = Math.min(taken, CAPACITY - first);
        System.arraycopy(ring, first, chunk, 0, untilEnd);
        System.arraycopy(ring, 0, chunk, untilEnd, taken - untilEnd);
        first = first + taken & CAPACITY - 1;
        count = 0;
        notifyAll();
        return taken;
    }
}
