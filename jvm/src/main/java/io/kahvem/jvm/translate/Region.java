package io.kahvem.jvm.translate;

import io.kahvem.jvm.cpu.Cpu;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Method;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Translated code of one physical page, or of two that follow each other in linear memory: a loop or a function with what it reaches by
/// direct jumps. Subclasses are generated ([RegionEmitter]) and shared by all vCPUs of a virtual machine.
public abstract class Region {
    /// What a region was made from.
    ///
    /// @param gpa the guest-physical address of its first page
    /// @param granules which 64-byte parts of the first page, a bit each
    /// @param secondGpa the same for its second page; -1 if there is none
    public record Extent(long gpa, long granules, long secondGpa, long secondGranules) {}

    private static final VarHandle VALID;

    static {
        try {
            VALID = MethodHandles.lookup().findVarHandle(Region.class, "valid", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    private long gpa;
    private long secondGpa = -1;

    /// Cleared when its bytes are overwritten. Looked at before every entry and after every call it makes; a vCPU inside goes on until
    /// then, as the architecture allows for code modified by another processor (SDM Vol. 3A, 9.1.3).
    private boolean valid = true;

    /// When it was last entered, as [Regions] counts time; written by vCPUs, without order.
    private int entered;

    private @Nullable Regions owner;
    private int headOffset;
    private int[] entries = {};
    private Link[] links = {};
    private int bytecodes;

    /// Its instructions by offset: offset, length in bytes, and how many to the end of its straight run, itself included; 20, 4 and 8 bits.
    private int[] places = {};

    void place(Extent extent, Translator.Emitted emitted) {
        gpa = extent.gpa;
        secondGpa = extent.secondGpa;
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

    /// The guest-physical pages it was made from: one or two.
    public long[] pages() {
        return secondGpa < 0 ? new long[] {gpa} : new long[] {gpa, secondGpa};
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

    int entered() {
        return entered;
    }

    /// Forgets what of its links is gone, so that nothing of it is reachable from here.
    void unlink() {
        for (Link link : links) link.unlink();
    }

    static int place(int at, int length, int rest) {
        return at << 12 | length << 8 | rest;
    }

    /// What is known of the instruction `at` bytes into the region.
    protected final int place(int at) {
        return places[-Arrays.binarySearch(places, place(at, 0, 0)) - 1];
    }

    /// How many instructions were counted but not executed, when an exit at `place` was taken: the instruction itself was not if it is
    /// to be
    /// interpreted or has faulted.
    protected static int unexecuted(int place, Cpu c) {
        return (place & 0xff) - (c.stop == Cpu.LEAVE ? 1 : 0);
    }

    /// Where to go on, as an offset: at the instruction, or after it.
    protected static int resumption(int place, Cpu c) {
        return (place >> 12) + (c.stop == Cpu.LEAVE ? place >> 8 & 15 : 0);
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
        return CodePages.maps(c, base, gpa) && (secondGpa < 0 || CodePages.maps(c, base + 4096, secondGpa));
    }

    /// After a call this region made: whether it goes on at the return address `rip`. If the callee left to somewhere else, what is there
    /// is run first.
    ///
    /// @param before the [#context] before it
    protected final boolean returned(Cpu c, long rip, long before) {
        return (c.r[Cpu.RIP] == rip || resume(c, rip, before)) && c.stop == Cpu.NONE && c.budget > 0 && context(c) == before && valid;
    }

    private static boolean resume(Cpu c, long rip, long before) {
        while (c.r[Cpu.RIP] != rip) {
            if (c.stop != Cpu.NONE || c.budget <= 0 || context(c) != before || c.interpretNext || c.depth <= 0) return false;
            Entry entry = c.entries.find(c, c.r[Cpu.RIP]);
            if (entry == null) return false;
            c.returnTo = rip;
            entry.run(c, c.r[Cpu.RIP]);
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
    /// @param before the [#context] before it
    /// @param length of the instruction
    protected final boolean goesOn(Cpu c, long rip, long before, int length) {
        if (c.stop == Cpu.NONE && c.wanted() == 0 && !c.halted && c.budget > 0) {
            if (c.r[Cpu.RIP] == rip && context(c) == before) return valid;
            Link.goIndirect(c, c.r[Cpu.RIP]);
            return false;
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
