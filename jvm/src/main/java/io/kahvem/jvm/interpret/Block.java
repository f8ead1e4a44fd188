package io.kahvem.jvm.interpret;

import io.kahvem.jvm.translate.Entry;
import org.jspecify.annotations.Nullable;

/// A run of instructions in one physical page (one instruction may reach into a second), entered only at its first.
public final class Block {
    public final Insn first;

    /// How many instructions.
    public final int count;

    /// Offset of the first byte in its page, and length in bytes.
    public final int offset;

    public final int length;

    /// The [io.kahvem.jvm.cpu.Mode] it was decoded for.
    public final int mode;

    /// The second page's guest-physical address if the one instruction reaches into it, else -1.
    public final long crossesInto;

    /// Cleared when its bytes are overwritten. Checked before every entry through a link; a vCPU inside goes on to the block's end, as the
    /// architecture allows for code modified by another processor (SDM Vol. 3A, 9.1.3).
    public boolean valid = true;

    /// The guest-physical address of its page.
    public final long gpa;

    /// How often it was interpreted, as far as anyone counts; not exact where several vCPUs do.
    public int heat;

    /// Where translated code begins with its first instruction.
    public @Nullable Entry entry;

    Block(Insn first, int count, long gpa, int offset, int length, int mode, long crossesInto) {
        this.gpa = gpa;
        this.first = first;
        this.count = count;
        this.offset = offset;
        this.length = length;
        this.mode = mode;
        this.crossesInto = crossesInto;
    }
}
