package io.kahvem.devices.ahci;

import io.kahvem.devices.scsi.ScsiCdRom;
import io.kahvem.devices.scsi.ScsiTask;
import io.kahvem.devices.scsi.Sense;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A CD-ROM drive at a port (ATA8-ACS with the PACKET feature set): SCSI commands in packets of 12 bytes.
public final class SataCdRom extends SataDevice {
    private static final int SIGNATURE = 0xeb14_0101;
    private static final int PACKET_BYTES = 12;
    private static final int REQUEST_SENSE = 0x03;

    /// Interrupt reason in the count field: the command has ended.
    private static final int REASON_STATUS = 3;

    private final ScsiCdRom drive;
    private final @Nullable Packet[] packets = new Packet[AhciPort.SLOTS];

    /// Why the last command failed, for REQUEST SENSE, until another command comes. Under the port's lock or written before its end.
    private volatile Sense lastSense = Sense.NONE;

    public SataCdRom(ScsiCdRom drive) {
        this.drive = drive;
    }

    private final class Packet extends ScsiTask {
        private final CommandSlot slot;

        private Packet(CommandSlot slot) {
            super(slot.data(), slot.data());
            this.slot = slot;
        }

        @Override
        protected void done() {
            slot.resultCount = REASON_STATUS;
            if (status() == GOOD) {
                slot.succeed(transferred());
            } else {
                lastSense = sense();
                slot.fail(sense().key() << 4 | ABRT);
            }
        }
    }

    @Override
    int signature() {
        return SIGNATURE;
    }

    @Override
    int resetStatus() {
        return 0;
    }

    @Override
    void start(CommandSlot slot) {
        switch (slot.command()) {
            case CMD_PACKET -> {
                Packet task = packets[slot.tag()];
                if (task == null) packets[slot.tag()] = task = new Packet(slot);
                byte[] cdb = task.cdb();
                slot.packet(cdb);
                Arrays.fill(cdb, PACKET_BYTES, cdb.length, (byte) 0);
                Sense pending = lastSense;
                lastSense = Sense.NONE;
                if (cdb[0] == REQUEST_SENSE && pending != Sense.NONE) {
                    slot.resultCount = REASON_STATUS;
                    slot.succeed(slot.data().write(0, pending.fixed(), 0, Math.min(Sense.FIXED_BYTES, cdb[4] & 0xff)));
                } else {
                    drive.start(task);
                }
            }
            case CMD_IDENTIFY_PACKET_DEVICE -> slot.reply(identify());
            case CMD_DEVICE_RESET -> {
                reset();
                slot.resultCount = 1;
                slot.resultLba = SIGNATURE >>> 8;
                slot.end(0, 1, 0);
            }
            case CMD_IDENTIFY_DEVICE -> {
                slot.resultCount = 1;
                slot.resultLba = SIGNATURE >>> 8;
                slot.fail(ABRT);
            }
            case CMD_SET_FEATURES, CMD_FLUSH_CACHE -> slot.succeed(0);
            default -> {
                if (!startCommon(slot)) slot.fail(ABRT);
            }
        }
    }

    @Override
    void reset() {
        lastSense = Sense.NONE;
        drive.reset();
    }

    @Override
    void drain() {
        drive.drain();
    }

    private byte[] identify() {
        int[] w = new int[256];
        w[0] = 0x85c0; // ATAPI, CD-ROM, removable, packets of 12 bytes
        text(w, 10, 10, drive.serial());
        text(w, 23, 4, "1.0");
        text(w, 27, 20, "KAHVEM DVD-ROM");
        w[49] = 0x0f00;
        w[53] = 6;
        w[63] = 7;
        w[64] = 3;
        for (int n = 65; n <= 68; n++) w[n] = 120;
        w[76] = 0x000e;
        w[80] = 0x01f0;
        w[82] = 0x4210;
        w[83] = 0x4000;
        w[84] = 0x4000;
        w[85] = 0x4210;
        w[87] = 0x4000;
        w[88] = 0x203f;
        return bytes(w);
    }
}
