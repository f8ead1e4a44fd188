package io.kahvem.block;

import io.kahvem.host.Errno;

/// A disk image could not be opened, read or written. The message is for the user, in qemu-img's words where it has some.
public final class BlockException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int errno;

    /// @param errno what a guest's request fails with, as errno(3) counts; EIO where nothing better is known
    public BlockException(int errno, String message) {
        super(message);
        this.errno = errno;
    }

    public BlockException(int errno, String message, Throwable cause) {
        super(message, cause);
        this.errno = errno;
    }

    /// A damaged or unsupported image: EINVAL.
    public static BlockException invalid(String message) {
        return new BlockException(Errno.EINVAL, message);
    }

    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }

    public int errno() {
        return errno;
    }
}
