package io.kahvem.devices.virtio.scsi;

import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.devices.scsi.ScsiTask;
import io.kahvem.devices.scsi.ScsiUnit;
import io.kahvem.devices.scsi.Sense;
import io.kahvem.devices.virtio.queue.DescriptorChain;
import io.kahvem.devices.virtio.queue.Virtqueue;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A command of the driver's on its way (virtio 1.2, 5.6.6.1). One for each chain of each queue, used again and again.
final class VirtioScsiRequest extends ScsiTask {
    /// struct virtio_scsi_req_cmd before its CDB: lun, id, task_attr, prio, crn.
    private static final int CDB = 19;

    /// struct virtio_scsi_req_cmd's answer before its sense data: sense_len, resid, status_qualifier, status, response.
    private static final int RESPONSE = 12;
    private static final int RESID_AT = 4;
    private static final int STATUS_AT = 10;
    private static final int RESPONSE_AT = 11;

    private static final int S_OK = 0;
    private static final int S_BAD_TARGET = 3;

    private static final int INQUIRY = 0x12;
    private static final int NO_UNIT_HERE = 0x7f;

    private final VirtioScsi device;
    private final DescriptorChain chain;
    private final byte[] head = new byte[RESPONSE];
    private @Nullable Virtqueue queue;

    VirtioScsiRequest(VirtioScsi device, DescriptorChain chain) {
        super(new GuestBuffers(chain.readable().memory(), Virtqueue.MAX_SEGMENTS),
                new GuestBuffers(chain.readable().memory(), Virtqueue.MAX_SEGMENTS));
        this.device = device;
        this.chain = chain;
    }

    DescriptorChain chain() {
        return chain;
    }

    /// Starts it; true where it has ended already, and the driver is still to be told.
    boolean start(Virtqueue q, DescriptorChain c) {
        queue = q;
        int before = RESPONSE + device.senseBytes();
        int commandBytes = CDB + device.cdbBytes();
        if (c.readable().totalBytes() < commandBytes || c.writable().totalBytes() < before) {
            q.refuse("a SCSI request without its command or the place for its answer");
            return false;
        }
        dataOut().clear();
        dataIn().clear();
        dataOut().addPart(c.readable(), commandBytes);
        dataIn().addPart(c.writable(), before);
        Arrays.fill(cdb(), (byte) 0);
        c.readable().read(CDB, cdb(), 0, Math.min(CDB_BYTES, device.cdbBytes()));
        ScsiUnit unit = device.unit(c, 0);
        if (unit == null) {
            absent(c);
            return true;
        }
        unit.start(this);
        return false;
    }

    /// Who looks for units on a target that is there is told that there is none at this number.
    private void absent(DescriptorChain c) {
        boolean target = device.hasTarget(c, 0);
        if (target && cdb()[0] == INQUIRY && cdb()[1] == 0) {
            byte[] inquiry = new byte[36];
            inquiry[0] = NO_UNIT_HERE;
            inquiry[4] = 31;
            int allocation = (cdb()[3] & 0xff) << 8 | cdb()[4] & 0xff;
            answer(S_OK, GOOD, Sense.NONE, dataIn().write(0, inquiry, 0, Math.min(36, allocation)));
        } else if (target) {
            answer(S_OK, CHECK_CONDITION, Sense.LUN_NOT_SUPPORTED, 0);
        } else {
            answer(S_BAD_TARGET, GOOD, Sense.NONE, 0);
        }
    }

    @Override
    protected void done() {
        Virtqueue q = queue;
        answer(S_OK, status(), sense(), transferred());
        if (q != null) q.notifyDriver(); // after the answer, on whichever thread gives it
    }

    private void answer(int response, int status, Sense sense, long transferred) {
        Virtqueue q = queue;
        if (q == null) return;
        byte[] senseData = status == CHECK_CONDITION ? sense.fixed() : new byte[0];
        int senseLength = Math.min(senseData.length, device.senseBytes());
        long asked = dataIn().totalBytes() + dataOut().totalBytes();
        put32(0, senseLength);
        put32(RESID_AT, (int) Math.max(0, asked - transferred));
        head[STATUS_AT] = (byte) status;
        head[RESPONSE_AT] = (byte) response;
        chain.writable().write(0, head, 0, RESPONSE);
        chain.writable().write(RESPONSE, senseData, 0, senseLength);
        long in = dataIn().totalBytes() > 0 ? transferred : 0;
        q.complete(chain, RESPONSE + device.senseBytes() + in);
    }

    private void put32(int at, int value) {
        for (int n = 0; n < 4; n++) head[at + n] = (byte) (value >> 8 * n);
    }
}
