package io.kahvem.devices.scsi;

import io.kahvem.block.BlockRequest;
import io.kahvem.devices.dma.GuestBuffers;
import org.jspecify.annotations.Nullable;

/// A command on its way, made by a controller for reuse: it fills in CDB and buffers, starts it at a unit, and hears of its end.
public abstract class ScsiTask extends BlockRequest {
    public static final int CDB_BYTES = 16;
    public static final int GOOD = 0x00;
    public static final int CHECK_CONDITION = 0x02;

    private final byte[] cdb = new byte[CDB_BYTES];
    private final GuestBuffers dataIn;
    private final GuestBuffers dataOut;
    private int status;
    private Sense sense = Sense.NONE;
    private long transferred;

    /// The unit's own: who hears of the block request, and what a command of several of them has still to do.
    @Nullable ScsiUnit unit;

    long position;
    long left;

    /// @param dataIn where data for the guest goes
    /// @param dataOut where data of the guest comes from; may be the same
    protected ScsiTask(GuestBuffers dataIn, GuestBuffers dataOut) {
        this.dataIn = dataIn;
        this.dataOut = dataOut;
    }

    /// The command descriptor block, which the controller fills.
    public final byte[] cdb() {
        return cdb;
    }

    public final GuestBuffers dataIn() {
        return dataIn;
    }

    public final GuestBuffers dataOut() {
        return dataOut;
    }

    /// The status byte: [#GOOD] or [#CHECK_CONDITION].
    public final int status() {
        return status;
    }

    public final Sense sense() {
        return sense;
    }

    /// Bytes moved to or from the guest's buffers.
    public final long transferred() {
        return transferred;
    }

    /// The command has ended. On the thread that started it, or one of the disk's.
    protected abstract void done();

    @Override
    protected final void completed(int errno) {
        ScsiUnit by = unit;
        if (by != null) by.blockCompleted(this, errno);
    }

    final void begin(ScsiUnit by) {
        unit = by;
        status = GOOD;
        sense = Sense.NONE;
        transferred = 0;
        left = 0;
    }

    final void succeed(long bytes) {
        transferred = bytes;
        done();
    }

    final void fail(Sense why) {
        status = CHECK_CONDITION;
        sense = why;
        transferred = 0;
        done();
    }

    /// Gives the guest these bytes, as far as it has room and asked for them.
    final void reply(byte[] bytes, int allocationLength) {
        succeed(dataIn.write(0, bytes, 0, Math.min(bytes.length, allocationLength)));
    }

    final int cdb8(int at) {
        return cdb[at] & 0xff;
    }

    final int cdb16(int at) {
        return cdb8(at) << 8 | cdb8(at + 1);
    }

    final int cdb32(int at) {
        return cdb16(at) << 16 | cdb16(at + 2);
    }

    final long cdb64(int at) {
        return (long) cdb32(at) << 32 | cdb32(at + 4) & 0xffff_ffffL;
    }
}
