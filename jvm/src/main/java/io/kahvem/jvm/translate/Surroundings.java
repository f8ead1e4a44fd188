package io.kahvem.jvm.translate;

import io.kahvem.memory.GuestMemory;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/// The guest code around a region's head: copies of the pages that lie there in linear memory, made when they are first asked for. Places
/// are offsets from the head's page. One thread.
final class Surroundings {
    private static final int PAGE = GuestMemory.PAGE_SIZE;

    /// Farther away nothing is looked for: places, and the ends of what is there, are ints.
    private static final int FAR = 1 << 30;

    /// @param offset from the head's page
    /// @param gpa guest-physical address
    private record Page(int offset, long gpa, byte[] bytes) {}

    private final GuestMemory memory;
    private final IntToLongFunction where;
    private final Map<Integer, @Nullable Page> pages = new HashMap<>();

    /// The page asked for last.
    private @Nullable Page latest;

    /// `where` gives the guest-physical address of the page at an offset from the head's page, or -1 where that is not known.
    Surroundings(GuestMemory memory, IntToLongFunction where) {
        this.memory = memory;
        this.where = where;
    }

    /// Code from the head's page on, of which nothing else is known.
    static Surroundings of(byte[] code) {
        Surroundings these = new Surroundings(new GuestMemory(), offset -> -1);
        for (int at = 0; at < code.length; at += PAGE) these.pages.put(at, new Page(at, at, Arrays.copyOfRange(code, at, at + PAGE)));
        return these;
    }

    private @Nullable Page page(long at) {
        if (at < -FAR || at >= FAR) return null;
        int offset = (int) at & -PAGE;
        Page known = latest;
        if (known != null && known.offset == offset) return known;
        if (!pages.containsKey(offset)) pages.put(offset, copy(offset));
        Page found = pages.get(offset);
        if (found != null) latest = found;
        return found;
    }

    private @Nullable Page copy(int offset) {
        long gpa = where.applyAsLong(offset);
        if (gpa < 0 || memory.slotAt(gpa) == null || !memory.isCode(gpa)) return null;
        byte[] bytes = new byte[PAGE];
        memory.read(gpa, bytes, 0, PAGE);
        return new Page(offset, gpa, bytes);
    }

    /// Whether there is code at `at` that is known.
    boolean has(long at) {
        return page(at) != null;
    }

    /// The guest-physical address of what is at `at`, which there [has][#has] to be.
    long gpa(int at) {
        Page page = page(at);
        if (page == null) throw new IllegalArgumentException("no page is known at " + at);
        return page.gpa + (at & PAGE - 1);
    }

    /// The bytes of the page at `offset`, which there has to be.
    byte[] bytes(int offset) {
        Page page = page(offset);
        if (page == null) throw new IllegalArgumentException("no page is known at " + offset);
        return page.bytes;
    }

    /// Copies the bytes at `at` and after it to `window`, as far as they are known and it holds. Returns how many.
    int read(int at, byte[] window) {
        Page first = page(at);
        if (first == null) return 0;
        int here = Math.min(window.length, PAGE - (at & PAGE - 1));
        System.arraycopy(first.bytes, at & PAGE - 1, window, 0, here);
        if (here == window.length) return here;
        Page second = page((long) at + here);
        if (second == null) return here;
        System.arraycopy(second.bytes, 0, window, here, window.length - here);
        return window.length;
    }
}
