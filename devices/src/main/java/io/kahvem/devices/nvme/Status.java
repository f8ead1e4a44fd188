package io.kahvem.devices.nvme;

/// Status field values: status code type in bits 10:8, status code in 7:0 (NVMe 1.4, 4.6.1), and Do Not Retry.
final class Status {
    static final int SUCCESS = 0x000;
    static final int INVALID_OPCODE = 0x001;
    static final int INVALID_FIELD = 0x002;
    static final int DATA_TRANSFER_ERROR = 0x004;
    static final int INTERNAL_ERROR = 0x006;
    static final int INVALID_NAMESPACE = 0x00b;
    static final int INVALID_SGL_SEGMENT = 0x00d;
    static final int SGL_LENGTH_INVALID = 0x00f;
    static final int SGL_TYPE_INVALID = 0x011;
    static final int INVALID_PRP_OFFSET = 0x013;
    static final int LBA_OUT_OF_RANGE = 0x080;
    static final int CAPACITY_EXCEEDED = 0x081;
    static final int COMPLETION_QUEUE_INVALID = 0x100;
    static final int INVALID_QUEUE_ID = 0x101;
    static final int INVALID_QUEUE_SIZE = 0x102;
    static final int EVENT_LIMIT_EXCEEDED = 0x105;
    static final int INVALID_INTERRUPT_VECTOR = 0x108;
    static final int INVALID_LOG_PAGE = 0x109;
    static final int INVALID_QUEUE_DELETION = 0x10c;
    static final int NOT_SAVEABLE = 0x10d;
    static final int READ_ONLY_RANGE = 0x182;
    static final int WRITE_FAULT = 0x280;
    static final int UNRECOVERED_READ_ERROR = 0x281;
    static final int DO_NOT_RETRY = 1 << 14;

    private Status() {}
}
