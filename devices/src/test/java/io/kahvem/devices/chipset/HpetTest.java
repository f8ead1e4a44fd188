package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.ManualEventLoop;
import org.junit.jupiter.api.Test;

class HpetTest {
    private static final int CONFIG_0 = 0x100;
    private static final int COMPARATOR_0 = 0x108;
    private static final int CONFIG_2 = 0x140;
    private static final int COMPARATOR_2 = 0x148;
    private static final int ENABLE = 1;
    private static final int LEGACY = 2;

    private final ManualEventLoop loop = ManualEventLoop.at("2025-06-01T12:00:00Z");
    private final Line irq0 = new Line();
    private final Line irq8 = new Line();
    private final Line[] inputs = new Line[24];
    private final Hpet hpet = new Hpet(loop, n -> inputs[n], irq0, irq8);

    HpetTest() {
        for (int i = 0; i < inputs.length; i++) inputs[i] = new Line();
    }

    @Test
    void itCountsAHundredMillionTicksASecondWhileItIsOn() {
        assertThat(hpet.read(0, 8)).isEqualTo(0x0098_9680_8086_a201L);
        loop.advance(1_000);
        assertThat(hpet.read(0xf0, 8)).isZero();
        hpet.write(0x10, 8, ENABLE);
        loop.advance(1_000_000_000L);
        assertThat(hpet.read(0xf0, 8)).isEqualTo(100_000_000);
        hpet.write(0xf0, 8, 5);
        assertThat(hpet.read(0xf0, 4)).as("not to be set while it counts").isEqualTo(100_000_000);
        hpet.write(0x10, 8, 0);
        hpet.write(0xf0, 8, 5);
        loop.advance(1_000);
        assertThat(hpet.read(0xf0, 8)).isEqualTo(5);
    }

    @Test
    void aTimerFiresOnceAtItsComparator() {
        hpet.write(CONFIG_2, 4, 1 << 2 | 18 << 9);
        hpet.write(COMPARATOR_2, 8, 1_000);
        hpet.write(0x10, 8, ENABLE);
        loop.advance(9_999);
        assertThat(inputs[18].rises).isZero();
        loop.advance(1);
        assertThat(inputs[18].rises).isEqualTo(1);
        loop.advance(1_000_000);
        assertThat(inputs[18].rises).isEqualTo(1);
    }

    @Test
    void aLevelStaysUntilTheGuestClearsTheStatus() {
        hpet.write(CONFIG_2, 4, 1 << 1 | 1 << 2 | 20 << 9);
        hpet.write(COMPARATOR_2, 8, 10);
        hpet.write(0x10, 8, ENABLE);
        loop.advance(200);
        assertThat(inputs[20].level).isTrue();
        assertThat(hpet.read(0x20, 8)).isEqualTo(4);
        hpet.write(0x20, 8, 4);
        assertThat(inputs[20].level).isFalse();
        assertThat(hpet.read(0x20, 8)).isZero();
    }

    @Test
    void inLegacyReplacementTimerZeroHasThePitsRequestAndIsPeriodic() {
        hpet.pitLine().set(true);
        assertThat(irq0.level).isTrue();
        hpet.write(0x10, 8, LEGACY);
        assertThat(irq0.level).isFalse();
        hpet.write(CONFIG_0, 8, 1 << 2 | 1 << 3 | 1 << 6); // as Linux sets it: the comparator, then the period
        hpet.write(COMPARATOR_0, 8, 500);
        hpet.write(COMPARATOR_0, 8, 100);
        hpet.write(0x10, 8, LEGACY | ENABLE);
        int before = irq0.rises;
        loop.advance(4_990);
        assertThat(irq0.rises).isEqualTo(before);
        loop.advance(10);
        assertThat(irq0.rises).isEqualTo(before + 1);
        loop.advance(3_000);
        assertThat(irq0.rises).isEqualTo(before + 4);
        hpet.write(0x10, 8, ENABLE);
        assertThat(irq0.level).as("the PIT's level again").isTrue();
    }

    @Test
    void resetStopsEverything() {
        hpet.write(CONFIG_2, 4, 1 << 1 | 1 << 2 | 20 << 9);
        hpet.write(COMPARATOR_2, 8, 10);
        hpet.write(0x10, 8, ENABLE);
        loop.advance(200);
        hpet.reset();
        assertThat(inputs[20].level).isFalse();
        assertThat(loop.pendingTasks()).isZero();
        assertThat(hpet.read(0xf0, 8)).isZero();
    }
}
