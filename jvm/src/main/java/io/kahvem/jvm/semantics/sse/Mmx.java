package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;

/// MMX state management (SDM Vol. 1, 9.6).
public final class Mmx {
    private Mmx() {}

    public static void emms(Cpu c, Insn i) {
        if (Lanes.mmxReady(c)) c.fpu.leaveMmx();
    }
}
