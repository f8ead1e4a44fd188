package io.kahvem.block.nbd;

import io.kahvem.host.Errno;

/// The protocol's numbers, by its own names. All are big-endian on the wire.
final class Nbd {
    static final int DEFAULT_PORT = 10_809;
    static final int MOST_PAYLOAD = 32 << 20;
    static final int MOST_NAME = 4096;

    static final long INIT_MAGIC = 0x4e42_444d_4147_4943L; // "NBDMAGIC"
    static final long OPTION_MAGIC = 0x4948_4156_454f_5054L; // "IHAVEOPT"
    static final long OPTION_REPLY_MAGIC = 0x3_e889_0455_65a9L;
    static final int REQUEST_MAGIC = 0x2560_9513;
    static final int SIMPLE_REPLY_MAGIC = 0x6744_6698;
    static final int STRUCTURED_REPLY_MAGIC = 0x668e_33ef;

    static final int FLAG_FIXED_NEWSTYLE = 1;
    static final int FLAG_NO_ZEROES = 2;

    static final int OPT_EXPORT_NAME = 1;
    static final int OPT_ABORT = 2;
    static final int OPT_LIST = 3;
    static final int OPT_STARTTLS = 5;
    static final int OPT_INFO = 6;
    static final int OPT_GO = 7;
    static final int OPT_STRUCTURED_REPLY = 8;
    static final int OPT_LIST_META_CONTEXT = 9;
    static final int OPT_SET_META_CONTEXT = 10;

    static final int REP_ACK = 1;
    static final int REP_SERVER = 2;
    static final int REP_INFO = 3;
    static final int REP_META_CONTEXT = 4;
    static final int REP_ERROR = 1 << 31;
    static final int REP_ERR_UNSUP = REP_ERROR | 1;
    static final int REP_ERR_POLICY = REP_ERROR | 2;
    static final int REP_ERR_INVALID = REP_ERROR | 3;
    static final int REP_ERR_TLS_REQD = REP_ERROR | 5;
    static final int REP_ERR_UNKNOWN = REP_ERROR | 6;
    static final int REP_ERR_TOO_BIG = REP_ERROR | 9;

    static final int INFO_EXPORT = 0;
    static final int INFO_NAME = 1;
    static final int INFO_DESCRIPTION = 2;
    static final int INFO_BLOCK_SIZE = 3;

    // Transmission flags.
    static final int HAS_FLAGS = 1;
    static final int READ_ONLY = 1 << 1;
    static final int SEND_FLUSH = 1 << 2;
    static final int SEND_FUA = 1 << 3;
    static final int SEND_TRIM = 1 << 5;
    static final int SEND_WRITE_ZEROES = 1 << 6;
    static final int SEND_DF = 1 << 7;
    static final int CAN_MULTI_CONN = 1 << 8;
    static final int SEND_CACHE = 1 << 10;

    static final int CMD_READ = 0;
    static final int CMD_WRITE = 1;
    static final int CMD_DISC = 2;
    static final int CMD_FLUSH = 3;
    static final int CMD_TRIM = 4;
    static final int CMD_CACHE = 5;
    static final int CMD_WRITE_ZEROES = 6;
    static final int CMD_BLOCK_STATUS = 7;

    static final int CMD_FLAG_FUA = 1;
    static final int CMD_FLAG_NO_HOLE = 1 << 1;
    static final int CMD_FLAG_DF = 1 << 2;
    static final int CMD_FLAG_REQ_ONE = 1 << 3;

    static final int REPLY_FLAG_DONE = 1;
    static final int REPLY_NONE = 0;
    static final int REPLY_OFFSET_DATA = 1;
    static final int REPLY_OFFSET_HOLE = 2;
    static final int REPLY_BLOCK_STATUS = 5;
    static final int REPLY_ERROR_BIT = 1 << 15;
    static final int REPLY_ERROR = REPLY_ERROR_BIT | 1;

    /// What `base:allocation` tells of an extent.
    static final int STATE_HOLE = 1;
    static final int STATE_ZERO = 2;

    static final String BASE_ALLOCATION = "base:allocation";

    private static final int ENOMEM = 12;
    private static final int EDQUOT = 122;
    private static final int EOVERFLOW = 75;

    private Nbd() {}

    /// The error number the protocol has for one of the host's.
    static int errorOf(int errno) {
        return switch (errno) {
            case Errno.EPERM, Errno.EACCES, Errno.EROFS -> Errno.EPERM;
            case Errno.EIO, ENOMEM, Errno.EINVAL, Errno.ENOSPC, EOVERFLOW, Errno.EOPNOTSUPP -> errno;
            case Errno.EFBIG, EDQUOT -> Errno.ENOSPC;
            default -> Errno.EIO;
        };
    }
}
