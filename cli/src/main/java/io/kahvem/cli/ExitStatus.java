package io.kahvem.cli;

/// The exit statuses of the contract. Ours are even or above 123, so that the odd codes of `--debug-exit` are told apart.
public final class ExitStatus {
    /// The guest powered off, asked for a reset under `--no-reboot`, or the user left.
    public static final int OK = 0;

    /// Wrong arguments or input.
    public static final int USAGE = 2;

    /// The guest failed: a triple fault under `--no-reboot`.
    public static final int GUEST_FAILED = 4;

    /// The host failed, or a bug of ours.
    public static final int HOST_FAILED = 70;

    /// `--timeout` ran out.
    public static final int TIMEOUT = 124;

    private ExitStatus() {}

    /// isa-debug-exit: `(value << 1) | 1`, of which a process keeps the low byte.
    public static int debugExit(long value) {
        return (int) (value << 1 | 1) & 0xff;
    }

    public static int signal(int number) {
        return 128 + number;
    }
}
