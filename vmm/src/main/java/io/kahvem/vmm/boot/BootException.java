package io.kahvem.vmm.boot;

/// What the user gave to boot cannot be booted: absent, truncated, of no known kind, too large for the machine. The message, meant for the
/// user, has the file, what is wrong with it and, where there is one, the remedy.
public final class BootException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public BootException(String message) {
        super(message);
    }

    public BootException(String message, Throwable cause) {
        super(message, cause);
    }
}
