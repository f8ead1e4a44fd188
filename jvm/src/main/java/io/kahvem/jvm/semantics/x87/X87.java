package io.kahvem.jvm.semantics.x87;

/// The x87 state of one vCPU (SDM Vol. 1, 8.1): registers, control, status and tag words, the last instruction's pointers.
///
/// A value is a 64-bit significand with its explicit integer bit and a 16-bit word of sign and exponent. Arithmetic leaves its result in
/// [#mantissa] and [#signExponent] and returns the exception flags; [#raise] enters those into the status word and says
/// whether the result may be stored.
public final class X87 {
    // Status word (SDM Vol. 1, figure 8-4).
    public static final int IE = 0x01;
    public static final int DE = 0x02;
    public static final int ZE = 0x04;
    public static final int OE = 0x08;
    public static final int UE = 0x10;
    public static final int PE = 0x20;
    public static final int SF = 0x40;
    public static final int ES = 0x80;
    public static final int C0 = 0x100;
    public static final int C1 = 0x200;
    public static final int C2 = 0x400;
    public static final int C3 = 0x4000;
    public static final int BUSY = 0x8000;
    static final int CONDITIONS = C0 | C1 | C2 | C3;
    static final int EXCEPTIONS = 0x3f;

    // Rounding control, bits 10 and 11 of the control word.
    static final int NEAREST = 0;
    static final int DOWN = 1;
    static final int UP = 2;
    static final int CHOP = 3;

    /// The control word FNINIT sets: all exceptions masked, 64-bit precision, round to nearest.
    public static final int INITIAL_CONTROL = 0x37f;

    /// Bits of the control word that can be written; bit 6 reads as one.
    private static final int CONTROL_WRITABLE = 0x1f3f;

    private static final int CONTROL_FIXED = 0x40;

    /// Significands by physical register: MM0 to MM7 are these very words.
    final long[] mantissas = new long[8];

    /// Sign and exponent by physical register, in the low 16 bits.
    final int[] signExponents = new int[8];

    /// The physical register that ST(0) is.
    int top;

    /// One bit per physical register, set where it is not empty: FXSAVE's abridged tag word.
    int valid;

    /// The status word without TOP.
    int status;

    private int control;
    private boolean plainRounding;

    /// Significand, or integer, of the last operation's result.
    long mantissa;

    /// Sign and exponent of the last operation's result.
    int signExponent;

    /// FOP, FIP and FDP. The pointers are of the last instruction that was not a control instruction; the opcode is what was loaded last.
    public int lastOpcode;

    public long lastInstruction;
    public long lastData;

    private final Transcendental transcendental = new Transcendental(this);

    public X87() {
        reset();
    }

    /// After RESET (SDM Vol. 3A, Table 10-1); INIT leaves the unit alone.
    public void reset() {
        initialize();
        setControl(0x40);
        valid = 0xff;
        java.util.Arrays.fill(mantissas, 0);
        java.util.Arrays.fill(signExponents, 0);
    }

    /// FNINIT: the registers keep their values and become empty.
    public void initialize() {
        setControl(INITIAL_CONTROL);
        status = 0;
        top = 0;
        valid = 0;
        lastOpcode = 0;
        lastInstruction = 0;
        lastData = 0;
    }

    public int control() {
        return control;
    }

    /// FLDCW. An exception flag that the new word unmasks becomes pending (SDM Vol. 2A, FLDCW).
    public void setControl(int word) {
        control = word & CONTROL_WRITABLE | CONTROL_FIXED;
        plainRounding = (control & 0xf00) == 0x300;
        summarize();
    }

    /// The status word with TOP, as FNSTSW stores it.
    public int statusWord() {
        return status | top << 11;
    }

    /// Sets flags, conditions and TOP; ES and B follow from the flags and the masks, whatever the word says.
    public void setStatusWord(int word) {
        top = word >>> 11 & 7;
        status = word & (EXCEPTIONS | SF | CONDITIONS);
        summarize();
    }

    private void summarize() {
        status &= ~(ES | BUSY);
        if ((status & ~control & EXCEPTIONS) != 0) {
            status |= ES | BUSY;
        }
    }

    /// FNCLEX.
    public void clearExceptions() {
        status &= CONDITIONS;
    }

    /// True where a waiting instruction must raise #MF before it does anything.
    public boolean exceptionPending() {
        return (status & ES) != 0;
    }

    /// FXSAVE's tag byte: one bit per physical register, set where it is not empty.
    public int abridgedTags() {
        return valid;
    }

