package io.kahvem.jvm.hostcpu;

import io.kahvem.apic.LocalApic;
import io.kahvem.host.HostMemory;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.decode.OpcodeMap;
import io.kahvem.jvm.interpret.Block;
import io.kahvem.jvm.interpret.BlockFinder;
import io.kahvem.jvm.interpret.CodeCache;
import io.kahvem.jvm.interpret.Spinner;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.jvm.translate.Tiers;
import io.kahvem.jvm.translate.Translator;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;

/// A CPU of the engine in 64-bit mode at CPL 3, with the pages of a [HostCpu]'s region at the same linear addresses. Code goes through
/// decoder, spinner and block cache as a guest's does, and through the translator, as the policy says. It ends by running into a UD2 that
/// stands after it.
public final class UserCpu implements AutoCloseable {
    /// Everything is translated before it is executed, as far as direct jumps reach.
    public static final Translator.Policy TRANSLATED = new Translator.Policy(1, 0, 20, false);

    private static final int GPA_BYTES = 0x40000;
    private static final int REGION_GPA = 0x20000;
    private static final int PML4 = 0x1000;
    private static final long PRESENT_WRITABLE_USER = 7;
    private static final long DIRTY = 1 << 6;
    private static final long GLOBAL = 1 << 8;
    private static final int CODE64 = 0xa0fb;
    /// What FXSAVE leaves as it is, and what the engine has no room for.
    private static final int FX_RESERVED = 416;

    private static final byte[] UD2 = {0x0f, 0x0b};

    private final GuestMemory memory = new GuestMemory();
    private final long base;
    public final Cpu c;
    public final Translator translator;
    private final BlockFinder finder;
    private final Tiers tiers;
    private int nextTable = PML4 + 0x1000;
    private byte[] loaded = {};
    private int loadedAt = -1;

    public UserCpu(long base, OpcodeMap map, Translator.Policy policy) {
        this.base = base;
        memory.add(0, HostMemory.system().map(GPA_BYTES), false);
        CodeCache cache = new CodeCache(memory);
        memory.setCodeListener(cache::codeWritten);
        Mmu mmu = new Mmu(memory, (cpu, gpa, bytes) -> cache.codeWritten(gpa, bytes));
        c = new Cpu(0, mmu, new LocalApic());
        finder = new BlockFinder(memory, cache, new Spinner(), map, mmu::flushWritable);
        c.entries = finder;
        translator = new Translator(memory, cache, map, policy);
        tiers = new Tiers(finder, translator);
        for (int offset = 0; offset < HostCpu.REGION_BYTES; offset += GuestMemory.PAGE_SIZE) {
            if (offset != HostCpu.GUARD) mapPage(base + offset, REGION_GPA + offset);
        }
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_MP | ControlBits.CR0_ET | ControlBits.CR0_NE | ControlBits.CR0_WP | ControlBits.CR0_PG;
        c.cr3 = PML4;
        c.cr4 = ControlBits.CR4_PAE | ControlBits.CR4_PGE | ControlBits.CR4_OSFXSR | ControlBits.CR4_OSXMMEXCPT | ControlBits.CR4_OSXSAVE;
        c.xcr0 = ControlBits.XCR0_X87 | ControlBits.XCR0_SSE | ControlBits.XCR0_AVX;
        c.efer = ControlBits.EFER_LME | ControlBits.EFER_LMA | ControlBits.EFER_NXE | ControlBits.EFER_SCE;
        c.cpl = 3;
        for (int s = Cpu.ES; s <= Cpu.GS; s++) {
            c.selector[s] = 0x2b;
            c.limit[s] = 0xffff_ffffL;
            c.attributes[s] = 0xc0f3;
        }
        c.selector[Cpu.CS] = 0x33;
        c.attributes[Cpu.CS] = CODE64;
        c.modeChanged();
    }

    /// Takes over another's control registers.
    void controlsOf(Cpu other) {
        c.cr0 = other.cr0;
        c.cr4 = other.cr4;
        c.xcr0 = other.xcr0;
        c.efer = other.efer;
        c.attributes[Cpu.CS] = other.attributes[Cpu.CS];
        c.modeChanged();
    }

    /// Instructions executed by regions.
    public long translatedInstructions() {
        return tiers.translatedInstructions();
    }

    private void mapPage(long gva, long gpa) {
        memory.write64(entryOf(gva), gpa | PRESENT_WRITABLE_USER);
    }

    /// Where the page table has the entry for `gva`.
    private long entryOf(long gva) {
        int table = PML4;
        for (int shift = 39; shift > 12; shift -= 9) {
            long at = table + (gva >>> shift & 511) * 8;
            if (memory.read64(at) == 0) {
                memory.write64(at, nextTable | PRESENT_WRITABLE_USER);
                nextTable += GuestMemory.PAGE_SIZE;
            }
            table = (int) memory.read64(at) & -GuestMemory.PAGE_SIZE;
        }
        return table + (gva >>> 12 & 511) * 8;
    }

    /// Whether the page at `base + offset` was stored to since this was asked last.
    public boolean takeDirty(int offset) {
        long at = entryOf(base + offset);
        long entry = memory.read64(at);
        memory.write64(at, entry & ~DIRTY);
        c.mmu.flush();
        return (entry & DIRTY) != 0;
    }

    /// Writes as a device does, to the guest-physical address that `base + offset` is at to begin with.
    public void poke(int offset, byte[] bytes) {
        memory.write(REGION_GPA + offset, bytes);
    }

