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
import static io.kahvem.jvm.decode.OpcodeMap.W0;
import static io.kahvem.jvm.decode.OpcodeMap.W1;
import static io.kahvem.jvm.decode.OpcodeMap.WIG;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.decode.Op.Kind;
import io.kahvem.jvm.semantics.sse.Avx;
import io.kahvem.jvm.semantics.sse.Fused;
import io.kahvem.jvm.semantics.sse.Integers;
import io.kahvem.jvm.semantics.sse.Shuffles;

/// What AVX, AVX2, FMA and F16C have that SSE has not (SDM Vol. 2, Tables ). VEX forms of SSE instructions are in [SseRows] and
/// [SseFloatRows].
public final class AvxRows {
    private AvxRows() {}

    public static void define(OpcodeMap map) {
        map.vex(M0F, NP, 0x77, WIG | L0, whole(Avx.class, "vzeroupper"));
        map.vex(M0F, NP, 0x77, WIG | L1, whole(Avx.class, "vzeroall"));
        permutations(map);
        blends(map);
        broadcasts(map);
        shifts(map);
        maskedMoves(map);
        gathers(map);
        halfPrecision(map);
        fused(map);
    }

    private static void permutations(OpcodeMap map) {
        map.vex(M0F38, P66, 0x0c, W0 | LIG, vector(Kind.VEX_CROSS, Shuffles.class, "permilps"), Vx, Hx, Wx);
        map.vex(M0F38, P66, 0x0d, W0 | LIG, vector(Kind.VEX_CROSS, Shuffles.class, "permilpd"), Vx, Hx, Wx);
        map.vex(M0F3A, P66, 0x04, W0 | LIG, vector(Kind.VEX_CROSS, Shuffles.class, "pshufd"), Vx, Wx, Ib);
        map.vex(M0F3A, P66, 0x05, W0 | LIG, vector(Kind.VEX_CROSS, Shuffles.class, "permilpdImmediate"), Vx, Wx, Ib);
        map.vex(M0F38, P66, 0x16, W0 | L1, whole(Avx.class, "vpermd"), Vx, Hx, Wx); // VPERMPS
        map.vex(M0F38, P66, 0x36, W0 | L1, whole(Avx.class, "vpermd"), Vx, Hx, Wx);
        map.vex(M0F3A, P66, 0x00, W1 | L1, whole(Avx.class, "vpermq"), Vx, Wx, Ib);
        map.vex(M0F3A, P66, 0x01, W1 | L1, whole(Avx.class, "vpermq"), Vx, Wx, Ib); // VPERMPD
        for (int integer : new int[] {0, 0x20}) { // VPERM2F128 and VPERM2I128, ...
            map.vex(M0F3A, P66, 0x18 + integer, W0 | L1, whole(Avx.class, "vinsertx128"), Vx, Hx, Wx, Ib);
            map.vex(M0F3A, P66, 0x19 + integer, W0 | L1, whole(Avx.class, "vextractx128"), Vx, Wx, Ib);
        }
        map.vex(M0F3A, P66, 0x06, W0 | L1, whole(Avx.class, "vperm2x128"), Vx, Hx, Wx, Ib);
        map.vex(M0F3A, P66, 0x46, W0 | L1, whole(Avx.class, "vperm2x128"), Vx, Hx, Wx, Ib);
    }

    private static void blends(OpcodeMap map) {
        map.vex(M0F3A, P66, 0x02, W0 | LIG, vector(Kind.VEX_PACKED, Shuffles.class, "blendps"), Vx, Hx, Wx, Ib); // VPBLENDD
        map.vex(M0F3A, P66, 0x4a, W0 | LIG, whole(Shuffles.class, "blendvps"), Vx, Hx, Wx, Ib);
        map.vex(M0F3A, P66, 0x4b, W0 | LIG, whole(Shuffles.class, "blendvpd"), Vx, Hx, Wx, Ib);
        map.vex(M0F3A, P66, 0x4c, W0 | LIG, whole(Shuffles.class, "pblendvb"), Vx, Hx, Wx, Ib);
        map.vex(M0F38, P66, 0x0e, W0 | LIG, whole(Shuffles.class, "testps"), Vx, Wx).setsFlags();
        map.vex(M0F38, P66, 0x0f, W0 | LIG, whole(Shuffles.class, "testpd"), Vx, Wx).setsFlags();
    }

