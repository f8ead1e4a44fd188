package io.kahvem.jvm.mmu;

import static io.kahvem.memory.GuestMemory.PAGE_SIZE;

import io.kahvem.host.Words;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.memory.GuestMemory;
import io.kahvem.memory.MemorySlot;
import java.util.Map;
import java.util.Objects;

/// Guest-virtual memory of one vCPU: every load and store of guest instructions.
///
/// A load or store looks into a direct-mapped software TLB ([Tlb]); a hit is one native access. A miss walks the page tables ([PageWalk])
/// in place and, where the page is RAM, fills the TLB. Accesses that may not be cached (device memory, pages instructions were decoded
/// from, everything while breakpoints are on) take the slow path each time. A faulting access notes the exception on the [Cpu] and gives 0;
/// the caller checks [Cpu#faulted()]. Loads give zero-extended values.
///
/// Addresses are linear. Used by the vCPU's own thread.
public final class Mmu {
    private final GuestMemory memory;
    private final Tlb tlb = new Tlb();
    private final PageWalk walk;
    private final WriteListener writes;
    private final Exclusive exclusive;

    private long misses;
    private long flushes;

    /// Counts everything that may have changed where instructions are fetched from.
    private int codeGeneration;

    /// The same for global pages.
    private int globalGeneration;

    /// Instructions were fetched from a global page in the lower half of the addresses.
    private boolean lowGlobalCode;

    /// Hears of a store by this vCPU to a page instructions were decoded from, after the store.
    public interface WriteListener {
        void codeWritten(Cpu c, long gpa, int bytes);
    }

    /// The MMU of a vCPU that has no others beside it.
    public Mmu(GuestMemory memory, WriteListener writes) {
        this(memory, writes, Exclusive.ALONE);
    }

    public Mmu(GuestMemory memory, WriteListener writes, Exclusive exclusive) {
        this.memory = memory;
        this.exclusive = exclusive;
        this.walk = new PageWalk(memory);
        this.writes = writes;
    }

    // The fast paths. The tag is the page of the access's last byte while the entry is chosen by its first: an access across a page border
    // misses.

