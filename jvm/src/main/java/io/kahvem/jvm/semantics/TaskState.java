package io.kahvem.jvm.semantics;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.mmu.Mmu;

/// Fields of the current task-state segment (SDM Vol. 3A, 7.2.1, 7.7). Read as supervisor.
final class TaskState {
    // 64-bit TSS
    static final int RSP0 = 4;
    static final int IST1 = 0x24;

    /// Offset of the I/O map base, in 32- and 64-bit TSSs.
    private static final int IO_MAP_BASE = 0x66;

    private TaskState() {}

    private static boolean is32(Cpu c) {
        return (c.trAttributes & 8) != 0;
    }

    /// ESPn or SPn; #TS where the TSS is too short to hold it and its selector.
    static long innerStackPointer(Cpu c, int cpl, int ext) {
        int offset = is32(c) ? 4 + 8 * cpl : 2 + 4 * cpl;
        int bytes = is32(c) ? 6 : 4;
        if (offset + bytes - 1 > c.trLimit) return c.raise(Exceptions.TS, c.trSelector & 0xfffc | ext);
        return Mmu.systemLoad(c, c.trBase + offset, is32(c) ? 4 : 2);
    }

    /// SSn, which [#innerStackPointer] has found inside the limit.
    static int innerStackSelector(Cpu c, int cpl) {
        int offset = is32(c) ? 8 + 8 * cpl : 4 + 4 * cpl;
        return (int) Mmu.systemLoad(c, c.trBase + offset, 2);
    }

    /// RSPn or ISTn of a 64-bit TSS.
    static long longStackPointer(Cpu c, int offset, int ext) {
        if (offset + 7 > c.trLimit) return c.raise(Exceptions.TS, c.trSelector & 0xfffc | ext);
        return Mmu.systemLoad(c, c.trBase + offset, 8);
    }

    /// Whether the I/O permission bitmap lets a program above IOPL reach `bytes` ports from `port` on (SDM Vol. 1, 19.5.2). May note a page
    /// fault.
    static boolean portAllowed(Cpu c, int port, int bytes) {
        if (!is32(c) || IO_MAP_BASE + 1 > c.trLimit) return false;
        long at = Mmu.systemLoad(c, c.trBase + IO_MAP_BASE, 2) + (port >>> 3);
        if (c.faulted() || at + 1 > c.trLimit) return false;
        long bits = Mmu.systemLoad(c, c.trBase + at, 2) >>> (port & 7);
        return !c.faulted() && (bits & (1 << bytes) - 1) == 0;
    }
}
