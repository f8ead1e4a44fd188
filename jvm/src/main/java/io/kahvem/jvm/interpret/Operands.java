package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import org.jspecify.annotations.Nullable;

/// An instruction's operands alone, for translated code that calls an operation which takes the whole instruction.
public final class Operands extends Insn {
    @Override
    public @Nullable Block exec(Cpu c, long[] r) {
        throw new AssertionError("operands are not executed");
    }

    @Override
    Insn fresh() {
        return new Operands();
    }
}
