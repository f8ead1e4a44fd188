package io.kahvem.jvm.semantics;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.mmu.Mmu;

/// Segment descriptors and gates (SDM Vol. 3A, 3.4.5, 3.5, 6.11): fields of their eight bytes as one long, and where they lie.
final class Descriptors {
    /// Attributes of an unusable segment, as in CpuState.Segment.
    static final int UNUSABLE = 0x10000;

    static final int PRESENT = 0x80;
    static final int NOT_SYSTEM = 0x10;
    static final int CODE = 0x8;
    static final int CONFORMING = 0x4;
    static final int WRITABLE_OR_READABLE = 0x2;
    static final int ACCESSED = 0x1;
    static final int LONG = 0x2000;
    static final int BIG = 0x4000;
    static final int GRANULAR = 0x8000;

    // System types (Table 3-2); bit 3 makes a 32-bit (or 64-bit) one of a 16-bit one.
    static final int LDT = 2;
    static final int TASK_GATE = 5;
    static final int TSS_16 = 1;
    static final int TSS_32 = 9;
    static final int TSS_BUSY = 2;
    static final int CALL_GATE_16 = 4;
    static final int CALL_GATE_32 = 12;
    static final int INTERRUPT_GATE_32 = 14;
    static final int TRAP_GATE_32 = 15;

    /// What [#address] gives for a selector beyond its table's limit.
    static final long OUTSIDE = -1;

    private Descriptors() {}

    static boolean isNull(int selector) {
        return (selector & 0xfffc) == 0;
    }

    /// Where the descriptor of `selector` lies, if all `bytes` of it are inside the GDT or LDT; else [#OUTSIDE].
    static long address(Cpu c, int selector, int bytes) {
        int offset = selector & 0xfff8;
        if ((selector & 4) == 0) return offset + bytes - 1 > c.gdtrLimit ? OUTSIDE : c.gdtrBase + offset;
        boolean usable = (c.ldtrAttributes & UNUSABLE) == 0 && !isNull(c.ldtrSelector);
        return !usable || offset + bytes - 1 > c.ldtrLimit ? OUTSIDE : c.ldtrBase + offset;
    }

    /// The descriptor of `selector`, or 0 with a fault noted: `vector` with the selector (and `ext`) when it lies outside its table.
    static long load(Cpu c, int selector, int vector, int ext) {
        long at = address(c, selector, 8);
        if (at == OUTSIDE) return c.raise(vector, selector & 0xfffc | ext);
        return Mmu.systemLoad(c, at, 8);
    }

    /// Sets the accessed bit of a code or data segment's descriptor in memory where it is clear. May note a page fault.
    static void setAccessed(Cpu c, int selector, long descriptor) {
        if ((descriptor >>> 40 & ACCESSED) != 0) return;
        long at = address(c, selector, 8);
        Mmu.systemStore(c, at + 5, 1, descriptor >>> 40 & 0xff | ACCESSED);
    }

    static long base(long d) {
        return d >>> 16 & 0xff_ffff | d >>> 32 & 0xff00_0000L;
    }

    /// The limit in bytes.
    static long limit(long d) {
        long limit = d & 0xffff | d >>> 32 & 0xf_0000;
        return (d & 1L << 55) != 0 ? limit << 12 | 0xfff : limit;
    }

    /// Bits 40 to 47 and 52 to 55, as CpuState.Segment keeps them.
    static int attributes(long d) {
        return (int) (d >>> 40) & 0xf0ff;
    }

    static int type(long d) {
        return (int) (d >>> 40) & 0xf;
    }

    static int dpl(long d) {
        return (int) (d >>> 45) & 3;
    }

    static boolean present(long d) {
        return (d & 1L << 47) != 0;
    }

    static boolean system(long d) {
        return (d & 1L << 44) == 0;
    }

    static boolean code(long d) {
        return (d >>> 40 & (NOT_SYSTEM | CODE)) == (NOT_SYSTEM | CODE);
    }

    static boolean conforming(long d) {
        return (d >>> 40 & CONFORMING) != 0;
    }

    static boolean writableData(long d) {
        return (d >>> 40 & (NOT_SYSTEM | CODE | WRITABLE_OR_READABLE)) == (NOT_SYSTEM | WRITABLE_OR_READABLE);
    }

    static boolean readable(long d) {
        return !system(d) && ((d >>> 40 & CODE) == 0 || (d >>> 40 & WRITABLE_OR_READABLE) != 0);
    }

    static boolean long64(long d) {
        return (d & 1L << 53) != 0;
    }

    static boolean big(long d) {
        return (d & 1L << 54) != 0;
    }

    static int gateSelector(long d) {
        return (int) (d >>> 16) & 0xffff;
    }

    /// The low 32 bits of a gate's offset.
    static long gateOffset(long d) {
        return d & 0xffff | d >>> 32 & 0xffff_0000L;
    }
}
