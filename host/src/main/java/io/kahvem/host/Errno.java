package io.kahvem.host;

/// An error number of Linux (errno(3)), which prints as its name and meaning.
public record Errno(int number) {
    public static final int ENOENT = 2;
    static final int ESRCH = 3;
    public static final int EINTR = 4;
    public static final int EAGAIN = 11;
    static final int ENOMEM = 12;
    public static final int EACCES = 13;
    static final int ENOSYS = 38;
    static final int EOPNOTSUPP = 95;

    @Override
    public String toString() {
        return switch (number) {
            case 1 -> "EPERM (operation not permitted)";
            case ENOENT -> "ENOENT (no such file or directory)";
            case ESRCH -> "ESRCH (no such process)";
            case EINTR -> "EINTR (interrupted system call)";
            case 5 -> "EIO (input/output error)";
            case 6 -> "ENXIO (no such device or address)";
            case 7 -> "E2BIG (list too long)";
            case 9 -> "EBADF (bad file descriptor)";
            case EAGAIN -> "EAGAIN (resource temporarily unavailable)";
            case ENOMEM -> "ENOMEM (cannot allocate memory)";
            case EACCES -> "EACCES (permission denied)";
            case 14 -> "EFAULT (bad address)";
            case 16 -> "EBUSY (device or resource busy)";
            case 17 -> "EEXIST (file exists)";
            case 19 -> "ENODEV (no such device)";
            case 22 -> "EINVAL (invalid argument)";
            case 23 -> "ENFILE (too many open files in the system)";
            case 24 -> "EMFILE (too many open files in the process)";
            case 25 -> "ENOTTY (not a terminal)";
            case 27 -> "EFBIG (file too large)";
            case 28 -> "ENOSPC (no space left on device)";
            case ENOSYS -> "ENOSYS (not implemented by this kernel)";
            case EOPNOTSUPP -> "EOPNOTSUPP (operation not supported)";
            default -> "errno " + number;
        };
    }
}
