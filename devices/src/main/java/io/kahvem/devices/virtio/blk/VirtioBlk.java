package io.kahvem.devices.virtio.blk;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.kahvem.block.BlockBackend;
import io.kahvem.devices.virtio.Activation;
import io.kahvem.devices.virtio.ConfigSpace;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.queue.DescriptorChain;
import io.kahvem.devices.virtio.queue.Virtqueue;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// virtio-blk (virtio 1.2, 5.2): a disk with several request queues.
///
/// A notification takes every request that is there and submits it to the disk, whose threads complete it.
/// Lock: one for each queue, under which its requests are taken; none is held while a disk works.
public final class VirtioBlk implements VirtioDevice {
    private static final int DEVICE_ID = 2;
    private static final int QUEUE_SIZE = 256;
    private static final int SECTOR = 512;

    static final long F_SEG_MAX = 1 << 2;
    static final long F_GEOMETRY = 1 << 4;
    static final long F_RO = 1 << 5;
    static final long F_BLK_SIZE = 1 << 6;
    static final long F_FLUSH = 1 << 9;
    static final long F_TOPOLOGY = 1 << 10;
    static final long F_CONFIG_WCE = 1 << 11;
    static final long F_MQ = 1 << 12;
    static final long F_DISCARD = 1 << 13;
    static final long F_WRITE_ZEROES = 1 << 14;

    // 5.2.4
    private static final int CAPACITY = 0;
    private static final int SEG_MAX = 12;
    private static final int GEOMETRY = 16;
    private static final int BLK_SIZE = 20;
    private static final int PHYSICAL_BLOCK_EXP = 24;
    private static final int MIN_IO_SIZE = 26;
    private static final int WRITEBACK = 32;
    private static final int NUM_QUEUES = 34;
    private static final int MAX_DISCARD_SECTORS = 36;
    private static final int MAX_DISCARD_SEG = 40;
    private static final int DISCARD_SECTOR_ALIGNMENT = 44;
    private static final int MAX_WRITE_ZEROES_SECTORS = 48;
    private static final int MAX_WRITE_ZEROES_SEG = 52;
    private static final int WRITE_ZEROES_MAY_UNMAP = 56;
    private static final int CONFIG_BYTES = 60;

    private static final int HEADS = 16;
    private static final int SECTORS_PER_TRACK = 63;
    private static final int MOST_CYLINDERS = 16383;

    private final BlockBackend disk;
    private final byte[] serial;
    private final ConfigSpace config = new ConfigSpace(CONFIG_BYTES);
    private final Queue[] queues;
    private volatile @Nullable Activation active;
    private volatile boolean writeThrough;

    /// What there is for each queue.
    private static final class Queue {
        private final @Nullable VirtioBlkRequest[] requests = new VirtioBlkRequest[QUEUE_SIZE];
    }

    /// @param serial at most 20 characters of ASCII, what GET_ID tells (/dev/disk/by-id/virtio-SERIAL on Linux)
    /// @param queueCount request queues, 1 or more; one for each vCPU is good
    public VirtioBlk(BlockBackend disk, String serial, int queueCount) {
        this.disk = disk;
        this.serial = Arrays.copyOf(serial.getBytes(US_ASCII), VirtioBlkRequest.ID_BYTES);
        queues = new Queue[queueCount];
        for (int n = 0; n < queueCount; n++) queues[n] = new Queue();
        config.put(SEG_MAX, 4, QUEUE_SIZE - 2);
        config.put(BLK_SIZE, 4, SECTOR);
        int physical = Math.max(SECTOR, disk.preferredAlignment());
        config.put(PHYSICAL_BLOCK_EXP, 1, Integer.numberOfTrailingZeros(physical / SECTOR));
        config.put(MIN_IO_SIZE, 2, physical / SECTOR);
        config.put(WRITEBACK, 1, 1);
        config.put(NUM_QUEUES, 2, queueCount);
        config.put(MAX_DISCARD_SECTORS, 4, VirtioBlkRequest.MOST_SECTORS);
        config.put(MAX_DISCARD_SEG, 4, 1);
        config.put(DISCARD_SECTOR_ALIGNMENT, 4, physical / SECTOR);
        config.put(MAX_WRITE_ZEROES_SECTORS, 4, VirtioBlkRequest.MOST_SECTORS);
        config.put(MAX_WRITE_ZEROES_SEG, 4, 1);
        config.put(WRITE_ZEROES_MAY_UNMAP, 1, 1);
        putCapacity();
        disk.onResize(this::resized);
    }

    @Override
    public int deviceId() {
        return DEVICE_ID;
    }

    @Override
    public long features() {
        long features = F_SEG_MAX | F_GEOMETRY | F_BLK_SIZE | F_FLUSH | F_TOPOLOGY | F_CONFIG_WCE;
        features |= disk.isReadOnly() ? F_RO : F_DISCARD | F_WRITE_ZEROES;
        return queues.length > 1 ? features | F_MQ : features;
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

    /// 5.2.4: the driver turns the write cache off, or on again.
    @Override
    public void configWritten(int offset, int size, long value) {
        Activation a = active;
        if (offset != WRITEBACK || size != 1 || a != null && !a.has(F_CONFIG_WCE)) return;
        config.put(WRITEBACK, 1, value & 1);
        writeThrough = (value & 1) == 0;
    }

    @Override
    public void activate(Activation activation) {
        // 5.2.5.2: a driver that cannot flush gets a disk that needs none.
        writeThrough = !activation.has(F_FLUSH) && !activation.has(F_CONFIG_WCE) || config.get(WRITEBACK, 1) == 0;
        active = activation;
    }

    @Override
    public void queueNotified(int index) {
        Queue queue = queues[index];
        synchronized (queue) {
            Activation a = active;
            if (a == null) return;
            Virtqueue q = a.queue(index);
            boolean completed = false;
            do {
                for (DescriptorChain c; (c = q.poll()) != null; ) completed |= request(queue, c.id()).start(q, c);
            } while (q.enableNotifications());
            if (completed) q.notifyDriver();
        }
    }

    private VirtioBlkRequest request(Queue queue, int id) {
        VirtioBlkRequest request = queue.requests[id];
        if (request == null) queue.requests[id] = request = new VirtioBlkRequest(this);
        return request;
    }

    @Override
    public void queueReset(int index) {
        synchronized (queues[index]) {
            disk.drain();
        }
    }

    @Override
    public void reset() {
        active = null;
        for (Queue queue : queues) {
            synchronized (queue) {
                disk.drain();
            }
        }
        config.put(WRITEBACK, 1, 1);
    }

    BlockBackend disk() {
        return disk;
    }

    byte[] serial() {
        return serial;
    }

    boolean writeThrough() {
        return writeThrough;
    }

    private void resized() {
        putCapacity();
        Activation a = active;
        if (a != null) a.configChanged().run();
    }

    private void putCapacity() {
        long sectors = disk.sizeBytes() / SECTOR;
        config.put(CAPACITY, 8, sectors);
        long cylinders = Math.clamp(sectors / (HEADS * SECTORS_PER_TRACK), 1, MOST_CYLINDERS);
        config.put(GEOMETRY, 4, cylinders | HEADS << 16 | SECTORS_PER_TRACK << 24);
    }
}
