package io.kahvem.devices.chipset;

import io.kahvem.devices.Device;
import io.kahvem.devices.InterruptLine;

/// How PCI's interrupt pins reach the CPUs: slots' pins on PIRQA# to PIRQH#, each of which is an input of the I/O APIC and, where the
/// guest routes it, a request of the 8259 pair (ICH9 data sheet, 5.8.6 and 13.1.9 to 13.1.17). Lines are level-triggered and shared.
///
/// Lock: this object's monitor; it drives the interrupt controllers under it.
final class PirqRouter implements Device {
    static final int PIRQS = 8;
    /// The input of the I/O APIC that PIRQA# is wired to.
    static final int FIRST_GSI = 16;
    /// In a routing register: not routed.
    static final int NOT_ROUTED = 0x80;

    /// Slots from here up have their pins on PIRQA# to PIRQD#; those below, on PIRQE# to PIRQH# in turn.
    private static final int FIRST_CHIPSET_SLOT = 25;

    private final Pic8259 pic;
    private final IoApic ioApic;
    private final int[] asserted = new int[PIRQS];
    private final int[] routes = {NOT_ROUTED, NOT_ROUTED, NOT_ROUTED, NOT_ROUTED, NOT_ROUTED, NOT_ROUTED, NOT_ROUTED, NOT_ROUTED};
    /// A bit each ISA request: what the board's own devices drive, and what the controller was told.
    private int isaLevels;
    private int picLevels;

    PirqRouter(Pic8259 pic, IoApic ioApic) {
        this.pic = pic;
        this.ioApic = ioApic;
    }

    /// The PIRQ, 0 to 7, of a slot of bus 0.
    ///
    /// @param pin 1 (INTA#) to 4
    static int pirqOf(int slot, int pin) {
        return slot >= FIRST_CHIPSET_SLOT ? pin - 1 : 4 + (slot + pin - 1) % 4;
    }

    /// A line of its own for one pin of one function of that slot.
    InterruptLine line(int slot, int pin) {
        int pirq = pirqOf(slot, pin);
        return level -> set(pirq, level);
    }

    /// A line of its own for another device on one of the I/O APIC's inputs 16 to 23.
    InterruptLine input(int gsi) {
        return level -> set(gsi - FIRST_GSI, level);
    }

    /// The level of an ISA request that a device of the board drives.
    synchronized void setIsa(int irq, boolean level) {
        isaLevels = level ? isaLevels | 1 << irq : isaLevels & ~(1 << irq);
        drivePic(irq);
    }

    /// Writes a PIRQ's routing register: an ISA request, or [#NOT_ROUTED].
    synchronized void route(int pirq, int value) {
        int old = routes[pirq];
        routes[pirq] = value;
        drivePic(old & 15);
        drivePic(value & 15);
    }

    @Override
    public synchronized void reset() {
        for (int pirq = 0; pirq < PIRQS; pirq++) route(pirq, NOT_ROUTED);
    }

    /// `level` is that of one of the line's drivers, which tells only of changes.
    private synchronized void set(int pirq, boolean level) {
        asserted[pirq] += level ? 1 : -1;
        ioApic.setInput(FIRST_GSI + pirq, asserted[pirq] > 0);
        if ((routes[pirq] & NOT_ROUTED) == 0) drivePic(routes[pirq] & 15);
    }

    private void drivePic(int irq) {
        boolean level = (isaLevels & 1 << irq) != 0;
        for (int pirq = 0; pirq < PIRQS; pirq++) level |= routes[pirq] == irq && asserted[pirq] > 0;
        if (level == ((picLevels & 1 << irq) != 0)) return;
        picLevels ^= 1 << irq;
        pic.setIrq(irq, level);
    }
}
