package io.kahvem.devices.chipset;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciFunction;
import io.kahvem.devices.pci.PciHost;
import org.jspecify.annotations.Nullable;

/// The host bridge at 00:00.0: Intel's Q35 memory controller hub (Intel 3 Series data sheet, 5.1), as far as firmware programs it: where
/// memory-mapped configuration is (PCIEXBAR), the shadow RAM (PAM), and SMRAM, which is kept and does nothing: there is no SMM.
public final class HostBridge extends PciFunction {
    /// Ids by which SeaBIOS and OVMF know that the machine is not of metal.
    public static final int SUBSYSTEM_VENDOR = 0x1af4;
    public static final int SUBSYSTEM = 0x1100;
    /// Where PCIEXBAR is before the guest sets it, where nobody else does.
    public static final long DEFAULT_ECAM = 0xb000_0000L;

    private static final int INTEL = 0x8086;
    private static final int Q35_MCH = 0x29c0;
    private static final int CLASS_HOST_BRIDGE = 0x06_00_00;

    private static final int PCIEXBAR = 0x60;
    private static final int PCIEXBAREN = 1;
    private static final long PCIEXBAR_BASE = 0xf_fc00_0000L;
    private static final int PAM0 = 0x90;
    private static final int SMRAM = 0x9d;
    private static final int ESMRAMC = 0x9e;

    private final IoBus mmio;
    private final IoDevice ecam;
    private final ShadowRam shadow;
    private IoBus.@Nullable Claim claim;
    private long ecamBase;
    private long ecamBytes;

    /// @param ecam memory-mapped configuration space
    /// @param configured whether it starts as firmware leaves it: with configuration space mapped, and all shadow RAM to read and write
    public HostBridge(IoBus mmio, IoDevice ecam, ShadowRam shadow, boolean configured) {
        super(INTEL, Q35_MCH, CLASS_HOST_BRIDGE, 2);
        this.mmio = mmio;
        this.ecam = ecam;
        this.shadow = shadow;
        initialize(COMMAND, 2, COMMAND_MEMORY | COMMAND_BUS_MASTER); // both hardwired
        initialize(SUBSYSTEM_VENDOR_ID, 2, SUBSYSTEM_VENDOR);
        initialize(SUBSYSTEM_ID, 2, SUBSYSTEM);
        writable(PCIEXBAR, 4, 0xfc00_0007);
        writable(PCIEXBAR + 4, 4, 0xf);
        writable(PAM0, 1, 0x30);
        for (int i = 1; i < ShadowRam.REGISTERS; i++) writable(PAM0 + i, 1, ShadowRam.ALL_RAM);
        initialize(SMRAM, 1, 0x02);
        writable(SMRAM, 1, 0x78);
        initialize(ESMRAMC, 1, 0x38);
        writable(ESMRAMC, 1, 0x87);
        if (configured) {
            initialize(PCIEXBAR, 4, (int) DEFAULT_ECAM | PCIEXBAREN);
            initialize(PAM0, 1, 0x30);
            for (int i = 1; i < ShadowRam.REGISTERS; i++) initialize(PAM0 + i, 1, ShadowRam.ALL_RAM);
        }
    }

    /// Where memory-mapped configuration begins now, or 0 where it is off.
    public synchronized long ecamBase() {
        return ecamBase;
    }

    /// How many buses it reaches: 256, 128 or 64.
    public synchronized int ecamBuses() {
        return (int) (ecamBytes / PciHost.ECAM_BYTES_PER_BUS);
    }

    @Override
    public synchronized void reset() {
        super.reset();
        follow();
    }

    @Override
    protected void configWritten(int offset, int size) {
        follow();
    }

    private void follow() {
        for (int i = 0; i < ShadowRam.REGISTERS; i++) shadow.set(i, config(PAM0 + i, 1));
        int low = config(PCIEXBAR, 4);
        long bytes = 256 * PciHost.ECAM_BYTES_PER_BUS >> (low >> 1 & 3);
        long base = (low & 0xffff_ffffL | (long) config(PCIEXBAR + 4, 4) << 32) & PCIEXBAR_BASE & -bytes;
        long wanted = (low & PCIEXBAREN) != 0 ? base : 0;
        if (wanted == ecamBase && bytes == ecamBytes) return;
        if (claim != null) mmio.release(claim);
        claim = wanted == 0 ? null : mmio.claim("PCI ECAM", wanted, bytes, ecam);
        ecamBase = wanted;
        ecamBytes = bytes;
    }
}
