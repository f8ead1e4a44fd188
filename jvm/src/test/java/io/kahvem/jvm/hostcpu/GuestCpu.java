package io.kahvem.jvm.hostcpu;

import io.kahvem.host.HostMemory;
import io.kahvem.jvm.apic.LocalApic;
import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Flags;
import io.kahvem.jvm.decode.Opcodes;
import io.kahvem.jvm.interpret.Block;
import io.kahvem.jvm.interpret.BlockFinder;
import io.kahvem.jvm.interpret.CodeCache;
import io.kahvem.jvm.interpret.Spinner;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.jvm.semantics.sse.SaveArea;
import io.kahvem.memory.GuestMemory;
import java.util.Arrays;

/// The engine in place of the host: runs code on a [State] by decoder, spinner and semantics, in 64-bit user mode, with memory at the addresses a [HostCpu] has it.
public final class GuestCpu implements AutoCloseable {
    private static final int PRESENT_WRITABLE_USER = 7;
    private static final long TABLES = 0x10000;
    private static final int TABLE_BYTES = 0x10000;

    private final GuestMemory memory = new GuestMemory();
    private final Cpu c;
    private final BlockFinder blocks;
    private final long base;
    private byte[] loaded = {};
    private long nextTable = TABLES + 0x1000;

    /// Memory at `host`'s addresses.
    public GuestCpu(HostCpu host) {
        this(host.base());
    }

    public GuestCpu(long base) {
        this.base = base;
        memory.add(TABLES, HostMemory.system().map(TABLE_BYTES), false);
        memory.add(base, HostMemory.system().map(HostCpu.REGION_BYTES), false);
        CodeCache cache = new CodeCache(memory);
        memory.setCodeListener(cache::codeWritten);
        Mmu mmu = new Mmu(memory, (cpu, gpa, bytes) -> cache.codeWritten(gpa, bytes));
        c = new Cpu(0, mmu, new LocalApic());
        blocks = new BlockFinder(memory, cache, new Spinner(), Opcodes.map(), mmu::flushWritable);
        for (long page = base; page < base + HostCpu.REGION_BYTES; page += 0x1000) {
            if (page != base + HostCpu.GUARD) mapIdentically(page);
        }
        c.cr3 = TABLES;
        c.cr0 = ControlBits.CR0_PE | ControlBits.CR0_PG | ControlBits.CR0_NE | ControlBits.CR0_MP | ControlBits.CR0_ET;
        c.cr4 = ControlBits.CR4_PAE | ControlBits.CR4_OSFXSR | ControlBits.CR4_OSXMMEXCPT | ControlBits.CR4_OSXSAVE;
        c.xcr0 = ControlBits.XCR0_X87 | ControlBits.XCR0_SSE;
        c.efer = ControlBits.EFER_LME | ControlBits.EFER_LMA | ControlBits.EFER_NXE;
        Arrays.fill(c.attributes, 0xc0f3);
        c.attributes[Cpu.CS] = 0xa0fb;
        Arrays.fill(c.limit, 0xffff_ffffL);
        c.cpl = 3;
        c.modeChanged();
    }

    /// For tests that start from other control registers; call its `modeChanged` after changing them.
    public Cpu cpu() {
        return c;
    }

    private void mapIdentically(long gva) {
        long table = TABLES;
        for (int shift = 39; shift > 12; shift -= 9) {
            long entry = table + 8 * (gva >>> shift & 511);
            if (memory.read64(entry) == 0) {
                memory.write64(entry, nextTable | PRESENT_WRITABLE_USER);
                nextTable += 0x1000;
            }
            table = memory.read64(entry) & -0x1000;
        }
        memory.write64(table + 8 * (gva >>> 12 & 511), gva | PRESENT_WRITABLE_USER);
    }

    public State run(State in, byte[] code) {
        State out = new State();
        run(in, code, out);
        return out;
    }

    /// As [HostCpu#run].
    public void run(State in, byte[] code, State out) {
        long start = base + HostCpu.CODE;
        if (!Arrays.equals(code, loaded)) {
            loaded = code.clone();
            memory.write(start, code);
            memory.write(start + code.length, new byte[] {(byte) 0xeb, (byte) 0xfe}); // JMP to itself
        }
        memory.write(base + HostCpu.DATA, in.data);
        System.arraycopy(in.gpr, 0, c.r, 0, 16);
        if (in.gpr[4] == 0) c.r[Cpu.RSP] = base + HostCpu.STACK_TOP - 0x1000;
        Flags.setRflags(c, in.rflags & State.FLAGS | Flags.IF);
        SaveArea.restore(c, in.fx);
        c.r[Cpu.RIP] = start;
        long end = start + code.length;
        while (c.r[Cpu.RIP] != end && c.stop >= 0) {
            c.stop = Cpu.NONE;
            Block block = blocks.find(c);
            while (block != null && c.r[Cpu.RIP] != end) block = block.first.exec(c, c.r);
        }
        boolean fault = c.faulted();
        c.stop = Cpu.NONE;
        c.linkFrom = null;
        System.arraycopy(c.r, 0, out.gpr, 0, 16);
        if (in.gpr[4] == 0 && c.r[Cpu.RSP] == base + HostCpu.STACK_TOP - 0x1000) out.gpr[4] = 0;
        out.rflags = Flags.rflags(c);
        out.vector = fault ? c.faultVector : State.COMPLETED;
        out.error = fault ? c.faultError : 0;
        out.cr2 = fault && c.faultVector == 14 ? c.cr2 : 0;
        out.faultOffset = fault ? c.r[Cpu.RIP] - start : 0;
        System.arraycopy(SaveArea.save(c), 0, out.fx, 0, 512);
        memory.read(base + HostCpu.DATA, out.data, 0, State.DATA_BYTES);
    }

    @Override
    public void close() {
        memory.close();
    }
}
