package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;

/// MXCSR, control and status of SSE floating point (SDM Vol. 1, 10.2.3).
public final class Mxcsr {
    public static final int IE = 1;
    public static final int DE = 1 << 1;
    public static final int ZE = 1 << 2;
    public static final int OE = 1 << 3;
    public static final int UE = 1 << 4;
    public static final int PE = 1 << 5;
    public static final int DAZ = 1 << 6;
    public static final int FTZ = 1 << 15;

    /// The mask bit of an exception is this far above its flag.
    static final int MASK_SHIFT = 7;

    /// Bits that can be set, as MXCSR_MASK in an FXSAVE image.
    public static final int WRITABLE = 0xffff;

    public static final int RESET = 0x1f80;

    static final int NEAREST = 0;
    static final int DOWN = 1;
    static final int UP = 2;
    static final int CHOP = 3;

    private static final int FLAGS = 0x3f;
    private static final int PRE_COMPUTATION = IE | DE | ZE;

    private Mxcsr() {}

    static int rounding(int mxcsr) {
        return mxcsr >> 13 & 3;
    }

    /// Round to nearest, no flushing, everything masked: what compilers assume, and Java computes.
    static boolean plain(int mxcsr) {
        return (mxcsr & 0xffc0) == RESET;
    }

    static boolean unmasked(int mxcsr, int flag) {
        return (mxcsr >> MASK_SHIFT & flag) == 0;
    }

    /// Enters the exceptions the lane functions of an instruction have left in `c.simdFlags`. False where one of them is unmasked: then
    /// #XM (or #UD) is noted, and the instruction writes nothing. An unmasked exception that precedes computing hides those of the
    /// results (SDM Vol. 1, 11.5.3).
    public static boolean settle(Cpu c) {
        int flags = c.simdFlags;
        if (flags == 0) return true;
        c.simdFlags = 0;
        int unmasked = flags & ~(c.mxcsr >> MASK_SHIFT) & FLAGS;
        if ((unmasked & PRE_COMPUTATION) != 0) flags &= PRE_COMPUTATION;
        c.mxcsr |= flags;
        if (unmasked == 0) return true;
        c.raise((c.cr4 & ControlBits.CR4_OSXMMEXCPT) != 0 ? Exceptions.XM : Exceptions.UD);
        return false;
    }
}
