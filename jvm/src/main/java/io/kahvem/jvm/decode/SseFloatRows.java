package io.kahvem.jvm.decode;

import static io.kahvem.jvm.decode.Op.vector;
import static io.kahvem.jvm.decode.Op.whole;
import static io.kahvem.jvm.decode.OpcodeMap.L0;
import static io.kahvem.jvm.decode.OpcodeMap.LIG;
import static io.kahvem.jvm.decode.OpcodeMap.M0F;
import static io.kahvem.jvm.decode.OpcodeMap.M0F3A;
import static io.kahvem.jvm.decode.OpcodeMap.NP;
import static io.kahvem.jvm.decode.OpcodeMap.P66;
import static io.kahvem.jvm.decode.OpcodeMap.PF2;
import static io.kahvem.jvm.decode.OpcodeMap.PF3;
import static io.kahvem.jvm.decode.OpcodeMap.WIG;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.decode.Op.Kind;
import io.kahvem.jvm.semantics.sse.Converts;
import io.kahvem.jvm.semantics.sse.Floats;
import io.kahvem.jvm.semantics.sse.Strings;
import java.util.stream.Stream;

/// Floating point of SSE to SSE4.1, and SSE4.2's strings, in SDM Vol. 2, Tables, and their VEX forms.
public final class SseFloatRows {
    private SseFloatRows() {}

    public static void define(OpcodeMap map) {
        arithmetic(map);
        comparisons(map);
        conversions(map);
        strings(map);
    }

    /// PS, PD, SS and SD forms under the four prefixes. With VEX the scalar ones always have two sources.
    private static void forms(OpcodeMap map, int opcode, String name, boolean unary, Operand... immediate) {
        form(map, NP, opcode, Kind.PACKED, name + "32x2", unary, immediate);
        form(map, P66, opcode, Kind.PACKED, name + "64", unary, immediate);
        form(map, PF3, opcode, Kind.SCALAR32, name + "32", false, immediate);
        form(map, PF2, opcode, Kind.SCALAR64, name + "64", false, immediate);
    }

    private static void form(OpcodeMap map, int prefix, int opcode, Kind kind, String name, boolean unary, Operand... immediate) {
        map.row0f(prefix, opcode, vector(kind, Floats.class, name), with(immediate, Vx, Wx));
        Op op = vector(SseRows.vexKind(kind), Floats.class, name);
        map.vex(M0F, prefix, opcode, WIG | LIG, op, unary ? with(immediate, Vx, Wx) : with(immediate, Vx, Hx, Wx));
    }

    private static Operand[] with(Operand[] immediate, Operand... operands) {
        return Stream.concat(Stream.of(operands), Stream.of(immediate)).toArray(Operand[]::new);
    }

    private static void arithmetic(OpcodeMap map) {
        forms(map, 0x51, "sqrt", true);
        forms(map, 0x58, "add", false);
        forms(map, 0x59, "mul", false);
        forms(map, 0x5c, "sub", false);
        forms(map, 0x5d, "min", false);
        forms(map, 0x5e, "div", false);
        forms(map, 0x5f, "max", false);
        form(map, NP, 0x52, Kind.PACKED, "rsqrt32x2", true);
        form(map, PF3, 0x52, Kind.SCALAR32, "rsqrt32", false);
        form(map, NP, 0x53, Kind.PACKED, "rcp32x2", true);
        form(map, PF3, 0x53, Kind.SCALAR32, "rcp32", false);
        form(map, P66, 0x7c, Kind.HORIZONTAL, "add64", false);
        form(map, PF2, 0x7c, Kind.HORIZONTAL, "hadd32x2", false);
        form(map, P66, 0x7d, Kind.HORIZONTAL, "sub64", false);
        form(map, PF2, 0x7d, Kind.HORIZONTAL, "hsub32x2", false);
        form(map, P66, 0xd0, Kind.PACKED, "addsub64", false);
        form(map, PF2, 0xd0, Kind.PACKED, "addsub32x2", false);
        rounding(map, 0x08, Kind.PACKED, "round32x2", Vx, Wx, Ib);
        rounding(map, 0x09, Kind.PACKED, "round64", Vx, Wx, Ib);
        rounding(map, 0x0a, Kind.SCALAR32, "round32", Vx, Hx, Wx, Ib);
        rounding(map, 0x0b, Kind.SCALAR64, "round64", Vx, Hx, Wx, Ib);
        map.row3a(P66, 0x40, whole(Floats.class, "dpps"), Vx, Wx, Ib);
        map.vex(M0F3A, P66, 0x40, WIG | LIG, whole(Floats.class, "dpps"), Vx, Hx, Wx, Ib);
        map.row3a(P66, 0x41, whole(Floats.class, "dppd"), Vx, Wx, Ib);
        map.vex(M0F3A, P66, 0x41, WIG | L0, whole(Floats.class, "dppd"), Vx, Hx, Wx, Ib);
    }

