package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.InterruptLine;
import io.kahvem.devices.Line;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PirqRouterTest {
    private static final int ELCR2 = 1;

    private final List<String> messages = new ArrayList<>();
    private final Line intr = new Line();
    private final Pic8259 pic = new Pic8259(intr);
    private final IoApic ioApic = new IoApic((address, data) -> messages.add("%x".formatted(data)));
    private final PirqRouter router = new PirqRouter(pic, ioApic);

    @BeforeEach
    void enableRequestsTenAndEleven() {
        pic.reset();
        pic.masterPorts().write(0, 1, 0x11);
        for (int value : new int[] {0x20, 0x04, 0x01, 0xfb}) pic.masterPorts().write(1, 1, value);
        pic.slavePorts().write(0, 1, 0x11);
        for (int value : new int[] {0x28, 0x02, 0x01, 0xf3}) pic.slavePorts().write(1, 1, value);
        pic.elcrPorts().write(ELCR2, 1, 0x0c);
    }

    @Test
    void slotsTakeTurnsOnTheUpperFourLinesAndTheChipsetsOwnHaveTheLowerFour() {
        assertThat(PirqRouter.pirqOf(0, 1)).isEqualTo(4);
        assertThat(PirqRouter.pirqOf(3, 1)).isEqualTo(7);
        assertThat(PirqRouter.pirqOf(3, 2)).isEqualTo(4);
        assertThat(PirqRouter.pirqOf(31, 1)).isZero();
        assertThat(PirqRouter.pirqOf(31, 4)).isEqualTo(3);
    }

    @Test
    void aLineIsALevelOnTheIoApicAndFiresAgainUntilTheLastOfItsDevicesIsServed() {
        ioApic.write(0, 4, 0x10 + 2 * 20);
        ioApic.write(0x10, 4, 0xa041); // level, active low
        InterruptLine one = router.line(0, 1);
        InterruptLine other = router.line(4, 1);
        one.set(true);
        other.set(true);
        assertThat(messages).hasSize(1);
        one.set(false);
        ioApic.endOfInterrupt(0x41);
        assertThat(messages).hasSize(2);
        other.set(false);
        ioApic.endOfInterrupt(0x41);
        assertThat(messages).hasSize(2);
    }

    @Test
    void aLineReachesTheRequestThatItIsRoutedToAndNoneWhereItIsNot() {
        router.line(3, 1).set(true);
        assertThat(intr.level).isFalse();
        router.route(7, 11);
        assertThat(pic.acknowledge()).isEqualTo(0x2b);
        pic.slavePorts().write(0, 1, 0x63);
        pic.masterPorts().write(0, 1, 0x62);
        assertThat(intr.level).as("a level stays").isTrue();
        router.route(7, 10);
        assertThat(pic.acknowledge()).isEqualTo(0x2a);
        pic.slavePorts().write(0, 1, 0x62);
        pic.masterPorts().write(0, 1, 0x62);
        router.route(7, PirqRouter.NOT_ROUTED);
        assertThat(intr.level).isFalse();
    }

    @Test
    void devicesOfTheBoardAndPciShareARequest() {
        router.route(7, 10);
        router.setIsa(10, true);
        InterruptLine line = router.line(3, 1);
        line.set(true);
        router.setIsa(10, false);
        assertThat(intr.level).isTrue();
        line.set(false);
        assertThat(intr.level).isFalse();
    }
}
