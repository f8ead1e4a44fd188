package io.kahvem.jvm.interpret;

import io.kahvem.jvm.translate.Entry;
import io.kahvem.jvm.translate.Region;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/// All decoded code of a virtual machine, by physical page. Shared by its vCPUs.
///
/// The order that keeps decoded code true to memory: a decoder marks the page in [GuestMemory] as code and takes from every vCPU the right
/// to store to it unseen, before it reads a byte; a writer looks at the mark after its store, and invalidates. So either the decoder sees
/// the store, or the writer sees the block.
public final class CodeCache {
    private final GuestMemory memory;
    /// By the number of the page: addresses of pages have hash codes that collide.
    private final ConcurrentMap<Long, CodePage> pages = new ConcurrentHashMap<>();
    private final LongAdder writes = new LongAdder();

    public CodeCache(GuestMemory memory) {
        this.memory = memory;
    }

    CodePage page(long gpa) {
        Long number = gpa / GuestMemory.PAGE_SIZE;
        CodePage page = pages.get(number);
        return page != null ? page : pages.computeIfAbsent(number, n -> new CodePage(n * GuestMemory.PAGE_SIZE));
    }

    /// How often the block at an offset of a page was interpreted; 0 if there is none.
    public int heat(long gpa, int offset, int mode) {
        Block block = page(gpa).find(offset, mode);
        return block == null ? 0 : block.heat;
    }

    /// Whether translated code can be entered at an offset of a page.
    public boolean translated(long gpa, int offset, int mode) {
        return page(gpa).entry(offset, mode) != null;
    }

    /// Whether translated code is often entered at an offset of a page.
    public boolean entered(long gpa, int offset, int mode) {
        Entry entry = page(gpa).entry(offset, mode);
        return entry != null && entry.isFrequent();
    }

    /// Counts the interpretations of the block at an offset of a page anew, from `heat` on where there were more.
    public void cool(long gpa, int offset, int mode, int heat) {
        Block block = page(gpa).find(offset, mode);
        if (block != null && block.heat > heat) block.heat = heat;
    }

    /// See [CodePage#jumpTargets].
    public int[] jumpTargets(long gpa, int mode) {
        return page(gpa).jumpTargets(mode);
    }

    /// See [Region#callee].
    public long callee(long gpa) {
        return page(gpa).callee(gpa);
    }

    /// Makes a region known that was translated from these pages, the first of which is entered, unless memory has changed meanwhile.
    ///
    /// @param entries in the order of their numbers
    public boolean publish(Region region, List<Region.Part> parts, List<Entry> entries) {
        long[] order = parts.stream().mapToLong(Region.Part::gpa).sorted().distinct().toArray();
        return publish(region, parts, entries, order, 0);
    }

    /// With the pages at `order` locked, those before `at` so far.
    private boolean publish(Region region, List<Region.Part> parts, List<Entry> entries, long[] order, int at) {
        if (at < order.length) {
            synchronized (page(order[at])) {
                return publish(region, parts, entries, order, at + 1);
            }
        }
        for (Region.Part part : parts) {
            if (!unchanged(part)) return false;
        }
        for (Region.Part part : parts) page(part.gpa()).addRegion(region, part.granules());
        CodePage first = page(parts.getFirst().gpa());
        for (Entry entry : entries) first.addEntry(entry);
        return true;
    }

    /// Forgets a region that is to go. Whoever is inside goes on until it leaves it.
    public void remove(Region region) {
        for (long gpa : region.pages()) page(gpa).removeRegion(region);
    }

    /// Whether a page's 64-byte parts are still what they were, and writes to it are still noticed.
    private boolean unchanged(Region.Part part) {
        if (!memory.isCode(part.gpa())) return false;
        byte[] now = new byte[GuestMemory.PAGE_SIZE];
        memory.read(part.gpa(), now, 0, now.length);
        for (int g = 0; g < 64; g++) {
            int from = 64 * g;
            if ((part.granules() >> g & 1) != 0 && !Arrays.equals(now, from, from + 64, part.bytes(), from, from + 64)) return false;
        }
        return true;
    }

    /// Invalidates what was decoded from `[gpa, gpa + bytes)`, which lies in one page. Any thread.
    public void codeWritten(long gpa, long bytes) {
        @Nullable CodePage page = pages.get(gpa / GuestMemory.PAGE_SIZE);
        int from = (int) gpa & GuestMemory.PAGE_SIZE - 1;
        if (page == null) return;
        writes.increment();
        synchronized (page) {
            if (!page.invalidate(from, (int) (from + bytes))) memory.clearCode(gpa);
        }
    }

    /// How many writes there were to pages that code was decoded from.
    public long writes() {
        return writes.sum();
    }

    /// Forgets what was decoded from `[gpa, end)`, where other memory is now, or none. Any thread.
    public void memoryChanged(long gpa, long end) {
        for (CodePage page : pages.values()) {
            if (page.gpa >= gpa && page.gpa < end) codeWritten(page.gpa, GuestMemory.PAGE_SIZE);
        }
    }

    /// Forgets everything: the memory was replaced. No vCPU runs.
    public void clear() {
        for (CodePage page : pages.values()) {
            page.invalidate(0, GuestMemory.PAGE_SIZE);
            memory.clearCode(page.gpa);
        }
        pages.clear();
    }
}
