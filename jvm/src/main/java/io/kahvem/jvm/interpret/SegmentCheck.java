package io.kahvem.jvm.interpret;

import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;

/// Segment rights and limits of a data access in legacy modes (SDM Vol. 3A, 5.3 and 5.5).
public final class SegmentCheck {
    private static final int UNUSABLE = 0x10000;
    private static final int CODE = 0x8;
    private static final int EXPAND_DOWN = 0x4;
    private static final int WRITABLE = 0x2;
    private static final int BIG = 0x4000;

    private SegmentCheck() {}

    /// The linear address of `segment:offset`, or 0 with #GP(0) or #SS(0) noted.
    public static long linear(Cpu c, int segment, long offset, int bytes, boolean write) {
        if (c.code64()) return c.segmentBase(segment) * (segment >= Cpu.FS ? 1 : 0) + offset;
        if (c.protectedMode() && !c.virtual8086()) {
            int a = c.attributes[segment];
            boolean code = (a & CODE) != 0;
            boolean denied = (a & UNUSABLE) != 0 || (write ? code || (a & WRITABLE) == 0 : code && (a & WRITABLE) == 0);
            if (denied) return fault(c, segment);
            if (!code && (a & EXPAND_DOWN) != 0) {
                long top = (a & BIG) != 0 ? 0xffff_ffffL : 0xffff;
                if (offset <= c.limit[segment] || offset + bytes - 1 > top) return fault(c, segment);
                return c.segmentBase(segment) + offset & 0xffff_ffffL;
            }
        }
        if (offset + bytes - 1 > c.limit[segment]) return fault(c, segment);
        return c.segmentBase(segment) + offset & 0xffff_ffffL;
    }

    private static long fault(Cpu c, int segment) {
        return c.raise(segment == Cpu.SS ? Exceptions.SS : Exceptions.GP, 0);
    }
}
