package io.kahvem.devices.virtio.transport;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.pci.MsiX;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.devices.virtio.VirtioControl;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.VirtioInterrupts;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;

/// A virtio device as a PCI function (virtio 1.2, 4.1), of the modern interface alone: capabilities that lead into BAR 4, MSI-X with a
/// vector for each queue and one for the configuration, the pin where the driver uses no MSI-X.
///
/// Lock: `selectors` for the selectors and vectors, `isrLock` for the ISR status, each taken last but for the pin's and MSI-X's own.
public final class VirtioPci extends PciFunction {
    private static final int VENDOR = 0x1af4;
    private static final int MODERN_DEVICE_BASE = 0x1040;
    private static final int MODERN_SUBSYSTEM = 0x1100;
    private static final int REVISION = 1;

    private static final int MSIX_BAR = 1;
    private static final int STRUCTURES_BAR = 4;
    private static final int STRUCTURES_BYTES = 0x4000;
    private static final int COMMON = 0x0000;
    private static final int ISR = 0x1000;
    private static final int DEVICE = 0x2000;
    private static final int NOTIFY = 0x3000;
    private static final int STRUCTURE_BYTES = 0x1000;
    private static final int NOTIFY_OFF_MULTIPLIER = 4;

    // 4.1.4: struct virtio_pci_cap
    private static final int CAP_VENDOR = 0x09;
    private static final int CAP_BYTES = 16;
    private static final int CAP_COMMON_CFG = 1;
    private static final int CAP_NOTIFY_CFG = 2;
    private static final int CAP_ISR_CFG = 3;
    private static final int CAP_DEVICE_CFG = 4;
    private static final int CAP_PCI_CFG = 5;
    private static final int CAP_BAR = 4;
    private static final int CAP_OFFSET = 8;
    private static final int CAP_LENGTH = 12;
    private static final int PCI_CFG_DATA = 16;

    // 4.1.4.3: struct virtio_pci_common_cfg
    private static final int DEVICE_FEATURE_SELECT = 0x00;
    private static final int DEVICE_FEATURE = 0x04;
    private static final int DRIVER_FEATURE_SELECT = 0x08;
    private static final int DRIVER_FEATURE = 0x0c;
    private static final int CONFIG_MSIX_VECTOR = 0x10;
    private static final int DEVICE_STATUS = 0x14;
    private static final int QUEUE_SELECT = 0x16;
    private static final int QUEUE_SIZE = 0x18;
    private static final int QUEUE_MSIX_VECTOR = 0x1a;
    private static final int QUEUE_ENABLE = 0x1c;
    private static final int QUEUE_DESC = 0x20;
    private static final int QUEUE_DRIVER = 0x28;
    private static final int QUEUE_DEVICE = 0x30;
    private static final int QUEUE_NOTIFY_DATA = 0x38;
    private static final int QUEUE_RESET = 0x3a;
    private static final int COMMON_BYTES = 0x3c;

    private static final int NO_VECTOR = 0xffff;
    private static final int ISR_QUEUE = 1;
    private static final int ISR_CONFIGURATION = 2;

    private final VirtioControl control;
    private final MsiX msiX;
    private final int pciCfg;
    private final int[] queueVectors;
    private final Object selectors = new Object();
    private final Object isrLock = new Object();
    private volatile int configVector = NO_VECTOR;
    private int deviceFeatureSelect;
    private int driverFeatureSelect;
    private int queueSelect;
    private int isr;

    public VirtioPci(VirtioDevice device, GuestMemory memory) {
        super(VENDOR, MODERN_DEVICE_BASE + device.deviceId(), classCode(device.deviceId()), REVISION);
        initialize(SUBSYSTEM_VENDOR_ID, 2, VENDOR);
        initialize(SUBSYSTEM_ID, 2, MODERN_SUBSYSTEM);
        control = new VirtioControl(device, memory, new Interrupts());
        queueVectors = new int[control.queueCount()];
        Arrays.fill(queueVectors, NO_VECTOR);
        interruptPin(1);
        msiX = msiX(control.queueCount() + 1, MSIX_BAR);
        registers(STRUCTURES_BAR, BarKind.PREFETCHABLE_64, STRUCTURES_BYTES, new Structures());
        structure(CAP_COMMON_CFG, CAP_BYTES, COMMON, STRUCTURE_BYTES);
        structure(CAP_ISR_CFG, CAP_BYTES, ISR, STRUCTURE_BYTES);
        structure(CAP_DEVICE_CFG, CAP_BYTES, DEVICE, STRUCTURE_BYTES);
        int notify = structure(CAP_NOTIFY_CFG, CAP_BYTES + 4, NOTIFY, STRUCTURE_BYTES);
        initialize(notify + CAP_BYTES, 4, NOTIFY_OFF_MULTIPLIER);
        pciCfg = structure(CAP_PCI_CFG, CAP_BYTES + 4, 0, 0);
        writable(pciCfg + CAP_BAR, 1, 0xff);
        writable(pciCfg + CAP_OFFSET, 4, -1);
        writable(pciCfg + CAP_LENGTH, 4, -1);
        writable(pciCfg + PCI_CFG_DATA, 4, -1);
    }

