package io.kahvem.apic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LocalApicTest {
    private static final long WINDOW = 0xfee0_0000L;
    private static final int X2APIC_TPR = 0x808;

    private final TestClock clock = new TestClock();
    private final ApicBus bus = new ApicBus();
    private final List<Integer> ended = new ArrayList<>();
    private final LocalApic[] apics = new LocalApic[3];
    private int attentions;

    @BeforeEach
    void threeEnabledApics() {
        TscClock tsc = new TscClock(clock, 1_000_000);
        for (int i = 0; i < apics.length; i++) {
            apics[i] = new LocalApic(i, i == 0, bus, tsc, new ApicOwner() {
                @Override
                public void attention() {
                    attentions++;
                }

                @Override
                public void endOfInterrupt(int vector) {
                    ended.add(vector);
                }
            });
            write(i, 0xf0, 0x1ff);
            write(i, 0xd0, 1 << (24 + i));
        }
    }

    private void write(int apic, int offset, long value) {
        apics[apic].mmioWrite(WINDOW + offset, 4, value);
    }

    private long read(int apic, int offset) {
        return apics[apic].mmioRead(WINDOW + offset, 4);
    }

    private int pending(int apic) {
        return apics[apic].pendingVector();
    }

    @Test
    void theHighestVectorComesFirstAndEndOfInterruptLetsTheNextOneThrough() {
        bus.sendMsi(WINDOW, 0x31);
        bus.sendMsi(WINDOW, 0x41);
        assertThat(apics[0].acknowledge()).isEqualTo(0x41);
        assertThat(pending(0)).isEqualTo(LocalApic.NO_VECTOR);
        assertThat(read(0, 0xa0)).isEqualTo(0x40);
        write(0, 0xb0, 0);
        assertThat(apics[0].acknowledge()).isEqualTo(0x31);
        assertThat(ended).isEmpty();
    }

    @Test
    void theTaskPriorityHoldsInterruptsOfItsClassBack() {
        bus.sendMsi(WINDOW, 0x51);
        apics[0].setCr8(5);
        assertThat(pending(0)).isEqualTo(LocalApic.NO_VECTOR);
        attentions = 0;
        apics[0].setCr8(4);
        assertThat(attentions).isPositive();
        assertThat(pending(0)).isEqualTo(0x51);
    }

    @Test
    void theEndOfALevelTriggeredInterruptIsBroadcast() {
        bus.sendMsi(WINDOW | 1 << 12, 1 << 15 | 1 << 14 | 0x61);
        assertThat(apics[1].acknowledge()).isEqualTo(0x61);
        write(1, 0xb0, 0);
        assertThat(ended).containsExactly(0x61);
    }

    @Test
    void destinationsArePhysicalFlatAndCluster() {
        bus.sendMsi(WINDOW | 2 << 12, 0x40);
        assertThat(List.of(pending(0), pending(1), pending(2))).containsExactly(-1, -1, 0x40);
        bus.sendMsi(WINDOW | 3 << 12 | 1 << 2, 0x50);
        assertThat(List.of(pending(0), pending(1), pending(2))).containsExactly(0x50, 0x50, 0x40);
        write(1, 0xe0, 0);
        write(1, 0xd0, 0x21000000);
        bus.sendMsi(WINDOW | 0x21 << 12 | 1 << 2, 0x70);
        assertThat(pending(1)).isEqualTo(0x70);
    }

    @Test
    void lowestPriorityChoosesTheLeastBusy() {
        apics[0].setCr8(3);
        apics[1].setCr8(1);
        apics[2].setCr8(2);
        bus.sendMsi(WINDOW | 7 << 12 | 1 << 2, Delivery.LOWEST_PRIORITY << 8 | 0x80);
        assertThat(List.of(pending(0), pending(1), pending(2))).containsExactly(-1, 0x80, -1);
    }

    @Test
    void interprocessorInterruptsReachTheirDestinationAndShorthands() {
        write(0, 0x310, 2 << 24);
        write(0, 0x300, 0x4000 | 0x90);
        assertThat(List.of(pending(0), pending(1), pending(2))).containsExactly(-1, -1, 0x90);
        write(0, 0x300, 3 << 18 | 0x4000 | 0x91);
        assertThat(List.of(pending(0), pending(1), pending(2))).containsExactly(-1, 0x91, 0x91);
        write(0, 0x300, 1 << 18 | 0x4000 | 0x92);
        assertThat(pending(0)).isEqualTo(0x92);
    }

    @Test
    void initAndStartupArriveAsEventsAndTheOldDeassertDoesNot() {
        write(0, 0x310, 1 << 24);
        write(0, 0x300, 0xc500);
        write(0, 0x300, 0x8500);
        assertThat(apics[1].takeEvents()).isEqualTo(LocalApic.EVENT_INIT);
        write(0, 0x300, 0x469a);
        assertThat(apics[1].takeEvents()).isEqualTo(LocalApic.EVENT_STARTUP);
        assertThat(apics[1].startupVector()).isEqualTo(0x9a);
        assertThat(apics[1].takeEvents()).isZero();
    }

    @Test
    void theOneShotTimerCountsTheDividedCrystalDown() {
        write(0, 0x3e0, 0b0011); // by 16: 640 ns a tick
        write(0, 0x320, 0xec);
        write(0, 0x380, 1000);
        assertThat(apics[0].nextDeadlineNanos()).isEqualTo(640_000);
        clock.nanos = 320_000;
        assertThat(read(0, 0x390)).isEqualTo(500);
        apics[0].tick(clock.nanos);
        assertThat(pending(0)).isEqualTo(-1);
        clock.nanos = 640_000;
        apics[0].tick(clock.nanos);
        assertThat(pending(0)).isEqualTo(0xec);
        assertThat(apics[0].nextDeadlineNanos()).isEqualTo(Long.MAX_VALUE);
        assertThat(read(0, 0x390)).isZero();
    }

    @Test
    void thePeriodicTimerGoesOnWithoutDrift() {
        write(0, 0x3e0, 0b1011);
        write(0, 0x320, 1 << 17 | 0xec);
        write(0, 0x380, 100);
        clock.nanos = 4_100;
        apics[0].tick(clock.nanos);
        assertThat(apics[0].acknowledge()).isEqualTo(0xec);
        assertThat(apics[0].nextDeadlineNanos()).isEqualTo(8_000);
        assertThat(read(0, 0x390)).isEqualTo(97);
    }

    @Test
    void theTscDeadlineFollowsTheGuestsCounter() {
        write(0, 0x320, 2 << 17 | 0xec);
        apics[0].setTscDeadline(5_000, 1_000);
        assertThat(apics[0].nextDeadlineNanos()).isEqualTo(4_000);
        apics[0].tscOffsetChanged(2_000);
        assertThat(apics[0].nextDeadlineNanos()).isEqualTo(3_000);
        apics[0].tick(3_000);
        assertThat(pending(0)).isEqualTo(0xec);
        assertThat(apics[0].tscDeadline()).isZero();
    }

    @Test
    void anInterruptOfThe8259PairPassesLint0InVirtualWireMode() {
        bus.setIntr(true);
        assertThat(pending(0)).isEqualTo(LocalApic.EXT_INT);
        assertThat(pending(1)).isEqualTo(LocalApic.NO_VECTOR);
        write(0, 0x350, 0x10700);
        assertThat(pending(0)).isEqualTo(LocalApic.NO_VECTOR);
    }

    @Test
    void x2ApicModeTakesMsrsInsteadOfTheWindow() {
        LocalApic apic = apics[2];
        assertThat(apic.hasMsr(X2APIC_TPR, true)).isFalse();
        assertThat(apic.setBase(WINDOW | LocalApic.BASE_X2APIC)).isFalse();
        assertThat(apic.setBase(WINDOW | LocalApic.BASE_ENABLE | LocalApic.BASE_X2APIC)).isTrue();
        assertThat(apic.covers(WINDOW)).isFalse();
        assertThat(apic.readMsr(0x802)).isEqualTo(2);
        assertThat(apic.readMsr(0x80d)).isEqualTo(4);
        assertThat(apic.writeMsr(0x83f, 0x77)).isTrue();
        assertThat(apic.pendingVector()).isEqualTo(0x77);
        assertThat(apic.writeMsr(X2APIC_TPR, 0x100)).isFalse();
        assertThat(apic.writeMsr(0x830, 1L << 32 | 0x66)).isTrue();
        assertThat(pending(1)).isEqualTo(0x66);
        assertThat(apic.setBase(WINDOW | LocalApic.BASE_ENABLE)).isFalse();
    }

    @Test
    void aBadVectorIsAnErrorOfTheSender() {
        write(0, 0x370, 0xfe);
        write(0, 0x300, 1 << 18 | 0x05);
        assertThat(pending(0)).isEqualTo(0xfe);
        write(0, 0x280, 0);
        assertThat(read(0, 0x280)).isEqualTo(0x20);
    }

    @Test
    void aSavedPageRestoresRequestsAndTheRunningTimer() {
        write(0, 0x3e0, 0b1011);
        write(0, 0x320, 0xec);
        write(0, 0x380, 1000);
        bus.sendMsi(WINDOW, 0x33);
        clock.nanos = 10_000;
        byte[] page = apics[0].save();
        apics[0].reset();
        apics[0].restore(page);
        assertThat(pending(0)).isEqualTo(0x33);
        assertThat(apics[0].nextDeadlineNanos()).isEqualTo(40_000);
        assertThat(read(0, 0x390)).isEqualTo(750);
    }
}
