package io.kahvem.jvm.cpu;

/// What the meaning of instruction bytes depends on besides the bytes: the key of decoded blocks beside their address.
public final class Mode {
    /// Mask of the default code size: one of the three constants that follow.
    public static final int SIZE = 3;

    public static final int CODE16 = 0;
    public static final int CODE32 = 1;
    public static final int CODE64 = 2;

    /// ES, CS, SS and DS span 0 to 4 GiB: no base to add, no limit to check. Always set in 64-bit code.
    public static final int FLAT = 4;

    /// The stack pointer is ESP, not SP (SS.B). In 64-bit code it is RSP and this is clear.
    public static final int STACK32 = 8;

    /// Every instruction is a block of its own: single step or breakpoints are on, the guest's or a debugger's.
    public static final int STEP = 16;

    /// CPL is 3. Decoding does not depend on it, but which code may be reached does.
    public static final int USER = 32;

    private static final int ATTRIBUTE_LONG = 0x2000;
    private static final int ATTRIBUTE_DB = 0x4000;

    private Mode() {}

    static int of(Cpu c) {
        int common = (c.rflags & Flags.TF) != 0 || (c.dr[7] & 0xff) != 0 || c.watched ? STEP : 0;
        if (c.cpl == 3) common |= USER;
        int cs = c.attributes[Cpu.CS];
        if (c.longMode() && (cs & ATTRIBUTE_LONG) != 0) return CODE64 | FLAT | common;
        int mode = common | ((cs & ATTRIBUTE_DB) != 0 ? CODE32 : CODE16);
        if ((c.attributes[Cpu.SS] & ATTRIBUTE_DB) != 0) mode |= STACK32;
        boolean flat = true;
        for (int s = Cpu.ES; s <= Cpu.DS; s++) {
            // present, expand-up, writable (code: readable), usable, 0 to 4 GiB
            int a = c.attributes[s];
            boolean permissive = s == Cpu.CS ? (a & 0x8a) == 0x8a : (a & 0x1008e) == 0x82;
            flat &= permissive && c.segmentBase(s) == 0 && c.limit[s] == 0xffff_ffffL;
        }
        return flat ? mode | FLAT : mode;
    }
}
