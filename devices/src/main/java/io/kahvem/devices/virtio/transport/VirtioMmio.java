package io.kahvem.devices.virtio.transport;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.IoDevice;
import io.kahvem.devices.virtio.VirtioControl;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.VirtioInterrupts;
import io.kahvem.memory.GuestMemory;

/// A virtio device behind memory-mapped registers and one interrupt line (virtio 1.2, 4.2), of register layout version 2.
///
/// Lock: this object's monitor for the selectors and the interrupt's level, taken before the device's.
public final class VirtioMmio implements IoDevice, Device {
    /// The bytes of the register window: those before the configuration, and room for any device's.
    public static final int WINDOW_BYTES = 0x200;

    private static final int MAGIC_VALUE = 0x000;
    private static final int VERSION = 0x004;
    private static final int DEVICE_ID = 0x008;
    private static final int VENDOR_ID = 0x00c;
    private static final int DEVICE_FEATURES = 0x010;
    private static final int DEVICE_FEATURES_SEL = 0x014;
    private static final int DRIVER_FEATURES = 0x020;
    private static final int DRIVER_FEATURES_SEL = 0x024;
    private static final int QUEUE_SEL = 0x030;
    private static final int QUEUE_SIZE_MAX = 0x034;
    private static final int QUEUE_SIZE = 0x038;
    private static final int QUEUE_READY = 0x044;
    private static final int QUEUE_NOTIFY = 0x050;
    private static final int INTERRUPT_STATUS = 0x060;
    private static final int INTERRUPT_ACK = 0x064;
    private static final int STATUS = 0x070;
    private static final int QUEUE_DESC_LOW = 0x080;
    private static final int QUEUE_DESC_HIGH = 0x084;
    private static final int QUEUE_DRIVER_LOW = 0x090;
    private static final int QUEUE_DRIVER_HIGH = 0x094;
    private static final int QUEUE_DEVICE_LOW = 0x0a0;
    private static final int QUEUE_DEVICE_HIGH = 0x0a4;
    private static final int SHM_LEN_LOW = 0x0b0;
    private static final int SHM_LEN_HIGH = 0x0b4;
    private static final int SHM_BASE_LOW = 0x0b8;
    private static final int SHM_BASE_HIGH = 0x0bc;
    private static final int QUEUE_RESET = 0x0c0;
    private static final int CONFIG_GENERATION = 0x0fc;
    private static final int CONFIG = 0x100;

    private static final int MAGIC = 0x7472_6976; // "virt"
    private static final int LAYOUT_VERSION = 2;
    private static final int VENDOR = 0x4b41_4856; // "VHAK"
    private static final int USED_BUFFER = 1;
    private static final int CONFIGURATION_CHANGE = 2;

    private final InterruptLine irq;
    private final VirtioControl control;
    private final Object irqLock = new Object();
    private int interruptStatus;
    private int deviceFeaturesSel;
    private int driverFeaturesSel;
    private int queueSel;

    public VirtioMmio(VirtioDevice device, GuestMemory memory, InterruptLine irq) {
        this.irq = irq;
        this.control = new VirtioControl(device, memory, new Interrupts());
    }

    public VirtioControl control() {
        return control;
    }

    @Override
    public long read(long offset, int size) {
        if (offset >= CONFIG) return control.readConfig((int) offset - CONFIG, size);
        if (size != 4) return 0; // 4.2.2.2: registers are 32 bits wide
        return readRegister((int) offset) & 0xffff_ffffL;
    }

    @Override
    public void write(long offset, int size, long value) {
        if (offset >= CONFIG) {
            control.writeConfig((int) offset - CONFIG, size, value);
        } else if (offset == QUEUE_NOTIFY && size == 4) {
            control.notifyQueue((int) value & 0xffff); // without the lock: several vCPUs may notify at once
        } else if (size == 4) {
            writeRegister((int) offset, (int) value);
        }
    }

