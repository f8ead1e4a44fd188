package io.kahvem.cli;

/// A command cannot go on. The message is for the user: the cause on its first line, then the evidence and what mends it.
public final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int exitStatus;

    private CliException(int exitStatus, String message) {
        super(message);
        this.exitStatus = exitStatus;
    }

    /// What the user gave, or lacks, is wrong: exit status 2.
    public static CliException badInput(String message) {
        return new CliException(ExitStatus.USAGE, message);
    }

    /// The host did not do its part: exit status 70.
    public static CliException hostFailed(String message) {
        return new CliException(ExitStatus.HOST_FAILED, message);
    }

    public int exitStatus() {
        return exitStatus;
    }
}
