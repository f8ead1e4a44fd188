package io.kahvem.jvm.semantics.sse;

import io.kahvem.jvm.cpu.ControlBits;
import io.kahvem.jvm.cpu.Cpu;
import io.kahvem.jvm.cpu.Exceptions;
import io.kahvem.jvm.interpret.Insn;
import io.kahvem.jvm.mmu.Mmu;
import io.kahvem.jvm.semantics.x87.X87;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// Saving and restoring x87, MMX and SSE state: LDMXCSR to XRSTOR (SDM Vol. 1, 10.5 and chapter 13).
///
/// The legacy area is handled as 52 words of 8 bytes: 0 to 3 control, 4 to 19 the x87 registers, 20 to 51 the XMM registers. What lies
/// above, to 512 bytes, is software's. After the header of 64 bytes come the upper halves of the YMM registers, in the standard and the
/// compacted form alike. The segment selectors of the x87 pointers are saved as 0, as by processors with
/// CPUID.(7,0):EBX[13] set.
public final class SaveArea {
    /// Bytes of the legacy area and the XSAVE header: what XCR0 = 3 needs. The YMM component begins here.
    public static final int BYTES = 576;

    public static final int YMM_BYTES = 256;

    /// XCOMP_BV: the area is in compacted form.
    private static final long COMPACTED = 1L << 63;

    private static final long LOW32 = 0xffff_ffffL;
    private static final int LEGACY_BYTES = 512;
    private static final int MXCSR_WORD = 3;
    private static final int ST_WORD = 4;
    private static final int XMM_WORD = 20;
    private static final int HEADER = 512;

    /// XSTATE_BV, XCOMP_BV and six reserved words.
    private static final int HEADER_WORDS = 8;

    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private SaveArea() {}

    public static void ldmxcsr(Cpu c, Insn i) {
        if (!Lanes.scalar32(c, i)) return;
        if ((c.t0 & ~Mxcsr.WRITABLE) != 0) {
            c.generalProtection();
        } else {
            c.mxcsr = (int) c.t0;
        }
    }

    public static void stmxcsr(Cpu c, Insn i) {
        if (!Lanes.sse(c, i)) return;
        long gva = i.address(c, 4, true);
        if (c.faulted()) return;
        Mmu.store32(c, gva, c.mxcsr);
    }

    public static void fxsave(Cpu c, Insn i) {
        if (!ready(c)) return;
        long gva = area(c, i, LEGACY_BYTES, 16, true);
        if (c.faulted() || !Mmu.writable(c, gva, LEGACY_BYTES)) return;
        boolean wide = i.size() == 3;
        store(c, gva, 0, ST_WORD, wide);
        store(c, gva, ST_WORD, xmmEnd(c), wide);
    }

    public static void fxrstor(Cpu c, Insn i) {
        if (!ready(c)) return;
        long gva = area(c, i, LEGACY_BYTES, 16, false);
        if (c.faulted() || !Mmu.readable(c, gva, LEGACY_BYTES)) return;
        if (!mxcsrValid(c, gva)) return;
        boolean wide = i.size() == 3;
        loadX87(c, gva, wide);
        c.mxcsr = (int) Mmu.load32(c, gva + 8 * MXCSR_WORD);
        loadXmm(c, gva);
    }

    public static void xsave(Cpu c, Insn i) {
        save(c, i, c.xcr0, false);
    }

    /// XSAVEOPT: components in their initial state need not be written.
    public static void xsaveopt(Cpu c, Insn i) {
        save(c, i, inUse(c), false);
    }

    /// XSAVEC: nor here, and MXCSR counts as of the SSE component.
    public static void xsavec(Cpu c, Insn i) {
        save(c, i, inUse(c) | (c.mxcsr != Mxcsr.RESET ? ControlBits.XCR0_SSE : 0), true);
    }

    /// `inUse` are the components to be written and marked in XSTATE_BV, if asked for.
    private static void save(Cpu c, Insn i, long inUse, boolean compact) {
        if (!xsaveReady(c)) return;
        long requested = requested(c);
        int bytes = bytes(requested);
        long gva = area(c, i, bytes, 64, true);
        if (c.faulted() || !Mmu.writable(c, gva, bytes)) return;
        boolean wide = i.size() == 3;
        long written = requested & inUse;
        if ((written & ControlBits.XCR0_X87) != 0) {
            store(c, gva, 0, MXCSR_WORD, wide);
            store(c, gva, ST_WORD, XMM_WORD, wide);
        }
        long withMxcsr = compact ? written & ControlBits.XCR0_SSE : requested & ControlBits.XCR0_AVX_STATE;
        if (withMxcsr != 0) store(c, gva, MXCSR_WORD, ST_WORD, wide);
        if ((written & ControlBits.XCR0_SSE) != 0) store(c, gva, XMM_WORD, xmmEnd(c), wide);
        if ((written & ControlBits.XCR0_AVX) != 0) {
            for (int n = 0; n < xmmEnd(c) - XMM_WORD; n++) Mmu.store64(c, gva + BYTES + 8 * n, c.xmm[Cpu.YMM + n]);
        }
        long present = Mmu.load64(c, gva + HEADER);
        Mmu.store64(c, gva + HEADER, compact ? written : present & ~requested | written);
        if (compact) Mmu.store64(c, gva + HEADER + 8, requested | COMPACTED);
    }

