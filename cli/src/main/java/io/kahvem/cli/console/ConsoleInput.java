package io.kahvem.cli.console;

import java.io.IOException;
import java.io.InputStream;

/// What the user types, on its way to the guest, no faster than the guest takes it. The end of the input ends the input, not the
/// machine. On a terminal Ctrl-] leaves.
///
/// A daemon thread of its own reads, since a read of standard input cannot be taken back.
public final class ConsoleInput {
    /// As in `virsh console`.
    static final byte LEAVE = 0x1d;

    private static final int CHUNK = 1024;

    private final InputStream stream;
    private final GuestLine line;
    private final Runnable onLeave;
    private final boolean terminal;

    /// The guest's end of the serial line.
    @FunctionalInterface
    public interface GuestLine {
        /// Gives the guest these bytes, waiting until it has taken them. False where it never will: the machine has ended.
        boolean feed(byte[] bytes, int offset, int length) throws InterruptedException;
    }

    /// `onLeave` runs on the reading thread, which then ends; only where `terminal` is true, since a pipe may carry any byte.
    public ConsoleInput(InputStream stream, boolean terminal, GuestLine line, Runnable onLeave) {
        this.stream = stream;
        this.terminal = terminal;
        this.line = line;
        this.onLeave = onLeave;
    }

    public Thread start() {
        return Thread.ofPlatform().name("console input").daemon().start(this::read);
    }

    private void read() {
        byte[] chunk = new byte[CHUNK];
        try {
            for (int read; (read = stream.read(chunk)) >= 0; ) {
                int before = terminal ? leaveAt(chunk, read) : read;
                if (!line.feed(chunk, 0, before)) return;
                if (before < read) {
                    onLeave.run();
                    return;
                }
            }
        } catch (IOException e) {
            // No standard input (EBADF) or a terminal that hung up (EIO; SIGHUP says so too): the input has ended.
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Where LEAVE is in the first `length` bytes, or `length`.
    private static int leaveAt(byte[] chunk, int length) {
        int at = 0;
        while (at < length && chunk[at] != LEAVE) at++;
        return at;
    }
}
