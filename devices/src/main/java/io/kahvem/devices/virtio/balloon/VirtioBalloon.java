package io.kahvem.devices.virtio.balloon;

import io.kahvem.devices.dma.GuestBuffers;
import io.kahvem.devices.virtio.Activation;
import io.kahvem.devices.virtio.ConfigSpace;
import io.kahvem.devices.virtio.VirtioDevice;
import io.kahvem.devices.virtio.balloon.BalloonStatistics.Tag;
import io.kahvem.devices.virtio.queue.DescriptorChain;
import io.kahvem.devices.virtio.queue.Virtqueue;
import io.kahvem.host.Clock;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// virtio-balloon (virtio 1.2, 5.5): the driver puts pages into the balloon until it has the size asked for, and reports free pages and
/// statistics. What is in the balloon, or reported as free, goes back to the host.
///
/// Lock: this object's monitor; the listener is called outside of it.
public final class VirtioBalloon implements VirtioDevice {
    private static final int DEVICE_ID = 5;
    private static final int QUEUE_SIZE = 128;
    private static final int INFLATEQ = 0;
    private static final int DEFLATEQ = 1;
    private static final int STATSQ = 2;
    private static final int QUEUES = 5;

    private static final long F_STATS_VQ = 1 << 1;
    private static final long F_DEFLATE_ON_OOM = 1 << 2;
    private static final long F_PAGE_REPORTING = 1 << 5;

    private static final int CONFIG_BYTES = 8;
    private static final int NUM_PAGES = 0;
    private static final int ACTUAL = 4;
    private static final int STAT_BYTES = 10;
    private static final long PAGE = GuestMemory.PAGE_SIZE;

    private final Clock clock;
    private final long ramBytes;
    private final LongConsumer actualChanged;
    private final ConfigSpace config = new ConfigSpace(CONFIG_BYTES);
    private @Nullable Activation active;
    private @Nullable DescriptorChain statsBuffer;
    private boolean statsWanted;
    private @Nullable BalloonStatistics statistics;
    private long actualPages;

    /// @param ramBytes all of the guest's memory
    /// @param actualChanged hears of the guest's memory without what is in the balloon, in bytes, when that has changed
    public VirtioBalloon(Clock clock, long ramBytes, LongConsumer actualChanged) {
        this.clock = clock;
        this.ramBytes = ramBytes;
        this.actualChanged = actualChanged;
    }

    @Override
    public int deviceId() {
        return DEVICE_ID;
    }

    @Override
    public long features() {
        return F_STATS_VQ | F_DEFLATE_ON_OOM | F_PAGE_REPORTING;
    }

    @Override
    public int[] queueSizes() {
        int[] sizes = new int[QUEUES];
        Arrays.fill(sizes, QUEUE_SIZE);
        return sizes;
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    /// Asks the guest to keep this much of its memory and to give the rest back; what it does is its affair. Whole pages are meant; more
    /// than all means all.
    public void setTarget(long bytes) {
        Activation a;
        synchronized (this) {
            config.put(NUM_PAGES, 4, (ramBytes - Math.clamp(bytes, 0, ramBytes)) / PAGE);
            a = active;
        }
        if (a != null) a.configChanged().run();
    }

    /// The guest's memory without what is in the balloon.
    public synchronized long actualBytes() {
        return ramBytes - actualPages * PAGE;
    }

    /// Asks the driver for new statistics, which [#statistics] shows when they have come.
    public void requestStatistics() {
        Virtqueue q;
        synchronized (this) {
            statsWanted = true;
            q = returnStatsBuffer();
        }
        if (q != null) q.notifyDriver();
    }

    /// The last that came, if any has.
    public synchronized Optional<BalloonStatistics> statistics() {
        return Optional.ofNullable(statistics);
    }

    @Override
    public void configWritten(int offset, int size, long value) {
        if (offset != ACTUAL || size != 4) return;
        long bytes;
        synchronized (this) {
            config.put(ACTUAL, 4, value);
            actualPages = value & 0xffff_ffffL;
            bytes = actualBytes();
        }
        actualChanged.accept(bytes);
    }

    @Override
    public synchronized void activate(Activation activation) {
        active = activation;
    }

    @Override
    public synchronized void queueNotified(int index) {
        Activation a = active;
        if (a == null) return;
        Virtqueue q = a.queue(index);
        if (index == STATSQ && a.has(F_STATS_VQ)) {
            receiveStatistics(q);
            return;
        }
        do {
            for (DescriptorChain c; (c = q.poll()) != null; ) {
                if (index == INFLATEQ) {
                    inflate(c.readable());
                } else if (index != DEFLATEQ && a.has(F_PAGE_REPORTING)) {
                    // The fourth or the fifth queue: drivers count those of features that were not offered, or do not.
                    reported(c.writable());
                }
                q.complete(c, 0);
            }
        } while (q.enableNotifications());
        q.notifyDriver();
    }

    @Override
    public synchronized void queueReset(int index) {
        if (index == STATSQ) statsBuffer = null;
    }

    @Override
    public synchronized void reset() {
        active = null;
        statsBuffer = null;
        actualPages = 0;
        config.put(ACTUAL, 4, 0);
    }

    /// Page numbers of 32 bits; those that follow each other, up or down, go back together.
    private static void inflate(GuestBuffers c) {
        long first = -1;
        long end = -1;
        for (long at = 0; at + 4 <= c.totalBytes(); at += 4) {
            long gpa = (c.get32(at) & 0xffff_ffffL) * PAGE;
            if (gpa == end) {
                end += PAGE;
            } else if (gpa + PAGE == first) {
                first = gpa;
            } else {
                if (first >= 0) c.memory().discard(first, end - first);
                first = gpa;
                end = gpa + PAGE;
            }
        }
        if (first >= 0) c.memory().discard(first, end - first);
    }

    private static void reported(GuestBuffers c) {
        for (int n = 0; n < c.count(); n++) c.memory().discard(c.gpa(n), c.bytes(n));
    }

    /// The buffer stays here until statistics are wanted again: giving it back asks for them.
    private void receiveStatistics(Virtqueue q) {
        do {
            for (DescriptorChain c; (c = q.poll()) != null; ) {
                if (statsBuffer != null) q.complete(statsBuffer, 0);
                statsBuffer = c;
                Map<Tag, Long> values = new EnumMap<>(Tag.class);
                for (long at = 0; at + STAT_BYTES <= Math.min(c.readable().totalBytes(), 1024); at += STAT_BYTES) {
                    int tag = c.readable().get16(at);
                    if (tag < Tag.values().length) values.put(Tag.values()[tag], c.readable().get64(at + 2));
                }
                if (!values.isEmpty()) statistics = new BalloonStatistics(values, clock.nanoTime());
            }
        } while (q.enableNotifications());
        if (statsWanted) returnStatsBuffer();
        q.notifyDriver();
    }

    private @Nullable Virtqueue returnStatsBuffer() {
        Activation a = active;
        DescriptorChain buffer = statsBuffer;
        if (a == null || buffer == null) return null;
        statsWanted = false;
        statsBuffer = null;
        a.queue(STATSQ).complete(buffer, 0);
        return a.queue(STATSQ);
    }
}
