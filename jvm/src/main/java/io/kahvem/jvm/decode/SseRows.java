package io.kahvem.jvm.decode;

import static io.kahvem.jvm.decode.Op.vector;
import static io.kahvem.jvm.decode.Op.whole;
import static io.kahvem.jvm.decode.OpcodeMap.NP;
import static io.kahvem.jvm.decode.OpcodeMap.P66;
import static io.kahvem.jvm.decode.OpcodeMap.PF2;
import static io.kahvem.jvm.decode.OpcodeMap.PF3;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.decode.Op.Kind;
import io.kahvem.jvm.semantics.sse.Integers;
import io.kahvem.jvm.semantics.sse.Mmx;
import io.kahvem.jvm.semantics.sse.Moves;
import io.kahvem.jvm.semantics.sse.SaveArea;
import io.kahvem.jvm.semantics.sse.Shuffles;

/// MMX and SSE to SSE4.2 in SDM Vol. 2, Tables.
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
    }

    private static Op move(String name) {
        return whole(Moves.class, name);
    }

    private static void moves(OpcodeMap map) {
        for (int prefix : new int[] {NP, P66}) {
            map.row0f(prefix, 0x10, move("load"), Vx, Wx);
            map.row0f(prefix, 0x11, move("store"), Vx, Wx);
            map.row0f(prefix, 0x28, move("loadAligned"), Vx, Wx);
            map.row0f(prefix, 0x29, move("storeAligned"), Vx, Wx);
            map.row0f(prefix, 0x2b, move("storeNonTemporal"), Vx, Wx);
            map.row0f(prefix, 0x13, move("storeLow"), Vx, Wx);
            map.row0f(prefix, 0x17, move("storeHigh"), Vx, Wx);
        }
        map.row0f(PF3, 0x10, move("movss"), Vx, Wx);
        map.row0f(PF3, 0x11, move("movssStore"), Vx, Wx);
        map.row0f(PF2, 0x10, move("movsd"), Vx, Wx);
        map.row0f(PF2, 0x11, move("movsdStore"), Vx, Wx);
        map.row0f(NP, 0x12, move("movlps"), Vx, Wx);
        map.row0f(P66, 0x12, move("movlpd"), Vx, Wx);
        map.row0f(PF3, 0x12, move("movsldup"), Vx, Wx);
        map.row0f(PF2, 0x12, move("movddup"), Vx, Wx);
        map.row0f(NP, 0x16, move("movhps"), Vx, Wx);
        map.row0f(P66, 0x16, move("movhpd"), Vx, Wx);
        map.row0f(PF3, 0x16, move("movshdup"), Vx, Wx);
        map.row0f(NP, 0x50, move("movmskps"), Gd, Wx);
        map.row0f(P66, 0x50, move("movmskpd"), Gd, Wx);

        map.row0f(NP, 0x6e, move("movdMmx"), Pq, Ex);
        map.row0f(P66, 0x6e, move("movd"), Vx, Ex);
        map.row0f(NP, 0x7e, move("movdMmxStore"), Pq, Ex);
        map.row0f(P66, 0x7e, move("movdStore"), Vx, Ex);
        map.row0f(PF3, 0x7e, move("movq"), Vx, Wx);
        map.row0f(P66, 0xd6, move("movqStore"), Vx, Wx);
        map.row0f(PF3, 0xd6, move("movq2dq"), Vx, Qq);
        map.row0f(PF2, 0xd6, move("movdq2q"), Pq, Wx);
        map.row0f(NP, 0x6f, move("movqMmx"), Pq, Qq);
        map.row0f(P66, 0x6f, move("loadAligned"), Vx, Wx);
        map.row0f(PF3, 0x6f, move("load"), Vx, Wx);
        map.row0f(NP, 0x7f, move("movqMmxStore"), Pq, Qq);
        map.row0f(P66, 0x7f, move("storeAligned"), Vx, Wx);
        map.row0f(PF3, 0x7f, move("store"), Vx, Wx);
        map.row0f(NP, 0xd7, move("pmovmskbMmx"), Gd, Qq);
        map.row0f(P66, 0xd7, move("pmovmskb"), Gd, Wx);
        map.row0f(NP, 0xe7, move("movntq"), Pq, Qq);
        map.row0f(P66, 0xe7, move("storeNonTemporal"), Vx, Wx);
        map.row0f(PF2, 0xf0, move("lddqu"), Vx, Wx);
        map.row0f(NP, 0xf7, move("maskmovq"), Pq, Qq);
        map.row0f(P66, 0xf7, move("maskmovdqu"), Vx, Wx);
        map.row38(P66, 0x2a, move("movntdqa"), Vx, Wx);
    }

    /// Without a prefix on MMX registers, with 66H on XMM registers.
    private static void both(OpcodeMap map, int opcode, String name) {
        map.row0f(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        map.row0f(P66, opcode, vector(Kind.PACKED, Integers.class, name), Vx, Wx);
    }

    private static void both38(OpcodeMap map, int opcode, String name, Kind kind) {
        map.row38(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        map.row38(P66, opcode, vector(kind, Integers.class, name), Vx, Wx);
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
            map.row0f(NP, 0x54 + n, vector(Kind.PACKED, Integers.class, logic[n]), Vx, Wx);
            map.row0f(P66, 0x54 + n, vector(Kind.PACKED, Integers.class, logic[n]), Vx, Wx);
        }

        String[] ssse3 = {
            "phaddw", "phaddd", "phaddsw", "pmaddubsw", "phsubw", "phsubd", "phsubsw", "psignb", "psignw", "psignd", "pmulhrsw"
        };
        for (int n = 0; n < ssse3.length; n++) both38(map, 1 + n, ssse3[n], ssse3[n].startsWith("ph") ? Kind.HORIZONTAL : Kind.PACKED);
        both38(map, 0x1c, "pabsb", Kind.PACKED);
        both38(map, 0x1d, "pabsw", Kind.PACKED);
        both38(map, 0x1e, "pabsd", Kind.PACKED);

        packed38(map, 0x28, "pmuldq");
        packed38(map, 0x29, "pcmpeqq");
        packed38(map, 0x37, "pcmpgtq");
        String[] minMax = {"pminsb", "pminsd", "pminuw", "pminud", "pmaxsb", "pmaxsd", "pmaxuw", "pmaxud", "pmulld"};
        for (int n = 0; n < minMax.length; n++) packed38(map, 0x38 + n, minMax[n]);
        map.row38(P66, 0x2b, vector(Kind.HORIZONTAL, Integers.class, "packusdw"), Vx, Wx);
        horizontal(map, 0x63, "packsswb");
        horizontal(map, 0x67, "packuswb");
        horizontal(map, 0x6b, "packssdw");
    }

    private static void packed38(OpcodeMap map, int opcode, String name) {
        map.row38(P66, opcode, vector(Kind.PACKED, Integers.class, name), Vx, Wx);
    }

    private static void horizontal(OpcodeMap map, int opcode, String name) {
        map.row0f(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        map.row0f(P66, opcode, vector(Kind.HORIZONTAL, Integers.class, name), Vx, Wx);
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
    }

    private static void shift(OpcodeMap map, int opcode, int group, int reg, String name) {
        map.row0f(NP, opcode, vector(Kind.PACKED_MMX, Integers.class, name), Pq, Qq);
        map.row0f(P66, opcode, vector(Kind.SHIFT, Integers.class, name), Vx, Wx);
        map.group0fRegister(NP, group, reg, vector(Kind.SHIFT_IMMEDIATE_MMX, Integers.class, name), Qq, Ib);
        map.group0fRegister(P66, group, reg, vector(Kind.SHIFT_IMMEDIATE, Integers.class, name), Wx, Ib);
    }

    private static void shuffles(OpcodeMap map) {
        String[] unpack = {"punpcklbw", "punpcklwd", "punpckldq"};
        for (int n = 0; n < 3; n++) {
            map.row0f(NP, 0x60 + n, whole(Shuffles.class, unpack[n] + "Mmx"), Pq, Qq);
            map.row0f(P66, 0x60 + n, whole(Shuffles.class, unpack[n]), Vx, Wx);
            String high = unpack[n].replace("kl", "kh");
            map.row0f(NP, 0x68 + n, vector(Kind.PACKED_MMX, Integers.class, high), Pq, Qq);
            map.row0f(P66, 0x68 + n, whole(Shuffles.class, high), Vx, Wx);
        }
        map.row0f(P66, 0x6c, whole(Shuffles.class, "punpcklqdq"), Vx, Wx);
        map.row0f(P66, 0x6d, whole(Shuffles.class, "punpckhqdq"), Vx, Wx);
        map.row0f(NP, 0x14, whole(Shuffles.class, "punpckldq"), Vx, Wx); // UNPCKLPS
        map.row0f(P66, 0x14, whole(Shuffles.class, "punpcklqdq"), Vx, Wx); // UNPCKLPD
        map.row0f(NP, 0x15, whole(Shuffles.class, "punpckhdq"), Vx, Wx); // UNPCKHPS
        map.row0f(P66, 0x15, whole(Shuffles.class, "punpckhqdq"), Vx, Wx); // UNPCKHPD

        map.row0f(NP, 0x70, whole(Shuffles.class, "pshufw"), Pq, Qq, Ib);
        map.row0f(P66, 0x70, whole(Shuffles.class, "pshufd"), Vx, Wx, Ib);
        map.row0f(PF3, 0x70, whole(Shuffles.class, "pshufhw"), Vx, Wx, Ib);
        map.row0f(PF2, 0x70, whole(Shuffles.class, "pshuflw"), Vx, Wx, Ib);
        map.row0f(NP, 0xc6, whole(Shuffles.class, "shufps"), Vx, Wx, Ib);
        map.row0f(P66, 0xc6, whole(Shuffles.class, "shufpd"), Vx, Wx, Ib);
        map.row38(NP, 0x00, vector(Kind.PACKED_MMX, Integers.class, "pshufb"), Pq, Qq);
        map.row38(P66, 0x00, whole(Shuffles.class, "pshufb"), Vx, Wx);
        map.row3a(NP, 0x0f, whole(Shuffles.class, "palignrMmx"), Pq, Qq, Ib);
        map.row3a(P66, 0x0f, whole(Shuffles.class, "palignr"), Vx, Wx, Ib);

        map.row3a(P66, 0x0c, whole(Shuffles.class, "blendps"), Vx, Wx, Ib);
        map.row3a(P66, 0x0d, whole(Shuffles.class, "blendpd"), Vx, Wx, Ib);
        map.row3a(P66, 0x0e, whole(Shuffles.class, "pblendw"), Vx, Wx, Ib);
        map.row38(P66, 0x10, whole(Shuffles.class, "pblendvb"), Vx, Wx);
        map.row38(P66, 0x14, whole(Shuffles.class, "blendvps"), Vx, Wx);
        map.row38(P66, 0x15, whole(Shuffles.class, "blendvpd"), Vx, Wx);

        map.row38(P66, 0x17, whole(Shuffles.class, "ptest"), Vx, Wx).setsFlags();
        map.row38(P66, 0x41, whole(Shuffles.class, "phminposuw"), Vx, Wx);
        map.row3a(P66, 0x42, whole(Shuffles.class, "mpsadbw"), Vx, Wx, Ib);
        map.row38(PF2, 0xf0, whole(Shuffles.class, "crc32Byte"), Gd, Ex);
        map.row38(PF2, 0xf1, whole(Shuffles.class, "crc32"), Gv, Ex);
    }

    private static void extractions(OpcodeMap map) {
        map.row0f(NP, 0xc4, whole(Shuffles.class, "pinsrwMmx"), Pq, Ex, Ib);
        map.row0f(P66, 0xc4, whole(Shuffles.class, "pinsrw"), Vx, Ex, Ib);
        map.row0f(NP, 0xc5, whole(Shuffles.class, "pextrwMmx"), Gd, Qq, Ib);
        map.row0f(P66, 0xc5, whole(Shuffles.class, "pextrw"), Gd, Wx, Ib);
        map.row3a(P66, 0x14, whole(Shuffles.class, "pextrb"), Vx, Ex, Ib);
        map.row3a(P66, 0x15, whole(Shuffles.class, "pextrwStore"), Vx, Ex, Ib);
        map.row3a(P66, 0x16, whole(Shuffles.class, "pextrd"), Vx, Ex, Ib);
        map.row3a(P66, 0x17, whole(Shuffles.class, "extractps"), Vx, Ex, Ib);
        map.row3a(P66, 0x20, whole(Shuffles.class, "pinsrb"), Vx, Ex, Ib);
        map.row3a(P66, 0x21, whole(Shuffles.class, "insertps"), Vx, Wx, Ib);
        map.row3a(P66, 0x22, whole(Shuffles.class, "pinsrd"), Vx, Ex, Ib);
    }

    private static void widening(OpcodeMap map) {
        String[] names = {"bw", "bd", "bq", "wd", "wq", "dq"};
        for (int n = 0; n < 6; n++) {
            map.row38(P66, 0x20 + n, whole(Shuffles.class, "pmovsx" + names[n]), Vx, Wx);
            map.row38(P66, 0x30 + n, whole(Shuffles.class, "pmovzx" + names[n]), Vx, Wx);
        }
    }
}