    /// `operands` are those of the VEX form.
    private static void rounding(OpcodeMap map, int opcode, Kind kind, String name, Operand... operands) {
        map.row3a(P66, opcode, vector(kind, Floats.class, name), Vx, Wx, Ib);
        map.vex(M0F3A, P66, opcode, WIG | LIG, vector(SseRows.vexKind(kind), Floats.class, name), operands);
    }

    private static void comparisons(OpcodeMap map) {
        forms(map, 0xc2, "cmp", false, Ib);
        comparison(map, NP, 0x2e, "ucomiss");
        comparison(map, P66, 0x2e, "ucomisd");
        comparison(map, NP, 0x2f, "comiss");
        comparison(map, P66, 0x2f, "comisd");
    }

    private static void comparison(OpcodeMap map, int prefix, int opcode, String name) {
        map.row0f(prefix, opcode, whole(Floats.class, name), Vx, Wx).setsFlags();
        map.vex(M0F, prefix, opcode, WIG | LIG, whole(Floats.class, name), Vx, Wx).setsFlags();
    }

    private static void conversions(OpcodeMap map) {
        map.row0f(NP, 0x2a, whole(Converts.class, "cvtpi2ps"), Vx, Qq);
        map.row0f(P66, 0x2a, whole(Converts.class, "cvtpi2pd"), Vx, Qq);
        map.row0f(NP, 0x2c, whole(Converts.class, "cvttps2pi"), Pq, Wx);
        map.row0f(P66, 0x2c, whole(Converts.class, "cvttpd2pi"), Pq, Wx);
        map.row0f(NP, 0x2d, whole(Converts.class, "cvtps2pi"), Pq, Wx);
        map.row0f(P66, 0x2d, whole(Converts.class, "cvtpd2pi"), Pq, Wx);
        merging(map, PF3, 0x2a, "cvtsi2ss", Ex);
        merging(map, PF2, 0x2a, "cvtsi2sd", Ex);
        merging(map, PF3, 0x5a, "cvtss2sd", Wx);
        map.row0f(PF2, 0x5a, vector(Kind.SCALAR64, Converts.class, "cvtsd2ss"), Vx, Wx);
        map.vex(M0F, PF2, 0x5a, WIG | LIG, vector(Kind.VEX_SCALAR64, Converts.class, "cvtsd2ss"), Vx, Hx, Wx);
        plain(map, PF3, 0x2c, "cvttss2si", Gy);
        plain(map, PF2, 0x2c, "cvttsd2si", Gy);
        plain(map, PF3, 0x2d, "cvtss2si", Gy);
        plain(map, PF2, 0x2d, "cvtsd2si", Gy);
        plain(map, NP, 0x5a, "cvtps2pd", Vx);
        plain(map, P66, 0x5a, "cvtpd2ps", Vx);
        SseRows.unary(map, NP, 0x5b, Converts.class, "cvtdq2ps");
        SseRows.unary(map, P66, 0x5b, Converts.class, "cvtps2dq");
        SseRows.unary(map, PF3, 0x5b, Converts.class, "cvttps2dq");
        plain(map, P66, 0xe6, "cvttpd2dq", Vx);
        plain(map, PF3, 0xe6, "cvtdq2pd", Vx);
        plain(map, PF2, 0xe6, "cvtpd2dq", Vx);
    }

    private static void plain(OpcodeMap map, int prefix, int opcode, String name, Operand to) {
        map.row0f(prefix, opcode, whole(Converts.class, name), to, Wx);
        map.vex(M0F, prefix, opcode, WIG | LIG, whole(Converts.class, name), to, Wx);
    }

    private static void merging(OpcodeMap map, int prefix, int opcode, String name, Operand from) {
        map.row0f(prefix, opcode, whole(Converts.class, name), Vx, from);
        map.vex(M0F, prefix, opcode, WIG | LIG, whole(Converts.class, name), Vx, Hx, from);
    }

    private static void strings(OpcodeMap map) {
        String[] names = {"pcmpestrm", "pcmpestri", "pcmpistrm", "pcmpistri"};
        for (int n = 0; n < names.length; n++) {
            map.row3a(P66, 0x60 + n, whole(Strings.class, names[n]), Vx, Wx, Ib).setsFlags();
            map.vex(M0F3A, P66, 0x60 + n, WIG | L0, whole(Strings.class, names[n]), Vx, Wx, Ib).setsFlags();
        }
    }
}