    public static void xrstor(Cpu c, Insn i) {
        if (!xsaveReady(c)) return;
        long requested = requested(c);
        int bytes = bytes(requested);
        long gva = area(c, i, bytes, 64, false);
        if (c.faulted() || !Mmu.readable(c, gva, bytes)) return;
        long present = Mmu.load64(c, gva + HEADER);
        long layout = Mmu.load64(c, gva + HEADER + 8);
        boolean compact = layout < 0;
        long wrong = compact ? layout & ~COMPACTED & ~c.xcr0 | present & ~layout : present & ~c.xcr0 | layout;
        for (int n = 2; n < (compact ? HEADER_WORDS : 3); n++) wrong |= Mmu.load64(c, gva + HEADER + 8 * n);
        if (wrong != 0) {
            c.generalProtection();
            return;
        }
        long withMxcsr = requested & (compact ? present & ControlBits.XCR0_SSE : ControlBits.XCR0_AVX_STATE);
        if (withMxcsr != 0 && !mxcsrValid(c, gva)) return;
        if ((requested & ControlBits.XCR0_X87) != 0) {
            if ((present & ControlBits.XCR0_X87) != 0) {
                loadX87(c, gva, i.size() == 3);
            } else {
                initX87(c);
            }
        }
        if (withMxcsr != 0) {
            c.mxcsr = (int) Mmu.load32(c, gva + 8 * MXCSR_WORD);
        } else if ((requested & ControlBits.XCR0_SSE) != 0) {
            c.mxcsr = Mxcsr.RESET;
        }
        if ((requested & ControlBits.XCR0_SSE) != 0) {
            if ((present & ControlBits.XCR0_SSE) != 0) {
                loadXmm(c, gva);
            } else {
                for (int n = 0; n < xmmEnd(c) - XMM_WORD; n++) c.xmm[n] = 0;
            }
        }
        if ((requested & ControlBits.XCR0_AVX) != 0) {
            boolean saved = (present & ControlBits.XCR0_AVX) != 0;
            for (int n = 0; n < xmmEnd(c) - XMM_WORD; n++) c.xmm[Cpu.YMM + n] = saved ? Mmu.load64(c, gva + BYTES + 8 * n) : 0;
        }
    }

    /// Bytes of an area with these components.
    public static int bytes(long components) {
        return (components & ControlBits.XCR0_AVX) != 0 ? BYTES + YMM_BYTES : BYTES;
    }

    /// The state in standard form, as [io.kahvem.hypervisor.CpuState#xsave] has it.
    public static byte[] save(Cpu c) {
        byte[] area = new byte[bytes(c.xcr0)];
        for (int n = 0; n < XMM_WORD; n++) LONG.set(area, 8 * n, word(c, n, true));
        for (int n = 0; n < Cpu.YMM; n++) LONG.set(area, 8 * (XMM_WORD + n), c.xmm[n]);
        for (int n = 0; BYTES + 8 * n < area.length; n++) LONG.set(area, BYTES + 8 * n, c.xmm[Cpu.YMM + n]);
        LONG.set(area, HEADER, ControlBits.XCR0_X87 | ControlBits.XCR0_SSE | c.xcr0 & ControlBits.XCR0_AVX);
        return area;
    }

    /// Takes the state from a legacy or XSAVE area in standard form; an empty one stands for the state after reset.
    public static void restore(Cpu c, byte[] area) {
        long present = area.length >= HEADER + 8 ? (long) LONG.get(area, HEADER) : area.length >= LEGACY_BYTES ? -1 : 0;
        initX87(c);
        if (area.length == 0) c.fpu.reset();
        java.util.Arrays.fill(c.xmm, 0);
        c.mxcsr = area.length >= LEGACY_BYTES ? (int) (long) LONG.get(area, 8 * MXCSR_WORD) & Mxcsr.WRITABLE : Mxcsr.RESET;
        if ((present & ControlBits.XCR0_X87) != 0) {
            for (int n = 0; n < MXCSR_WORD; n++) setControl(c, n, (long) LONG.get(area, 8 * n), true);
            for (int n = 0; n < 8; n++) {
                int at = 8 * ST_WORD + 16 * n;
                c.fpu.setStack(n, (long) LONG.get(area, at), (int) (long) LONG.get(area, at + 8));
            }
        }
        if ((present & ControlBits.XCR0_SSE) != 0) {
            for (int n = 0; n < Cpu.YMM; n++) c.xmm[n] = (long) LONG.get(area, 8 * (XMM_WORD + n));
        }
        if ((present & ControlBits.XCR0_AVX) != 0 && area.length >= BYTES + YMM_BYTES) {
            for (int n = 0; n < Cpu.YMM; n++) c.xmm[Cpu.YMM + n] = (long) LONG.get(area, BYTES + 8 * n);
        }
    }

