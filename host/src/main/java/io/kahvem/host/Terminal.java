package io.kahvem.host;

/// A terminal that a serial console can take over. Safe from any thread.
public interface Terminal extends AutoCloseable {
    /// Whether there is a terminal at all, rather than a pipe or a file.
    boolean isTerminal();

    /// From here on a key is one or more bytes at once: no echo, no line editing, no signals from keys (Ctrl-C is the byte 3). Output
    /// goes on as before, so that a line feed still starts a line. Does nothing where there is no terminal, or if raw already.
    /// Throws [HostException] where the terminal refuses.
    void raw();

    /// Undoes [#raw]; otherwise does nothing. Never throws and never waits, so a shutdown hook can call it; a call that comes second,
    /// from whichever thread, does nothing.
    void restore();

    @Override
    default void close() {
        restore();
    }

    static Terminal standardInput() {
        return of(0);
    }

    static Terminal standardOutput() {
        return of(1);
    }

    static Terminal standardError() {
        return of(2);
    }

    /// The terminal behind file descriptor `fd`, or where there is none, or no termios, one that does nothing.
    private static Terminal of(int fd) {
        return Platform.hasLinuxCalls() ? new LazyTerminal(fd) : new LineTerminal();
    }
}
