package io.kahvem.vmm.control;

import io.kahvem.block.Throttle;
import io.kahvem.block.Throttle.Limit;
import io.kahvem.block.Throttle.Rate;
import io.kahvem.qmp.QmpException;
import io.kahvem.qmp.schema.Blocks.BlockSetIoThrottle;
import java.util.List;
import java.util.Optional;

/// Limits as block_set_io_throttle gives them, checked in QEMU's order and words.
final class Throttles {
    private static final long MOST = 1_000_000_000_000_000L;

    /// As it was given.
    private record Given(long average, long burst, long seconds) {
        static Given of(long average, Optional<Long> burst, Optional<Long> seconds) {
            return new Given(average, burst.orElse(0L), seconds.orElse(1L));
        }

        Limit checked() {
            if (average < 0 || burst < 0 || average > MOST || burst > MOST) {
                throw new QmpException("bps/iops/max values must be within [0, %d]".formatted(MOST));
            }
            if (seconds == 0) throw new QmpException("the burst length cannot be 0");
            if (seconds != 1 && burst == 0) throw new QmpException("burst length set without burst rate");
            if (burst != 0 && Long.compareUnsigned(seconds, MOST / burst) > 0) {
                throw new QmpException("burst length too high for this burst rate");
            }
            if (burst != 0 && average == 0) throw new QmpException("bps_max/iops_max require corresponding bps/iops values");
            if (burst != 0 && burst < average) throw new QmpException("bps_max/iops_max cannot be lower than bps/iops");
            return new Limit(average, burst, seconds);
        }
    }

    private Throttles() {}

    /// Throws [QmpException] for limits that cannot be.
    static Throttle of(BlockSetIoThrottle c) {
        Given bytes = Given.of(c.bps(), c.bpsMax(), c.bpsMaxLength());
        Given bytesRead = Given.of(c.bpsRd(), c.bpsRdMax(), c.bpsRdMaxLength());
        Given bytesWritten = Given.of(c.bpsWr(), c.bpsWrMax(), c.bpsWrMaxLength());
        Given requests = Given.of(c.iops(), c.iopsMax(), c.iopsMaxLength());
        Given reads = Given.of(c.iopsRd(), c.iopsRdMax(), c.iopsRdMaxLength());
        Given writes = Given.of(c.iopsWr(), c.iopsWrMax(), c.iopsWrMaxLength());
        if (atOnce(bytes, bytesRead, bytesWritten) || atOnce(requests, reads, writes)) {
            throw new QmpException("bps/iops/max total values and read/write values cannot be used at the same time");
        }
        long size = c.iopsSize().orElse(0L);
        if (size != 0 && requests.average == 0 && reads.average == 0 && writes.average == 0) {
            throw new QmpException("iops size requires an iops value to be set");
        }
        List<Limit> limits = List.of(bytes.checked(), bytesRead.checked(), bytesWritten.checked(), requests.checked(), reads.checked(),
                writes.checked());
        if (limits.stream().allMatch(Limit.NONE::equals)) return Throttle.NONE;
        return new Throttle(new Rate(limits.get(0), limits.get(3)), new Rate(limits.get(1), limits.get(4)),
                new Rate(limits.get(2), limits.get(5)), size);
    }

    private static boolean atOnce(Given all, Given reads, Given writes) {
        boolean averages = all.average != 0 && (reads.average != 0 || writes.average != 0);
        return averages || all.burst != 0 && (reads.burst != 0 || writes.burst != 0);
    }
}
