package io.kahvem.jvm.semantics;

import io.kahvem.apic.ApicBus;
import io.kahvem.apic.LocalApic;
import io.kahvem.apic.TscClock;
import io.kahvem.host.HostMemory;
import io.kahvem.hypervisor.CpuModel;
import io.kahvem.hypervisor.VmIo;
import io.kahvem.jvm.TestClock;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Entropy;
import io.kahvem.jvm.cpu.Mode;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.interpret.Block;
import io.kahvem.jvm.interpret.BlockFinder;
import io.kahvem.jvm.interpret.CodeCache;
import io.kahvem.jvm.interpret.Spinner;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.memory.GuestMemory;
import java.util.ArrayList;
import java.util.List;

/// One CPU over 4 MiB of memory, for tests of system instructions: descriptor tables, a task state and handlers at fixed places, and
/// a loop that executes bytes until HLT.
final class TestMachine implements AutoCloseable, VmIo {
    static final int GDT = 0x1000;
    static final int IDT = 0x2000;
    static final int TSS = 0x3000;
    static final int CODE = 0x8000;
    static final int HANDLERS = 0x10000;
    static final int STACK = 0x20000;
    static final int STACK0 = 0x30000;
    static final int IST = 0x38000;
    static final int USER_CODE = 0x40000;
    static final int PAGE_TABLES = 0x100000;

    static final int CODE0 = 0x08;
    static final int DATA0 = 0x10;
    static final int DATA3 = 0x18 | 3;
    static final int CODE3 = 0x20 | 3;
    static final int TASK = 0x28;
    static final int CODE0_64 = 0x38;
    static final int CODE3_64 = 0x40 | 3;
    static final int FREE = 0x48;

    final GuestMemory memory = new GuestMemory();
    final TestClock clock = new TestClock();
    final ApicBus bus = new ApicBus();
    final Cpu c;
    final List<String> io = new ArrayList<>();
    private final CodeCache cache = new CodeCache(memory);
    private final BlockFinder finder;

    TestMachine() {
        memory.add(0, HostMemory.system().map(4 << 20), false);
        memory.setCodeListener(cache::codeWritten);
        TscClock tsc = new TscClock(clock, 1_000_000);
        LocalApic apic = new LocalApic(0, true, bus, tsc, () -> {});
        Mmu mmu = new Mmu(memory, (cpu, gpa, bytes) -> cache.codeWritten(gpa, bytes));
        c = new Cpu(0, mmu, apic, new CpuModel(4, 1_000_000), tsc, new Entropy());
        c.io = this;
        c.dr[6] = 0xffff_0ff0L;
        c.dr[7] = 0x400;
        finder = new BlockFinder(memory, cache, new Spinner(), Opcodes.map(), mmu::flushWritable);
        descriptor(CODE0, 0, 0xfffff, 0xc09b);
        descriptor(DATA0, 0, 0xfffff, 0xc093);
        descriptor(DATA3, 0, 0xfffff, 0xc0f3);
        descriptor(CODE3, 0, 0xfffff, 0xc0fb);
        descriptor(CODE0_64, 0, 0xfffff, 0xa09b);
        descriptor(CODE3_64, 0, 0xfffff, 0xa0fb);
    }

    @Override
    public void close() {
        memory.close();
    }

    static long descriptor(long base, long limit, int attributes) {
        long low = limit & 0xffff | (base & 0xff_ffff) << 16;
        return low | (attributes & 0xf0ffL) << 40 | (limit >>> 16 & 0xf) << 48 | (base >>> 24 & 0xff) << 56;
    }

    void descriptor(int selector, long base, long limit, int attributes) {
        memory.write64(GDT + (selector & 0xfff8), descriptor(base, limit, attributes));
    }

    private void segment(int n, int selector, int attributes) {
        c.selector[n] = selector;
        c.r[Cpu.ES_BASE + n] = 0;
        c.limit[n] = 0xffff_ffffL;
        c.attributes[n] = attributes;
    }

    TestMachine real() {
        for (int n = 0; n < 6; n++) {
            segment(n, 0, n == Cpu.CS ? 0x9b : 0x93);
            c.limit[n] = 0xffff;
        }
        c.idtrLimit = 0x3ff;
        c.r[Cpu.RSP] = 0x7000;
        c.modeChanged();
        return this;
    }

    private void tables(int idtLimit) {
        c.gdtrBase = GDT;
        c.gdtrLimit = 0xff;
        c.idtrBase = IDT;
        c.idtrLimit = idtLimit;
        c.trSelector = TASK;
        c.trBase = TSS;
        c.trLimit = 0x67;
        c.trAttributes = 0x8b;
    }

    TestMachine protectedMode(int cpl) {
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_ET;
        int rpl = cpl == 0 ? 0 : 3;
        int data = cpl == 0 ? DATA0 : DATA3;
        for (int n = 0; n < 6; n++) segment(n, data, cpl == 0 ? 0xc093 : 0xc0f3);
        segment(Cpu.CS, cpl == 0 ? CODE0 : CODE3, cpl == 0 ? 0xc09b : 0xc0fb);
        c.cpl = rpl;
        tables(0x7ff);
        memory.write32(TSS + 4, STACK0);
        memory.write16(TSS + 8, DATA0);
        memory.write16(TSS + 0x66, 0x68);
        c.r[Cpu.RSP] = STACK;
        for (int vector = 0; vector < 256; vector++) gate32(vector, CODE0, HANDLERS + 16 * vector, 0x8e);
        handlers();
        c.modeChanged();
        return this;
    }

