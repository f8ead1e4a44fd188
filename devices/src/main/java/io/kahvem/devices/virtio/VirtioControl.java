package io.kahvem.devices.virtio;

import io.kahvem.devices.virtio.queue.Virtqueue;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// The state of a device that every transport presents: status, features, where the queues lie (virtio 1.2, 2.1 to 2.6, 3.1).
///
/// Lock: this object's monitor, also while the device is activated and reset; taken before the device's and the queues'. A device's
/// threads never take it: a reset waits for them.
public final class VirtioControl {
    // 2.1, the device status field
    public static final int ACKNOWLEDGE = 1;
    public static final int DRIVER = 2;
    public static final int DRIVER_OK = 4;
    public static final int FEATURES_OK = 8;
    public static final int DEVICE_NEEDS_RESET = 64;
    public static final int FAILED = 128;

    private final VirtioDevice device;
    private final VirtioInterrupts interrupts;
    private final long offered;
    private final List<Virtqueue> queues;
    private final QueueRegisters[] registers;
    private final AtomicInteger status = new AtomicInteger();
    private final AtomicReference<@Nullable String> fault = new AtomicReference<>();
    private long accepted;

    /// The registers of one queue.
    private static final class QueueRegisters {
        private int size;
        private long desc;
        private long driver;
        private long device;
        private boolean ready;
    }

    public VirtioControl(VirtioDevice device, GuestMemory memory, VirtioInterrupts interrupts) {
        this.device = device;
        this.interrupts = interrupts;
        this.offered = device.features() | VirtioFeatures.OFFERED;
        int[] sizes = device.queueSizes();
        List<Virtqueue> all = new ArrayList<>();
        registers = new QueueRegisters[sizes.length];
        for (int n = 0; n < sizes.length; n++) {
            int index = n;
            all.add(new Virtqueue(memory, sizes[n], () -> interrupts.queue(index),
                    what -> needsReset("queue %d: %s".formatted(index, what))));
            registers[n] = new QueueRegisters();
            registers[n].size = sizes[n];
        }
        queues = List.copyOf(all);
    }

    public VirtioDevice device() {
        return device;
    }

    public int queueCount() {
        return registers.length;
    }

    public int status() {
        return status.get();
    }

    /// What the driver did that made the device need a reset, until it gets one.
    public Optional<String> fault() {
        return Optional.ofNullable(fault.get());
    }

    /// 3.1.1: 0 resets; FEATURES_OK stays clear where the features cannot be.
    public synchronized void writeStatus(int value) {
        if ((value & 0xff) == 0) {
            reset();
            return;
        }
        int old = status.get();
        int added = value & (ACKNOWLEDGE | DRIVER | DRIVER_OK | FEATURES_OK | FAILED) & ~old;
        if ((added & FEATURES_OK) != 0 && !featuresAreGood()) added &= ~FEATURES_OK;
        if ((added & DRIVER_OK) != 0 && ((old | added) & FEATURES_OK) == 0) added &= ~DRIVER_OK;
        int bits = added;
        status.updateAndGet(now -> now | bits);
        if ((added & DRIVER_OK) != 0) device.activate(new Activation(accepted, queues, this::configChanged));
    }

    /// 32 of the offered feature bits.
    public int deviceFeatures(int select) {
        return select == 0 ? (int) offered : select == 1 ? (int) (offered >>> 32) : 0;
    }

    public synchronized int driverFeatures(int select) {
        return select == 0 ? (int) accepted : select == 1 ? (int) (accepted >>> 32) : 0;
    }

    /// 32 of the accepted feature bits; after FEATURES_OK nothing changes.
    public synchronized void writeDriverFeatures(int select, int value) {
        if ((status.get() & FEATURES_OK) != 0) return;
        if (select == 0) accepted = accepted & -1L << 32 | value & 0xffff_ffffL;
        if (select == 1) accepted = accepted & 0xffff_ffffL | (long) value << 32;
    }

    public boolean hasQueue(int index) {
        return index >= 0 && index < registers.length;
    }

    public int maxQueueSize(int index) {
        return queues.get(index).maxSize();
    }

    public synchronized int queueSize(int index) {
        return registers[index].size;
    }

    public synchronized void setQueueSize(int index, int size) {
        if (!registers[index].ready) registers[index].size = size;
    }

    public synchronized long queueDesc(int index) {
        return registers[index].desc;
    }

    public synchronized long queueDriver(int index) {
        return registers[index].driver;
    }

    public synchronized long queueDevice(int index) {
        return registers[index].device;
    }

    public synchronized void setQueueDesc(int index, long gpa) {
        if (!registers[index].ready) registers[index].desc = gpa;
    }

    public synchronized void setQueueDriver(int index, long gpa) {
        if (!registers[index].ready) registers[index].driver = gpa;
    }

    public synchronized void setQueueDevice(int index, long gpa) {
        if (!registers[index].ready) registers[index].device = gpa;
    }

    public synchronized boolean queueReady(int index) {
        return registers[index].ready;
    }

    /// Starts a queue where its registers say it lies; one that is ready stays as it is.
    public synchronized void enableQueue(int index) {
        QueueRegisters r = registers[index];
        if (r.ready || (status.get() & FEATURES_OK) == 0) return;
        r.ready = true;
        boolean packed = (accepted & VirtioFeatures.RING_PACKED) != 0;
        boolean indirect = (accepted & VirtioFeatures.INDIRECT_DESC) != 0;
        boolean eventIndex = (accepted & VirtioFeatures.EVENT_IDX) != 0;
        queues.get(index).enable(new Virtqueue.Layout(r.size, r.desc, r.driver, r.device, packed, indirect, eventIndex));
    }

    /// 2.6.1: the queue is without buffers when this returns.
    public synchronized void resetQueue(int index) {
        if ((status.get() & DRIVER_OK) != 0) device.queueReset(index);
        queues.get(index).reset();
        clear(index);
    }

    /// An available buffer notification.
    public void notifyQueue(int index) {
        if (hasQueue(index) && (status.get() & (DRIVER_OK | DEVICE_NEEDS_RESET)) == DRIVER_OK) device.queueNotified(index);
    }

    public int configGeneration() {
        return device.config().generation();
    }

    public long readConfig(int offset, int size) {
        return device.config().get(offset, size);
    }

    public void writeConfig(int offset, int size, long value) {
        if (offset + size <= device.config().sizeBytes()) device.configWritten(offset, size, value);
    }

    /// Also the machine's RESET#.
    public synchronized void reset() {
        if ((status.get() & DRIVER_OK) != 0) device.reset();
        accepted = 0;
        for (int n = 0; n < registers.length; n++) {
            queues.get(n).reset();
            clear(n);
        }
        fault.set(null);
        status.set(0);
    }

    private void clear(int index) {
        QueueRegisters r = registers[index];
        r.size = queues.get(index).maxSize();
        r.desc = 0;
        r.driver = 0;
        r.device = 0;
        r.ready = false;
    }

    private boolean featuresAreGood() {
        return (accepted & ~offered) == 0 && (accepted & VirtioFeatures.VERSION_1) != 0;
    }

    private void configChanged() {
        if ((status.get() & DRIVER_OK) != 0) interrupts.configuration();
    }

    /// Any thread, also under a queue's lock: 2.1.2.
    private void needsReset(String why) {
        fault.compareAndSet(null, why);
        int now = status.updateAndGet(old -> old | DEVICE_NEEDS_RESET);
        if ((now & DRIVER_OK) != 0) interrupts.configuration();
    }
}
