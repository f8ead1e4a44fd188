package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.bus.IoBus;
import io.kahvem.devices.pci.PciBus;
import io.kahvem.devices.pci.PciFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The SMBus host as firmware and Linux' i2c-i801 drive it: configuration space first, then commands to addresses where nobody is.
class SmbusControllerTest {
    private static final int BASE = 0x700;
    private static final int HOSTC = 0x40;
    private static final int HST_STS = BASE;
    private static final int HST_CNT = BASE + 2;
    private static final int XMIT_SLVA = BASE + 4;
    private static final int HST_D0 = BASE + 5;
    private static final int HOST_BLOCK_DB = BASE + 7;
    private static final int AUX_CTL = BASE + 0xd;
    private static final int START = 0x40;
    private static final int INTREN = 1;
    private static final int BYTE_DATA = 2 << 2;
    private static final int INUSE = 0x40;
    private static final int DEV_ERR = 4;
    private static final int FAILED = 0x10;

    private final Line pin = new Line();
    private final IoBus ports = new IoBus("ports");
    private final SmbusController smbus = new SmbusController();

    @BeforeEach
    void asFirmwareLeavesIt() {
        PciBus pci = new PciBus(new PciBus.Wiring(ports, new IoBus("MMIO"), (address, data) -> {}, (slot, number) -> pin));
        pci.add(LpcBridge.SLOT, SmbusController.FUNCTION, smbus);
        smbus.writeConfig(0x20, 4, BASE);
        smbus.writeConfig(PciFunction.COMMAND, 2, PciFunction.COMMAND_IO);
        smbus.writeConfig(HOSTC, 1, 1);
    }

    private int in(int port) {
        return (int) ports.read(port, 1);
    }

    private void out(int port, int value) {
        ports.write(port, 1, value);
    }

    @Test
    void itIsWhereTheDriverLooksForIt() {
        assertThat(smbus.readConfig(0, 4)).isEqualTo(0x2930_8086);
        assertThat(smbus.readConfig(8, 4) >>> 8).isEqualTo(0x0c0500);
        smbus.writeConfig(0x20, 4, -1);
        assertThat(smbus.readConfig(0x20, 4)).as("32 ports").isEqualTo(0xffff_ffe1);
        assertThat(smbus.readConfig(PciFunction.INTERRUPT_PIN, 1)).isEqualTo(1);
        smbus.writeConfig(0x20, 4, BASE);
        assertThat(in(BASE + 9)).as("RCV_SLVA").isEqualTo(0x44);
        assertThat(in(BASE + 0xf)).as("both wires are high").isEqualTo(7);
    }

    @Test
    void theFirstWhoReadsTheStatusHasTheBusUntilItGivesItBack() {
        assertThat(in(HST_STS)).isZero();
        assertThat(in(HST_STS)).isEqualTo(INUSE);
        out(HST_STS, INUSE);
        assertThat(in(HST_STS)).isZero();
    }

    @Test
    void noAddressAnswersAndTheInterruptComesIfItIsAskedFor() {
        out(XMIT_SLVA, 0x50 << 1 | 1);
        out(HST_CNT, START | BYTE_DATA);
        assertThat(in(HST_STS) & ~INUSE).isEqualTo(DEV_ERR);
        assertThat(in(HST_CNT)).as("START is not kept").isEqualTo(BYTE_DATA);
        assertThat(pin.level).isFalse();
        out(HST_STS, DEV_ERR);

        out(HST_CNT, START | BYTE_DATA | INTREN);
        assertThat(pin.level).isTrue();
        assertThat(smbus.readConfig(PciFunction.STATUS, 2) & 8).as("what i2c-i801 asks first").isEqualTo(8);
        out(HST_STS, DEV_ERR);
        assertThat(pin.level).isFalse();
        assertThat(in(HST_STS) & ~INUSE).isZero();
    }

    @Test
    void aCommandIsKilledAndOneWhileTheHostIsDisabledIsNone() {
        out(HST_CNT, 2);
        assertThat(in(HST_STS) & ~INUSE).isEqualTo(FAILED);
        out(HST_STS, FAILED);
        smbus.writeConfig(HOSTC, 1, 0);
        out(HST_CNT, START);
        assertThat(in(HST_STS) & ~INUSE).isZero();
    }

    @Test
    void theBlockBufferHasThirtyTwoBytesFromTheOneThatAReadOfTheControlBegins() {
        out(AUX_CTL, 2);
        in(HST_CNT);
        for (int n = 0; n < 32; n++) out(HOST_BLOCK_DB, n + 1);
        in(HST_CNT);
        for (int n = 0; n < 32; n++) assertThat(in(HOST_BLOCK_DB)).isEqualTo(n + 1);
        assertThat(in(HOST_BLOCK_DB)).as("and begins anew").isEqualTo(1);
    }

    @Test
    void eachResetForgetsWhatWasWritten() {
        out(HST_D0, 0x55);
        out(HST_CNT, START | INTREN);
        smbus.writeConfig(HOSTC, 1, 1 | 8);
        assertThat(smbus.readConfig(HOSTC, 1)).as("SSRESET ends by itself").isEqualTo(1);
        assertThat(in(HST_D0)).isZero();
        assertThat(pin.level).isFalse();

        out(HST_D0, 0x55);
        smbus.reset();
        assertThat(smbus.readConfig(HOSTC, 1)).isZero();
        assertThat(in(HST_D0)).as("nothing is on the bus").isEqualTo(0xff);
    }
}