    public static long load8(Cpu c, long gva) {
        long entry = c.readTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva & -PAGE_SIZE)) return Words.get8(gva + Words.getPlain64(entry + 8)) & 0xffL;
        return c.mmu.slowLoad(c, gva, 1, c.cpl == 3);
    }

    public static long load16(Cpu c, long gva) {
        long entry = c.readTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 1 & -PAGE_SIZE)) return Words.get16(gva + Words.getPlain64(entry + 8)) & 0xffffL;
        return c.mmu.slowLoad(c, gva, 2, c.cpl == 3);
    }

    public static long load32(Cpu c, long gva) {
        long entry = c.readTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 3 & -PAGE_SIZE)) return Words.get32(gva + Words.getPlain64(entry + 8)) & 0xffff_ffffL;
        return c.mmu.slowLoad(c, gva, 4, c.cpl == 3);
    }

    public static long load64(Cpu c, long gva) {
        long entry = c.readTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 7 & -PAGE_SIZE)) return Words.get64(gva + Words.getPlain64(entry + 8));
        return c.mmu.slowLoad(c, gva, 8, c.cpl == 3);
    }

    public static void store8(Cpu c, long gva, long value) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva & -PAGE_SIZE)) {
            Words.put8(gva + Words.getPlain64(entry + 8), (byte) value);
        } else {
            c.mmu.slowStore(c, gva, 1, value, c.cpl == 3);
        }
    }

    public static void store16(Cpu c, long gva, long value) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 1 & -PAGE_SIZE)) {
            Words.put16(gva + Words.getPlain64(entry + 8), (short) value);
        } else {
            c.mmu.slowStore(c, gva, 2, value, c.cpl == 3);
        }
    }

    public static void store32(Cpu c, long gva, long value) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 3 & -PAGE_SIZE)) {
            Words.put32(gva + Words.getPlain64(entry + 8), (int) value);
        } else {
            c.mmu.slowStore(c, gva, 4, value, c.cpl == 3);
        }
    }

    public static void store64(Cpu c, long gva, long value) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 7 & -PAGE_SIZE)) {
            Words.put64(gva + Words.getPlain64(entry + 8), value);
        } else {
            c.mmu.slowStore(c, gva, 8, value, c.cpl == 3);
        }
    }

    /// 16 bytes into `c.t0` and `c.t1`.
    public static void loadPair(Cpu c, long gva) {
        long entry = c.readTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 15 & -PAGE_SIZE)) {
            long hva = gva + Words.getPlain64(entry + 8);
            c.t0 = Words.get64(hva);
            c.t1 = Words.get64(hva + 8);
            return;
        }
        long low = load64(c, gva);
        if (c.faulted()) return;
        long high = load64(c, gva + 8);
        c.t0 = low;
        c.t1 = high;
    }

    /// Stores 16 bytes, all or none.
    public static void storePair(Cpu c, long gva, long low, long high) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 15 & -PAGE_SIZE)) {
            long hva = gva + Words.getPlain64(entry + 8);
            Words.put64(hva, low);
            Words.put64(hva + 8, high);
            return;
        }
        if ((gva & PAGE_SIZE - 1) > PAGE_SIZE - 16 && !writable(c, gva, 16)) return;
        store64(c, gva, low);
        if (!c.faulted()) store64(c, gva + 8, high);
    }

    /// Loads what the same instruction will store to: faults as the store would, so that the store cannot.
    public static long update8(Cpu c, long gva) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva & -PAGE_SIZE)) return Words.get8(gva + Words.getPlain64(entry + 8)) & 0xffL;
        return c.mmu.slowUpdate(c, gva, 1);
    }

    public static long update16(Cpu c, long gva) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 1 & -PAGE_SIZE)) return Words.get16(gva + Words.getPlain64(entry + 8)) & 0xffffL;
        return c.mmu.slowUpdate(c, gva, 2);
    }

    public static long update32(Cpu c, long gva) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 3 & -PAGE_SIZE)) return Words.get32(gva + Words.getPlain64(entry + 8)) & 0xffff_ffffL;
        return c.mmu.slowUpdate(c, gva, 4);
    }

    public static long update64(Cpu c, long gva) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + 7 & -PAGE_SIZE)) return Words.get64(gva + Words.getPlain64(entry + 8));
        return c.mmu.slowUpdate(c, gva, 8);
    }

    /// For translated code: the native address of `last + 1` bytes at `gva`, once the TLB has it; 0 where an access has to go the slow way
    /// or would fault.
    static long hostToRead(Cpu c, long gva, int last) {
        return c.mmu.host(c, gva, last, false);
    }

    static long hostToWrite(Cpu c, long gva, int last) {
        return c.mmu.host(c, gva, last, true);
    }

    private long host(Cpu c, long gva, int last, boolean write) {
        if (((gva ^ gva + last) & -PAGE_SIZE) != 0 || !tlb.caching || c.longMode() && gva << 16 >> 16 != gva) return 0;
        boolean user = c.cpl == 3;
        misses++;
        if (walk.access(c, gva, write, false, user) != PageWalk.OK) return 0;
        long gpa = walk.gpa;
        MemorySlot slot = memory.slotAt(gpa);
        if (slot == null || write && (slot.readOnly() || slot.isCode(gpa))) return 0;
        fill(c, gva, slot, write, user);
        return slot.hva(gpa);
    }

    /// By size, for whole operations: `bytes` is 1, 2, 4 or 8.
    public static long load(Cpu c, long gva, int bytes) {
        return switch (bytes) {
            case 1 -> load8(c, gva);
            case 2 -> load16(c, gva);
            case 4 -> load32(c, gva);
            default -> load64(c, gva);
        };
    }

    public static void store(Cpu c, long gva, int bytes, long value) {
        switch (bytes) {
            case 1 -> store8(c, gva, value);
            case 2 -> store16(c, gva, value);
            case 4 -> store32(c, gva, value);
            default -> store64(c, gva, value);
        }
    }

    public static long update(Cpu c, long gva, int bytes) {
        return switch (bytes) {
            case 1 -> update8(c, gva);
            case 2 -> update16(c, gva);
            case 4 -> update32(c, gva);
            default -> update64(c, gva);
        };
    }

    /// Loads at supervisor privilege whatever the CPL: descriptor tables, task state, interrupt frames.
    public static long systemLoad(Cpu c, long gva, int bytes) {
        return c.cpl == 3 ? c.mmu.slowLoad(c, gva, bytes, false) : load(c, gva, bytes);
    }

    public static void systemStore(Cpu c, long gva, int bytes, long value) {
        if (c.cpl == 3) {
            c.mmu.slowStore(c, gva, bytes, value, false);
        } else {
            store(c, gva, bytes, value);
        }
    }

    /// Checks, as a store of `bytes` bytes would, that the whole range can be written; notes the fault if not.
    public static boolean writable(Cpu c, long gva, int bytes) {
        return c.mmu.probe(c, gva, bytes, true, c.cpl == 3);
    }

    /// The same for loads.
    public static boolean readable(Cpu c, long gva, int bytes) {
        return c.mmu.probe(c, gva, bytes, false, c.cpl == 3);
    }

    /// Writable as supervisor (interrupt frames).
    public static boolean systemWritable(Cpu c, long gva, int bytes) {
        return c.mmu.probe(c, gva, bytes, true, false);
    }

    /// The native address for bulk work on `[gva, gva + bytes)` inside one page, or 0 where it must go the slow way. Never faults; fills
    /// nothing.
    public static long hostRead(Cpu c, long gva, long bytes) {
        long entry = c.readTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        return Words.getPlain64(entry) == (gva + bytes - 1 & -PAGE_SIZE) && (gva & -PAGE_SIZE) == (gva + bytes - 1 & -PAGE_SIZE)
                ? gva + Words.getPlain64(entry + 8)
                : 0;
    }

    public static long hostWrite(Cpu c, long gva, long bytes) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        return Words.getPlain64(entry) == (gva + bytes - 1 & -PAGE_SIZE) && (gva & -PAGE_SIZE) == (gva + bytes - 1 & -PAGE_SIZE)
                ? gva + Words.getPlain64(entry + 8)
                : 0;
    }

    /// Atomically replaces `expected` by `value` (of `bytes` bytes) at `gva`, which `update` has found writable. False if it held something
    /// else. At any alignment it is atomic towards all accesses of other vCPUs.
    public static boolean compareAndSet(Cpu c, long gva, int bytes, long expected, long value) {
        long entry = c.writeTable + (gva >>> 8 & Tlb.ENTRY_MASK);
        if (Words.getPlain64(entry) == (gva + bytes - 1 & -PAGE_SIZE)) {
            long hva = gva + Words.getPlain64(entry + 8);
            if (Atomics.reaches(hva, bytes)) return Atomics.compareAndSet(hva, bytes, expected, value);
        }
        return c.mmu.slowCompareAndSet(c, gva, bytes, expected, value);
    }

    /// For locked accesses that no instruction of the host makes atomic.
    public Exclusive exclusive() {
        return exclusive;
    }

    /// Chooses the tables for the CPU's privilege, and stops caching translations while breakpoints are on.
    public void modeChanged(Cpu c) {
        int index;
        if (c.cpl == 3) {
            index = Tlb.USER;
        } else {
            boolean access = (c.cr4 & ControlBits.CR4_SMAP) != 0 && (c.rflags & Flags.AC) != 0;
            index = access ? Tlb.SUPERVISOR_AC : Tlb.SUPERVISOR;
        }
        c.readTable = tlb.readTable(index);
        c.writeTable = tlb.writeTable(index);
        boolean step = (c.mode & Mode.STEP) != 0;
        if (step && tlb.caching) tlb.flush();
        tlb.caching = !step;
    }

    /// MOV to CR3: drops all but global translations.
    public void flushNonGlobal() {
        flushes++;
        codeGeneration++;
        tlb.flushNonGlobal();
    }

    /// Changes of CR0, CR4, EFER that alter translation: drops everything.
    public void flush() {
        flushes++;
        globalGeneration++;
        codeGeneration++;
        tlb.flush();
    }

    /// Drops the translations of one page (INVLPG), global ones too.
    public void invalidatePage(long gva) {
        flushes++;
        // Systems have no global pages below the kernel, so that what is known of its code survives.
        if (gva < 0 || lowGlobalCode) globalGeneration++;
        codeGeneration++;
        tlb.invalidatePage(gva);
    }

    /// Changes with every flush of any kind: what was learnt of instruction addresses before is void.
    public int codeGeneration() {
        return codeGeneration;
    }

    /// Changes with every flush that includes global pages.
    public int globalGeneration() {
        return globalGeneration;
    }

    /// Drops the right to store without asking: some page has become code.
    public void flushWritable() {
        tlb.flushWritable();
    }

    /// Translates an instruction fetch. Returns the guest-physical address, or -1 with the fault noted.
    public long fetch(Cpu c, long gva) {
        return translate(c, gva, false, true, c.cpl == 3) ? fetched(gva) : -1;
    }

    private long fetched(long gva) {
        if (walk.global && gva >= 0) lowGlobalCode = true;
        return walk.gpa;
    }

    /// The same without a fault: -1 where there would be one.
    public long fetchQuietly(Cpu c, long gva) {
        return walk.access(c, gva, false, true, c.cpl == 3) == PageWalk.OK ? fetched(gva) : -1;
    }

    /// Whether the last translation was of a global page, which stays what it is when CR3 is written.
    public boolean fetchedGlobal() {
        return walk.global;
    }

    /// Whether `gva` is mapped for reading as supervisor; gives the guest-physical address or -1, without faulting or setting accessed bits
    /// (for debuggers and reports).
    public long peek(Cpu c, long gva) {
        return walk.walk(c, gva) ? walk.gpa : -1;
    }

    private boolean translate(Cpu c, long gva, boolean write, boolean fetch, boolean user) {
        if (c.longMode() && gva << 16 >> 16 != gva) {
            c.raise(Exceptions.GP, 0);
            return false;
        }
        if (!fetch) misses++;
        int error = walk.access(c, gva, write, fetch, user);
        if (error == PageWalk.OK) return true;
        c.pageFault(gva, error);
        return false;
    }

    /// Adds what is counted here to `to`: walks of the page tables for data, and flushes of any kind. Any thread; approximate while the
    /// vCPU runs.
    public void count(Map<String, Long> to) {
        to.merge("tlb-misses", misses, Long::sum);
        to.merge("tlb-flushes", flushes, Long::sum);
    }

    private void fill(Cpu c, long gva, MemorySlot slot, boolean write, boolean user) {
        if (!tlb.caching) return;
        long addend = slot.hva(walk.gpa & -PAGE_SIZE) - (gva & -PAGE_SIZE);
        if (write) slot.markDirty(walk.gpa); // the entry ends when the bit is taken: JvmVm.takeDirtyPages
        int index = user ? Tlb.USER : c.writeTable == tlb.writeTable(Tlb.SUPERVISOR_AC) ? Tlb.SUPERVISOR_AC : Tlb.SUPERVISOR;
        tlb.fill(gva, addend, index, write && !slot.readOnly() && !slot.isCode(walk.gpa), walk.global, walk.large);
    }

    private boolean probe(Cpu c, long gva, int bytes, boolean write, boolean user) {
        if (!translate(c, gva, write, false, user)) return false;
        return (gva & -PAGE_SIZE) == (gva + bytes - 1 & -PAGE_SIZE) || translate(c, gva + bytes - 1 & -PAGE_SIZE, write, false, user);
    }

    private long slowLoad(Cpu c, long gva, int bytes, boolean user) {
        if (((gva ^ gva + bytes - 1) & -PAGE_SIZE) != 0) {
            if (!probe(c, gva, bytes, false, user)) return 0;
            long value = 0;
            for (int i = 0; i < bytes; i++) value |= slowLoad(c, gva + i, 1, user) << (8 * i);
            return value;
        }
        if (!translate(c, gva, false, false, user)) return 0;
        if ((c.mode & Mode.STEP) != 0) c.watch(gva, bytes, false);
        long gpa = walk.gpa;
        MemorySlot slot = memory.slotAt(gpa);
        if (slot == null) return device(c, gpa, bytes);
        fill(c, gva, slot, false, user);
        return loadHost(slot.hva(gpa), bytes);
    }

    private void slowStore(Cpu c, long gva, int bytes, long value, boolean user) {
        if (((gva ^ gva + bytes - 1) & -PAGE_SIZE) != 0) {
            if (!probe(c, gva, bytes, true, user)) return;
            for (int i = 0; i < bytes; i++) slowStore(c, gva + i, 1, value >>> (8 * i), user);
            return;
        }
        if (!translate(c, gva, true, false, user)) return;
        if ((c.mode & Mode.STEP) != 0) c.watch(gva, bytes, true);
        long gpa = walk.gpa;
        MemorySlot slot = memory.slotAt(gpa);
        if (slot == null) {
            if (c.apic.covers(gpa)) {
                c.apic.mmioWrite(gpa, bytes, value);
            } else {
                io(c).mmioWrite(gpa, bytes, value);
            }
            return;
        }
        if (slot.readOnly()) {
            io(c).mmioWrite(gpa, bytes, value); // ROM, or flash memory that takes commands
            return;
        }
        fill(c, gva, slot, true, user);
        slot.markDirty(gpa);
        storeHost(slot.hva(gpa), bytes, value);
        wrote(c, slot, gpa, bytes);
    }

    private long slowUpdate(Cpu c, long gva, int bytes) {
        boolean user = c.cpl == 3;
        if (!probe(c, gva, bytes, true, user)) return 0;
        return slowLoad(c, gva, bytes, user);
    }

    private boolean slowCompareAndSet(Cpu c, long gva, int bytes, long expected, long value) {
        boolean user = c.cpl == 3;
        if (!probe(c, gva, bytes, true, user)) return true;
        if ((gva & -PAGE_SIZE) == (gva + bytes - 1 & -PAGE_SIZE)) {
            long gpa = walk.gpa;
            MemorySlot slot = memory.slotAt(gpa);
            if (slot != null && !slot.readOnly() && Atomics.reaches(slot.hva(gpa), bytes)) {
                if ((c.mode & Mode.STEP) != 0) c.watch(gva, bytes, true);
                fill(c, gva, slot, true, user);
                slot.markDirty(gpa);
                boolean set = Atomics.compareAndSet(slot.hva(gpa), bytes, expected, value);
                if (set) wrote(c, slot, gpa, bytes);
                return set;
            }
        }
        // Across cache lines or pages, or of a device or ROM.
        exclusive.begin();
        try {
            if (slowLoad(c, gva, bytes, user) != expected) return false;
            slowStore(c, gva, bytes, value, user);
            return true;
        } finally {
            exclusive.end();
        }
    }

    private void wrote(Cpu c, MemorySlot slot, long gpa, int bytes) {
        Words.fullFence(); // the store before the look at the code bit, against a decoder that marks and then reads
        if (slot.isCode(gpa)) {
            if (c.stop == Cpu.NONE) c.stop = Cpu.LEAVE;
            writes.codeWritten(c, gpa, bytes);
        }
    }

    private long device(Cpu c, long gpa, int bytes) {
        long value = c.apic.covers(gpa) ? c.apic.mmioRead(gpa, bytes) : io(c).mmioRead(gpa, bytes);
        return bytes == 8 ? value : value & (1L << 8 * bytes) - 1;
    }

    private static VmIo io(Cpu c) {
        return Objects.requireNonNull(c.io, "guest code runs inside run()");
    }

    private static long loadHost(long hva, int bytes) {
        return switch (bytes) {
            case 1 -> Words.get8(hva) & 0xffL;
            case 2 -> Words.get16(hva) & 0xffffL;
            case 4 -> Words.get32(hva) & 0xffff_ffffL;
            default -> Words.get64(hva);
        };
    }

    private static void storeHost(long hva, int bytes, long value) {
        switch (bytes) {
            case 1 -> Words.put8(hva, (byte) value);
            case 2 -> Words.put16(hva, (short) value);
            case 4 -> Words.put32(hva, (int) value);
            default -> Words.put64(hva, value);
        }
    }
}
