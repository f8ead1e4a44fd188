package io.kahvem.jvm.decode;

import static io.kahvem.jvm.decode.Op.vector;
import static io.kahvem.jvm.decode.Op.whole;
import static io.kahvem.jvm.decode.OpcodeMap.L0;
import static io.kahvem.jvm.decode.OpcodeMap.L1;
import static io.kahvem.jvm.decode.OpcodeMap.LIG;
import static io.kahvem.jvm.decode.OpcodeMap.M0F;
import static io.kahvem.jvm.decode.OpcodeMap.M0F38;
import static io.kahvem.jvm.decode.OpcodeMap.M0F3A;
import static io.kahvem.jvm.decode.OpcodeMap.NP;
import static io.kahvem.jvm.decode.OpcodeMap.P66;
import static io.kahvem.jvm.decode.OpcodeMap.PF2;
import static io.kahvem.jvm.decode.OpcodeMap.PF3;
import static io.kahvem.jvm.decode.OpcodeMap.WIG;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.decode.Op.Kind;
import io.kahvem.jvm.semantics.sse.Integers;
import io.kahvem.jvm.semantics.sse.Mmx;
import io.kahvem.jvm.semantics.sse.Moves;
import io.kahvem.jvm.semantics.sse.SaveArea;
import io.kahvem.jvm.semantics.sse.Shuffles;

/// MMX and SSE to SSE4.2 in SDM Vol. 2, Tables, and beside each row that of its VEX form.
public final class SseRows {
    private SseRows() {}

    public static void define(OpcodeMap map) {
        moves(map);
        integers(map);
        shifts(map);
        shuffles(map);
        extractions(map);
        widening(map);
        map.row0f(NP, 0x77, whole(Mmx.class, "emms"));
        saving(map);
    }

    /// The memory forms of group 15.
    private static void saving(OpcodeMap map) {
        String[] names = {"fxsave", "fxrstor", "ldmxcsr", "stmxcsr", "xsave", "xrstor", "xsaveopt"};
        for (int n = 0; n < names.length; n++) map.group0fMemory(0xae, n, whole(SaveArea.class, names[n]), Ex);
        map.group0fMemory(0xc7, 4, whole(SaveArea.class, "xsavec"), Ex);
        map.vexGroup(M0F, NP, 0xae, 2, WIG | L0, true, false, whole(SaveArea.class, "ldmxcsr"), Ex);
        map.vexGroup(M0F, NP, 0xae, 3, WIG | L0, true, false, whole(SaveArea.class, "stmxcsr"), Ex);
    }

    private static Op move(String name) {
        return whole(Moves.class, name);
    }

    /// A move that VEX gives no further operand.
    private static void both(OpcodeMap map, int prefix, int opcode, int lengths, String name, Operand... operands) {
        map.row0f(prefix, opcode, move(name), operands);
        map.vex(M0F, prefix, opcode, WIG | lengths, move(name), operands);
    }

    /// A move into a part of a register: with VEX the other part comes from VEX.vvvv.
    private static Row merging(OpcodeMap map, int prefix, int opcode, int lengths, String name) {
        map.row0f(prefix, opcode, move(name), Vx, Wx);
        return map.vex(M0F, prefix, opcode, WIG | lengths, move(name), Vx, Hx, Wx);
    }

