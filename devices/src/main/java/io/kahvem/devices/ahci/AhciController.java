package io.kahvem.devices.ahci;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.pci.Msi;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An AHCI 1.3.1 host bus adapter, with the ids of Intel's ICH9: six ports of 32 command slots, native command queuing, 64-bit
/// addresses.
///
/// Lock: `interruptLock` for what the ports' interrupts come to, taken after a port's. Each port has its own.
public final class AhciController extends PciFunction {
    public static final int PORTS = 6;

    private static final int INTEL = 0x8086;
    private static final int ICH9_AHCI = 0x2922;
    private static final int CLASS_SATA_AHCI = 0x01_06_01;
    private static final int REVISION = 2;
    private static final int SUBSYSTEM_QEMU = 0x1af4;
    private static final int SUBSYSTEM = 0x1100;
    private static final int ABAR = 5;
    private static final int ABAR_BYTES = 0x1000;

    // 3.1, generic host control
    private static final int CAP = 0x00;
    private static final int GHC = 0x04;
    private static final int IS = 0x08;
    private static final int PI = 0x0c;
    private static final int VS = 0x10;
    private static final int PORT_BASE = 0x100;
    private static final int PORT_BYTES = 0x80;

    private static final int CAP_S64A = 1 << 31;
    private static final int CAP_SNCQ = 1 << 30;
    private static final int CAP_SCLO = 1 << 24;
    private static final int CAP_ISS_GEN3 = 3 << 20;
    private static final int CAP_SAM = 1 << 18;
    private static final int GHC_AE = 1 << 31;
    private static final int GHC_IE = 1 << 1;
    private static final int GHC_HR = 1;
    private static final int VERSION = 0x0001_0301;

    private final AhciPort[] ports = new AhciPort[PORTS];
    private final Msi msi;
    private final Object interruptLock = new Object();
    private boolean interruptsEnabled;
    private int pendingPorts;

    /// @param devices what is at the ports, from the first on; null where nothing is
    public AhciController(List<? extends @Nullable SataDevice> devices, GuestMemory memory) {
        super(INTEL, ICH9_AHCI, CLASS_SATA_AHCI, REVISION);
        if (devices.size() > PORTS) throw new IllegalArgumentException(devices.size() + " devices");
        initialize(SUBSYSTEM_VENDOR_ID, 2, SUBSYSTEM_QEMU);
        initialize(SUBSYSTEM_ID, 2, SUBSYSTEM);
        interruptPin(1);
        msi = msi(1);
        List<@Nullable SataDevice> all = new ArrayList<>(devices);
        for (int n = 0; n < PORTS; n++) ports[n] = new AhciPort(this, n, n < all.size() ? all.get(n) : null, memory);
        registers(ABAR, BarKind.MEMORY_32, ABAR_BYTES, new Registers());
    }

    @Override
    public void reset() {
        resetHost();
        super.reset();
    }

    private void resetHost() {
        for (AhciPort port : ports) port.reset();
        synchronized (interruptLock) {
            interruptsEnabled = false;
            pendingPorts = 0;
            setIntx(false);
        }
    }

    /// A port's enabled interrupts have come or gone. Called under the port's lock.
    void portInterrupt(int port, boolean pending) {
        synchronized (interruptLock) {
            pendingPorts = pending ? pendingPorts | 1 << port : pendingPorts & ~(1 << port);
            signal(pending);
        }
    }

    private void signal(boolean event) {
        boolean active = interruptsEnabled && pendingPorts != 0;
        if (msi.enabled()) {
            if (active && event) msi.signal(0);
        } else {
            setIntx(active);
        }
    }

    private int readHost(int offset) {
        synchronized (interruptLock) {
            return switch (offset) {
                case CAP -> CAP_S64A | CAP_SNCQ | CAP_SCLO | CAP_ISS_GEN3 | CAP_SAM | AhciPort.SLOTS - 1 << 8 | PORTS - 1;
                case GHC -> GHC_AE | (interruptsEnabled ? GHC_IE : 0);
                case IS -> pendingPorts;
                case PI -> (1 << PORTS) - 1;
                case VS -> VERSION;
                default -> 0;
            };
        }
    }

    private void writeHost(int offset, int value) {
        if (offset == GHC && (value & GHC_HR) != 0) {
            resetHost();
        } else if (offset == GHC) {
            synchronized (interruptLock) {
                interruptsEnabled = (value & GHC_IE) != 0;
                signal(true);
            }
        } else if (offset == IS) {
            // 3.1.3: a bit follows its port, whose own status was cleared before.
            for (AhciPort port : ports) port.updateInterrupt();
        }
    }

    private final class Registers implements IoDevice {
        @Override
        public int widestAccess() {
            return 4;
        }

        @Override
        public long read(long offset, int size) {
            int at = (int) offset & ~3;
            int word = 0;
            if (at < PORT_BASE) {
                word = readHost(at);
            } else if (at < PORT_BASE + PORTS * PORT_BYTES) {
                word = ports[(at - PORT_BASE) / PORT_BYTES].read((at - PORT_BASE) % PORT_BYTES);
            }
            return (word & 0xffff_ffffL) >>> 8 * (offset & 3);
        }

        @Override
        public void write(long offset, int size, long value) {
            int at = (int) offset;
            if (size != 4) return; // 3: registers are written whole
            if (at < PORT_BASE) {
                writeHost(at, (int) value);
            } else if (at < PORT_BASE + PORTS * PORT_BYTES) {
                ports[(at - PORT_BASE) / PORT_BYTES].write((at - PORT_BASE) % PORT_BYTES, (int) value);
            }
        }
    }
}