    /// Has the page at `base + offset` be where that at `base + other` was to begin with.
    public void remap(int offset, int other) {
        mapPage(base + offset, REGION_GPA + other);
        c.mmu.flush();
    }

    /// The same, and forgets nothing else; `global` for a page that is there in all address spaces.
    public void remapPage(int offset, int other, boolean global) {
        memory.write64(entryOf(base + offset), REGION_GPA + other | PRESENT_WRITABLE_USER | (global ? GLOBAL : 0));
        c.mmu.invalidatePage(base + offset);
    }

    /// Its memory from the stack on, which nothing initializes.
    public byte[] stack() {
        byte[] bytes = new byte[HostCpu.REGION_BYTES - HostCpu.STACK];
        memory.read(REGION_GPA + HostCpu.STACK, bytes, 0, bytes.length);
        return bytes;
    }

    void stack(byte[] bytes) {
        memory.write(REGION_GPA + HostCpu.STACK, bytes);
    }

    /// Whether what was run last has changed itself.
    boolean isCodeChanged() {
        byte[] now = new byte[loaded.length];
        memory.read(REGION_GPA + loadedAt, now, 0, now.length);
        return !Arrays.equals(now, loaded);
    }

    /// Runs with the first byte of `code` at `base + offset`. Returns whether it ended within so many blocks.
    boolean runAt(int offset, State in, byte[] code, State out, int mostBlocks) {
        write(offset, code);
        set(in);
        boolean ended = go(offset, mostBlocks);
        get(out);
        if (in.gpr[4] == 0 && out.gpr[4] == base + HostCpu.STACK_TOP - 0x1000) out.gpr[4] = 0;
        System.arraycopy(in.fx, FX_RESERVED, out.fx, FX_RESERVED, in.fx.length - FX_RESERVED);
        return ended;
    }

    /// Has `code` at `base + offset`, and UD2 after it.
    public void write(int offset, byte[] code) {
        if (loadedAt == offset && Arrays.equals(code, loaded) && !isCodeChanged()) return;
        loaded = code.clone();
        loadedAt = offset;
        memory.write(REGION_GPA + offset, code);
        memory.write(REGION_GPA + offset + code.length, UD2);
    }

    /// Runs from `base + offset` to the first exception. Returns whether there was one within so many blocks.
    public boolean go(int offset, int mostBlocks) {
        c.r[Cpu.RIP] = base + offset;
        c.faultVector = State.COMPLETED;
        c.faultError = 0;
        return execute(base + loadedAt + loaded.length, mostBlocks);
    }

    /// Sets registers and data.
    public void set(State in) {
        memory.write(REGION_GPA + HostCpu.DATA, in.data);
        load(in);
    }

    /// Registers, data, and the exception that ended the last run.
    public void get(State out) {
        store(out);
        out.vector = c.faultVector;
        out.error = c.faultError;
        out.cr2 = out.vector == Exceptions.PF ? c.cr2 : 0;
        out.faultOffset = out.vector == State.COMPLETED ? 0 : c.r[Cpu.RIP] - base - loadedAt;
        memory.read(REGION_GPA + HostCpu.DATA, out.data, 0, State.DATA_BYTES);
    }

    private boolean execute(long end, int mostBlocks) {
        Block block = null;
        for (int n = 0; n < mostBlocks; n++) {
            if (c.r[Cpu.RIP] == end) {
                c.linkFrom = null;
                return true;
            }
            if (block == null) block = finder.find(c);
            if (block != null) block = tiers.execute(c, block);
            if (c.stop == Cpu.NONE) continue;
            boolean faulted = c.faulted();
            c.stop = Cpu.NONE;
            c.linkFrom = null;
            block = null;
            if (!faulted) continue;
            if (c.faultVector == Exceptions.UD && c.r[Cpu.RIP] == end) c.faultVector = State.COMPLETED;
            return true;
        }
        c.linkFrom = null;
        return false;
    }

    private void load(State in) {
        System.arraycopy(in.gpr, 0, c.r, 0, 16);
        if (in.gpr[4] == 0) c.r[4] = base + HostCpu.STACK_TOP - 0x1000;
        Flags.setRflags(c, in.rflags & State.FLAGS | Flags.IF);
        c.mxcsr = in.mxcsr();
        for (int i = 0; i < 32; i++) c.xmm[i] = in.xmm(i / 2, i % 2);
        System.arraycopy(in.ymmUpper, 0, c.xmm, Cpu.YMM, 32);
        c.fpu.reset();
        c.fpu.setControl(in.word(0));
        c.fpu.setStatusWord(in.word(2));
        for (int i = 0; i < 8; i++) c.fpu.setStack(i, in.mmx(i), in.word(40 + 16 * i));
        c.fpu.setAbridgedTags(in.fx[4] & 0xff);
    }

    private void store(State out) {
        System.arraycopy(c.r, 0, out.gpr, 0, 16);
        out.rflags = Flags.rflags(c);
        out.mxcsr(c.mxcsr);
        for (int i = 0; i < 16; i++) out.xmm(i, c.xmm[2 * i], c.xmm[2 * i + 1]);
        System.arraycopy(c.xmm, Cpu.YMM, out.ymmUpper, 0, 32);
        out.word(0, c.fpu.control());
        out.word(2, c.fpu.statusWord());
        out.fx[4] = (byte) c.fpu.abridgedTags();
        for (int i = 0; i < 8; i++) {
            out.mmx(i, c.fpu.stackMantissa(i));
            out.word(40 + 16 * i, c.fpu.stackSignExponent(i));
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
