package io.kahvem.jvm.semantics;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.interpret.Insn;

/// Bytes that are no instruction.
public final class Undefined {
    private Undefined() {}

    public static void undefined(Cpu c, Insn i) {
        c.undefined();
    }

    /// More than 15 bytes (SDM Vol. 2A, 2.3.11).
    public static void tooLong(Cpu c, Insn i) {
        c.generalProtection();
    }
}
