package io.kahvem.jvm.translate;

import io.kahvem.jvm.interpret.CodeCache;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;

/// The regions of a virtual machine: what there are, how much they take, and which go when they take too much.
///
/// The bound is on bytes of bytecode, since the machine code that HotSpot makes of it goes to a code cache that is finite. Past the bound
/// the regions go that were entered the longest ago; time is counted in regions made. What is evicted is unreachable, so that its hidden
/// class can be unloaded; its code is interpreted again, and translated again once it is hot.
final class Regions {
    /// After an eviction this part of the bound is taken at most, so that the next one is not at once.
    private static final double KEPT = 0.875;

    /// More of them are kept although they are gone only while they are fewer than what there is.
    private static final int FEW = 100;

    final LongAdder made = new LongAdder();
    final LongAdder instructions = new LongAdder();
    final LongAdder invalidated = new LongAdder();
    final LongAdder evicted = new LongAdder();

    private final CodeCache cache;
    private final long boundBytes;
    private final AtomicLong live = new AtomicLong();
    private final AtomicLong liveBytes = new AtomicLong();

    /// Under this object's monitor.
    private final List<Region> all = new ArrayList<>();

    private volatile int now;

    private volatile int evictions;

    Regions(CodeCache cache, long boundBytes) {
        this.cache = cache;
        this.boundBytes = boundBytes;
    }

    /// A region that is about to be published. By a thread that holds no page's lock.
    synchronized void add(Region region) {
        made.increment();
        instructions.add(region.instructions());
        live.incrementAndGet();
        liveBytes.addAndGet(region.bytecodes());
        region.belongTo(this);
        all.add(region);
        region.enter(++now);
        if (liveBytes.get() > boundBytes) evict(region);
        if (all.size() > 2 * live.get() + FEW) all.removeIf(other -> !other.valid());
    }

    /// Evicts others than `newest`.
    private void evict(Region newest) {
        // By differences, since the count may come around; sorted by what is read once, since vCPUs go on.
        int[] entered = all.stream().mapToInt(region -> region.entered() - now).toArray();
        List<Integer> order = IntStream.range(0, entered.length).boxed().sorted(Comparator.comparingInt(n -> entered[n])).toList();
        for (int n : order) {
            if (liveBytes.get() <= KEPT * boundBytes) break;
            Region region = all.get(n);
            if (!region.equals(newest) && region.valid()) discard(region);
        }
        all.removeIf(region -> !region.valid());
        for (Region region : all) region.unlink();
        evictions++;
    }

    /// How often some were evicted: what is reachable from a vCPU is to be forgotten then.
    int evictions() {
        return evictions;
    }

    void discard(Region region) {
        cache.remove(region);
        if (!region.withdraw()) return;
        evicted.increment();
        gone(region);
        Events.evicted(region);
    }

    /// The time that [Region#enter] notes. Any thread.
    int now() {
        return now;
    }

    /// It was not published.
    void drop(Region region) {
        if (region.withdraw()) gone(region);
    }

    /// Its bytes were written; any thread.
    void invalidated(Region region) {
        invalidated.increment();
        gone(region);
        Events.invalidated(region);
    }

    private void gone(Region region) {
        live.decrementAndGet();
        liveBytes.addAndGet(-region.bytecodes());
    }

    /// How many can be entered.
    long live() {
        return live.get();
    }

    /// Bytes of their bytecode.
    long liveBytes() {
        return liveBytes.get();
    }
}
