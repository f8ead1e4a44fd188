package io.kahvem.devices.chipset;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.ManualEventLoop;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RtcTest {
    private static final long SECOND = 1_000_000_000L;
    private static final int PIE = 0x40;
    private static final int AIE = 0x20;
    private static final int UIE = 0x10;
    private static final int H24 = 0x02;
    private static final int BINARY = 0x04;
    private static final int SET = 0x80;

    private final ManualEventLoop loop = ManualEventLoop.at("2024-02-29T23:59:58Z");
    private final Line irq = new Line();
    private final Rtc rtc = new Rtc(loop, irq);

    @Test
    void itShowsTheWallClockInDecimalDigits() {
        assertThat(time()).isEqualTo("20 24-02-29 23:59:58 day 5");
        loop.advance(2 * SECOND);
        assertThat(time()).isEqualTo("20 24-03-01 00:00:00 day 6");
    }

    @Test
    void inBinaryModeItShowsPlainNumbers() {
        write(0x0b, H24 | BINARY);
        assertThat(read(0x04)).isEqualTo(23);
        assertThat(read(0x00)).isEqualTo(58);
        assertThat(read(0x32)).isEqualTo(20);
    }

    @ParameterizedTest
    @CsvSource({"0, 12", "1, 01", "11, 11", "12, 92", "13, 81", "23, 91"})
    void inTwelveHourModeTheTopBitIsTheAfternoon(int hour, String shown) {
        write(0x04, Integer.parseInt("%02d".formatted(hour), 16));
        write(0x0b, 0);
        assertThat("%02x".formatted(read(0x04))).isEqualTo(shown);
        write(0x04, Integer.parseInt(shown, 16));
        write(0x0b, H24);
        assertThat("%02x".formatted(read(0x04))).isEqualTo("%02d".formatted(hour));
    }

    @Test
    void aSetTimeRunsOnFromWhereItWasSet() {
        write(0x0b, H24 | SET);
        loop.advance(5 * SECOND);
        assertThat(time()).isEqualTo("20 24-02-29 23:59:58 day 5");
        write(0x00, 0x10);
        write(0x02, 0x20);
        write(0x04, 0x06);
        write(0x07, 0x15);
        write(0x08, 0x12);
        write(0x09, 0x99);
        write(0x32, 0x19);
        write(0x0b, H24);
        loop.advance(SECOND);

        assertThat(time()).isEqualTo("19 99-12-15 06:20:11 day 4");
    }

    @Test
    void nonsenseInATimeRegisterIsNoFailure() {
        for (int register : new int[] {0, 2, 4, 7, 8, 9, 0x32}) {
            write(register, 0xff);
            read(register);
        }
        for (int i = 0; i < 128; i++) {
            write(i, 0xff);
            loop.advance(SECOND);
            read(i);
        }
    }

    @Test
    void theUpdateFlagIsSetShortlyBeforeTheSecondTurnsAndNotWhileStopped() {
        loop.advance(SECOND - 3_000_000);
        assertThat(read(0x0a)).isEqualTo(0x26);
        loop.advance(1_000_000);
        assertThat(read(0x0a)).isEqualTo(0xa6);
        assertThat(read(0x00)).isEqualTo(0x58);
        write(0x0b, H24 | SET);
        assertThat(read(0x0a)).isEqualTo(0x26);
        write(0x0b, H24);
        loop.advance(2_000_000);
        assertThat(read(0x0a)).isEqualTo(0x26);
        assertThat(read(0x00)).isEqualTo(0x59);
    }

    @Test
    void theUpdateInterruptComesEverySecondUntilAcknowledged() {
        loop.advance(SECOND / 2);
        write(0x0b, H24 | UIE);
        loop.advance(SECOND / 2);
        assertThat(irq.level).isTrue();
        loop.advance(10 * SECOND);
        assertThat(irq.rises).isEqualTo(1);

        assertThat(read(0x0c) & 0x90).isEqualTo(0x90);
        assertThat(irq.level).isFalse();
        assertThat(read(0x0c)).isZero();
        loop.advance(SECOND);
        assertThat(irq.rises).isEqualTo(2);
    }

    @Test
    void theAlarmComesAtItsTime() {
        write(0x01, 0x05);
        write(0x03, 0x30);
        write(0x05, 0x00);
        write(0x0b, H24 | AIE);
        loop.advance((30 * 60 + 6) * SECOND);
        assertThat(irq.level).isFalse();
        loop.advance(SECOND);
        assertThat(irq.level).isTrue();
        assertThat(read(0x0c) & 0xb0).isEqualTo(0xb0);
        loop.advance(23 * 3600 * SECOND);
        assertThat(irq.level).isFalse();
    }

    @Test
    void anAlarmThatMindsOnlySecondsComesEveryMinute() {
        write(0x01, 0x00);
        write(0x03, 0xff);
        write(0x05, 0xc0);
        write(0x0b, H24 | AIE);
        for (int i = 0; i < 5; i++) {
            loop.advance(60 * SECOND);
            read(0x0c);
        }
        assertThat(irq.rises).isEqualTo(5);
    }

    @Test
    void thePeriodicInterruptHasTheRateOfRegisterA() {
        write(0x0a, 0x26); // 1,024 Hz
        write(0x0b, H24 | PIE);
        int flags = 0;
        for (int i = 0; i < 1024; i++) {
            loop.advance(976_563);
            if ((read(0x0c) & 0xc0) == 0xc0) flags++;
        }

        assertThat(flags).isBetween(1023, 1024);
        write(0x0a, 0x20);
        read(0x0c);
        loop.advance(SECOND);
        assertThat(irq.level).isFalse();
    }

    @Test
    void flagsAreRaisedWithoutTheirInterruptsToo() {
        loop.advance(2 * SECOND);
        assertThat(read(0x0c)).isEqualTo(0x70); // midnight is the alarm's time from the start
        assertThat(irq.rises).isZero();
        assertThat(loop.pendingTasks()).isZero();
    }

    @Test
    void memoryKeepsWhatIsWrittenAndTellsTheMemorySize() {
        write(0x38, 0xab);
        rtc.reset();
        assertThat(read(0x38)).isEqualTo(0xab);

        rtc.setMemorySize(512L << 20, 3L << 30);
        assertThat(read(0x15) | read(0x16) << 8).isEqualTo(640);
        assertThat(read(0x30) | read(0x31) << 8).isEqualTo(0xffff);
        assertThat(read(0x34) | read(0x35) << 8).isEqualTo((512 - 16) * 16);
        assertThat(read(0x5b) | read(0x5c) << 8 | read(0x5d) << 16).isEqualTo(3 << 14);
        assertThat(read(0x0d)).isEqualTo(0x80);
    }

    private String time() {
        return "%02x %02x-%02x-%02x %02x:%02x:%02x day %x"
                .formatted(read(0x32), read(9), read(8), read(7), read(4), read(2), read(0), read(6));
    }

    private int read(int register) {
        rtc.indexPort().write(0, 1, register | 0x80);
        return (int) rtc.dataPort().read(0, 1);
    }

    private void write(int register, int value) {
        rtc.indexPort().write(0, 1, register);
        rtc.dataPort().write(0, 1, value);
    }
}
