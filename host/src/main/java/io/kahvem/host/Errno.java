package io.kahvem.host;

/// An error number of Linux (errno(3)), which prints as its name and meaning.
public record Errno(int number) {
    public static final int EPERM = 1;
    public static final int ENOENT = 2;
    static final int ESRCH = 3;
    static final int EBADF = 9;
    public static final int EINTR = 4;
    public static final int EAGAIN = 11;
    static final int ENOMEM = 12;
    public static final int EIO = 5;
    public static final int ENXIO = 6;
    public static final int EACCES = 13;
    public static final int EISDIR = 21;
    public static final int EINVAL = 22;
    public static final int EFBIG = 27;
    public static final int ENOSPC = 28;
    public static final int EROFS = 30;
    static final int EPIPE = 32;
    static final int ENAMETOOLONG = 36;
    static final int ENOLCK = 37;
    static final int ENOSYS = 38;
    public static final int EOPNOTSUPP = 95;

    @Override
    public String toString() {
        return switch (number) {
            case EPERM -> "EPERM (operation not permitted)";
            case ENOENT -> "ENOENT (no such file or directory)";
            case ESRCH -> "ESRCH (no such process)";
            case EINTR -> "EINTR (interrupted system call)";
            case EIO -> "EIO (input/output error)";
            case ENXIO -> "ENXIO (no such device or address)";
            case 7 -> "E2BIG (list too long)";
            case EBADF -> "EBADF (bad file descriptor)";
            case EAGAIN -> "EAGAIN (resource temporarily unavailable)";
            case ENOMEM -> "ENOMEM (cannot allocate memory)";
            case EACCES -> "EACCES (permission denied)";
            case 14 -> "EFAULT (bad address)";
            case 16 -> "EBUSY (device or resource busy)";
            case 17 -> "EEXIST (file exists)";
            case 19 -> "ENODEV (no such device)";
            case 20 -> "ENOTDIR (not a directory)";
            case EISDIR -> "EISDIR (is a directory)";
            case EINVAL -> "EINVAL (invalid argument)";
            case 23 -> "ENFILE (too many open files in the system)";
            case 24 -> "EMFILE (too many open files in the process)";
            case 25 -> "ENOTTY (not a terminal)";
            case 26 -> "ETXTBSY (text file busy)";
            case EFBIG -> "EFBIG (file too large)";
            case ENOSPC -> "ENOSPC (no space left on device)";
            case EROFS -> "EROFS (read-only file system)";
            case EPIPE -> "EPIPE (broken pipe)";
            case ENAMETOOLONG -> "ENAMETOOLONG (file name too long)";
            case ENOLCK -> "ENOLCK (no locks available)";
            case ENOSYS -> "ENOSYS (not implemented by this kernel)";
            case 40 -> "ELOOP (too many levels of symbolic links)";
            case EOPNOTSUPP -> "EOPNOTSUPP (operation not supported)";
            case SocketCalls.EADDRINUSE -> "EADDRINUSE (address already in use)";
            case SocketCalls.ECONNREFUSED -> "ECONNREFUSED (connection refused)";
            default -> "errno " + number;
        };
    }

    /// The meaning alone, as strerror(3) words it: `No space left on device`.
    public String meaning() {
        String text = toString();
        int open = text.indexOf('(');
        if (open < 0) return "Unknown error " + number;
        return Character.toUpperCase(text.charAt(open + 1)) + text.substring(open + 2, text.length() - 1);
    }
}
