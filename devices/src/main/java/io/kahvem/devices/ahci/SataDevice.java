package io.kahvem.devices.ahci;

/// A device at a port. Commands are started under the port's lock and end with [AhciPort#complete].
public abstract sealed class SataDevice permits SataDisk, SataCdRom {
    // ATA8-ACS, 6: the status and error fields
    static final int BSY = 0x80;
    static final int DRDY = 0x40;
    static final int DRQ = 0x08;
    static final int ERR = 0x01;
    static final int READY = DRDY | 0x10;
    static final int ABRT = 0x04;
    static final int IDNF = 0x10;
    static final int UNC = 0x40;

    static final int CMD_DEVICE_RESET = 0x08;
    static final int CMD_EXECUTE_DEVICE_DIAGNOSTIC = 0x90;
    static final int CMD_PACKET = 0xa0;
    static final int CMD_IDENTIFY_PACKET_DEVICE = 0xa1;
    static final int CMD_STANDBY_IMMEDIATE = 0xe0;
    static final int CMD_IDLE_IMMEDIATE = 0xe1;
    static final int CMD_STANDBY = 0xe2;
    static final int CMD_IDLE = 0xe3;
    static final int CMD_CHECK_POWER_MODE = 0xe5;
    static final int CMD_SLEEP = 0xe6;
    static final int CMD_FLUSH_CACHE = 0xe7;
    static final int CMD_FLUSH_CACHE_EXT = 0xea;
    static final int CMD_IDENTIFY_DEVICE = 0xec;
    static final int CMD_SET_FEATURES = 0xef;

    /// Count, LBA low, mid and high, as the signature register has them.
    abstract int signature();

    /// The status after a reset.
    abstract int resetStatus();

    abstract void start(CommandSlot slot);

    abstract void reset();

    /// Returns when no command is under way; none is started meanwhile. Called without the port's lock.
    abstract void drain();

    /// The commands of power management and features, which end at once; false for all others.
    static boolean startCommon(CommandSlot slot) {
        switch (slot.command()) {
            case CMD_STANDBY_IMMEDIATE, CMD_IDLE_IMMEDIATE, CMD_STANDBY, CMD_IDLE, CMD_SLEEP -> slot.succeed(0);
            case CMD_CHECK_POWER_MODE -> {
                slot.resultCount = 0xff; // active
                slot.succeed(0);
            }
            case CMD_EXECUTE_DEVICE_DIAGNOSTIC -> slot.end(READY, 1, 0);
            default -> {
                return false;
            }
        }
        return true;
    }

    /// Words of IDENTIFY data from a text, two characters each, the first in the high byte.
    static void text(int[] words, int at, int count, String text) {
        for (int n = 0; n < count; n++) words[at + n] = character(text, 2 * n) << 8 | character(text, 2 * n + 1);
    }

    private static int character(String text, int at) {
        return at < text.length() ? text.charAt(at) & 0x7f : ' ';
    }

    static byte[] bytes(int[] words) {
        byte[] bytes = new byte[2 * words.length];
        for (int n = 0; n < words.length; n++) {
            bytes[2 * n] = (byte) words[n];
            bytes[2 * n + 1] = (byte) (words[n] >> 8);
        }
        return bytes;
    }
}