    private static boolean ready(Cpu c) {
        if (c.mmxTrap == 0) return true;
        c.raise(c.mmxTrap);
        return false;
    }

    private static boolean xsaveReady(Cpu c) {
        if ((c.cr4 & ControlBits.CR4_OSXSAVE) == 0) {
            c.undefined();
            return false;
        }
        if ((c.cr0 & ControlBits.CR0_TS) != 0) {
            c.raise(Exceptions.NM);
            return false;
        }
        return true;
    }

    /// EDX:EAX and XCR0: the components an instruction is asked for.
    private static long requested(Cpu c) {
        return (c.r[Cpu.RDX] << 32 | c.r[Cpu.RAX] & 0xffff_ffffL) & c.xcr0;
    }

    private static long area(Cpu c, Insn i, int bytes, int alignment, boolean write) {
        long gva = i.address(c, bytes, write);
        if (!c.faulted() && (gva & alignment - 1) != 0) c.generalProtection();
        return gva;
    }

    /// Only 64-bit code reaches XMM8 to XMM15.
    private static int xmmEnd(Cpu c) {
        return XMM_WORD + (c.code64() ? 32 : 16);
    }

    /// XINUSE: the components that differ from their initial state.
    public static long inUse(Cpu c) {
        X87 f = c.fpu;
        boolean x87 = f.control() != X87.INITIAL_CONTROL || f.statusWord() != 0 || f.abridgedTags() != 0;
        x87 |= f.lastInstruction != 0 || f.lastData != 0;
        for (int n = 0; n < 8; n++) x87 |= f.stackMantissa(n) != 0 || f.stackSignExponent(n) != 0;
        long xmm = 0;
        long ymm = 0;
        for (int n = 0; n < Cpu.YMM; n++) {
            xmm |= c.xmm[n];
            ymm |= c.xmm[Cpu.YMM + n];
        }
        return (x87 ? ControlBits.XCR0_X87 : 0) | (xmm != 0 ? ControlBits.XCR0_SSE : 0) | (ymm != 0 ? ControlBits.XCR0_AVX : 0);
    }

    /// The initial configuration (SDM Vol. 1, 13.6): as after FNINIT, and the registers zero.
    private static void initX87(Cpu c) {
        c.fpu.initialize();
        for (int n = 0; n < 8; n++) c.fpu.setStack(n, 0, 0);
    }

    private static boolean mxcsrValid(Cpu c, long gva) {
        if ((Mmu.load32(c, gva + 8 * MXCSR_WORD) & ~Mxcsr.WRITABLE) == 0) return true;
        c.generalProtection();
        return false;
    }

    private static void store(Cpu c, long gva, int from, int to, boolean wide) {
        for (int n = from; n < to; n++) Mmu.store64(c, gva + 8 * n, word(c, n, wide));
    }

    private static long word(Cpu c, int n, boolean wide) {
        X87 f = c.fpu;
        return switch (n) {
            case 0 -> f.control() | (long) f.statusWord() << 16 | (long) f.abridgedTags() << 32 | (long) f.lastOpcode << 48;
            case 1 -> wide ? f.lastInstruction : f.lastInstruction & LOW32;
            case 2 -> wide ? f.lastData : f.lastData & LOW32;
            case MXCSR_WORD -> c.mxcsr | (long) Mxcsr.WRITABLE << 32;
            default -> n >= XMM_WORD ? c.xmm[n - XMM_WORD]
                    : (n & 1) == 0 ? f.stackMantissa(n - ST_WORD >> 1) : f.stackSignExponent(n - ST_WORD >> 1);
        };
    }

    private static void loadX87(Cpu c, long gva, boolean wide) {
        for (int n = 0; n < MXCSR_WORD; n++) setControl(c, n, Mmu.load64(c, gva + 8 * n), wide);
        for (int n = 0; n < 8; n++) {
            long at = gva + 8 * ST_WORD + 16 * n;
            c.fpu.setStack(n, Mmu.load64(c, at), (int) Mmu.load16(c, at + 8));
        }
    }

    private static void loadXmm(Cpu c, long gva) {
        for (int n = 0; n < xmmEnd(c) - XMM_WORD; n++) c.xmm[n] = Mmu.load64(c, gva + 8 * (XMM_WORD + n));
    }

    private static void setControl(Cpu c, int n, long word, boolean wide) {
        X87 f = c.fpu;
        switch (n) {
            case 0 -> {
                f.setControl((int) word & 0xffff);
                f.setStatusWord((int) (word >>> 16) & 0xffff);
                f.setAbridgedTags((int) (word >>> 32) & 0xff);
                f.lastOpcode = (int) (word >>> 48) & 0x7ff;
            }
            case 1 -> f.lastInstruction = wide ? word : word & LOW32;
            default -> f.lastData = wide ? word : word & LOW32;
        }
    }
}
