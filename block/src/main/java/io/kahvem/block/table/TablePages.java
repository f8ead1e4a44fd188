package io.kahvem.block.table;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kahvem.block.BlockNode;
import io.kahvem.block.Bounce;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;

/// Tables of a file, a page at a time: what was read is kept as far as a bound allows, and what was changed waits for [#writeChanged].
/// Under its user's lock. Entries do not cross pages.
public final class TablePages {
    private static final int MOST_BYTES = 8 << 20;

    /// One page; changed, if the file does not have it so.
    private static final class Page {
        final ByteBuffer bytes;
        boolean changed;

        Page(ByteBuffer bytes) {
            this.bytes = bytes;
        }
    }

    /// Writes one page.
    public interface PageWriter {
        void write(long offset, byte[] page);
    }

    private final BlockNode file;
    private final int pageBytes;
    private final ByteOrder order;
    private final LinkedHashMap<Long, Page> pages = new LinkedHashMap<>(16, 0.75f, true);
    private int changed;
    private long lastOffset = -1;
    private Page last = new Page(ByteBuffer.allocate(0));

    /// @param pageBytes nothing but tables may be in a page of this size that a table is in
    public TablePages(BlockNode file, int pageBytes, ByteOrder order) {
        this.file = file;
        this.pageBytes = pageBytes;
        this.order = order;
    }

    public int byteAt(long at) {
        return page(at).bytes.get((int) (at % pageBytes)) & 0xff;
    }

    public long unsignedInt(long at) {
        return page(at).bytes.getInt((int) (at % pageBytes)) & 0xffff_ffffL;
    }

    public long longAt(long at) {
        return page(at).bytes.getLong((int) (at % pageBytes));
    }

    public void putInt(long at, int value) {
        change(page(at)).putInt((int) (at % pageBytes), value);
    }

    public void putLong(long at, long value) {
        change(page(at)).putLong((int) (at % pageBytes), value);
    }

    private ByteBuffer change(Page page) {
        if (!page.changed) changed++;
        page.changed = true;
        return page.bytes;
    }

    private Page page(long at) {
        long offset = at - at % pageBytes;
        if (offset == lastOffset) return last;
        Page page = pages.get(offset);
        if (page == null) {
            page = read(offset);
            pages.put(offset, page);
            dropEldest();
        }
        lastOffset = offset;
        last = page;
        return page;
    }

    private Page read(long offset) {
        MemorySegment memory = Bounce.take(pageBytes);
        file.read(offset, memory.asSlice(0, pageBytes));
        byte[] bytes = memory.asSlice(0, pageBytes).toArray(JAVA_BYTE);
        Bounce.give(memory);
        return new Page(ByteBuffer.wrap(bytes).order(order));
    }

    private void dropEldest() {
        Iterator<Page> eldest = pages.values().iterator();
        while ((long) pages.size() * pageBytes > MOST_BYTES && eldest.hasNext()) if (!eldest.next().changed) eldest.remove();
    }

    /// How many pages wait to be written.
    public int changedPages() {
        return changed;
    }

    /// Gives each changed page to `writer`, in the file's order; then they count as unchanged.
    public void writeChanged(PageWriter writer) {
        List<Long> offsets = new ArrayList<>();
        pages.forEach((offset, page) -> {
            if (page.changed) offsets.add(offset);
        });
        offsets.sort(null);
        for (long offset : offsets) {
            Page page = pages.get(offset);
            if (page == null) continue;
            writer.write(offset, page.bytes.array());
            page.changed = false;
            changed--;
        }
    }
}
