package io.kahvem.jvm.hostcpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/// What an instruction under test starts from and leaves: general registers, the flags, x87, MMX and SSE state as an FXSAVE image, the
/// upper halves of the YMM registers, and a window of memory at the host's data address.
public final class State {
    /// Size of the memory window; the page after it is not mapped.
    public static final int DATA_BYTES = 1024;

    /// CF, PF, AF, ZF, SF, DF and OF: the flags that take part.
    public static final long FLAGS = 0xcd5;

    /// `vector` where the instruction raised no exception.
    public static final int COMPLETED = -1;

    /// `vector` where the process that ran it is dead.
    public static final int DIED = -2;

    static final int BYTES = 16 * 8 + 5 * 8 + 512 + 32 * 8 + DATA_BYTES;
    private static final int FX_CONTROL = 0;
    private static final int FX_MXCSR = 24;
    private static final int FX_ST = 32;
    private static final int FX_XMM = 160;
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    /// RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15. RSP is replaced by the host's stack where it is 0.
    public final long[] gpr = new long[16];

    public long rflags;

    /// As FXSAVE64 lays it out.
    public final byte[] fx = new byte[512];

    /// Bits 128 to 191 and 192 to 255 of YMM `n` at `2 * n` and `2 * n + 1`; a host without AVX leaves them as they are.
    public final long[] ymmUpper = new long[32];

    public final byte[] data = new byte[DATA_BYTES];

    /// The exception that ended the instruction, [#COMPLETED] or [#DIED]; set by what ran it, as the next three are.
    public int vector = COMPLETED;

    public long error;
    public long cr2;

    /// Offset of the faulting instruction from the first byte of the code, where there was an exception.
    public long faultOffset;

    /// Registers and memory 0, all exceptions masked, x87 as after FNINIT.
    public State() {
        INT.set(fx, FX_CONTROL, 0x37f);
        mxcsr(0x1f80);
    }

    public int mxcsr() {
        return (int) INT.get(fx, FX_MXCSR);
    }

    public void mxcsr(int value) {
        INT.set(fx, FX_MXCSR, value);
    }

    /// XMM register `n`'s low (`half` 0) or high half.
    public long xmm(int n, int half) {
        return (long) LONG.get(fx, FX_XMM + 16 * n + 8 * half);
    }

    public void xmm(int n, long low, long high) {
        LONG.set(fx, FX_XMM + 16 * n, low);
        LONG.set(fx, FX_XMM + 16 * n + 8, high);
    }

    /// 16 bits of the FXSAVE image.
    public int word(int offset) {
        return fx[offset] & 0xff | (fx[offset + 1] & 0xff) << 8;
    }

    public void word(int offset, int value) {
        fx[offset] = (byte) value;
        fx[offset + 1] = (byte) (value >> 8);
    }

    /// MMX register `n`, while TOP is 0.
    public long mmx(int n) {
        return (long) LONG.get(fx, FX_ST + 16 * n);
    }

    public void mmx(int n, long value) {
        LONG.set(fx, FX_ST + 16 * n, value);
        LONG.set(fx, FX_ST + 16 * n + 8, 0xffffL);
    }

    public long data(int offset) {
        return (long) LONG.get(data, offset);
    }

    public void data(int offset, long value) {
        LONG.set(data, offset, value);
    }

    public void copyFrom(State other) {
        System.arraycopy(other.gpr, 0, gpr, 0, 16);
        rflags = other.rflags;
        System.arraycopy(other.fx, 0, fx, 0, fx.length);
        System.arraycopy(other.ymmUpper, 0, ymmUpper, 0, 32);
        System.arraycopy(other.data, 0, data, 0, data.length);
        vector = other.vector;
        error = other.error;
        cr2 = other.cr2;
        faultOffset = other.faultOffset;
    }

    public State copy() {
        State s = new State();
        s.copyFrom(this);
        return s;
    }

    void write(byte[] to) {
        for (int i = 0; i < 16; i++) LONG.set(to, 8 * i, gpr[i]);
        long[] others = {rflags, vector, error, cr2, faultOffset};
        for (int i = 0; i < others.length; i++) LONG.set(to, 128 + 8 * i, others[i]);
        System.arraycopy(fx, 0, to, 168, 512);
        for (int i = 0; i < 32; i++) LONG.set(to, 168 + 512 + 8 * i, ymmUpper[i]);
        System.arraycopy(data, 0, to, BYTES - DATA_BYTES, DATA_BYTES);
    }

    void read(byte[] from) {
        for (int i = 0; i < 16; i++) gpr[i] = (long) LONG.get(from, 8 * i);
        rflags = (long) LONG.get(from, 128);
        vector = (int) (long) LONG.get(from, 136);
        error = (long) LONG.get(from, 144);
        cr2 = (long) LONG.get(from, 152);
        faultOffset = (long) LONG.get(from, 160);
        System.arraycopy(from, 168, fx, 0, 512);
        for (int i = 0; i < 32; i++) ymmUpper[i] = (long) LONG.get(from, 168 + 512 + 8 * i);
        System.arraycopy(from, BYTES - DATA_BYTES, data, 0, DATA_BYTES);
    }

    /// What differs in this (the engine's) from `expected` (the host's), a line each, the flags of `undefinedFlags` aside; empty where
    /// they agree. x87 registers count, its instruction and data pointers do not: processors differ in when they keep them.
    public String differences(State expected, long undefinedFlags) {
        StringBuilder text = new StringBuilder();
        if (vector != expected.vector) text.append("exception %d, host %d%n".formatted(vector, expected.vector));
        if (vector != COMPLETED && error != expected.error) text.append("error code %x, host %x%n".formatted(error, expected.error));
        for (int i = 0; i < 16; i++) differ(text, "r" + i, gpr[i], expected.gpr[i]);
        differ(text, "rflags", rflags & FLAGS & ~undefinedFlags, expected.rflags & FLAGS & ~undefinedFlags);
        differ(text, "mxcsr", mxcsr(), expected.mxcsr());
        for (int i = 0; i < 32; i++) {
            differ(text, "xmm" + i / 2 + (i % 2 == 0 ? " low" : " high"), xmm(i / 2, i % 2), expected.xmm(i / 2, i % 2));
        }
        for (int i = 0; i < 32; i++) differ(text, "ymm" + i / 2 + " bits " + (128 + i % 2 * 64), ymmUpper[i], expected.ymmUpper[i]);
        differ(text, "x87 words", (long) LONG.get(fx, 0) & 0xff_ffff_ffffL, (long) LONG.get(expected.fx, 0) & 0xff_ffff_ffffL);
        for (int i = 0; i < 8; i++) {
            differ(text, "st" + i, mmx(i), expected.mmx(i));
            differ(text, "st" + i + " sign, exponent", stHigh(i), expected.stHigh(i));
        }
        int first = Arrays.mismatch(data, expected.data);
        if (first >= 0) differ(text, "data+" + (first & -8), data(first & -8), expected.data(first & -8));
        return text.toString();
    }

    private long stHigh(int i) {
        return (long) LONG.get(fx, FX_ST + 16 * i + 8) & 0xffff;
    }

    private static void differ(StringBuilder text, String name, long mine, long expected) {
        if (mine != expected) text.append("%s %x, host %x%n".formatted(name, mine, expected));
    }
}
