package io.kahvem.host;

/// A new terminal with a name (pty(7)): this process is the device, whoever opens [#path] is the person at it. Raw from the start: bytes
/// pass as they are. One thread reads and one writes; any closes.
public final class PseudoTerminal implements AutoCloseable {
    private static final int WAIT_MILLIS = 100;

    /// How long a person who does not read holds the device up.
    private static final int PATIENCE_MILLIS = 1_000;

    private final Descriptor master;
    private final String path;
    private volatile boolean closed;

    private PseudoTerminal(Descriptor master, String path) {
        this.master = master;
        this.path = path;
    }

    /// Whether this host has such a thing.
    public static boolean isSupported() {
        return Platform.hasLinuxCalls();
    }

    /// Throws [HostException] where the host gives none.
    public static PseudoTerminal open() {
        Descriptor master = TerminalCalls.openMaster();
        try {
            String path = TerminalCalls.slaveName(master);
            // The settings are the pair's: they stay when this end is closed.
            try (Descriptor slave = TerminalCalls.open(path)) {
                TermiosTerminal.of(slave.number()).raw();
            }
            return new PseudoTerminal(master, path);
        } catch (RuntimeException e) {
            master.close();
            throw e;
        }
    }

    /// `/dev/pts/N`.
    public String path() {
        return path;
    }

    /// Waits for bytes and gives their number; -1 once it is closed.
    public int read(byte[] into) {
        while (!closed) {
            int events = TerminalCalls.poll(master, TerminalCalls.POLLIN, WAIT_MILLIS);
            if ((events & TerminalCalls.POLLIN) != 0) {
                int count = TerminalCalls.read(master, into);
                if (count > 0) return count;
            } else if (events != 0) {
                pause();
            }
        }
        return -1;
    }

    /// Nobody is there, which is no event that could be waited for.
    private static void pause() {
        try {
            Thread.sleep(WAIT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /// Writes to whoever is there. What nobody is there for, or takes in time, is lost, as on a line without a terminal.
    public void write(byte[] bytes, int offset, int length) {
        int at = offset;
        int end = offset + length;
        while (at < end && !closed) {
            int events = TerminalCalls.poll(master, TerminalCalls.POLLOUT, PATIENCE_MILLIS);
            if ((events & TerminalCalls.POLLHUP) != 0 || (events & TerminalCalls.POLLOUT) == 0) return;
            int count = TerminalCalls.write(master, bytes, at, end - at);
            if (count > 0) at += count;
            else if (count != -Errno.EAGAIN) return;
        }
    }

    @Override
    public void close() {
        closed = true;
        master.close();
    }
}
