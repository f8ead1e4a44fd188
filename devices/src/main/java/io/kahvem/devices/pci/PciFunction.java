package io.kahvem.devices.pci;

import io.kahvem.devices.Device;

/// One PCI function: 256 bytes of configuration space (PCI Local Bus 3.0, chapter 6) and which of their bits a guest may write.
///
/// A device fills the read-only part in its constructor, opens bits with [#writable], and learns of writes by [#configWritten].
///
/// Lock: this object's monitor.
public abstract class PciFunction implements Device {
    public static final int CONFIG_BYTES = 256;

    public static final int VENDOR_ID = 0x00;
    public static final int DEVICE_ID = 0x02;
    public static final int COMMAND = 0x04;
    public static final int STATUS = 0x06;
    public static final int REVISION_ID = 0x08;
    public static final int CLASS_CODE = 0x09;
    public static final int HEADER_TYPE = 0x0e;
    public static final int BAR0 = 0x10;
    public static final int SUBSYSTEM_VENDOR_ID = 0x2c;
    public static final int SUBSYSTEM_ID = 0x2e;
    public static final int CAPABILITIES = 0x34;
    public static final int INTERRUPT_LINE = 0x3c;
    public static final int INTERRUPT_PIN = 0x3d;

    private final byte[] config = new byte[CONFIG_BYTES];
    private final byte[] initial = new byte[CONFIG_BYTES];
    private final byte[] writeMask = new byte[CONFIG_BYTES];

    /// @param classCode base class, subclass and programming interface, 24 bits
    protected PciFunction(int vendorId, int deviceId, int classCode, int revision) {
        initialize(VENDOR_ID, 2, vendorId);
        initialize(DEVICE_ID, 2, deviceId);
        initialize(REVISION_ID, 1, revision);
        initialize(CLASS_CODE, 3, classCode);
    }

    /// Reads 1, 2 or 4 bytes at a naturally aligned offset.
    public final synchronized int readConfig(int offset, int size) {
        return get(config, offset, size);
    }

    /// Writes 1, 2 or 4 bytes at a naturally aligned offset; bits that are not writable stay.
    public final synchronized void writeConfig(int offset, int size, int value) {
        for (int i = 0; i < size; i++) {
            int mask = writeMask[offset + i];
            config[offset + i] = (byte) (config[offset + i] & ~mask | value >> (8 * i) & mask);
        }
        configWritten(offset, size);
    }

    @Override
    public synchronized void reset() {
        System.arraycopy(initial, 0, config, 0, CONFIG_BYTES);
    }

    /// Sets what a register holds from reset on; for constructors.
    protected final void initialize(int offset, int size, int value) {
        for (int i = 0; i < size; i++) {
            initial[offset + i] = (byte) (value >> (8 * i));
            config[offset + i] = initial[offset + i];
        }
    }

    /// Opens these bits of a register to the guest; for constructors.
    protected final void writable(int offset, int size, int mask) {
        for (int i = 0; i < size; i++) writeMask[offset + i] = (byte) (mask >> (8 * i));
    }

    /// A guest has written here; called under the function's lock.
    protected void configWritten(int offset, int size) {}

    private static int get(byte[] from, int offset, int size) {
        int value = 0;
        for (int i = 0; i < size; i++) value |= (from[offset + i] & 0xff) << (8 * i);
        return value;
    }
}
