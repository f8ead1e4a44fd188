package io.kahvem.jvm.decode;

/// How an operand is encoded, in the notation of SDM Vol. 2, Appendix A.2: a letter for the place, a letter for the width.
public enum Operand {
    /// ModRM r/m: a general register or memory.
    Eb(Place.RM, Width.B),
    Ew(Place.RM, Width.W),
    Ed(Place.RM, Width.D),
    Eq(Place.RM, Width.Q),
    Ev(Place.RM, Width.V),
    /// 32 bits, or 64 with REX.W.
    Ey(Place.RM, Width.Y),
    /// ModRM reg: a general register.
    Gb(Place.REG, Width.B),
    Gw(Place.REG, Width.W),
    Gd(Place.REG, Width.D),
    Gv(Place.REG, Width.V),
    Gy(Place.REG, Width.Y),
    /// VEX.vvvv: a general register of 32 bits, or 64 with VEX.W; a vector register.
    By(Place.VVVV, Width.Y),
    Hx(Place.OWN_VVVV, Width.Q),
    /// The low three opcode bits: a general register.
    Zb(Place.OPCODE, Width.B),
    Zv(Place.OPCODE, Width.V),
    AL(Place.ACCUMULATOR, Width.B),
    rAX(Place.ACCUMULATOR, Width.V),
    CL(Place.COUNT, Width.B),
    /// Immediates: a byte, a word, a word or doubleword, one as long as the operand; sIb is a byte sign-extended.
    Ib(Place.IMMEDIATE, Width.B),
    sIb(Place.IMMEDIATE, Width.SB),
    Iw(Place.IMMEDIATE, Width.W),
    Iz(Place.IMMEDIATE, Width.Z),
    Iv(Place.IMMEDIATE, Width.V),
    /// The constant 1 of the shift group.
    One(Place.ONE, Width.B),
    /// A relative branch target.
    Jb(Place.RELATIVE, Width.SB),
    Jz(Place.RELATIVE, Width.Z),
    /// A far pointer in the instruction.
    Ap(Place.FAR, Width.Z),
    /// ModRM r/m that must be memory; only its address is taken (LEA ignores the segment).
    M(Place.MEMORY, Width.V),
    /// An address in the instruction itself.
    Ob(Place.OFFSET, Width.B),
    Ov(Place.OFFSET, Width.V),
    /// ModRM reg and r/m that name something the operation itself interprets: a segment, control or debug register, an MMX or XMM register,
    /// an x87 memory operand.
    Sw(Place.OWN_REG, Width.W),
    Cd(Place.OWN_REG, Width.Q),
    Dd(Place.OWN_REG, Width.Q),
    Pq(Place.OWN_REG, Width.Q),
    Vx(Place.OWN_REG, Width.Q),
    Qq(Place.OWN_RM, Width.Q),
    Wx(Place.OWN_RM, Width.Q),
    /// ModRM r/m interpreted by the operation (general register or memory of a width it knows).
    Ex(Place.OWN_RM, Width.V);

    public enum Place {
        RM, REG, OPCODE, ACCUMULATOR, COUNT, IMMEDIATE, ONE, RELATIVE, FAR, MEMORY, OFFSET, OWN_REG, OWN_RM, VVVV, OWN_VVVV
    }

    public enum Width {
        B, SB, W, D, Q, V, Y, Z
    }

    public final Place place;
    public final Width width;

    Operand(Place place, Width width) {
        this.place = place;
        this.width = width;
    }

    public boolean needsModRm() {
        return switch (place) {
            case RM, REG, MEMORY, OWN_REG, OWN_RM -> true;
            case OPCODE, ACCUMULATOR, COUNT, IMMEDIATE, ONE, RELATIVE, FAR, OFFSET, VVVV, OWN_VVVV -> false;
        };
    }

    /// The operand's size as a power of two, given the operation's (1, 2 or 3 for 16, 32 or 64 bits).
    public int log2Size(int operationSize) {
        return switch (width) {
            case B, SB -> 0;
            case W -> 1;
            case D -> 2;
            case Q -> 3;
            case V -> operationSize;
            case Y -> operationSize == 3 ? 3 : 2;
            case Z -> Math.min(operationSize, 2);
        };
    }
}
