package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.ManualEventLoop;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class AcpiPmTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int PWRBTN = 0x100;

    private final ManualEventLoop loop = new ManualEventLoop();
    private final Line sci = new Line();
    private final AtomicInteger powerOffs = new AtomicInteger();
    private final AcpiPm pm = new AcpiPm(loop, sci, powerOffs::incrementAndGet);

    @Test
    void theTimerCountsAtItsCrystalsRateAndWraps() {
        assertThat(pm.read(AcpiPm.PM_TMR, 4)).isZero();
        loop.advance(SECOND);
        assertThat(pm.read(AcpiPm.PM_TMR, 4)).isEqualTo(3_579_545);
        assertThat(pm.read(AcpiPm.PM_TMR, 2)).isEqualTo(3_579_545 & 0xffff);
        assertThat(pm.read(AcpiPm.PM_TMR + 1, 1)).isEqualTo(3_579_545 >> 8 & 0xff);
        loop.advance(1200 * SECOND);
        assertThat(pm.read(AcpiPm.PM_TMR, 4)).isEqualTo(1201L * 3_579_545 & 0xffff_ffffL);
    }

    @Test
    void theMachineIsAlwaysInAcpiMode() {
        assertThat(pm.read(AcpiPm.PM1A_CNT, 2)).isEqualTo(1);
        pm.write(AcpiPm.PM1A_CNT, 2, 0);
        assertThat(pm.read(AcpiPm.PM1A_CNT, 2)).isEqualTo(1);
    }

    @Test
    void sleepTypeZeroWithSleepEnablePowersOff() {
        pm.write(AcpiPm.PM1A_CNT, 2, 0);
        assertThat(powerOffs).hasValue(0);
        pm.write(AcpiPm.PM1A_CNT, 2, 1 << 13);
        assertThat(powerOffs).hasValue(1);
        pm.write(AcpiPm.PM1A_CNT + 1, 1, 1 << 13 >> 8);
        assertThat(powerOffs).hasValue(2);
        pm.write(AcpiPm.PM1A_CNT, 2, 1 << 10 | 1 << 13); // no such state here
        assertThat(powerOffs).hasValue(2);
    }

    @Test
    void thePowerButtonRaisesSciUntilItsStatusIsCleared() {
        pm.pressPowerButton();
        assertThat(sci.level).isFalse();
        pm.write(AcpiPm.PM1A_EVT + 2, 2, PWRBTN);
        assertThat(sci.level).isTrue();
        assertThat(pm.read(AcpiPm.PM1A_EVT, 2)).isEqualTo(PWRBTN);

        pm.write(AcpiPm.PM1A_EVT, 2, PWRBTN);
        assertThat(sci.level).isFalse();
        assertThat(pm.read(AcpiPm.PM1A_EVT, 4)).isEqualTo((long) PWRBTN << 16);
    }

    @Test
    void theTimersTopBitRaisesSciWhereThatIsEnabled() {
        pm.write(AcpiPm.PM1A_EVT + 2, 2, 1);
        loop.advance(599 * SECOND);
        assertThat(sci.level).isFalse();
        loop.advance(SECOND);
        assertThat(sci.level).isTrue();
        pm.write(AcpiPm.PM1A_EVT, 2, 1);
        loop.advance(600 * SECOND);
        assertThat(sci.rises).isEqualTo(2);
    }

    @Test
    void aGeneralPurposeEventRaisesSciWhereItIsEnabled() {
        pm.raiseGpe(9);
        assertThat(sci.level).isFalse();
        pm.write(AcpiPm.GPE0 + 3, 1, 0x02);
        assertThat(sci.level).isTrue();
        assertThat(pm.read(AcpiPm.GPE0, 4)).isEqualTo(0x0200_0200);
        pm.write(AcpiPm.GPE0 + 1, 1, 0x02);
        assertThat(sci.level).isFalse();
    }

    @Test
    void resetClearsEnablesAndSci() {
        pm.write(AcpiPm.PM1A_EVT + 2, 2, PWRBTN | 1);
        pm.pressPowerButton();
        pm.reset();

        assertThat(sci.level).isFalse();
        assertThat(pm.read(AcpiPm.PM1A_EVT, 4)).isZero();
        assertThat(loop.pendingTasks()).isZero();
    }
}