    public VirtioControl control() {
        return control;
    }

    /// Class codes by device ID, as QEMU gives them, for operating systems that look at no more.
    private static int classCode(int deviceId) {
        return switch (deviceId) {
            case 1 -> 0x02_00_00; // network
            case 2, 8 -> 0x01_00_00; // storage
            case 3 -> 0x07_80_00; // communication
            default -> 0x00_ff_00;
        };
    }

    private int structure(int type, int bytes, int offset, int length) {
        int at = capability(CAP_VENDOR, bytes);
        initialize(at + 2, 1, bytes);
        initialize(at + 3, 1, type);
        initialize(at + CAP_BAR, 1, type == CAP_PCI_CFG ? 0 : STRUCTURES_BAR);
        initialize(at + CAP_OFFSET, 4, offset);
        initialize(at + CAP_LENGTH, 4, length);
        return at;
    }

    @Override
    public void reset() {
        control.reset();
        synchronized (selectors) {
            deviceFeatureSelect = 0;
            driverFeatureSelect = 0;
            queueSelect = 0;
        }
        forgetInterrupts();
        super.reset();
    }

    private void forgetInterrupts() {
        synchronized (selectors) {
            configVector = NO_VECTOR;
            Arrays.fill(queueVectors, NO_VECTOR);
        }
        takeIsr();
    }

    /// 4.1.4.9: a window through configuration space into BAR 4, for who cannot reach it.
    @Override
    protected int configRead(int offset, int size, int value) {
        return inPciCfg(offset, size) ? (int) new Structures().read(config(pciCfg + CAP_OFFSET, 4), size) : value;
    }

    @Override
    protected void configWritten(int offset, int size) {
        if (inPciCfg(offset, size)) new Structures().write(config(pciCfg + CAP_OFFSET, 4), size, config(pciCfg + PCI_CFG_DATA, size));
    }

    private boolean inPciCfg(int offset, int size) {
        if (offset != pciCfg + PCI_CFG_DATA || config(pciCfg + CAP_BAR, 1) != STRUCTURES_BAR) return false;
        int at = config(pciCfg + CAP_OFFSET, 4);
        return config(pciCfg + CAP_LENGTH, 4) == size && (at & size - 1) == 0 && at >= 0 && at + size <= STRUCTURES_BYTES;
    }

    private int takeIsr() {
        synchronized (isrLock) {
            int taken = isr;
            isr = 0;
            setIntx(false);
            return taken;
        }
    }

    private final class Structures implements IoDevice {
        @Override
        public int widestAccess() {
            return 4;
        }

        @Override
        public long read(long offset, int size) {
            int at = (int) offset & STRUCTURE_BYTES - 1;
            return switch ((int) offset & -STRUCTURE_BYTES) {
                case COMMON -> at < COMMON_BYTES ? readCommon(at & ~3) >>> 8 * (at & 3) : 0;
                case ISR -> at == 0 ? takeIsr() : 0;
                case DEVICE -> control.readConfig(at, size);
                default -> 0;
            };
        }

        @Override
        public void write(long offset, int size, long value) {
            int at = (int) offset & STRUCTURE_BYTES - 1;
            switch ((int) offset & -STRUCTURE_BYTES) {
                case COMMON -> writeCommon(at, size, (int) value);
                case DEVICE -> control.writeConfig(at, size, value);
                case NOTIFY -> control.notifyQueue(at / NOTIFY_OFF_MULTIPLIER);
                default -> {}
            }
        }
    }

