package io.kahvem.jvm.decode;

import static io.kahvem.jvm.decode.Op.vector;
import static io.kahvem.jvm.decode.Op.whole;
import static io.kahvem.jvm.decode.OpcodeMap.NP;
import static io.kahvem.jvm.decode.OpcodeMap.P66;
import static io.kahvem.jvm.decode.OpcodeMap.PF2;
import static io.kahvem.jvm.decode.OpcodeMap.PF3;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.decode.Op.Kind;
import io.kahvem.jvm.semantics.sse.Converts;
import io.kahvem.jvm.semantics.sse.Floats;
import io.kahvem.jvm.semantics.sse.Strings;

/// Floating point of SSE to SSE4.1, and SSE4.2's strings, in SDM Vol. 2, Tables.
public final class SseFloatRows {
    private SseFloatRows() {}

    public static void define(OpcodeMap map) {
        arithmetic(map);
        comparisons(map);
        conversions(map);
        strings(map);
    }

    /// PS, PD, SS and SD forms under the four prefixes.
    private static void forms(OpcodeMap map, int opcode, String name, Operand... operands) {
        map.row0f(NP, opcode, vector(Kind.PACKED, Floats.class, name + "32x2"), operands);
        map.row0f(P66, opcode, vector(Kind.PACKED, Floats.class, name + "64"), operands);
        map.row0f(PF3, opcode, vector(Kind.SCALAR32, Floats.class, name + "32"), operands);
        map.row0f(PF2, opcode, vector(Kind.SCALAR64, Floats.class, name + "64"), operands);
    }

    private static void arithmetic(OpcodeMap map) {
        forms(map, 0x51, "sqrt", Vx, Wx);
        forms(map, 0x58, "add", Vx, Wx);
        forms(map, 0x59, "mul", Vx, Wx);
        forms(map, 0x5c, "sub", Vx, Wx);
        forms(map, 0x5d, "min", Vx, Wx);
        forms(map, 0x5e, "div", Vx, Wx);
        forms(map, 0x5f, "max", Vx, Wx);
        map.row0f(NP, 0x52, vector(Kind.PACKED, Floats.class, "rsqrt32x2"), Vx, Wx);
        map.row0f(PF3, 0x52, vector(Kind.SCALAR32, Floats.class, "rsqrt32"), Vx, Wx);
        map.row0f(NP, 0x53, vector(Kind.PACKED, Floats.class, "rcp32x2"), Vx, Wx);
        map.row0f(PF3, 0x53, vector(Kind.SCALAR32, Floats.class, "rcp32"), Vx, Wx);
        map.row0f(P66, 0x7c, vector(Kind.HORIZONTAL, Floats.class, "add64"), Vx, Wx);
        map.row0f(PF2, 0x7c, vector(Kind.HORIZONTAL, Floats.class, "hadd32x2"), Vx, Wx);
        map.row0f(P66, 0x7d, vector(Kind.HORIZONTAL, Floats.class, "sub64"), Vx, Wx);
        map.row0f(PF2, 0x7d, vector(Kind.HORIZONTAL, Floats.class, "hsub32x2"), Vx, Wx);
        map.row0f(P66, 0xd0, whole(Floats.class, "addsubpd"), Vx, Wx);
        map.row0f(PF2, 0xd0, vector(Kind.PACKED, Floats.class, "addsub32x2"), Vx, Wx);
        map.row3a(P66, 0x08, vector(Kind.PACKED, Floats.class, "round32x2"), Vx, Wx, Ib);
        map.row3a(P66, 0x09, vector(Kind.PACKED, Floats.class, "round64"), Vx, Wx, Ib);
        map.row3a(P66, 0x0a, vector(Kind.SCALAR32, Floats.class, "round32"), Vx, Wx, Ib);
        map.row3a(P66, 0x0b, vector(Kind.SCALAR64, Floats.class, "round64"), Vx, Wx, Ib);
        map.row3a(P66, 0x40, whole(Floats.class, "dpps"), Vx, Wx, Ib);
        map.row3a(P66, 0x41, whole(Floats.class, "dppd"), Vx, Wx, Ib);
    }

