package io.kahvem.devices.pci;

/// A PCI-to-PCI bridge (PCI-to-PCI Bridge Architecture 1.2, chapter 3): a header of type 1 and the bus behind it.
///
/// Its windows are kept for the guest and filter nothing: what is behind it answers wherever its BARs say.
public abstract class PciBridge extends PciFunction {
    public static final int PRIMARY_BUS = 0x18;
    public static final int SECONDARY_BUS = 0x19;
    public static final int SUBORDINATE_BUS = 0x1a;
    public static final int BRIDGE_CONTROL = 0x3e;

    private static final int HEADER_TYPE_BRIDGE = 1;
    private static final int CLASS_PCI_BRIDGE = 0x06_04_00;
    private static final int SECONDARY_RESET = 1 << 6;

    private final PciBus secondary;
    private volatile int secondaryNumber;
    private volatile int subordinateNumber;
    private boolean inReset;

    /// @param slot where it will be plugged in
    /// @param primary the bus it will be plugged into
    protected PciBridge(int vendorId, int deviceId, int revision, PciBus primary, int slot, int function) {
        super(vendorId, deviceId, CLASS_PCI_BRIDGE, revision);
        PciBus.Wiring above = primary.wiring();
        // 9.1: a pin behind a bridge comes out at the bridge's slot, moved on by the number of its own slot
        PciBus.Pins pins = (behind, pin) -> above.pins().line(slot, (pin - 1 + behind) % PciBus.PINS + 1);
        secondary = new PciBus("%02x.%d/".formatted(slot, function), new PciBus.Wiring(above.ports(), above.mmio(), above.msi(), pins));
        initialize(HEADER_TYPE, 1, HEADER_TYPE_BRIDGE);
        initialize(0x1c, 2, 0x0101); // I/O base and limit of 32 bits
        initialize(0x24, 4, 0x0001_0001); // prefetchable base and limit of 64 bits
        commandBits(COMMAND_IO | COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_SERR | COMMAND_PARITY);
        writable(PRIMARY_BUS, 3, 0xff_ffff);
        writable(0x1c, 2, 0xf0f0);
        writable(0x20, 4, 0xfff0_fff0);
        writable(0x24, 4, 0xfff0_fff0);
        writable(0x28, 4, -1);
        writable(0x2c, 4, -1);
        writable(0x30, 4, -1);
        writable(BRIDGE_CONTROL, 2, 0x005f);
    }

    /// The bus behind it.
    public final PciBus secondary() {
        return secondary;
    }

    final int secondaryNumber() {
        return secondaryNumber;
    }

    /// Whether configuration cycles for this bus go through it.
    final boolean leadsTo(int number) {
        return secondaryNumber > 0 && secondaryNumber <= number && number <= subordinateNumber;
    }

    @Override
    public void reset() {
        super.reset();
        follow();
        secondary.reset();
    }

    @Override
    protected void configWritten(int offset, int size) {
        follow();
        boolean reset = (config(BRIDGE_CONTROL, 2) & SECONDARY_RESET) != 0;
        if (reset && !inReset) secondary.reset();
        inReset = reset;
    }

    private void follow() {
        secondaryNumber = config(SECONDARY_BUS, 1);
        subordinateNumber = config(SUBORDINATE_BUS, 1);
    }
}
