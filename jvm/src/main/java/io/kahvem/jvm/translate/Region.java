package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.memory.GuestMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Translated code of one physical page, or of a few at fixed distances in linear memory: a loop or a function with what it reaches by
/// direct jumps and calls. Subclasses are generated ([RegionEmitter]) and shared by all vCPUs of a virtual machine.
public abstract class Region {
    /// A page that a region was made from.
    ///
    /// @param offset from the page of the region's head in linear memory
    /// @param gpa its guest-physical address
    /// @param granules which 64-byte parts of it, a bit each
    /// @param bytes what was in it
    public record Part(int offset, long gpa, long granules, byte[] bytes) {}

    /// Where the region was found whole: at `base`, for a state of a vCPU's instruction TLB ([CodePages#state]).
    private record Whole(long base, long when) {}

    /// What should happen rarely: how often it did, since when, and whether that was too often, `many` times within [#SHORT_NANOS].
    private static final class Rare {
        final int many;
        int count;
        long since;
        boolean often;

        Rare(int many) {
            this.many = many;
        }
    }

    private static final int MOST_MISPLACED = 1_000;

    /// Misses in as much time are too many: then a call each costs less than leaving.
    private static final int MANY_MISSES = 1_000;

    /// The same for accesses in two pages, which cost as much, and without shared look-ups nothing else gains.
    private static final int MANY_CROSSINGS = 10_000;

    private static final long SHORT_NANOS = 1_000_000_000;

    private static final VarHandle VALID;

