package io.kahvem.guest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/// A `kahvem` process: what it prints is awaited with a deadline, what it reads is typed.
///
/// Each wait fails with all that was printed so far, so a failed test shows the guest's console.
final class Guest implements AutoCloseable {
    private static final Duration DEFAULT_PATIENCE = Duration.ofMinutes(4);

    private final Process process;
    private final Transcript out;
    private final Transcript err;
    private final long deadlineNanos;
    private int read;

    private Guest(Process process, Duration patience) {
        this.process = process;
        this.out = new Transcript(process.getInputStream(), "guest-stdout");
        this.err = new Transcript(process.getErrorStream(), "guest-stderr");
        this.deadlineNanos = System.nanoTime() + patience.toNanos();
    }

    /// Starts `kahvem` with these arguments; all waits together take at most four minutes.
    static Guest start(Object... arguments) {
        List<String> command = new ArrayList<>(List.of(launcher().toString()));
        for (Object argument : arguments) command.add(argument.toString());
        try {
            return new Guest(new ProcessBuilder(command).start(), DEFAULT_PATIENCE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Path launcher() {
        return Path.of(System.getProperty("kahvem.launcher")).normalize();
    }

    /// Sends text to the guest's serial line.
    Guest type(String text) {
        try {
            OutputStream in = process.getOutputStream();
            in.write(text.getBytes(UTF_8));
            in.flush();
            return this;
        } catch (IOException e) {
            throw new AssertionError("stdin is closed" + transcript(), e);
        }
    }

    Guest endInput() {
        try {
            process.getOutputStream().close();
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Waits until the guest prints `text`, and returns what it printed from the last wait's end to there.
    String await(String text) {
        int end = out.indexAfter(text, read, deadlineNanos);
        if (end < 0) throw new AssertionError("never printed: " + text + transcript());
        String printed = out.toString().substring(read, end);
        read = end;
        return printed;
    }

    /// Waits for the process to end by itself.
    int exitStatus() {
        try {
            if (!process.waitFor(Math.max(1, deadlineNanos - System.nanoTime()), TimeUnit.NANOSECONDS)) {
                throw new AssertionError("did not end" + transcript());
            }
            out.awaitEnd();
            err.awaitEnd();
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted" + transcript(), e);
        }
    }

    String stdout() {
        return out.toString();
    }

    String stderr() {
        return err.toString();
    }

    long pid() {
        return process.pid();
    }

    String transcript() {
        return "\n--- stdout\n" + out + "\n--- stderr\n" + err + "\n---";
    }

    @Override
    public void close() {
        process.destroyForcibly();
        process.onExit().join();
    }

    /// What came out of one of the process's streams, collected by a thread.
    private static final class Transcript {
        private final StringBuilder text = new StringBuilder();
        private final Thread reader;
        private boolean ended;

        Transcript(InputStream from, String name) {
            reader = Thread.ofVirtual().name(name).start(() -> collect(from));
        }

        private void collect(InputStream from) {
            byte[] buffer = new byte[8192];
            try (from) {
                for (int n; (n = from.read(buffer)) >= 0; ) append(new String(buffer, 0, n, UTF_8));
            } catch (IOException closed) {
                append("[" + closed.getMessage() + "]");
            }
            synchronized (this) {
                ended = true;
                notifyAll();
            }
        }

        private synchronized void append(String more) {
            text.append(more);
            notifyAll();
        }

        synchronized int indexAfter(String wanted, int from, long deadlineNanos) {
            for (; ; ) {
                int at = text.indexOf(wanted, from);
                if (at >= 0) return at + wanted.length();
                long leftNanos = deadlineNanos - System.nanoTime();
                if (ended || leftNanos <= 0) return -1;
                try {
                    TimeUnit.NANOSECONDS.timedWait(this, leftNanos);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return -1;
                }
            }
        }

        void awaitEnd() throws InterruptedException {
            reader.join();
        }

        @Override
        public synchronized String toString() {
            return text.toString();
        }
    }
}
