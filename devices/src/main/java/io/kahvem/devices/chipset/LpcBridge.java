package io.kahvem.devices.chipset;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciFunction;
import org.jspecify.annotations.Nullable;

/// The LPC interface of an ICH9 at 00:1f.0 (ICH9 data sheet, chapter 13): where the ACPI ports are (PMBASE), how PCI's interrupts are
/// routed to the 8259 pair (PIRQx_ROUT), and RCBA, behind which nothing is.
final class LpcBridge extends PciFunction {
    static final int SLOT = 31;
    /// The first of PIRQA_ROUT to PIRQD_ROUT, four bytes, and of PIRQE_ROUT to PIRQH_ROUT.
    static final int PIRQA_ROUT = 0x60;
    static final int PIRQE_ROUT = 0x68;

    private static final int INTEL = 0x8086;
    private static final int ICH9_LPC = 0x2918;
    private static final int CLASS_ISA_BRIDGE = 0x06_01_00;

    private static final int PMBASE = 0x40;
    private static final int ACPI_CNTL = 0x44;
    private static final int ACPI_EN = 1 << 7;
    private static final int RCBA = 0xf0;
    private static final int PIRQ_WRITABLE = 0x8f;

    private final IoBus ports;
    private final IoDevice pm;
    private final PirqRouter pirqs;
    private IoBus.@Nullable Claim claim;
    private int pmBase;

    LpcBridge(IoBus ports, IoDevice pm, PirqRouter pirqs) {
        super(INTEL, ICH9_LPC, CLASS_ISA_BRIDGE, 2);
        this.ports = ports;
        this.pm = pm;
        this.pirqs = pirqs;
        initialize(COMMAND, 2, COMMAND_IO | COMMAND_MEMORY | COMMAND_BUS_MASTER); // hardwired
        initialize(HEADER_TYPE, 1, HEADER_MULTI_FUNCTION);
        initialize(SUBSYSTEM_VENDOR_ID, 2, HostBridge.SUBSYSTEM_VENDOR);
        initialize(SUBSYSTEM_ID, 2, HostBridge.SUBSYSTEM);
        initialize(PMBASE, 4, PcChipset.ACPI_PM_PORT | 1);
        writable(PMBASE, 4, 0xff80);
        initialize(ACPI_CNTL, 1, ACPI_EN);
        writable(ACPI_CNTL, 1, ACPI_EN | 7);
        writable(RCBA, 4, 0xffff_c001);
        for (int i = 0; i < PirqRouter.PIRQS; i++) {
            initialize(routing(i), 1, PirqRouter.NOT_ROUTED);
            writable(routing(i), 1, PIRQ_WRITABLE);
        }
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

    private static int routing(int pirq) {
        return pirq < 4 ? PIRQA_ROUT + pirq : PIRQE_ROUT + pirq - 4;
    }

    private void follow() {
        for (int i = 0; i < PirqRouter.PIRQS; i++) pirqs.route(i, config(routing(i), 1));
        int wanted = (config(ACPI_CNTL, 1) & ACPI_EN) != 0 ? config(PMBASE, 4) & 0xff80 : 0;
        if (wanted == pmBase) return;
        if (claim != null) ports.release(claim);
        claim = wanted == 0 ? null : ports.claim("ACPI PM", wanted, AcpiPm.WINDOW_PORTS, pm);
        pmBase = wanted;
    }
}