    static {
        try {
            VALID = MethodHandles.lookup().findVarHandle(Region.class, "valid", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private long gpa;

    /// The guest-physical addresses of its pages, and their offsets from the first, which is its head's.
    private long[] pages = {};

    private int[] offsets = {};

    /// By the low bits of the vCPU's number.
    private final @Nullable Whole[] whole = new @Nullable Whole[8];

    /// How often it was looked for where it is not.
    private int misplaced;

    /// Cleared when its bytes are overwritten. Looked at before every entry and after every call it makes; a vCPU inside goes on until
    /// then, as the architecture allows for code modified by another processor (SDM Vol. 3A, 9.1.3).
    private boolean valid = true;

    /// When it was last entered, as [Regions] counts time; written by vCPUs, without order.
    private int entered;

    /// Something rare that leaves it to the interpreter.
    private final Rare misses = new Rare(MANY_MISSES);

    /// Accesses that share a look-up and are in two pages.
    private final Rare crossings = new Rare(MANY_CROSSINGS);

    /// Where it is entered at its head, once it is published.
    private @Nullable Entry head;

    private @Nullable Regions owner;
    private int headOffset;
    private int[] entries = {};
    private Link[] links = {};
    private int bytecodes;

    /// Its instructions by offset: offset, length in bytes, and how many to the end of its straight run, itself included; 4 and 8 bits.
    private long[] places = {};

    void place(List<Part> parts, Translator.Emitted emitted) {
        gpa = parts.getFirst().gpa;
        pages = parts.stream().mapToLong(Part::gpa).toArray();
        offsets = parts.stream().mapToInt(Part::offset).toArray();
        places = emitted.plan().places();
        headOffset = emitted.plan().head;
        entries = emitted.plan().entries.stream().mapToInt(piece -> piece.at).toArray();
        links = Arrays.stream(emitted.constants()).filter(Link.class::isInstance).toArray(Link[]::new);
        bytecodes = emitted.bytecodes();
    }

    void belongTo(Regions regions) {
        owner = regions;
    }

    /// The guest-physical address of its first instruction.
    long headGpa() {
        return gpa + headOffset;
    }

    /// The guest-physical pages it was made from.
    public long[] pages() {
        return pages;
    }

    /// Where they are in linear memory, from its first page.
    public int[] offsets() {
        return offsets;
    }

    /// The offsets in its first page where it can be entered.
    public int[] entries() {
        return entries;
    }

    /// Its method [#run].
    Method method() {
        try {
            return getClass().getMethod("run", Cpu.class, long[].class, long.class, int.class);
        } catch (NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }

    int instructions() {
        return places.length;
    }

    /// The size of its bytecode.
    int bytecodes() {
        return bytecodes;
    }

    final void enter(int now) {
        if (entered != now) entered = now; // read by all vCPUs, so written seldom
    }

    /// Runs entry number `entry`, which is at `rip`, one level deeper.
    final void enter(Cpu c, long rip, int entry) {
        c.depth--;
        enter(c.regionTime);
        run(c, c.r, rip & -GuestMemory.PAGE_SIZE, entry);
        c.depth++;
    }

    int entered() {
        return entered;
    }

    /// Forgets what of its links is gone, so that nothing of it is reachable from here.
    void unlink() {
        for (Link link : links) link.unlink();
    }

    /// How far the function is that the indirect call always goes to whose last byte is at `gpa`, from where the call returns to; 0 if
    /// there is none.
    public long callee(long gpa) {
        for (Link link : links) {
            if (link.site != 0 && gpa(link.site - 1) == gpa) return link.callee();
        }
        return 0;
    }

    /// The guest-physical address of the byte at `at`, which is in one of its pages.
    private long gpa(int at) {
        for (int i = 0; i < offsets.length; i++) {
            if (offsets[i] == (at & -GuestMemory.PAGE_SIZE)) return pages[i] + (at & GuestMemory.PAGE_SIZE - 1);
        }
        throw new IllegalArgumentException("no page of the region is at " + at);
    }

    static long place(int at, int length, int rest) {
        return (long) at << 12 | length << 8 | rest;
    }

    /// What is known of the instruction at `at`, without that.
    protected final int place(int at) {
        return (int) places[-Arrays.binarySearch(places, place(at, 0, 0)) - 1] & 0xfff;
    }

    /// How many instructions were counted but not executed, when an exit at `place` was taken: the instruction itself was not if it is
    /// to be
    /// interpreted or has faulted.
    protected static int unexecuted(int place, Cpu c) {
        return (place & 0xff) - (c.stop == Cpu.LEAVE ? 1 : 0);
    }

    /// How far from the instruction to go on: at it, or after it.
    protected static int resumption(int place, Cpu c) {
        return c.stop == Cpu.LEAVE ? place >> 8 : 0;
    }

    /// Something rare leaves it to the interpreter ([Style#leaves]). Where that is not rare at all it is asked for anew.
    protected final void missed(Cpu c, long base) {
        count(misses, c, base);
    }

    boolean missesOften() {
        return misses.often;
    }

    /// Accesses that share a look-up were in two pages. Where they often are it is asked for without such.
    protected final void crossed(Cpu c, long base) {
        count(crossings, c, base);
    }

    boolean crossesOften() {
        return crossings.often;
    }

    private void count(Rare rare, Cpu c, long base) {
        if (++rare.count < rare.many) return;
        rare.count = 0;
        long now = System.nanoTime();
        Entry entry = head;
        if (now - rare.since < SHORT_NANOS && !rare.often && entry != null) {
            rare.often = true;
            c.grown = entry;
            c.grownRip = base + entry.offset();
        }
        rare.since = now;
    }

    /// Takes over what was learnt by the region in whose place it is.
    void learn(Region before) {
        misses.often = before.misses.often;
        crossings.often = before.crossings.often;
    }

    void enteredAt(Entry entry) {
        head = entry;
    }

    public boolean valid() {
        return valid;
    }

    /// The guest-physical address of its first page.
    long gpa() {
        return gpa;
    }

    /// Its bytes are overwritten. Any thread.
    public void invalidate() {
        Regions regions = owner;
        if (withdraw() && regions != null) regions.invalidated(this);
    }

    /// Lets it go, so that its code is interpreted and may become another region. By a thread that holds no page's lock.
    public void discard() {
        Regions regions = owner;
        if (regions != null) regions.discard(this);
    }

    /// Lets nobody enter it any more; whether this call did that.
    boolean withdraw() {
        return VALID.compareAndSet(this, true, false);
    }

    /// Executes from entry number `entry` until something leaves it; then `r[RIP]` and all other state are where the guest is.
    ///
    /// @param base linear address of the first byte of its first page
    /// @param entry with a number below 0 it does nothing, as often as it takes until HotSpot compiles it
    public abstract void run(Cpu c, long[] r, long base, int entry);

    /// Whether the region is still what lies at `base`, as far as the vCPU has learnt.
    public final boolean mapped(Cpu c, long base) {
        return pages.length == 1 ? CodePages.maps(c, base, gpa) : allMapped(c, base);
    }

    private boolean allMapped(Cpu c, long base) {
        long when = CodePages.state(c, false);
        Whole before = whole[c.apicId & whole.length - 1];
        if (before != null && before.base == base && before.when == when) return true;
        for (int i = 0; i < pages.length; i++) {
            if (!CodePages.maps(c, base + offsets[i], pages[i])) return false;
        }
        whole[c.apicId & whole.length - 1] = new Whole(base, when);
        return true;
    }

    /// Whether all its pages are where they are in each address space, as far as is known.
    boolean isGlobal(Cpu c, long base) {
        for (int offset : offsets) {
            if (!CodePages.isGlobal(c, base + offset)) return false;
        }
        return true;
    }

    /// It is not where its head is executed; true if that has happened so often that it had better go.
    public boolean misplaced() {
        return ++misplaced == MOST_MISPLACED;
    }

    /// After a call this region made: whether it goes on at the return address `rip`. If the callee left to somewhere else, what is there
    /// is run first.
    ///
    /// @param before the [#context] before it
    protected final boolean returned(Cpu c, long rip, long before) {
        return (c.r[Cpu.RIP] == rip || resume(c, rip, before)) && mayGoOn(c, before);
    }

    /// Whether nothing but a return address keeps the region from going on after what it has called.
    private boolean mayGoOn(Cpu c, long before) {
        return c.stop == Cpu.NONE && c.budget > 0 && context(c) == before && valid;
    }

    private static boolean resume(Cpu c, long rip, long before) {
        while (c.r[Cpu.RIP] != rip) {
            if (c.stop != Cpu.NONE || c.budget <= 0 || context(c) != before || c.interpretNext || c.depth <= 0) return false;
            Found found = Found.find(c, c.r[Cpu.RIP]);
            if (found == null) return false;
            c.returnTo = rip;
            found.run(c);
        }
        return true;
    }

    /// What has to be as it was for a region to go on: where instructions are fetched from, the mode, whether vector instructions may be
    /// used, and that nobody wants everything left.
    protected static long context(Cpu c) {
        int state = c.mode | c.sseTrap << 8 | c.avxTrap << 12 | c.epoch << 16;
        return (long) state << 32 | c.mmu.codeGeneration() & 0xffff_ffffL;
    }

    /// After an operation that may have changed anything: whether the region goes on at `rip`, the next instruction. If not, what is at
    /// `r[RIP]` has been run, or everything has to be left, and has been set up for that.
    ///
    /// A system call is like a call here, and what comes back from it like a return.
    ///
    /// @param before the [#context] before it
    /// @param length of the instruction
    /// @param returnTo the address that the caller of this region waits for
    protected final boolean goesOn(Cpu c, long rip, long before, int length, long returnTo) {
        if (c.stop == Cpu.NONE && c.wanted() == 0 && !c.halted && c.budget > 0) {
            long to = c.r[Cpu.RIP];
            if (to == rip && context(c) == before) return valid;
            if (to == returnTo) return false;
            c.returnTo = rip;
            Link.goIndirect(c, to);
            return to != rip && c.r[Cpu.RIP] == rip && mayGoOn(c, before);
        }
        c.epoch++;
        if (c.stop == Cpu.FAULT || c.stop == Cpu.REPEAT) {
            c.r[Cpu.RIP] -= length;
            c.budget++;
        }
        return false;
    }

    /// Finds translated code by linear address; each vCPU has its own.
    public interface Entries {
        /// The entry for the vCPU's mode, or null if there is none that is known to be mapped.
        @Nullable Entry find(Cpu c, long rip);
    }
}
