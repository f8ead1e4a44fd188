package io.kahvem.block;

import io.kahvem.host.Errno;

/// What becomes of a request that the host's file failed: QEMU's `rerror` and `werror`.
public enum ErrorPolicy {
    /// The guest sees the error.
    REPORT,
    /// The guest sees success.
    IGNORE,
    /// The request waits, and the machine with it, until somebody has mended the cause.
    STOP,
    /// [#STOP] where there is no room left on the host's disk, else [#REPORT].
    ENOSPC;

    /// Whether work waits that failed so.
    public boolean stops(int errno) {
        return switch (this) {
            case REPORT, IGNORE -> false;
            case STOP -> true;
            case ENOSPC -> errno == Errno.ENOSPC;
        };
    }
}
