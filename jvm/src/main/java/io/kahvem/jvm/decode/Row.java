package io.kahvem.jvm.decode;

/// One opcode's meaning: an operation with its operands and what the encoding adds. Built by [OpcodeMap].
public final class Row {
    public final Op op;
    public final Operand[] operands;
    boolean only64;
    boolean not64;
    boolean default64;
    boolean force64;
    boolean lockable;
    boolean memoryOnly;
    boolean readsFlags;
    boolean writesFlags;
    boolean plainFlagWriter;
    boolean flagsByCount;
    boolean endsBlock;
    boolean mayFault;
    boolean faultsOutside64;
    boolean size66;
    boolean vsib;
    boolean vvvvOnlyInRegisterForm;

    Row(Op op, Operand[] operands) {
        this.op = op;
        this.operands = operands;
        this.endsBlock = op.endsBlock();
        this.readsFlags = op.kind() == Op.Kind.WHOLE || op.kind().vector() || endsBlock;
    }

    /// #UD outside 64-bit code.
    public Row only64() {
        only64 = true;
        return this;
    }

    /// #UD in 64-bit code.
    public Row not64() {
        not64 = true;
        return this;
    }

    /// In 64-bit code the operand size is 64 bits unless 66H makes it 16 (PUSH, POP).
    public Row default64() {
        default64 = true;
        return this;
    }

    /// In 64-bit code the operand size is 64 bits whatever the prefixes say (near branches, as Intel has it).
    public Row force64() {
        force64 = true;
        return this;
    }

    /// LOCK is allowed when the first operand is memory.
    public Row lockable() {
        lockable = true;
        return this;
    }

    /// #UD when ModRM r/m is a register.
    public Row memoryOnly() {
        memoryOnly = true;
        return this;
    }

    /// Sets all six arithmetic flags whatever the operands are, so that earlier values are dead before it.
    public Row setsFlags() {
        writesFlags = true;
        plainFlagWriter = true;
        return this;
    }

    /// Sets all six arithmetic flags unless the immediate count, taken modulo 32 (64 for 64-bit operands), is 0; then it changes none.
    public Row setsFlagsByCount() {
        writesFlags = true;
        flagsByCount = true;
        return this;
    }

    /// Sets some of the arithmetic flags and leaves the others, or all of them for some operands only.
    public Row changesFlags() {
        writesFlags = true;
        return this;
    }

    /// Depends on the arithmetic flags. (Operations that take the whole instruction and those that end a block always count as readers.)
    public Row readsFlags() {
        readsFlags = true;
        return this;
    }

    /// A whole operation that neither reads nor writes the arithmetic flags and can't fault (so that they can be dead across it).
    public Row noFlags() {
        readsFlags = false;
        return this;
    }

    /// The block ends after this instruction, which runs on into the next one.
    public Row ends() {
        endsBlock = true;
        return this;
    }

    /// The value operation itself may note a fault (DIV, PUSH), beside its memory operands.
    public Row faults() {
        mayFault = true;
        return this;
    }

    /// Outside 64-bit code the value operation itself may note a fault.
    public Row faultsOutside64() {
        faultsOutside64 = true;
        return this;
    }

    /// 66H chooses the operand size although the row is of a map where it is a mandatory prefix (MOVBE).
    public Row size66() {
        size66 = true;
        return this;
    }

    /// The memory operand's index is a vector register (gathers).
    public Row vsib() {
        vsib = true;
        return this;
    }

    /// With a memory operand VEX.vvvv names nothing (VMOVSS, VMOVSD).
    public Row vvvvOnlyInRegisterForm() {
        vvvvOnlyInRegisterForm = true;
        return this;
    }

    /// Whether VEX.vvvv names an operand; where it does not it must be 1111B.
    boolean takesVvvv(boolean memory) {
        if (memory && vvvvOnlyInRegisterForm) return false;
        for (Operand o : operands) {
            if (o.place == Operand.Place.VVVV || o.place == Operand.Place.OWN_VVVV) return true;
        }
        return false;
    }

    /// Whether LOCK is allowed with a memory operand: the first operand must be it.
    boolean locksMemory() {
        return lockable && (operands[0].place == Operand.Place.RM || operands[0].place == Operand.Place.OWN_RM);
    }

    public boolean mayFault(boolean code64) {
        return mayFault || faultsOutside64 && !code64;
    }

    public boolean writesFlags() {
        return writesFlags;
    }

    /// Whether, with this immediate and operand size (a power of two), all six flags are set.
    boolean setsAllFlags(long imm, int size) {
        return plainFlagWriter || flagsByCount && (imm & (size == 3 ? 63 : 31)) != 0;
    }

    public boolean seesFlags() {
        return readsFlags;
    }

    public boolean endsBlock() {
        return endsBlock;
    }

    boolean needsModRm() {
        for (Operand o : operands) {
            if (o.needsModRm()) return true;
        }
        return false;
    }
}
