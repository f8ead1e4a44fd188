package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.IoDevice;
import io.kahvem.devices.Line;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class Pic8259Test {
    private static final int EOI = 0x20;

    private final Line intr = new Line();
    private final Pic8259 pic = new Pic8259(intr);
    private final IoDevice master = pic.masterPorts();
    private final IoDevice slave = pic.slavePorts();

    @BeforeEach
    void initialize() {
        pic.reset();
        initialize(0x01);
    }

    @Test
    void aRequestRaisesIntrAndIsAcknowledgedWithItsVector() {
        pic.setIrq(4, true);
        assertThat(intr.level).isTrue();

        assertThat(pic.acknowledge()).isEqualTo(0x34);
        assertThat(intr.level).isFalse();
        assertThat(isr(master)).isEqualTo(0x10);
        master.write(0, 1, EOI);
        assertThat(isr(master)).isZero();
        assertThat(intr.level).isFalse(); // the line is still high, but only an edge counts
        pic.setIrq(4, false);
        pic.setIrq(4, true);
        assertThat(intr.level).isTrue();
    }

    @Test
    void aRequestOfTheSlaveComesThroughTheCascade() {
        pic.setIrq(12, true);

        assertThat(pic.acknowledge()).isEqualTo(0x3c);
        assertThat(isr(master)).isEqualTo(0x04);
        assertThat(isr(slave)).isEqualTo(0x10);

        pic.setIrq(9, true); // of higher priority inside the slave, but the cascade is in service
        assertThat(intr.level).isFalse();
        slave.write(0, 1, EOI);
        master.write(0, 1, EOI);
        assertThat(pic.acknowledge()).isEqualTo(0x39);
    }

    @Test
    void twoRequestsOfTheSlaveAreBothDelivered() {
        pic.setIrq(8, true);
        pic.setIrq(14, true);

        assertThat(pic.acknowledge()).isEqualTo(0x38);
        slave.write(0, 1, EOI);
        master.write(0, 1, EOI);
        assertThat(intr.level).isTrue();
        assertThat(pic.acknowledge()).isEqualTo(0x3e);
    }

    @Test
    void theHigherPriorityInterruptsTheLowerAndNotTheOtherWayRound() {
        pic.setIrq(4, true);
        pic.acknowledge();
        pic.setIrq(5, true);
        assertThat(intr.level).isFalse();
        pic.setIrq(1, true);
        assertThat(intr.level).isTrue();
        assertThat(pic.acknowledge()).isEqualTo(0x31);
        master.write(0, 1, EOI); // ends 1
        assertThat(isr(master)).isEqualTo(0x10);
        master.write(0, 1, 0x60 | 4);
        assertThat(pic.acknowledge()).isEqualTo(0x35);
    }

    @Test
    void aMaskedRequestWaits() {
        master.write(1, 1, 0x10);
        pic.setIrq(4, true);
        assertThat(intr.level).isFalse();
        assertThat(irr(master)).isEqualTo(0x10);

        master.write(1, 1, 0);
        assertThat(intr.level).isTrue();
    }

    @Test
    void anAcknowledgeWithNothingPendingIsSpuriousAndServesNothing() {
        assertThat(pic.acknowledge()).isEqualTo(0x37);
        assertThat(isr(master)).isZero();
    }

    @Test
    void aLevelTriggeredRequestStaysUntilItsLineFalls() {
        pic.elcrPorts().write(1, 1, 0xff);
        assertThat(pic.elcrPorts().read(1, 1)).isEqualTo(0xde);
        pic.setIrq(9, true);
        assertThat(pic.acknowledge()).isEqualTo(0x39);
        slave.write(0, 1, EOI);
        master.write(0, 1, EOI);
        assertThat(intr.level).isTrue();

        pic.setIrq(9, false);
        assertThat(intr.level).isFalse();
    }

    @Test
    void withAutoEoiNothingStaysInService() {
        initialize(0x03);
        pic.setIrq(4, true);

        assertThat(pic.acknowledge()).isEqualTo(0x34);
        assertThat(isr(master)).isZero();
    }

    @Test
    void aRotatingEoiMakesTheServedRequestTheLowest() {
        pic.setIrq(0, true);
        pic.acknowledge();
        master.write(0, 1, 0xa0);
        pic.setIrq(0, false);
        pic.setIrq(0, true);
        pic.setIrq(7, true);

        assertThat(pic.acknowledge()).isEqualTo(0x37);
    }

    @Test
    void inSpecialMaskModeAMaskedServiceDoesNotBlockLowerRequests() {
        pic.setIrq(1, true);
        pic.acknowledge();
        master.write(1, 1, 0x02);
        pic.setIrq(6, true);
        assertThat(intr.level).isFalse();

        master.write(0, 1, 0x68);
        assertThat(intr.level).isTrue();
        assertThat(pic.acknowledge()).isEqualTo(0x36);
    }

    @Test
    void aPollAcknowledgesByReading() {
        pic.setIrq(3, true);
        master.write(0, 1, 0x0c);

        assertThat(master.read(0, 1)).isEqualTo(0x83);
        assertThat(isr(master)).isEqualTo(0x08);
        assertThat(intr.level).isFalse();
    }

    private void initialize(int icw4) {
        master.write(0, 1, 0x11);
        master.write(1, 1, 0x30);
        master.write(1, 1, 0x04);
        master.write(1, 1, icw4);
        slave.write(0, 1, 0x11);
        slave.write(1, 1, 0x38);
        slave.write(1, 1, 0x02);
        slave.write(1, 1, icw4);
    }

    private static int isr(IoDevice chip) {
        chip.write(0, 1, 0x0b);
        return (int) chip.read(0, 1);
    }

    private static int irr(IoDevice chip) {
        chip.write(0, 1, 0x0a);
        return (int) chip.read(0, 1);
    }
}
