package io.kahvem.daemon;

import org.jspecify.annotations.Nullable;

/// The daemon cannot start or go on. The message has cause, evidence and remedy.
public final class DaemonException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public DaemonException(String message) {
        this(message, null);
    }

    public DaemonException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }
}