    private static void moves(OpcodeMap map) {
        for (int prefix : new int[] {NP, P66}) {
            both(map, prefix, 0x10, LIG, "load", Vx, Wx);
            both(map, prefix, 0x11, LIG, "store", Vx, Wx);
            both(map, prefix, 0x28, LIG, "loadAligned", Vx, Wx);
            both(map, prefix, 0x29, LIG, "storeAligned", Vx, Wx);
            both(map, prefix, 0x2b, LIG, "storeNonTemporal", Vx, Wx);
            both(map, prefix, 0x13, L0, "storeLow", Vx, Wx);
            both(map, prefix, 0x17, L0, "storeHigh", Vx, Wx);
        }
        merging(map, PF3, 0x10, LIG, "movss").vvvvOnlyInRegisterForm();
        merging(map, PF3, 0x11, LIG, "movssStore").vvvvOnlyInRegisterForm();
        merging(map, PF2, 0x10, LIG, "movsd").vvvvOnlyInRegisterForm();
        merging(map, PF2, 0x11, LIG, "movsdStore").vvvvOnlyInRegisterForm();
        merging(map, NP, 0x12, L0, "movlps");
        merging(map, P66, 0x12, L0, "movlpd");
        unary(map, PF3, 0x12, Shuffles.class, "movsldup");
        both(map, PF2, 0x12, L0, "movddup", Vx, Wx);
        map.vex(M0F, PF2, 0x12, WIG | L1, vector(Kind.VEX_CROSS, Shuffles.class, "movddup"), Vx, Wx);
        merging(map, NP, 0x16, L0, "movhps");
        merging(map, P66, 0x16, L0, "movhpd");
        unary(map, PF3, 0x16, Shuffles.class, "movshdup");
        both(map, NP, 0x50, LIG, "movmskps", Gd, Wx);
        both(map, P66, 0x50, LIG, "movmskpd", Gd, Wx);

        map.row0f(NP, 0x6e, move("movdMmx"), Pq, Ex);
        both(map, P66, 0x6e, L0, "movd", Vx, Ex);
        map.row0f(NP, 0x7e, move("movdMmxStore"), Pq, Ex);
        both(map, P66, 0x7e, L0, "movdStore", Vx, Ex);
        both(map, PF3, 0x7e, L0, "movq", Vx, Wx);
        both(map, P66, 0xd6, L0, "movqStore", Vx, Wx);
        map.row0f(PF3, 0xd6, move("movq2dq"), Vx, Qq);
        map.row0f(PF2, 0xd6, move("movdq2q"), Pq, Wx);
        map.row0f(NP, 0x6f, move("movqMmx"), Pq, Qq);
        both(map, P66, 0x6f, LIG, "loadAligned", Vx, Wx);
        both(map, PF3, 0x6f, LIG, "load", Vx, Wx);
        map.row0f(NP, 0x7f, move("movqMmxStore"), Pq, Qq);
        both(map, P66, 0x7f, LIG, "storeAligned", Vx, Wx);
        both(map, PF3, 0x7f, LIG, "store", Vx, Wx);
        map.row0f(NP, 0xd7, move("pmovmskbMmx"), Gd, Qq);
        both(map, P66, 0xd7, LIG, "pmovmskb", Gd, Wx);
        map.row0f(NP, 0xe7, move("movntq"), Pq, Qq);
        both(map, P66, 0xe7, LIG, "storeNonTemporal", Vx, Wx);
        both(map, PF2, 0xf0, LIG, "lddqu", Vx, Wx);
        map.row0f(NP, 0xf7, move("maskmovq"), Pq, Qq);
        both(map, P66, 0xf7, L0, "maskmovdqu", Vx, Wx);
        map.row38(P66, 0x2a, move("movntdqa"), Vx, Wx);
        map.vex(M0F38, P66, 0x2a, WIG | LIG, move("movntdqa"), Vx, Wx);
    }

    /// The VEX form of a vector operation's kind.
    static Kind vexKind(Kind kind) {
        return switch (kind) {
            case PACKED -> Kind.VEX_PACKED;
            case HORIZONTAL -> Kind.VEX_HORIZONTAL;
            case CROSS -> Kind.VEX_CROSS;
            case SHIFT -> Kind.VEX_SHIFT;
            case SHIFT_IMMEDIATE -> Kind.VEX_SHIFT_IMMEDIATE;
            case SCALAR32 -> Kind.VEX_SCALAR32;
            case SCALAR64 -> Kind.VEX_SCALAR64;
            default -> throw new AssertionError(kind + " has no VEX form");
        };
    }

    /// An operation of map 0FH on two vectors, with VEX on 128 or 256 bits.
    static void binary(OpcodeMap map, int prefix, int opcode, Kind kind, Class<?> owner, String name) {
        map.row0f(prefix, opcode, vector(kind, owner, name), Vx, Wx);
        map.vex(M0F, prefix, opcode, WIG | LIG, vector(vexKind(kind), owner, name), Vx, Hx, Wx);
    }

    /// An operation of map 0FH on one vector.
    static void unary(OpcodeMap map, int prefix, int opcode, Class<?> owner, String name) {
        map.row0f(prefix, opcode, vector(Kind.PACKED, owner, name), Vx, Wx);
        map.vex(M0F, prefix, opcode, WIG | LIG, vector(Kind.VEX_PACKED, owner, name), Vx, Wx);
    }

    private static void binary38(OpcodeMap map, int opcode, Kind kind, Class<?> owner, String name) {
        map.row38(P66, opcode, vector(kind, owner, name), Vx, Wx);
        map.vex(M0F38, P66, opcode, WIG | LIG, vector(vexKind(kind), owner, name), Vx, Hx, Wx);
    }

