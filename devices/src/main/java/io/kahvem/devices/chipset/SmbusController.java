package io.kahvem.devices.chipset;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.pci.PciFunction;
import java.util.Arrays;

/// The SMBus controller of an ICH9 at 00:1f.3 (ICH9 data sheet, chapter 19) as host of a bus that nothing is on: whatever address a
/// command goes to, nobody acknowledges it, and it ends at once with DEV_ERR. Its registers are in the I/O window alone.
///
/// Lock: this object's monitor, as for configuration space.
final class SmbusController extends PciFunction {
    static final int FUNCTION = 3;

    private static final int INTEL = 0x8086;
    private static final int ICH9_SMBUS = 0x2930;
    private static final int CLASS_SMBUS = 0x0c_05_00;
    private static final int SMB_BASE = 4;
    private static final int WINDOW_PORTS = 32;

    // 19.1, configuration space
    private static final int HOSTC = 0x40;
    private static final int HOSTC_HST_EN = 1;
    private static final int HOSTC_SMB_SMI_EN = 1 << 1;
    private static final int HOSTC_I2C_EN = 1 << 2;
    private static final int HOSTC_SSRESET = 1 << 3;

    // 19.2, the I/O window
    private static final int HST_STS = 0x00;
    private static final int HST_CNT = 0x02;
    private static final int HOST_BLOCK_DB = 0x07;
    private static final int AUX_STS = 0x0c;
    private static final int AUX_CTL = 0x0d;
    private static final int SMLINK_PIN_CTL = 0x0e;
    private static final int SMBUS_PIN_CTL = 0x0f;
    private static final int RCV_SLVA = 0x09;
    private static final int SLV_STS = 0x10;

    private static final int STS_INUSE = 1 << 6;
    private static final int STS_FAILED = 1 << 4;
    private static final int STS_DEV_ERR = 1 << 2;
    /// All that ends a command or tells of one, which writing ones clears.
    private static final int STS_CLEARABLE = 0xbe;
    private static final int CNT_START = 1 << 6;
    private static final int CNT_KILL = 1 << 1;
    private static final int CNT_INTREN = 1;
    private static final int AUX_CTL_E32B = 1 << 1;
    private static final int RCV_SLVA_DEFAULT = 0x44;
    /// Both wires are high, and the clock is not held.
    private static final int PIN_CTL_IDLE = 7;
    private static final int BLOCK_BYTES = 32;

    private final byte[] registers = new byte[WINDOW_PORTS];
    private final byte[] block = new byte[BLOCK_BYTES];
    private int blockIndex;

    SmbusController() {
        super(INTEL, ICH9_SMBUS, CLASS_SMBUS, 2);
        initialize(SUBSYSTEM_VENDOR_ID, 2, HostBridge.SUBSYSTEM_VENDOR);
        initialize(SUBSYSTEM_ID, 2, HostBridge.SUBSYSTEM);
        writable(HOSTC, 1, HOSTC_HST_EN | HOSTC_SMB_SMI_EN | HOSTC_I2C_EN | HOSTC_SSRESET);
        interruptPin(1);
        registers(SMB_BASE, BarKind.IO, WINDOW_PORTS, new HostRegisters());
        resetHost();
    }

    @Override
    public synchronized void reset() {
        resetHost();
        super.reset();
    }

    @Override
    protected void configWritten(int offset, int size) {
        int hostc = config(HOSTC, 1);
        if ((hostc & HOSTC_SSRESET) == 0) return;
        setConfig(HOSTC, 1, hostc & ~HOSTC_SSRESET);
        resetHost();
    }

    private synchronized void resetHost() {
        Arrays.fill(registers, (byte) 0);
        registers[RCV_SLVA] = RCV_SLVA_DEFAULT;
        blockIndex = 0;
        interrupt();
    }

    private void interrupt() {
        setIntx((registers[HST_STS] & STS_CLEARABLE) != 0 && (registers[HST_CNT] & CNT_INTREN) != 0);
    }

    private synchronized int readHost(int offset) {
        int value = registers[offset] & 0xff;
        return switch (offset) {
            case HST_STS -> {
                registers[HST_STS] |= STS_INUSE; // a semaphore: who reads 0 has it
                yield value;
            }
            case HST_CNT -> {
                blockIndex = 0;
                yield value;
            }
            case HOST_BLOCK_DB -> block[nextInBlock()] & 0xff;
            case SMLINK_PIN_CTL, SMBUS_PIN_CTL -> PIN_CTL_IDLE;
            default -> value;
        };
    }

    private synchronized void writeHost(int offset, int value) {
        switch (offset) {
            case HST_STS -> registers[HST_STS] &= (byte) ~(value & (STS_CLEARABLE | STS_INUSE));
            case HST_CNT -> {
                registers[HST_CNT] = (byte) (value & ~CNT_START);
                if ((value & CNT_KILL) != 0) registers[HST_STS] |= STS_FAILED;
                else if ((value & CNT_START) != 0 && (config(HOSTC, 1) & HOSTC_HST_EN) != 0) registers[HST_STS] |= STS_DEV_ERR;
            }
            case HOST_BLOCK_DB -> block[nextInBlock()] = (byte) value;
            case AUX_STS, SLV_STS -> registers[offset] &= (byte) ~value;
            case SMLINK_PIN_CTL, SMBUS_PIN_CTL -> { } // the wires stay as they are
            default -> registers[offset] = (byte) value;
        }
        interrupt();
    }

    /// One byte at a time, or with E32B the next of a buffer that a read of HST_CNT begins anew.
    private int nextInBlock() {
        if ((registers[AUX_CTL] & AUX_CTL_E32B) == 0) return 0;
        int at = blockIndex;
        blockIndex = (at + 1) % BLOCK_BYTES;
        return at;
    }

    private final class HostRegisters implements IoDevice {
        @Override
        public long read(long offset, int size) {
            return readHost((int) offset);
        }

        @Override
        public void write(long offset, int size, long value) {
            writeHost((int) offset, (int) value);
        }

        @Override
        public int widestAccess() {
            return 1;
        }
    }
}
