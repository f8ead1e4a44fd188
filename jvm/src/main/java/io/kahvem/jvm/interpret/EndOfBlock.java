package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import org.jspecify.annotations.Nullable;

/// Ends a block that does not end in a branch; not an instruction of the guest.
final class EndOfBlock extends Branch {
    @Override
    public @Nullable Block exec(Cpu c, long[] r) {
        return go(c, r, false);
    }

    @Override
    Insn fresh() {
        return new EndOfBlock();
    }
}
