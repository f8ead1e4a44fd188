package io.kahvem.devices.virtio.scsi;

import io.kahvem.devices.scsi.ScsiUnit;
import io.kahvem.devices.virtio.Activation;
import io.kahvem.devices.virtio.ConfigSpace;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.queue.DescriptorChain;
import io.kahvem.devices.virtio.queue.Virtqueue;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// virtio-scsi (virtio 1.2, 5.6): one bus, a target for each unit, each with LUN 0.
///
/// Lock: one for each queue, under which its requests are taken; none is held while a disk works.
public final class VirtioScsi implements VirtioDevice {
    public static final int MOST_TARGETS = 256;

    private static final int DEVICE_ID = 8;
    private static final int QUEUE_SIZE = 256;
    private static final int CONTROLQ = 0;
    private static final int EVENTQ = 1;
    private static final int FIRST_REQUESTQ = 2;

    // 5.6.4
    private static final int NUM_QUEUES = 0;
    private static final int SEG_MAX = 4;
    private static final int MAX_SECTORS = 8;
    private static final int CMD_PER_LUN = 12;
    private static final int EVENT_INFO_SIZE = 16;
    private static final int SENSE_SIZE = 20;
    private static final int CDB_SIZE = 24;
    private static final int MAX_TARGET = 30;
    private static final int MAX_LUN = 32;
    private static final int CONFIG_BYTES = 36;
    private static final int EVENT_BYTES = 16;
    private static final int DEFAULT_SENSE = 96;
    private static final int DEFAULT_CDB = 32;

    // 5.6.6.2
    private static final int T_TMF = 0;
    private static final int T_AN_QUERY = 1;
    private static final int T_AN_SUBSCRIBE = 2;
    private static final int TMF_BYTES = 24;
    private static final int AN_BYTES = 20;
    private static final int LUN_AT_TMF = 8;
    private static final int LUN_AT_AN = 4;
    private static final int S_FUNCTION_COMPLETE = 0;
    private static final int S_BAD_TARGET = 3;

    private final List<? extends ScsiUnit> targets;
    private final ConfigSpace config = new ConfigSpace(CONFIG_BYTES);
    private final Queue[] queues;
    private volatile @Nullable Activation active;

    private static final class Queue {
        private final @Nullable VirtioScsiRequest[] requests = new VirtioScsiRequest[QUEUE_SIZE];
    }

    /// @param targets by target number
    /// @param requestQueues 1 or more; one for each vCPU is good
    public VirtioScsi(List<? extends ScsiUnit> targets, int requestQueues) {
        if (targets.size() > MOST_TARGETS) throw new IllegalArgumentException(targets.size() + " targets");
        this.targets = List.copyOf(targets);
        queues = new Queue[FIRST_REQUESTQ + requestQueues];
        for (int n = 0; n < queues.length; n++) queues[n] = new Queue();
        config.put(NUM_QUEUES, 4, requestQueues);
        putDefaults();
        config.put(SEG_MAX, 4, QUEUE_SIZE - 2);
        config.put(MAX_SECTORS, 4, 0xffff);
        config.put(CMD_PER_LUN, 4, QUEUE_SIZE / 2);
        config.put(EVENT_INFO_SIZE, 4, EVENT_BYTES);
        config.put(MAX_TARGET, 2, MOST_TARGETS - 1);
        config.put(MAX_LUN, 4, 0x3fff);
    }

    private void putDefaults() {
        config.put(SENSE_SIZE, 4, DEFAULT_SENSE);
        config.put(CDB_SIZE, 4, DEFAULT_CDB);
    }

    @Override
    public int deviceId() {
        return DEVICE_ID;
    }

    @Override
    public int[] queueSizes() {
        int[] sizes = new int[queues.length];
        Arrays.fill(sizes, QUEUE_SIZE);
        return sizes;
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    /// 5.6.4: the driver may choose the sizes of sense data and CDB.
    @Override
    public void configWritten(int offset, int size, long value) {
        if (size != 4 || active != null || value < 0 || value > 252) return;
        if (offset == SENSE_SIZE || offset == CDB_SIZE) config.put(offset, 4, value);
    }

    @Override
    public void activate(Activation activation) {
        active = activation;
    }

    @Override
    public void queueNotified(int index) {
        Queue queue = queues[index];
        synchronized (queue) {
            Activation a = active;
            if (a == null || index == EVENTQ) return; // nothing is hot-plugged: its buffers stay
            Virtqueue q = a.queue(index);
            boolean completed = false;
            do {
                for (DescriptorChain c; (c = q.poll()) != null; ) {
                    completed |= index == CONTROLQ ? control(q, c) : request(queue, c).start(q, c);
                }
            } while (q.enableNotifications());
            if (completed) q.notifyDriver();
        }
    }

    @Override
    public void queueReset(int index) {
        synchronized (queues[index]) {
            targets.forEach(ScsiUnit::drain);
        }
    }

    @Override
    public void reset() {
        active = null;
        for (Queue queue : queues) {
            synchronized (queue) {
                targets.forEach(ScsiUnit::drain);
            }
        }
        targets.forEach(ScsiUnit::reset);
        putDefaults();
    }

    private VirtioScsiRequest request(Queue queue, DescriptorChain c) {
        VirtioScsiRequest request = queue.requests[c.id()];
        // A chain is the queue's until it is reset; then its request goes with it, for its buffers are others.
        if (request == null || request.chain() != c) queue.requests[c.id()] = request = new VirtioScsiRequest(this, c);
        return request;
    }

    /// Requests of a task management function end before it does: a disk cannot take back what it has begun.
    private boolean control(Virtqueue q, DescriptorChain c) {
        int type = c.readable().get32(0);
        int answerAt = type == T_TMF ? 0 : 4;
        int need = type == T_TMF ? TMF_BYTES : AN_BYTES;
        if (type < T_TMF || type > T_AN_SUBSCRIBE || c.readable().totalBytes() < need || c.writable().totalBytes() < answerAt + 1) {
            q.refuse("a SCSI control request that cannot be: type %d".formatted(type));
            return false;
        }
        ScsiUnit unit = unit(c, type == T_TMF ? LUN_AT_TMF : LUN_AT_AN);
        if (type == T_AN_QUERY || type == T_AN_SUBSCRIBE) c.writable().put32(0, 0); // no asynchronous notifications
        if (unit != null && type == T_TMF) unit.drain();
        c.writable().put8(answerAt, unit == null ? S_BAD_TARGET : S_FUNCTION_COMPLETE);
        q.complete(c, answerAt + 1);
        return true;
    }

    /// The unit that a LUN field names (5.6.6.1: 1, target, and LUN 0 in one of two forms), or null.
    @Nullable ScsiUnit unit(DescriptorChain c, int at) {
        int target = c.readable().get8(at + 1);
        boolean known = c.readable().get8(at) == 1 && target < targets.size() && lun(c, at) == 0;
        return known ? targets.get(target) : null;
    }

    boolean hasTarget(DescriptorChain c, int at) {
        return c.readable().get8(at) == 1 && c.readable().get8(at + 1) < targets.size();
    }

    private static int lun(DescriptorChain c, int at) {
        return (c.readable().get8(at + 2) << 8 | c.readable().get8(at + 3)) & 0x3fff;
    }

    int senseBytes() {
        return (int) config.get(SENSE_SIZE, 4);
    }

    int cdbBytes() {
        return (int) config.get(CDB_SIZE, 4);
    }
}
