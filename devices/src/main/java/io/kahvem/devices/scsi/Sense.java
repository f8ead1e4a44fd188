package io.kahvem.devices.scsi;

/// Why a command failed (SPC-4, 4.5): sense key, additional sense code and its qualifier.
public enum Sense {
    NONE(0, 0, 0),
    MEDIUM_NOT_PRESENT(2, 0x3a, 0),
    READ_ERROR(3, 0x11, 0),
    WRITE_ERROR(3, 0x0c, 0),
    SPACE_ALLOCATION_FAILED(7, 0x27, 7),
    PARAMETER_LIST_LENGTH_ERROR(5, 0x1a, 0),
    INVALID_COMMAND(5, 0x20, 0),
    LBA_OUT_OF_RANGE(5, 0x21, 0),
    INVALID_FIELD_IN_CDB(5, 0x24, 0),
    LUN_NOT_SUPPORTED(5, 0x25, 0),
    INVALID_FIELD_IN_PARAMETERS(5, 0x26, 0),
    SAVING_NOT_SUPPORTED(5, 0x39, 0),
    REMOVAL_PREVENTED(5, 0x53, 2),
    MEDIUM_CHANGED(6, 0x28, 0),
    POWER_ON_OR_RESET(6, 0x29, 0),
    CAPACITY_CHANGED(6, 0x2a, 9),
    WRITE_PROTECTED(7, 0x27, 0);

    /// The fixed format (SPC-4, 4.5.3).
    public static final int FIXED_BYTES = 18;

    private final int key;
    private final int asc;
    private final int ascq;

    Sense(int key, int asc, int ascq) {
        this.key = key;
        this.asc = asc;
        this.ascq = ascq;
    }

    public int key() {
        return key;
    }

    /// Sense data in fixed format.
    public byte[] fixed() {
        byte[] data = new byte[FIXED_BYTES];
        data[0] = 0x70;
        data[2] = (byte) key;
        data[7] = FIXED_BYTES - 8;
        data[12] = (byte) asc;
        data[13] = (byte) ascq;
        return data;
    }
}
