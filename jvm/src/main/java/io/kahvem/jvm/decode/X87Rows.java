package io.kahvem.jvm.decode;

import io.kahvem.jvm.semantics.x87.X87Instructions;

/// The x87 instructions: SDM Vol. 2, Tables, by escape opcode. Undocumented encodings that every processor
/// takes are here as well.
public final class X87Rows {
    private static final int[] ARITHMETIC = {0, 1, 4, 5, 6, 7};

    private X87Rows() {}

    public static void define(OpcodeMap map) {
        map.row(0x9b, op("fwait"));
        arithmetic(map);
        d9(map);
        integers(map);
        dd(map);
        de(map);
        df(map);
    }

    private static Op op(String name) {
        return Op.whole(X87Instructions.class, name);
    }

    private static void arithmetic(OpcodeMap map) {
        for (int reg : ARITHMETIC) {
            map.groupMemory(0xd8, reg, op("arithmeticFloat"));
            map.groupRegister(0xd8, reg, op("arithmeticTop"));
            map.groupMemory(0xda, reg, op("arithmeticInt"));
            map.groupMemory(0xdc, reg, op("arithmeticDouble"));
            map.groupRegister(0xdc, reg, op("arithmeticOther"));
            map.groupMemory(0xde, reg, op("arithmeticShort"));
            map.groupRegister(0xde, reg, op("arithmeticPop"));
        }
        for (int reg = 2; reg <= 3; reg++) {
            map.groupMemory(0xd8, reg, op("compareFloat"));
            map.groupMemory(0xda, reg, op("compareInt"));
            map.groupMemory(0xdc, reg, op("compareDouble"));
            map.groupMemory(0xde, reg, op("compareShort"));
        }
        map.groupRegister(0xd8, 2, op("fcom"));
        map.groupRegister(0xd8, 3, op("fcomp"));
        map.groupRegister(0xdc, 2, op("fcom"));
        map.groupRegister(0xdc, 3, op("fcomp"));
    }

    private static void d9(OpcodeMap map) {
        map.groupMemory(0xd9, 0, op("fldFloat"));
        map.groupMemory(0xd9, 2, op("fstFloat"));
        map.groupMemory(0xd9, 3, op("fstpFloat"));
        map.groupMemory(0xd9, 4, op("fldenv"));
        map.groupMemory(0xd9, 5, op("fldcw"));
        map.groupMemory(0xd9, 6, op("fnstenv"));
        map.groupMemory(0xd9, 7, op("fnstcw"));
        map.groupRegister(0xd9, 0, op("fldRegister"));
        map.groupRegister(0xd9, 1, op("fxch"));
        map.groupExact(0xd9, 0xd0, op("fnop"));
        map.groupExact(0xd9, 0xe0, op("fchs"));
        map.groupExact(0xd9, 0xe1, op("fabs"));
        map.groupExact(0xd9, 0xe4, op("ftst"));
        map.groupExact(0xd9, 0xe5, op("fxam"));
        exact(map, 0xd9, 0xe8, "fld1", "fldl2t", "fldl2e", "fldpi", "fldlg2", "fldln2", "fldz");
        exact(map, 0xd9, 0xf0, "f2xm1", "fyl2x", "fptan", "fpatan", "fxtract", "fprem1", "fdecstp", "fincstp");
        exact(map, 0xd9, 0xf8, "fprem", "fyl2xp1", "fsqrt", "fsincos", "frndint", "fscale", "fsin", "fcos");
    }

    private static void exact(OpcodeMap map, int opcode, int modRm, String... names) {
        for (String name : names) {
            map.groupExact(opcode, modRm++, op(name));
        }
    }

    /// DA and DB.
    private static void integers(OpcodeMap map) {
        for (int reg = 0; reg < 4; reg++) {
            map.groupRegister(0xda, reg, op("fcmov"));
            map.groupRegister(0xdb, reg, op("fcmovn"));
        }
        map.groupExact(0xda, 0xe9, op("fucompp"));
        map.groupMemory(0xdb, 0, op("fildInt"));
        map.groupMemory(0xdb, 1, op("fisttpInt"));
        map.groupMemory(0xdb, 2, op("fistInt"));
        map.groupMemory(0xdb, 3, op("fistpInt"));
        map.groupMemory(0xdb, 5, op("fldExtended"));
        map.groupMemory(0xdb, 7, op("fstpExtended"));
        exact(map, 0xdb, 0xe0, "ignored", "ignored", "fnclex", "fninit", "ignored");
        map.groupRegister(0xdb, 5, op("fucomi")).changesFlags();
        map.groupRegister(0xdb, 6, op("fcomi")).changesFlags();
    }

    private static void dd(OpcodeMap map) {
        map.groupMemory(0xdd, 0, op("fldDouble"));
        map.groupMemory(0xdd, 1, op("fisttpLong"));
        map.groupMemory(0xdd, 2, op("fstDouble"));
        map.groupMemory(0xdd, 3, op("fstpDouble"));
        map.groupMemory(0xdd, 4, op("frstor"));
        map.groupMemory(0xdd, 6, op("fnsave"));
        map.groupMemory(0xdd, 7, op("fnstsw"));
        map.groupRegister(0xdd, 0, op("ffree"));
        map.groupRegister(0xdd, 1, op("fxch"));
        map.groupRegister(0xdd, 2, op("fstRegister"));
        map.groupRegister(0xdd, 3, op("fstpRegister"));
        map.groupRegister(0xdd, 4, op("fucom"));
        map.groupRegister(0xdd, 5, op("fucomp"));
    }

    private static void de(OpcodeMap map) {
        map.groupRegister(0xde, 2, op("fcomp"));
        map.groupExact(0xde, 0xd9, op("fcompp"));
    }

    private static void df(OpcodeMap map) {
        map.groupMemory(0xdf, 0, op("fildShort"));
        map.groupMemory(0xdf, 1, op("fisttpShort"));
        map.groupMemory(0xdf, 2, op("fistShort"));
        map.groupMemory(0xdf, 3, op("fistpShort"));
        map.groupMemory(0xdf, 4, op("fbld"));
        map.groupMemory(0xdf, 5, op("fildLong"));
        map.groupMemory(0xdf, 6, op("fbstp"));
        map.groupMemory(0xdf, 7, op("fistpLong"));
        map.groupRegister(0xdf, 0, op("ffreep"));
        map.groupRegister(0xdf, 1, op("fxch"));
        map.groupRegister(0xdf, 2, op("fstpRegister"));
        map.groupRegister(0xdf, 3, op("fstpRegister"));
        map.groupExact(0xdf, 0xe0, op("fnstswAx"));
        map.groupRegister(0xdf, 5, op("fucomip")).changesFlags();
        map.groupRegister(0xdf, 6, op("fcomip")).changesFlags();
    }
}
