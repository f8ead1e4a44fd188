package io.kahvem.devices.virtio.balloon;

import static org.assertj.core.api.Assertions.assertThat;

import io.kahvem.devices.ManualEventLoop;
import io.kahvem.devices.virtio.TestTransport;
import io.kahvem.devices.virtio.balloon.BalloonStatistics.Tag;
import io.kahvem.devices.virtio.queue.FakeDriver;
import io.kahvem.devices.virtio.queue.FakeDriver.Buffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class VirtioBalloonTest {
    private static final long RAM = 64L << 20;
    private static final long F_STATS_VQ = 2;
    private static final long F_PAGE_REPORTING = 32;

    private final List<Long> actual = new ArrayList<>();
    private final VirtioBalloon balloon = new VirtioBalloon(ManualEventLoop.at("2026-01-01T00:00:00Z").clock(), RAM, actual::add);

    @Test
    void theTargetIsInTheConfigurationAndTheActualSizeComesBack() {
        try (TestTransport t = new TestTransport(balloon, 0)) {
            balloon.setTarget(48L << 20);
            assertThat(t.configInterrupts).isEqualTo(1);
            assertThat(t.control.readConfig(0, 4)).isEqualTo(4096);
            t.control.writeConfig(4, 4, 1024);
            assertThat(actual).containsExactly(60L << 20);
            assertThat(balloon.actualBytes()).isEqualTo(60L << 20);
            balloon.setTarget(-1);
            assertThat(t.control.readConfig(0, 4)).isEqualTo(RAM / 4096);
        }
    }

    @Test
    void pagesInTheBalloonAndReportedOnesGoBack() {
        try (TestTransport t = new TestTransport(balloon, F_PAGE_REPORTING)) {
            for (long gpa = 0; gpa < 0x8000; gpa += 8) t.memory.write64(gpa, 0x1111_1111_1111_1111L);
            FakeDriver inflate = t.driver(0);
            long pfns = inflate.buffer(16);
            t.memory.write32(pfns, 3);
            t.memory.write32(pfns + 4, 2);
            t.memory.write32(pfns + 8, 6);
            t.memory.write32(pfns + 12, 0xffff_fff0); // no memory there
            inflate.offer(new Buffer(pfns, 16, false));
            t.control.notifyQueue(0);
            assertThat(inflate.takeUsed()).isNotNull();
            assertThat(t.memory.read64(0x1ff8)).isNotZero();
            assertThat(t.memory.read64(0x2000)).isZero();
            assertThat(t.memory.read64(0x3ff8)).isZero();
            assertThat(t.memory.read64(0x4000)).isNotZero();
            assertThat(t.memory.read64(0x6000)).isZero();
            FakeDriver reporting = t.driver(3);
            reporting.offer(new Buffer(0x4000, 0x1000, true));
            t.control.notifyQueue(3);
            assertThat(reporting.takeUsed()).isNotNull();
            assertThat(t.memory.read64(0x4000)).isZero();
            assertThat(t.memory.read64(0x5000)).isNotZero();
            assertThat(t.control.fault()).isEmpty();
        }
    }

    @Test
    void statisticsComeWhenTheyAreAskedFor() {
        try (TestTransport t = new TestTransport(balloon, F_STATS_VQ)) {
            FakeDriver stats = t.driver(2);
            long gpa = stats.buffer(30);
            offerStatistics(t, stats, gpa, 1000);
            assertThat(stats.takeUsed()).isNull(); // kept until more is wanted
            assertThat(balloon.statistics().orElseThrow().values()).containsEntry(Tag.MEMFREE, 1000L).containsEntry(Tag.MEMTOT, 5000L);
            balloon.requestStatistics();
            assertThat(stats.takeUsed()).isNotNull();
            offerStatistics(t, stats, gpa, 900);
            assertThat(balloon.statistics().orElseThrow().values()).containsEntry(Tag.MEMFREE, 900L).hasSize(2);
        }
    }

    private static void offerStatistics(TestTransport t, FakeDriver stats, long gpa, long free) {
        t.memory.write16(gpa, 4);
        t.memory.write64(gpa + 2, free);
        t.memory.write16(gpa + 10, 5);
        t.memory.write64(gpa + 12, 5000);
        t.memory.write16(gpa + 20, 99); // a tag of tomorrow's
        t.memory.write64(gpa + 22, 1);
        stats.offer(new Buffer(gpa, 30, false));
        t.control.notifyQueue(2);
    }
}