    void gate32(int vector, int selector, long offset, int attributes) {
        memory.write64(IDT + 8L * vector, offset & 0xffff | (long) selector << 16 | (long) attributes << 40 | (offset >>> 16) << 48);
    }

    void gate64(int vector, int selector, long offset, int attributes, int ist) {
        long low = offset & 0xffff | (long) selector << 16 | (long) ist << 32;
        memory.write64(IDT + 16L * vector, low | (long) attributes << 40 | (offset >>> 16 & 0xffff) << 48);
        memory.write64(IDT + 16L * vector + 8, offset >>> 32);
    }

    /// Every handler is a HLT at an address of its own.
    private void handlers() {
        for (int vector = 0; vector < 256; vector++) memory.write8(HANDLERS + 16 * vector, 0xf4);
    }

    /// Long mode with 4 MiB mapped to themselves for users too, except 0x80000 and up for supervisors only; nothing above.
    TestMachine longMode(int cpl) {
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_ET | ControlBits.CR0_PG | ControlBits.CR0_WP;
        c.cr4 = ControlBits.CR4_PAE | ControlBits.CR4_FSGSBASE;
        c.efer = ControlBits.EFER_LME | ControlBits.EFER_LMA | ControlBits.EFER_SCE | ControlBits.EFER_NXE;
        c.cr3 = PAGE_TABLES;
        memory.write64(PAGE_TABLES, PAGE_TABLES + 0x1000 | 7);
        memory.write64(PAGE_TABLES + 0x1000, PAGE_TABLES + 0x2000 | 7);
        memory.write64(PAGE_TABLES + 0x2000, PAGE_TABLES + 0x3000 | 7);
        for (int n = 0; n < 512; n++) memory.write64(PAGE_TABLES + 0x3000 + 8 * n, (long) n << 12 | (n < 0x80 ? 7 : 3));
        for (int n = 0; n < 6; n++) segment(n, cpl == 0 ? DATA0 : DATA3, cpl == 0 ? 0xc093 : 0xc0f3);
        segment(Cpu.CS, cpl == 0 ? CODE0_64 : CODE3_64, cpl == 0 ? 0xa09b : 0xa0fb);
        c.cpl = cpl;
        tables(0xfff);
        memory.write64(TSS + 4, STACK0);
        memory.write64(TSS + 0x24, IST);
        memory.write16(TSS + 0x66, 0x68);
        c.r[Cpu.RSP] = STACK;
        for (int vector = 0; vector < 256; vector++) gate64(vector, CODE0_64, HANDLERS + 16 * vector, 0x8e, 0);
        handlers();
        c.msrs.star = (long) (DATA3 - 8) << 48 | (long) CODE0_64 << 32;
        c.modeChanged();
        return this;
    }

    /// Writes code at its place; the rest of it is HLT.
    void code(int at, int... bytes) {
        byte[] code = new byte[bytes.length + 16];
        java.util.Arrays.fill(code, (byte) 0xf4);
        for (int n = 0; n < bytes.length; n++) code[n] = (byte) bytes[n];
        memory.write(at, code);
        c.r[Cpu.RIP] = at;
    }

    /// Executes at CODE until HLT or shutdown, delivering what instructions raise. At most 1,000 blocks.
    void run(int... bytes) {
        code(CODE, bytes);
        run();
    }

    void run() {
        for (int n = 0; n < 1000 && !c.halted && c.shutdown == null; n++) step();
        c.halted = false;
    }

    private void step() {
        c.stop = Cpu.NONE;
        boolean stepping = (c.mode & Mode.STEP) != 0;
        if (stepping && Debug.instructionBreakpoint(c)) {
            Interrupts.deliverFault(c);
            return;
        }
        Block block = finder.find(c);
        c.linkFrom = null;
        if (block != null) block.first.exec(c, c.r);
        if (c.faulted()) {
            Interrupts.deliverFault(c);
        } else if (stepping && c.stop != Cpu.REPEAT) {
            Debug.afterInstruction(c);
        }
    }

    /// The handler the CPU has halted in, or -1.
    int vector() {
        long at = c.r[Cpu.RIP] - 1 - HANDLERS;
        return at >= 0 && at < 4096 && at % 16 == 0 ? (int) at / 16 : -1;
    }

    long stack64(int n) {
        return memory.read64(c.r[Cpu.RSP] + 8L * n);
    }

    int stack32(int n) {
        return memory.read32(c.r[Cpu.RSP] + 4L * n);
    }

    @Override
    public long portRead(int port, int size) {
        io.add("in %x %d".formatted(port, size));
        return 0x1122_3344_5566_7788L;
    }

    @Override
    public void portWrite(int port, int size, long value) {
        io.add("out %x %d %x".formatted(port, size, value));
    }

    @Override
    public long mmioRead(long gpa, int size) {
        return 0;
    }

    @Override
    public void mmioWrite(long gpa, int size, long value) {}

    @Override
    public int acknowledgeInterrupt() {
        return 0;
    }

    @Override
    public void endOfInterrupt(int vector) {}
}