    /// With an immediate, in map 3AH.
    static void binary3a(OpcodeMap map, int opcode, Kind kind, Class<?> owner, String name) {
        map.row3a(P66, opcode, vector(kind, owner, name), Vx, Wx, Ib);
        map.vex(M0F3A, P66, opcode, WIG | LIG, vector(vexKind(kind), owner, name), Vx, Hx, Wx, Ib);
    }

    /// Without a prefix on MMX registers, with 66H on XMM registers.
    private static void both(OpcodeMap map, int opcode, String name) {
        map.row0f(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        binary(map, P66, opcode, Kind.PACKED, Integers.class, name);
    }

    private static void both38(OpcodeMap map, int opcode, String name, Kind kind) {
        map.row38(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        binary38(map, opcode, kind, Integers.class, name);
    }

    private static void unary38(OpcodeMap map, int opcode, String name) {
        map.row38(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        map.row38(P66, opcode, vector(Kind.PACKED, Integers.class, name), Vx, Wx);
        map.vex(M0F38, P66, opcode, WIG | LIG, vector(Kind.VEX_PACKED, Integers.class, name), Vx, Wx);
    }

    private static void integers(OpcodeMap map) {
        both(map, 0x64, "pcmpgtb");
        both(map, 0x65, "pcmpgtw");
        both(map, 0x66, "pcmpgtd");
        both(map, 0x74, "pcmpeqb");
        both(map, 0x75, "pcmpeqw");
        both(map, 0x76, "pcmpeqd");
        both(map, 0xd4, "paddq");
        both(map, 0xd5, "pmullw");
        both(map, 0xd8, "psubusb");
        both(map, 0xd9, "psubusw");
        both(map, 0xda, "pminub");
        both(map, 0xdb, "pand");
        both(map, 0xdc, "paddusb");
        both(map, 0xdd, "paddusw");
        both(map, 0xde, "pmaxub");
        both(map, 0xdf, "pandn");
        both(map, 0xe0, "pavgb");
        both(map, 0xe3, "pavgw");
        both(map, 0xe4, "pmulhuw");
        both(map, 0xe5, "pmulhw");
        both(map, 0xe8, "psubsb");
        both(map, 0xe9, "psubsw");
        both(map, 0xea, "pminsw");
        both(map, 0xeb, "por");
        both(map, 0xec, "paddsb");
        both(map, 0xed, "paddsw");
        both(map, 0xee, "pmaxsw");
        both(map, 0xef, "pxor");
        both(map, 0xf4, "pmuludq");
        both(map, 0xf5, "pmaddwd");
        both(map, 0xf6, "psadbw");
        both(map, 0xf8, "psubb");
        both(map, 0xf9, "psubw");
        both(map, 0xfa, "psubd");
        both(map, 0xfb, "psubq");
        both(map, 0xfc, "paddb");
        both(map, 0xfd, "paddw");
        both(map, 0xfe, "paddd");

        String[] logic = {"pand", "pandn", "por", "pxor"}; // ANDPS, ANDNPS, ORPS, XORPS and their PD forms
        for (int n = 0; n < 4; n++) {
            binary(map, NP, 0x54 + n, Kind.PACKED, Integers.class, logic[n]);
            binary(map, P66, 0x54 + n, Kind.PACKED, Integers.class, logic[n]);
        }

        String[] ssse3 = {
            "phaddw", "phaddd", "phaddsw", "pmaddubsw", "phsubw", "phsubd", "phsubsw", "psignb", "psignw", "psignd", "pmulhrsw"
        };
        for (int n = 0; n < ssse3.length; n++) both38(map, 1 + n, ssse3[n], ssse3[n].startsWith("ph") ? Kind.HORIZONTAL : Kind.PACKED);
        unary38(map, 0x1c, "pabsb");
        unary38(map, 0x1d, "pabsw");
        unary38(map, 0x1e, "pabsd");

        packed38(map, 0x28, "pmuldq");
        packed38(map, 0x29, "pcmpeqq");
        packed38(map, 0x37, "pcmpgtq");
        String[] minMax = {"pminsb", "pminsd", "pminuw", "pminud", "pmaxsb", "pmaxsd", "pmaxuw", "pmaxud", "pmulld"};
        for (int n = 0; n < minMax.length; n++) packed38(map, 0x38 + n, minMax[n]);
        binary38(map, 0x2b, Kind.HORIZONTAL, Integers.class, "packusdw");
        horizontal(map, 0x63, "packsswb");
        horizontal(map, 0x67, "packuswb");
        horizontal(map, 0x6b, "packssdw");
    }

    private static void packed38(OpcodeMap map, int opcode, String name) {
        binary38(map, opcode, Kind.PACKED, Integers.class, name);
    }

    private static void horizontal(OpcodeMap map, int opcode, String name) {
        map.row0f(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        binary(map, P66, opcode, Kind.HORIZONTAL, Integers.class, name);
    }

    private static void shifts(OpcodeMap map) {
        shift(map, 0xd1, 0x71, 2, "psrlw");
        shift(map, 0xd2, 0x72, 2, "psrld");
        shift(map, 0xd3, 0x73, 2, "psrlq");
        shift(map, 0xe1, 0x71, 4, "psraw");
        shift(map, 0xe2, 0x72, 4, "psrad");
        shift(map, 0xf1, 0x71, 6, "psllw");
        shift(map, 0xf2, 0x72, 6, "pslld");
        shift(map, 0xf3, 0x73, 6, "psllq");
        map.group0fRegister(P66, 0x73, 3, whole(Shuffles.class, "psrldq"), Wx, Ib);
        map.group0fRegister(P66, 0x73, 7, whole(Shuffles.class, "pslldq"), Wx, Ib);
        map.vexGroup(M0F, P66, 0x73, 3, WIG | LIG, false, true, whole(Shuffles.class, "psrldq"), Hx, Wx, Ib);
        map.vexGroup(M0F, P66, 0x73, 7, WIG | LIG, false, true, whole(Shuffles.class, "pslldq"), Hx, Wx, Ib);
    }

    private static void shift(OpcodeMap map, int opcode, int group, int reg, String name) {
        map.row0f(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        binary(map, P66, opcode, Kind.SHIFT, Integers.class, name);
        map.group0fRegister(NP, group, reg, vector(Kind.SHIFT_IMMEDIATE_MMX, Integers.class, name), Qq, Ib);
        map.group0fRegister(P66, group, reg, vector(Kind.SHIFT_IMMEDIATE, Integers.class, name), Wx, Ib);
        map.vexGroup(M0F, P66, group, reg, WIG | LIG, false, true, vector(Kind.VEX_SHIFT_IMMEDIATE, Integers.class, name), Hx, Wx, Ib);
    }

    private static void cross(OpcodeMap map, int prefix, int opcode, String name) {
        binary(map, prefix, opcode, Kind.CROSS, Shuffles.class, name);
    }

    /// A shuffle of one vector by an immediate.
    private static void shuffle(OpcodeMap map, int prefix, String name) {
        map.row0f(prefix, 0x70, vector(Kind.CROSS, Shuffles.class, name), Vx, Wx, Ib);
        map.vex(M0F, prefix, 0x70, WIG | LIG, vector(Kind.VEX_CROSS, Shuffles.class, name), Vx, Wx, Ib);
    }

    private static void shuffles(OpcodeMap map) {
        String[] unpack = {"punpcklbw", "punpcklwd", "punpckldq"};
        for (int n = 0; n < 3; n++) {
            map.row0f(NP, 0x60 + n, whole(Shuffles.class, unpack[n] + "Mmx"), Pq, Qq);
            cross(map, P66, 0x60 + n, unpack[n]);
            String high = unpack[n].replace("kl", "kh");
            map.row0f(NP, 0x68 + n, vector(Kind.PACKED_MMX, Integers.class, high), Pq, Qq);
            cross(map, P66, 0x68 + n, high);
        }
        cross(map, P66, 0x6c, "punpcklqdq");
        cross(map, P66, 0x6d, "punpckhqdq");
        cross(map, NP, 0x14, "punpckldq"); // UNPCKLPS
        cross(map, P66, 0x14, "punpcklqdq"); // UNPCKLPD
        cross(map, NP, 0x15, "punpckhdq"); // UNPCKHPS
        cross(map, P66, 0x15, "punpckhqdq"); // UNPCKHPD

        map.row0f(NP, 0x70, whole(Shuffles.class, "pshufw"), Pq, Qq, Ib);
        shuffle(map, P66, "pshufd");
        shuffle(map, PF3, "pshufhw");
        shuffle(map, PF2, "pshuflw");
        for (int prefix : new int[] {NP, P66}) {
            String name = prefix == NP ? "shufps" : "shufpd";
            map.row0f(prefix, 0xc6, vector(Kind.CROSS, Shuffles.class, name), Vx, Wx, Ib);
            map.vex(M0F, prefix, 0xc6, WIG | LIG, vector(Kind.VEX_CROSS, Shuffles.class, name), Vx, Hx, Wx, Ib);
        }
        map.row38(NP, 0x00, vector(Kind.PACKED_MMX, Integers.class, "pshufb"), Pq, Qq);
        binary38(map, 0x00, Kind.CROSS, Shuffles.class, "pshufb");
        map.row3a(NP, 0x0f, whole(Shuffles.class, "palignrMmx"), Pq, Qq, Ib);
        binary3a(map, 0x0f, Kind.CROSS, Shuffles.class, "palignr");

        binary3a(map, 0x0c, Kind.PACKED, Shuffles.class, "blendps");
        binary3a(map, 0x0d, Kind.PACKED, Shuffles.class, "blendpd");
        binary3a(map, 0x0e, Kind.PACKED, Shuffles.class, "pblendw");
        map.row38(P66, 0x10, whole(Shuffles.class, "pblendvb"), Vx, Wx);
        map.row38(P66, 0x14, whole(Shuffles.class, "blendvps"), Vx, Wx);
        map.row38(P66, 0x15, whole(Shuffles.class, "blendvpd"), Vx, Wx);

        map.row38(P66, 0x17, whole(Shuffles.class, "ptest"), Vx, Wx).setsFlags();
        map.vex(M0F38, P66, 0x17, WIG | LIG, whole(Shuffles.class, "ptest"), Vx, Wx).setsFlags();
        map.row38(P66, 0x41, whole(Shuffles.class, "phminposuw"), Vx, Wx);
        map.vex(M0F38, P66, 0x41, WIG | L0, whole(Shuffles.class, "phminposuw"), Vx, Wx);
        binary3a(map, 0x42, Kind.CROSS, Shuffles.class, "mpsadbw");
        map.row38(PF2, 0xf0, whole(Shuffles.class, "crc32Byte"), Gd, Ex);
        map.row38(PF2, 0xf1, whole(Shuffles.class, "crc32"), Gv, Ex);
    }

    private static void extractions(OpcodeMap map) {
        map.row0f(NP, 0xc4, whole(Shuffles.class, "pinsrwMmx"), Pq, Ex, Ib);
        map.row0f(P66, 0xc4, whole(Shuffles.class, "pinsrw"), Vx, Ex, Ib);
        map.vex(M0F, P66, 0xc4, WIG | L0, whole(Shuffles.class, "pinsrw"), Vx, Hx, Ex, Ib);
        map.row0f(NP, 0xc5, whole(Shuffles.class, "pextrwMmx"), Gd, Qq, Ib);
        map.row0f(P66, 0xc5, whole(Shuffles.class, "pextrw"), Gd, Wx, Ib);
        map.vex(M0F, P66, 0xc5, WIG | L0, whole(Shuffles.class, "pextrw"), Gd, Wx, Ib);
        extraction(map, 0x14, "pextrb", Vx, Ex, Ib);
        extraction(map, 0x15, "pextrwStore", Vx, Ex, Ib);
        extraction(map, 0x16, "pextrd", Vx, Ex, Ib);
        extraction(map, 0x17, "extractps", Vx, Ex, Ib);
        insertion(map, 0x20, "pinsrb", Ex);
        insertion(map, 0x21, "insertps", Wx);
        insertion(map, 0x22, "pinsrd", Ex);
    }

    private static void extraction(OpcodeMap map, int opcode, String name, Operand... operands) {
        map.row3a(P66, opcode, whole(Shuffles.class, name), operands);
        map.vex(M0F3A, P66, opcode, WIG | L0, whole(Shuffles.class, name), operands);
    }

    private static void insertion(OpcodeMap map, int opcode, String name, Operand from) {
        map.row3a(P66, opcode, whole(Shuffles.class, name), Vx, from, Ib);
        map.vex(M0F3A, P66, opcode, WIG | L0, whole(Shuffles.class, name), Vx, Hx, from, Ib);
    }

    private static void widening(OpcodeMap map) {
        String[] names = {"bw", "bd", "bq", "wd", "wq", "dq"};
        for (int n = 0; n < 6; n++) {
            for (String name : new String[] {"pmovsx", "pmovzx"}) {
                int opcode = (name.equals("pmovsx") ? 0x20 : 0x30) + n;
                map.row38(P66, opcode, whole(Shuffles.class, name + names[n]), Vx, Wx);
                map.vex(M0F38, P66, opcode, WIG | LIG, whole(Shuffles.class, name + names[n]), Vx, Wx);
            }
        }
    }
}
