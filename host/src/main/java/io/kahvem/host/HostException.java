package io.kahvem.host;

import org.jspecify.annotations.Nullable;

/// The host refused something Kahvem needs. The message says what was being tried, the call that failed, why, and where there is one
/// the command that mends it.
public class HostException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String call;
    private final int errno;

    /// A failed system call: `trying` completes "cannot ...", `remedy` is a sentence or empty.
    HostException(String trying, String call, Errno errno, String remedy) {
        this(trying, call, errno.number(), errno.toString(), remedy, null);
    }

    HostException(String trying, String call, Throwable cause, String remedy) {
        this(trying, call, 0, cause.toString(), remedy, cause);
    }

    private HostException(
            String trying, String call, int errno, String why, String remedy, @Nullable Throwable cause) {
        super("cannot " + trying + ": " + call + ": " + why + (remedy.isEmpty() ? "" : "\n  " + remedy), cause);
        this.call = call;
        this.errno = errno;
    }

    /// The name of the system or library call that failed.
    public String call() {
        return call;
    }

    /// The call's errno, or 0 where the failure has none.
    public int errno() {
        return errno;
    }
}
