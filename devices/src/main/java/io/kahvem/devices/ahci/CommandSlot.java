package io.kahvem.devices.ahci;

import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.memory.GuestMemory;

/// One of a port's 32 command slots: the command as it was fetched, the memory it moves, and the requests by which it runs.
final class CommandSlot {
    private static final int ACMD = 0x40;
    private static final int ACMD_BYTES = 16;
    private static final int PRDT = 0x80;
    private static final int PRD_BYTES = 16;
    private static final int DBC = 0x3f_ffff;
    private static final int REGISTER_H2D = 0x27;

    private static final int HEADER_ATAPI = 1 << 5;
    private static final int HEADER_CLEAR_BUSY = 1 << 10;

    private static final int CMD_READ_FPDMA_QUEUED = 0x60;
    private static final int CMD_WRITE_FPDMA_QUEUED = 0x61;

    private final AhciPort port;
    private final int tag;
    private final GuestMemory memory;
    private final byte[] table = new byte[PRDT];
    private final GuestBuffers data;
    private long headerGpa;
    private int header;

    /// Whether the port has given it to the device, and not got it back.
    boolean issued;

    /// What the ending FIS tells in count and LBA.
    int resultCount;

    long resultLba;

    CommandSlot(AhciPort port, int tag, GuestMemory memory) {
        this.port = port;
        this.tag = tag;
        this.memory = memory;
        this.data = new GuestBuffers(memory, 0x1_0000);
    }

    /// Reads header, command and PRDT (4.2.2, 4.2.3). False where they are not in memory or no command for a device.
    boolean fetch(long commandList) {
        headerGpa = commandList + 32L * tag;
        header = memory.read32(headerGpa);
        resultCount = 0;
        resultLba = 0;
        data.clear();
        long tableGpa = memory.read64(headerGpa + 8) & -128L;
        if (memory.hva(headerGpa, 32) == 0 || memory.hva(tableGpa, PRDT) == 0) return false;
        memory.read(tableGpa, table, 0, PRDT);
        if ((table[0] & 0xff) != REGISTER_H2D) return false;
        int entries = header >>> 16;
        for (int n = 0; n < entries; n++) {
            long entry = tableGpa + PRDT + (long) n * PRD_BYTES;
            if (memory.hva(entry, PRD_BYTES) == 0) return false;
            // Either side may move what a command moves: memory that is only read is found when it is to be written. Where memory ends the
            // list does too: SeaBIOS gives commands without data one entry, of 4 MiB from address 0.
            if (!data.add(memory.read64(entry) & ~1L, (memory.read32(entry + 12) & DBC) + 1L, true)) return true;
        }
        return true;
    }

    int tag() {
        return tag;
    }

    GuestBuffers data() {
        return data;
    }

    boolean isCommand() {
        return (table[1] & 0x80) != 0;
    }

    boolean isAtapi() {
        return (header & HEADER_ATAPI) != 0;
    }

    boolean clearsBusy() {
        return (header & HEADER_CLEAR_BUSY) != 0;
    }

    boolean isQueued() {
        return isCommand() && (command() == CMD_READ_FPDMA_QUEUED || command() == CMD_WRITE_FPDMA_QUEUED);
    }

    int command() {
        return table[2] & 0xff;
    }

    int features() {
        return table[3] & 0xff | (table[11] & 0xff) << 8;
    }

    int count() {
        return table[12] & 0xff | (table[13] & 0xff) << 8;
    }

    int device() {
        return table[7] & 0xff;
    }

    int control() {
        return table[15] & 0xff;
    }

    long lba28() {
        return table[4] & 0xffL | (table[5] & 0xffL) << 8 | (table[6] & 0xffL) << 16 | (table[7] & 0xfL) << 24;
    }

    long lba48() {
        return lba28() & 0xff_ffff | (table[8] & 0xffL) << 24 | (table[9] & 0xffL) << 32 | (table[10] & 0xffL) << 40;
    }

    /// The ATAPI command.
    void packet(byte[] cdb) {
        System.arraycopy(table, ACMD, cdb, 0, Math.min(cdb.length, ACMD_BYTES));
    }

    /// Ends well, having moved this many bytes.
    void succeed(long bytes) {
        end(SataDevice.READY, 0, bytes);
    }

    /// The same of data that came the PIO way.
    void succeedPio(long bytes) {
        port.complete(this, SataDevice.READY, 0, bytes, true);
    }

    void fail(int error) {
        end(SataDevice.READY | SataDevice.ERR, error, 0);
    }

    void end(int status, int error, long bytes) {
        port.complete(this, status, error, bytes, false);
    }

    /// Gives the host bytes the PIO way, and ends.
    void reply(byte[] bytes) {
        port.complete(this, SataDevice.READY, 0, data.write(0, bytes, 0, bytes.length), true);
    }

    void transferred(long bytes) {
        memory.write32(headerGpa + 4, (int) bytes);
    }
}
