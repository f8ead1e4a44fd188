package io.kahvem.host;

/// A terminal by its name, used as the person at it would: `/dev/pts/N`. One thread reads and one writes; any closes.
public final class TerminalDevice implements AutoCloseable {
    private static final int WAIT_MILLIS = 100;

    private final Descriptor terminal;
    private volatile boolean closed;

    private TerminalDevice(Descriptor terminal) {
        this.terminal = terminal;
    }

    /// Throws [HostException] where there is none of that name, or the user may not use it.
    public static TerminalDevice open(String path) {
        return new TerminalDevice(TerminalCalls.open(path));
    }

    /// Waits for bytes and gives their number; -1 once it is closed, or the device behind it is gone.
    public int read(byte[] into) {
        while (!closed) {
            int events = TerminalCalls.poll(terminal, TerminalCalls.POLLIN, WAIT_MILLIS);
            if ((events & TerminalCalls.POLLIN) != 0) {
                int count = TerminalCalls.read(terminal, into);
                if (count > 0) return count;
                if (count != -Errno.EAGAIN) return -1;
            } else if (events != 0) {
                return -1;
            }
        }
        return -1;
    }

    /// Writes all, waiting for the device to take it. False once it is closed, or the device is gone.
    public boolean write(byte[] bytes, int offset, int length) {
        int at = offset;
        int end = offset + length;
        while (at < end) {
            if (closed) return false;
            int events = TerminalCalls.poll(terminal, TerminalCalls.POLLOUT, WAIT_MILLIS);
            if ((events & TerminalCalls.POLLHUP) != 0) return false;
            if ((events & TerminalCalls.POLLOUT) == 0) continue;
            int count = TerminalCalls.write(terminal, bytes, at, end - at);
            if (count > 0) at += count;
            else if (count != -Errno.EAGAIN) return false;
        }
        return true;
    }

    @Override
    public void close() {
        closed = true;
        terminal.close();
    }
}