    private static void broadcasts(OpcodeMap map) {
        map.vex(M0F38, P66, 0x18, W0 | LIG, whole(Avx.class, "vpbroadcastd"), Vx, Wx); // VBROADCASTSS
        map.vex(M0F38, P66, 0x19, W0 | L1, whole(Avx.class, "vpbroadcastq"), Vx, Wx); // VBROADCASTSD
        map.vex(M0F38, P66, 0x1a, W0 | L1, whole(Avx.class, "vbroadcast128"), Vx, Wx).memoryOnly();
        map.vex(M0F38, P66, 0x5a, W0 | L1, whole(Avx.class, "vbroadcast128"), Vx, Wx).memoryOnly();
        map.vex(M0F38, P66, 0x58, W0 | LIG, whole(Avx.class, "vpbroadcastd"), Vx, Wx);
        map.vex(M0F38, P66, 0x59, W0 | LIG, whole(Avx.class, "vpbroadcastq"), Vx, Wx);
        map.vex(M0F38, P66, 0x78, W0 | LIG, whole(Avx.class, "vpbroadcastb"), Vx, Wx);
        map.vex(M0F38, P66, 0x79, W0 | LIG, whole(Avx.class, "vpbroadcastw"), Vx, Wx);
    }

    private static void shifts(OpcodeMap map) {
        map.vex(M0F38, P66, 0x45, W0 | LIG, vector(Kind.VEX_PACKED, Integers.class, "psrlvd"), Vx, Hx, Wx);
        map.vex(M0F38, P66, 0x45, W1 | LIG, vector(Kind.VEX_PACKED, Integers.class, "psrlvq"), Vx, Hx, Wx);
        map.vex(M0F38, P66, 0x46, W0 | LIG, vector(Kind.VEX_PACKED, Integers.class, "psravd"), Vx, Hx, Wx);
        map.vex(M0F38, P66, 0x47, W0 | LIG, vector(Kind.VEX_PACKED, Integers.class, "psllvd"), Vx, Hx, Wx);
        map.vex(M0F38, P66, 0x47, W1 | LIG, vector(Kind.VEX_PACKED, Integers.class, "psllvq"), Vx, Hx, Wx);
    }

    private static void maskedMoves(OpcodeMap map) {
        masked(map, 0x2c, W0, "maskedLoad32"); // VMASKMOVPS
        masked(map, 0x2d, W0, "maskedLoad64");
        masked(map, 0x2e, W0, "maskedStore32");
        masked(map, 0x2f, W0, "maskedStore64");
        masked(map, 0x8c, W0, "maskedLoad32"); // VPMASKMOVD
        masked(map, 0x8c, W1, "maskedLoad64");
        masked(map, 0x8e, W0, "maskedStore32");
        masked(map, 0x8e, W1, "maskedStore64");
    }

    private static void masked(OpcodeMap map, int opcode, int w, String name) {
        map.vex(M0F38, P66, opcode, w | LIG, whole(Avx.class, name), Vx, Hx, Wx).memoryOnly();
    }

    /// VPGATHERDD and its kind at 90H, with floating-point names at 92H.
    private static void gathers(OpcodeMap map) {
        for (int opcode : new int[] {0x90, 0x92}) {
            gather(map, opcode, W0, "gatherDwordIndex32");
            gather(map, opcode, W1, "gatherDwordIndex64");
            gather(map, opcode + 1, W0, "gatherQwordIndex32");
            gather(map, opcode + 1, W1, "gatherQwordIndex64");
        }
    }

    private static void gather(OpcodeMap map, int opcode, int w, String name) {
        map.vex(M0F38, P66, opcode, w | LIG, whole(Avx.class, name), Vx, Hx, Wx).memoryOnly().vsib();
    }

    private static void halfPrecision(OpcodeMap map) {
        map.vex(M0F38, P66, 0x13, W0 | LIG, whole(Avx.class, "vcvtph2ps"), Vx, Wx);
        map.vex(M0F3A, P66, 0x1d, W0 | LIG, whole(Avx.class, "vcvtps2ph"), Vx, Wx, Ib);
    }

    private static void fused(OpcodeMap map) {
        fused(map, 0x90, Kind.VEX_FUSED132, Kind.VEX_FUSED132_SCALAR32, Kind.VEX_FUSED132_SCALAR64);
        fused(map, 0xa0, Kind.VEX_FUSED213, Kind.VEX_FUSED213_SCALAR32, Kind.VEX_FUSED213_SCALAR64);
        fused(map, 0xb0, Kind.VEX_FUSED231, Kind.VEX_FUSED231_SCALAR32, Kind.VEX_FUSED231_SCALAR64);
    }

    private static void fused(OpcodeMap map, int base, Kind packed, Kind single, Kind scalar) {
        String[] names = {"fmaddsub", "fmsubadd", "fmadd", "fmadd", "fmsub", "fmsub", "fnmadd", "fnmadd", "fnmsub", "fnmsub"};
        for (int n = 0; n < names.length; n++) {
            boolean one = n > 2 && (n & 1) != 0;
            String singles = names[n] + (one ? "32" : "32x2");
            map.vex(M0F38, P66, base + 6 + n, W0 | LIG, vector(one ? single : packed, Fused.class, singles), Vx, Hx, Wx);
            map.vex(M0F38, P66, base + 6 + n, W1 | LIG, vector(one ? scalar : packed, Fused.class, names[n] + "64"), Vx, Hx, Wx);
        }
    }
}