    /// The word at an aligned offset.
    private long readCommon(int at) {
        synchronized (selectors) {
            int q = queueSelect;
            boolean queue = control.hasQueue(q);
            long word = switch (at) {
                case DEVICE_FEATURE_SELECT -> deviceFeatureSelect;
                case DEVICE_FEATURE -> control.deviceFeatures(deviceFeatureSelect);
                case DRIVER_FEATURE_SELECT -> driverFeatureSelect;
                case DRIVER_FEATURE -> control.driverFeatures(driverFeatureSelect);
                case CONFIG_MSIX_VECTOR -> configVector | control.queueCount() << 16;
                case DEVICE_STATUS -> control.status() | control.configGeneration() << 8 | q << 16;
                case QUEUE_SIZE -> queue ? control.queueSize(q) | queueVectors[q] << 16 : NO_VECTOR << 16;
                case QUEUE_ENABLE -> queue ? (control.queueReady(q) ? 1 : 0) | q << 16 : 0;
                case QUEUE_DESC -> queue ? control.queueDesc(q) : 0;
                case QUEUE_DESC + 4 -> queue ? control.queueDesc(q) >>> 32 : 0;
                case QUEUE_DRIVER -> queue ? control.queueDriver(q) : 0;
                case QUEUE_DRIVER + 4 -> queue ? control.queueDriver(q) >>> 32 : 0;
                case QUEUE_DEVICE -> queue ? control.queueDevice(q) : 0;
                case QUEUE_DEVICE + 4 -> queue ? control.queueDevice(q) >>> 32 : 0;
                case QUEUE_NOTIFY_DATA -> q & 0xffff; // 4.1.4.3: and queue_reset, which is done when the write returns
                default -> 0;
            };
            return word & 0xffff_ffffL;
        }
    }

    private void writeCommon(int at, int size, int value) {
        if (at == DEVICE_STATUS && size == 1) {
            control.writeStatus(value);
            if (value == 0) forgetInterrupts();
            return;
        }
        synchronized (selectors) {
            switch (at) {
                case DEVICE_FEATURE_SELECT -> deviceFeatureSelect = value;
                case DRIVER_FEATURE_SELECT -> driverFeatureSelect = value;
                case DRIVER_FEATURE -> control.writeDriverFeatures(driverFeatureSelect, value);
                case CONFIG_MSIX_VECTOR -> configVector = vector(value);
                case QUEUE_SELECT -> queueSelect = value & 0xffff;
                default -> {
                    if (control.hasQueue(queueSelect)) writeQueue(at, queueSelect, value);
                }
            }
        }
    }

    private void writeQueue(int at, int q, int value) {
        switch (at) {
            case QUEUE_SIZE -> control.setQueueSize(q, value & 0xffff);
            case QUEUE_MSIX_VECTOR -> queueVectors[q] = vector(value);
            case QUEUE_ENABLE -> {
                if ((value & 0xffff) == 1) control.enableQueue(q);
            }
            case QUEUE_RESET -> {
                if ((value & 0xffff) == 1) control.resetQueue(q);
            }
            case QUEUE_DESC -> control.setQueueDesc(q, VirtioMmio.withLow(control.queueDesc(q), value));
            case QUEUE_DESC + 4 -> control.setQueueDesc(q, VirtioMmio.withHigh(control.queueDesc(q), value));
            case QUEUE_DRIVER -> control.setQueueDriver(q, VirtioMmio.withLow(control.queueDriver(q), value));
            case QUEUE_DRIVER + 4 -> control.setQueueDriver(q, VirtioMmio.withHigh(control.queueDriver(q), value));
            case QUEUE_DEVICE -> control.setQueueDevice(q, VirtioMmio.withLow(control.queueDevice(q), value));
            case QUEUE_DEVICE + 4 -> control.setQueueDevice(q, VirtioMmio.withHigh(control.queueDevice(q), value));
            default -> {}
        }
    }

    /// 4.1.5.1.2: a vector that is not there reads back as none.
    private int vector(int value) {
        int vector = value & 0xffff;
        return vector < msiX.vectors() ? vector : NO_VECTOR;
    }

    private final class Interrupts implements VirtioInterrupts {
        @Override
        public void queue(int index) {
            signal(queueVectors[index], ISR_QUEUE);
        }

        @Override
        public void configuration() {
            signal(configVector, ISR_CONFIGURATION);
        }

        private void signal(int vector, int cause) {
            if (msiX.enabled()) {
                if (vector != NO_VECTOR) msiX.signal(vector);
                return;
            }
            synchronized (isrLock) {
                isr |= cause;
                setIntx(true);
            }
        }
    }
}
