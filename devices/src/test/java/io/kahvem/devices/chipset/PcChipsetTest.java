package io.kahvem.devices.chipset;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.Line;
import io.kahvem.devices.ManualEventLoop;
import io.kahvem.host.HostMemory;
import io.kahvem.memory.GuestMemory;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PcChipsetTest {
    private final ManualEventLoop loop = ManualEventLoop.at("2025-06-01T12:00:00Z");
    private final List<String> messages = new ArrayList<>();
    private final List<String> events = new ArrayList<>();
    private final Line intr = new Line();
    private final ByteArrayOutputStream serial = new ByteArrayOutputStream();
    private final PcChipset pc = new PcChipset(new PcChipset.Wiring(
            loop, (address, data) -> messages.add("%x:%x".formatted(address, data)), intr, serial::write, new Recorded(),
            new ShadowRam(new GuestMemory(), HostMemory.system().map(1 << 20), Optional.empty()), Optional.empty(), true, true));

    @Test
    void theTimerReachesTheEightyTwoFiftyNineAsRequestZeroAndTheIoApicAsInputTwo() {
        initializePics(0xfe);
        redirect(2, 0x30);
        out(0x43, 0x34);
        out(0x40, 0x9c);
        out(0x40, 0x2e);
        messages.clear();
        loop.advance(10_100_000);

        assertThat(messages).containsExactly("fee00000:30");
        assertThat(intr.level).isTrue();
        assertThat(pc.acknowledgeInterrupt()).isEqualTo(0x20);
        assertThat(intr.level).isFalse();
    }

    @Test
    void theSerialLineWritesItsBytesAndInterruptsOnFour() {
        initializePics(0xef);
        redirect(4, 0x34);
        for (byte b : "ok\n".getBytes(US_ASCII)) out(0x3f8, b);
        out(0x3fc, 0x0b);
        out(0x3f9, 0x01);
        pc.com1().receive((byte) 'x');

        assertThat(serial.toString(US_ASCII)).isEqualTo("ok\n");
        assertThat(messages).containsExactly("fee00000:34");
        assertThat(pc.acknowledgeInterrupt()).isEqualTo(0x24);
        assertThat(pc.ports().read(0x3f8, 1)).isEqualTo('x');
    }

    @Test
    void thePowerButtonIsALevelOnInputNineUntilTheGuestClearsIt() {
        redirect(9, 0x8039);
        pc.ports().write(0x602, 2, 0x100);
        pc.pressPowerButton();
        assertThat(messages).containsExactly("fee00000:c039");

        pc.endOfInterrupt(0x39);
        assertThat(messages).hasSize(2);
        pc.ports().write(0x600, 2, 0x100);
        pc.endOfInterrupt(0x39);
        assertThat(messages).hasSize(2);
    }

    @Test
    void powerOffIsAskedForThroughPm1Control() {
        pc.ports().write(0x604, 2, 1 << 13);
        assertThat(events).containsExactly("powerOff");
    }

    @Test
    void resetIsAskedForInEachOfThePcsWays() {
        out(0x64, 0xfe);
        out(0xcf9, 0x02);
        out(0xcf9, 0x06);
        out(0x92, 0x02);
        out(0x92, 0x03);

        assertThat(events).containsExactly("reset", "reset", "reset");
    }

    @Test
    void debugExitGivesItsValue() {
        pc.ports().write(0xf4, 4, 0x10);
        out(0xf4, 0x05);
        assertThat(events).containsExactly("debugExit 16", "debugExit 5");
    }

    @Test
    void portsThatOldSoftwareWritesForDelayAreTakenSilently() {
        out(0x80, 0x55);
        out(0x0d, 0);
        out(0xda, 0);
        assertThat(pc.ports().read(0x80, 1)).isEqualTo(0x55);
        assertThat(pc.ports().unclaimedWrites()).isZero();
    }

    @Test
    void theUsualProbesFindNothingWhereNothingIs() {
        for (int port : new int[] {0x2f8, 0x3e8, 0x1f7, 0x3d4, 0x378}) assertThat(pc.ports().read(port, 1)).isEqualTo(0xff);
        assertThat(pc.mmio().read(0xfed4_0000L, 4)).isEqualTo(0xffff_ffffL);
    }

    @Test
    void theRealTimeClockInterruptsOnEight() {
        initializePics(0xfb);
        out(0xa1, 0xfe);
        out(0x70, 0x0b);
        out(0x71, 0x12);
        loop.advance(1_000_000_000L);

        assertThat(pc.acknowledgeInterrupt()).isEqualTo(0x28);
    }

    @Test
    void resetStopsTimersAndLowersEveryLine() {
        initializePics(0);
        out(0x43, 0x34);
        out(0x40, 0);
        out(0x40, 1);
        out(0x3fc, 0x08);
        out(0x3f9, 0x02);
        assertThat(intr.level).isTrue();

        pc.reset();

        assertThat(intr.level).isFalse();
        assertThat(loop.pendingTasks()).isZero();
        redirect(4, 0x8034);
        assertThat(messages).isEmpty();
    }

    private void initializePics(int masterMask) {
        out(0x20, 0x11);
        out(0x21, 0x20);
        out(0x21, 0x04);
        out(0x21, 0x01);
        out(0x21, masterMask);
        out(0xa0, 0x11);
        out(0xa1, 0x28);
        out(0xa1, 0x02);
        out(0xa1, 0x01);
    }

    private void redirect(int input, int low) {
        pc.mmio().write(IoApic.DEFAULT_BASE, 4, 0x10 + 2 * input);
        pc.mmio().write(IoApic.DEFAULT_BASE + 0x10, 4, low);
    }

    private void out(int port, int value) {
        pc.ports().write(port, 1, value);
    }

    private final class Recorded implements MachineEvents {
        @Override
        public void powerOff() {
            events.add("powerOff");
        }

        @Override
        public void reset() {
            events.add("reset");
        }

        @Override
        public void debugExit(int value) {
            events.add("debugExit " + value);
        }

        @Override
        public void guestPanicked() {}

        @Override
        public void crashLoaded() {}
    }
}
