package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import org.jspecify.annotations.Nullable;

/// The last instruction of a block when it has at most two known successors. It remembers their blocks where they are in the same page; a
/// link into another page would have to be checked against the page tables, so those go through the look-up.
abstract class Branch extends Insn {
    private static final long OUTSIDE_PAGE = -4096;

    /// Offset in its page of the block's first byte.
    short blockOffset;

    private @Nullable Block taken;
    private @Nullable Block fallThrough;

    /// Jumps by the displacement, or goes on after this instruction.
    final @Nullable Block go(Cpu c, long[] r, boolean jump) {
        if (c.stop < 0) return stopped(c);
        long delta = jump ? end + imm : end;
        r[Cpu.RIP] = r[Cpu.RIP] + delta & ripMask();
        Block known = jump ? taken : fallThrough;
        if (known != null && known.valid) return c.stop == Cpu.NONE ? known : null;
        if ((blockOffset + delta & OUTSIDE_PAGE) == 0) {
            c.linkFrom = this;
            c.linkTaken = jump;
        }
        return null;
    }

    final void link(boolean jump, Block target) {
        if (jump) {
            taken = target;
        } else {
            fallThrough = target;
        }
    }
}
