package io.kahvem.jvm.interpret;

import io.kahvem.memory.GuestMemory;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/// All decoded code of a virtual machine, by physical page. Shared by its vCPUs.
///
/// The order that keeps decoded code true to memory: a decoder marks the page in [GuestMemory] as code and takes from every vCPU the right
/// to store to it unseen, before it reads a byte; a writer looks at the mark after its store, and invalidates. So either the decoder sees
/// the store, or the writer sees the block.
public final class CodeCache {
    private final GuestMemory memory;
    private final ConcurrentMap<Long, CodePage> pages = new ConcurrentHashMap<>();

    public CodeCache(GuestMemory memory) {
        this.memory = memory;
    }

    CodePage page(long gpa) {
        Long key = gpa & -GuestMemory.PAGE_SIZE;
        CodePage page = pages.get(key);
        return page != null ? page : pages.computeIfAbsent(key, CodePage::new);
    }

    /// Invalidates what was decoded from `[gpa, gpa + bytes)`, which lies in one page. Any thread.
    public void codeWritten(long gpa, long bytes) {
        @Nullable CodePage page = pages.get(gpa & -GuestMemory.PAGE_SIZE);
        int from = (int) gpa & GuestMemory.PAGE_SIZE - 1;
        if (page == null) return;
        synchronized (page) {
            if (!page.invalidate(from, (int) (from + bytes))) memory.clearCode(gpa);
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