    @Override
    public synchronized void reset() {
        control.reset();
        deviceFeaturesSel = 0;
        driverFeaturesSel = 0;
        queueSel = 0;
        lower(-1);
    }

    private synchronized int readRegister(int offset) {
        boolean queue = control.hasQueue(queueSel);
        return switch (offset) {
            case MAGIC_VALUE -> MAGIC;
            case VERSION -> LAYOUT_VERSION;
            case DEVICE_ID -> control.device().deviceId();
            case VENDOR_ID -> VENDOR;
            case DEVICE_FEATURES -> control.deviceFeatures(deviceFeaturesSel);
            case QUEUE_SIZE_MAX -> queue ? control.maxQueueSize(queueSel) : 0;
            case QUEUE_READY -> queue && control.queueReady(queueSel) ? 1 : 0;
            case INTERRUPT_STATUS -> interruptStatus();
            case STATUS -> control.status();
            case SHM_LEN_LOW, SHM_LEN_HIGH, SHM_BASE_LOW, SHM_BASE_HIGH -> -1; // 4.2.2: no such region
            case QUEUE_RESET -> 0; // done when the write returns
            case CONFIG_GENERATION -> control.configGeneration();
            default -> 0;
        };
    }

    private synchronized void writeRegister(int offset, int value) {
        switch (offset) {
            case DEVICE_FEATURES_SEL -> deviceFeaturesSel = value;
            case DRIVER_FEATURES -> control.writeDriverFeatures(driverFeaturesSel, value);
            case DRIVER_FEATURES_SEL -> driverFeaturesSel = value;
            case QUEUE_SEL -> queueSel = value;
            case INTERRUPT_ACK -> lower(value);
            case STATUS -> writeStatus(value);
            default -> {
                if (control.hasQueue(queueSel)) writeQueueRegister(offset, value);
            }
        }
    }

    private void writeQueueRegister(int offset, int value) {
        int q = queueSel;
        switch (offset) {
            case QUEUE_SIZE -> control.setQueueSize(q, value);
            case QUEUE_READY -> {
                if ((value & 1) != 0) {
                    control.enableQueue(q);
                } else {
                    control.resetQueue(q);
                }
            }
            case QUEUE_RESET -> {
                if ((value & 1) != 0) control.resetQueue(q);
            }
            case QUEUE_DESC_LOW -> control.setQueueDesc(q, withLow(control.queueDesc(q), value));
            case QUEUE_DESC_HIGH -> control.setQueueDesc(q, withHigh(control.queueDesc(q), value));
            case QUEUE_DRIVER_LOW -> control.setQueueDriver(q, withLow(control.queueDriver(q), value));
            case QUEUE_DRIVER_HIGH -> control.setQueueDriver(q, withHigh(control.queueDriver(q), value));
            case QUEUE_DEVICE_LOW -> control.setQueueDevice(q, withLow(control.queueDevice(q), value));
            case QUEUE_DEVICE_HIGH -> control.setQueueDevice(q, withHigh(control.queueDevice(q), value));
            default -> {}
        }
    }

    private void writeStatus(int value) {
        control.writeStatus(value);
        if ((value & 0xff) == 0) lower(-1);
    }

    static long withLow(long old, int low) {
        return old & -1L << 32 | low & 0xffff_ffffL;
    }

    static long withHigh(long old, int high) {
        return old & 0xffff_ffffL | (long) high << 32;
    }

    private int interruptStatus() {
        synchronized (irqLock) {
            return interruptStatus;
        }
    }

    private void raise(int cause) {
        synchronized (irqLock) {
            interruptStatus |= cause;
            irq.set(true);
        }
    }

    private void lower(int causes) {
        synchronized (irqLock) {
            interruptStatus &= ~causes;
            irq.set(interruptStatus != 0);
        }
    }

    private final class Interrupts implements VirtioInterrupts {
        @Override
        public void queue(int index) {
            raise(USED_BUFFER);
        }

        @Override
        public void configuration() {
            raise(CONFIGURATION_CHANGE);
        }
    }
}