    private static void comparisons(OpcodeMap map) {
        forms(map, 0xc2, "cmp", Vx, Wx, Ib);
        map.row0f(NP, 0x2e, whole(Floats.class, "ucomiss"), Vx, Wx).setsFlags();
        map.row0f(P66, 0x2e, whole(Floats.class, "ucomisd"), Vx, Wx).setsFlags();
        map.row0f(NP, 0x2f, whole(Floats.class, "comiss"), Vx, Wx).setsFlags();
        map.row0f(P66, 0x2f, whole(Floats.class, "comisd"), Vx, Wx).setsFlags();
    }

    private static void conversions(OpcodeMap map) {
        map.row0f(NP, 0x2a, whole(Converts.class, "cvtpi2ps"), Vx, Qq);
        map.row0f(P66, 0x2a, whole(Converts.class, "cvtpi2pd"), Vx, Qq);
        map.row0f(PF3, 0x2a, whole(Converts.class, "cvtsi2ss"), Vx, Ex);
        map.row0f(PF2, 0x2a, whole(Converts.class, "cvtsi2sd"), Vx, Ex);
        map.row0f(NP, 0x2c, whole(Converts.class, "cvttps2pi"), Pq, Wx);
        map.row0f(P66, 0x2c, whole(Converts.class, "cvttpd2pi"), Pq, Wx);
        map.row0f(PF3, 0x2c, whole(Converts.class, "cvttss2si"), Gy, Wx);
        map.row0f(PF2, 0x2c, whole(Converts.class, "cvttsd2si"), Gy, Wx);
        map.row0f(NP, 0x2d, whole(Converts.class, "cvtps2pi"), Pq, Wx);
        map.row0f(P66, 0x2d, whole(Converts.class, "cvtpd2pi"), Pq, Wx);
        map.row0f(PF3, 0x2d, whole(Converts.class, "cvtss2si"), Gy, Wx);
        map.row0f(PF2, 0x2d, whole(Converts.class, "cvtsd2si"), Gy, Wx);
        map.row0f(NP, 0x5a, whole(Converts.class, "cvtps2pd"), Vx, Wx);
        map.row0f(P66, 0x5a, whole(Converts.class, "cvtpd2ps"), Vx, Wx);
        map.row0f(PF3, 0x5a, whole(Converts.class, "cvtss2sd"), Vx, Wx);
        map.row0f(PF2, 0x5a, vector(Kind.SCALAR64, Converts.class, "cvtsd2ss"), Vx, Wx);
        map.row0f(NP, 0x5b, vector(Kind.PACKED, Converts.class, "cvtdq2ps"), Vx, Wx);
        map.row0f(P66, 0x5b, vector(Kind.PACKED, Converts.class, "cvtps2dq"), Vx, Wx);
        map.row0f(PF3, 0x5b, vector(Kind.PACKED, Converts.class, "cvttps2dq"), Vx, Wx);
        map.row0f(P66, 0xe6, whole(Converts.class, "cvttpd2dq"), Vx, Wx);
        map.row0f(PF3, 0xe6, whole(Converts.class, "cvtdq2pd"), Vx, Wx);
        map.row0f(PF2, 0xe6, whole(Converts.class, "cvtpd2dq"), Vx, Wx);
    }

    private static void strings(OpcodeMap map) {
        map.row3a(P66, 0x60, whole(Strings.class, "pcmpestrm"), Vx, Wx, Ib).setsFlags();
        map.row3a(P66, 0x61, whole(Strings.class, "pcmpestri"), Vx, Wx, Ib).setsFlags();
        map.row3a(P66, 0x62, whole(Strings.class, "pcmpistrm"), Vx, Wx, Ib).setsFlags();
        map.row3a(P66, 0x63, whole(Strings.class, "pcmpistri"), Vx, Wx, Ib).setsFlags();
    }
}