    public void setAbridgedTags(int tags) {
        valid = tags & 0xff;
    }

    /// The tag word of FNSTENV: two bits per physical register (SDM Vol. 1, 8.1.7).
    public int tagWord() {
        int word = 0;
        for (int r = 7; r >= 0; r--) {
            word = word << 2 | tag(r);
        }
        return word;
    }

    private int tag(int physical) {
        if ((valid >>> physical & 1) == 0) {
            return 3;
        }
        return switch (Float80.classify(mantissas[physical], signExponents[physical])) {
            case Float80.NORMAL -> 0;
            case Float80.ZERO -> 1;
            default -> 2;
        };
    }

    /// FLDENV and FRSTOR: only "empty" is taken from the word, the rest is what the registers hold.
    public void setTagWord(int word) {
        valid = 0;
        for (int r = 0; r < 8; r++) {
            if ((word >>> 2 * r & 3) != 3) {
                valid |= 1 << r;
            }
        }
    }

    /// Significand of ST(i), as FXSAVE and FNSAVE order the registers.
    public long stackMantissa(int i) {
        return mantissas[top + i & 7];
    }

    public int stackSignExponent(int i) {
        return signExponents[top + i & 7];
    }

    /// Sets the contents of ST(i) and leaves its tag alone.
    public void setStack(int i, long newMantissa, int newSignExponent) {
        int r = top + i & 7;
        mantissas[r] = newMantissa;
        signExponents[r] = newSignExponent & 0xffff;
    }

    public long mmx(int i) {
        return mantissas[i];
    }

    /// Writes MMi: sign and exponent become ones (SDM Vol. 1, 9.6.2). The instruction has called [#enterMmx] before.
    public void setMmx(int i, long value) {
        mantissas[i] = value;
        signExponents[i] = 0xffff;
    }

    /// Every MMX instruction but EMMS: TOP becomes 0 and all registers valid.
    public void enterMmx() {
        top = 0;
        valid = 0xff;
    }

    /// EMMS: all registers become empty.
    public void leaveMmx() {
        top = 0;
        valid = 0;
    }

    Transcendental transcendental() {
        return transcendental;
    }

    /// Round to nearest with 64-bit precision: the case with fast paths.
    boolean plainRounding() {
        return plainRounding;
    }

    int roundingControl() {
        return control >>> 10 & 3;
    }

    /// How many low bits of a significand precision control drops. The reserved value 1 is taken as 64 bits, as processors do.
    int precisionDrop() {
        return switch (control >>> 8 & 3) {
            case 0 -> 40;
            case 2 -> 11;
            default -> 0;
        };
    }

    boolean unmasked(int flags) {
        return (flags & ~control & EXCEPTIONS) != 0;
    }

    int result(long newMantissa, int newSignExponent, int flags) {
        mantissa = newMantissa;
        signExponent = newSignExponent;
        return flags;
    }

    /// Enters an operation's flags (with C1) into the status word. False where an unmasked IE, DE or ZE forbids to store the result in a
    /// register; overflow, underflow and precision store it first (SDM Vol. 1, 8.5).
    boolean raise(int flags) {
        status = status & ~C1 | flags;
        int trap = flags & ~control & EXCEPTIONS;
        if (trap == 0) {
            return true;
        }
        status |= ES | BUSY;
        return (trap & (IE | DE | ZE)) == 0;
    }

    /// As [#raise] for a result that goes to memory: an unmasked overflow or underflow also leaves the destination
    /// alone, and nothing was rounded.
    boolean raiseForMemory(int flags) {
        if (!unmasked(flags & (OE | UE))) {
            return raise(flags);
        }
        raise(flags & ~(PE | C1));
        return false;
    }

    boolean empty(int i) {
        return (valid >>> (top + i & 7) & 1) == 0;
    }

    /// ST(i) := the last result.
    void store(int i) {
        int r = top + i & 7;
        mantissas[r] = mantissa;
        signExponents[r] = signExponent;
        valid |= 1 << r;
    }

    /// Pushes the last result; the caller has seen that ST(7) is empty or overwrites it on purpose.
    void push() {
        top = top - 1 & 7;
        store(0);
    }

    void pop() {
        valid &= ~(1 << top);
        top = top + 1 & 7;
    }

    /// Stack overflow (`c1` = C1) or underflow (0): the flags; the result is the default NaN.
    int stackFault(int c1) {
        return result(Float80.DEFAULT_NAN_MANTISSA, Float80.DEFAULT_NAN_SIGN_EXPONENT, IE | SF | c1);
    }
}
