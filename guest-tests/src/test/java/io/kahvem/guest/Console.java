package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.TimeUnit;

/// What came out of a stream or a serial line so far. Any thread appends; any thread waits for a text to appear.
final class Console {
    private final StringBuilder text = new StringBuilder();
    private boolean ended;

    /// Starts a thread that collects `stream` to its end.
    static Console of(InputStream stream, String name) {
        Console console = new Console();
        Thread.ofVirtual().name(name).start(() -> console.collect(stream));
        return console;
    }

    private void collect(InputStream stream) {
        byte[] buffer = new byte[8192];
        try (stream) {
            for (int n; (n = stream.read(buffer)) >= 0; ) append(new String(buffer, 0, n, UTF_8));
        } catch (IOException closed) {
            append("[" + closed.getMessage() + "]");
        } finally {
            end();
        }
    }

    /// A byte of ASCII.
    void put(byte value) {
        append(Character.toString(value & 0xff));
    }

    private synchronized void append(String more) {
        text.append(more);
        notifyAll();
    }

    /// Nothing more will come.
    synchronized void end() {
        ended = true;
        notifyAll();
    }

    /// Waits for `wanted` at or after `from`, and returns the index where it ends; -1 if it never came.
    synchronized int indexAfter(String wanted, int from, long deadlineNanos) {
        for (; ; ) {
            int at = text.indexOf(wanted, from);
            if (at >= 0) return at + wanted.length();
            if (ended || !waitUntil(deadlineNanos)) return -1;
        }
    }

    /// Waits for the end; false if it did not come in time.
    synchronized boolean awaitEnd(long deadlineNanos) {
        while (!ended) {
            if (!waitUntil(deadlineNanos)) return false;
        }
        return true;
    }

    private synchronized boolean waitUntil(long deadlineNanos) {
        long leftNanos = deadlineNanos - System.nanoTime();
        if (leftNanos <= 0) return false;
        try {
            TimeUnit.NANOSECONDS.timedWait(this, leftNanos);
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    synchronized String from(int start, int end) {
        return text.substring(start, end);
    }

    @Override
    public synchronized String toString() {
        return text.toString();
    }
}
