package io.kahvem.jvm.semantics;

import io.kahvem.host.Words;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;

/// Instructions that order or hint: fences, prefetches, cache-line flushes, no-operations.
public final class Hints {
    private Hints() {}

    public static void nop(Cpu c, Insn i) {}

    /// Loads are acquire and stores release already, so only stores before later loads want a fence.
    public static void mfence(Cpu c, Insn i) {
        Words.fullFence();
    }

    /// CLFLUSH, CLFLUSHOPT, CLWB: there is no cache, but the address must be readable.
    public static void flushLine(Cpu c, Insn i) {
        long gva = i.address(c, 1, false);
        if (!c.faulted()) Mmu.readable(c, gva, 1);
    }
}
