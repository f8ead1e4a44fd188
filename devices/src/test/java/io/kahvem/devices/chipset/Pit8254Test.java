package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.ManualEventLoop;
import org.junit.jupiter.api.Test;

class Pit8254Test {
    private static final int CONTROL = 3;

    private final ManualEventLoop loop = new ManualEventLoop();
    private final Line irq0 = new Line();
    private final Pit8254 pit = new Pit8254(loop, irq0);

    @Test
    void theRateGeneratorRaisesIrq0OnceAPeriod() {
        load(0, 0x34, 11932); // 100 Hz
        int before = irq0.rises;

        loop.advance(1_000_000_000L);

        assertThat(irq0.rises - before).isEqualTo(99); // 11932 ticks are a little over 10 ms
        loop.advance(1_000_000L);
        assertThat(irq0.rises - before).isEqualTo(100);
    }

    @Test
    void theSquareWaveRaisesIrq0OnceAPeriodToo() {
        load(0, 0x36, 0);
        int before = irq0.rises;

        loop.advance(550_000_000L); // 54.925 ms each

        assertThat(irq0.rises - before).isEqualTo(10);
    }

    @Test
    void modeZeroRaisesIrq0OnceAtTheTerminalCount() {
        load(0, 0x30, 1000);
        assertThat(irq0.level).isFalse();
        advanceTicks(999);
        assertThat(irq0.level).isFalse();
        advanceTicks(1);
        assertThat(irq0.level).isTrue();
        loop.advance(1_000_000_000L);

        assertThat(irq0.rises).isEqualTo(1);
        assertThat(loop.pendingTasks()).isZero();
    }

    @Test
    void theStrobeOfModeFourIsOneEdge() {
        load(0, 0x38, 1000);
        int before = irq0.rises;
        loop.advance(1_000_000_000L);

        assertThat(irq0.rises - before).isEqualTo(1);
        assertThat(loop.pendingTasks()).isZero();
    }

    @Test
    void aLateLoopSkipsTheEdgesItMissed() {
        load(0, 0x34, 1193);
        int before = irq0.rises;
        loop.stall(50_000_000L);
        loop.advance(0);

        assertThat(irq0.rises - before).isEqualTo(1);
        loop.advance(1_000_000L);
        assertThat(irq0.rises - before).isEqualTo(2);
    }

    @Test
    void aLatchedCountIsTheOneOfThatInstant() {
        load(0, 0x34, 50_000);
        advanceTicks(12_345);
        pit.write(CONTROL, 1, 0x00);
        advanceTicks(5_000);

        assertThat(readWord(0)).isEqualTo(50_000 - 12_345);
        assertThat(readWord(0)).isEqualTo(50_000 - 17_345);
    }

    @Test
    void aCountInDecimalDigitsCountsInThem() {
        load(2, 0xb1, 0x1000);
        pit.portB().write(0, 1, 1);
        advanceTicks(1);

        assertThat(readWord(2)).isEqualTo(0x0999);
        advanceTicks(1000);
        assertThat(readWord(2)).isEqualTo(0x9999);
    }

    @Test
    void readBackGivesStatusThenCountAndClearsNullCountOnLoad() {
        pit.write(CONTROL, 1, 0x34);
        pit.write(CONTROL, 1, 0xe2);
        assertThat(pit.read(0, 1)).isEqualTo(0x80 | 0x40 | 0x34);
        pit.write(0, 1, 0x00);
        pit.write(0, 1, 0x10);
        advanceTicks(16);

        pit.write(CONTROL, 1, 0xc2);
        assertThat(pit.read(0, 1)).isEqualTo(0x80 | 0x34);
        assertThat(readWord(0)).isEqualTo(0x0ff0);
    }

    @Test
    void aNewCountOfARunningRateGeneratorTakesOverAtTheEndOfThePeriod() {
        load(0, 0x34, 1000);
        advanceTicks(400);
        load0(2000);
        int before = irq0.rises;

        assertThat(readWord(0)).isEqualTo(600);
        advanceTicks(600);
        assertThat(irq0.rises - before).isEqualTo(1);
        advanceTicks(1999);
        assertThat(irq0.rises - before).isEqualTo(1);
        advanceTicks(1);
        assertThat(irq0.rises - before).isEqualTo(2);
    }

    @Test
    void channelTwoTimesAnIntervalThroughItsGateAndPortB() {
        // how kernels measure the TSC: mode 0, gate on, wait for OUT2
        pit.portB().write(0, 1, 0x01);
        load(2, 0xb0, 59_659);
        assertThat(pit.portB().read(0, 1) & 0x20).isZero();
        loop.advance(49_990_000L);
        assertThat(pit.portB().read(0, 1) & 0x20).isZero();
        loop.advance(20_000L);
        assertThat(pit.portB().read(0, 1) & 0x21).isEqualTo(0x21);
    }

    @Test
    void aLowGateStopsModeZeroAndRestartsModeTwo() {
        pit.portB().write(0, 1, 0x01);
        load(2, 0xb0, 1000);
        advanceTicks(300);
        pit.portB().write(0, 1, 0x00);
        advanceTicks(5000);
        assertThat(readWord(2)).isEqualTo(700);
        pit.portB().write(0, 1, 0x01);
        advanceTicks(100);
        assertThat(readWord(2)).isEqualTo(600);

        load(2, 0xb4, 1000);
        advanceTicks(300);
        pit.portB().write(0, 1, 0x00);
        pit.portB().write(0, 1, 0x01);
        assertThat(readWord(2)).isEqualTo(1000);
    }

    @Test
    void theOneShotWaitsForItsGate() {
        load(2, 0xb2, 100);
        assertThat(pit.portB().read(0, 1) & 0x20).isEqualTo(0x20);
        pit.portB().write(0, 1, 0x01);
        assertThat(pit.portB().read(0, 1) & 0x20).isZero();
        advanceTicks(100);
        assertThat(pit.portB().read(0, 1) & 0x20).isEqualTo(0x20);
    }

    @Test
    void theRefreshBitToggles() {
        long first = pit.portB().read(0, 1) & 0x10;
        advanceTicks(18);
        assertThat(pit.portB().read(0, 1) & 0x10).isNotEqualTo(first);
        advanceTicks(18);
        assertThat(pit.portB().read(0, 1) & 0x10).isEqualTo(first);
    }

    @Test
    void resetStopsTheTimer() {
        load(0, 0x34, 1193);
        pit.reset();

        assertThat(loop.pendingTasks()).isZero();
        assertThat(irq0.level).isFalse();
    }

    private void load(int channel, int control, int count) {
        pit.write(CONTROL, 1, control);
        pit.write(channel, 1, count & 0xff);
        pit.write(channel, 1, count >> 8 & 0xff);
    }

    private void load0(int count) {
        pit.write(0, 1, count & 0xff);
        pit.write(0, 1, count >> 8);
    }

    private int readWord(int channel) {
        return (int) (pit.read(channel, 1) | pit.read(channel, 1) << 8);
    }

    private void advanceTicks(long ticks) {
        TickRate rate = new TickRate(Pit8254.HZ);
        long tick = rate.ticks(loop.clock().nanoTime());
        loop.advance(rate.nanos(tick + ticks) - loop.clock().nanoTime());
    }
}
