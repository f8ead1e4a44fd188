package io.kahvem.jvm.decode;

import static io.kahvem.jvm.decode.Op.compute;
import static io.kahvem.jvm.decode.Op.update;
import static io.kahvem.jvm.decode.Op.whole;
import static io.kahvem.jvm.decode.OpcodeMap.L0;
import static io.kahvem.jvm.decode.OpcodeMap.M0F38;
import static io.kahvem.jvm.decode.OpcodeMap.M0F3A;
import static io.kahvem.jvm.decode.OpcodeMap.NP;
import static io.kahvem.jvm.decode.OpcodeMap.P66;
import static io.kahvem.jvm.decode.OpcodeMap.PF2;
import static io.kahvem.jvm.decode.OpcodeMap.PF3;
import static io.kahvem.jvm.decode.OpcodeMap.WIG;
import static io.kahvem.jvm.decode.Operand.*;

import io.kahvem.jvm.semantics.Bmi;

/// BMI1, BMI2, LZCNT, MOVBE, ADX: the general-register instructions of x86-64-v3 in SDM Vol. 2, Tables, and group 17.
public final class BmiRows {
    private BmiRows() {}

    public static void define(OpcodeMap map) {
        map.row0f(PF3, 0xbc, compute(Bmi.class, "tzcnt"), Gv, Ev).setsFlags();
        map.row0f(PF3, 0xbd, compute(Bmi.class, "lzcnt"), Gv, Ev).setsFlags();
        for (int prefix : new int[] {NP, P66}) {
            map.row38(prefix, 0xf0, compute(Bmi.class, "movbe"), Gv, Ev).memoryOnly().size66();
            map.row38(prefix, 0xf1, compute(Bmi.class, "movbe"), Ev, Gv).memoryOnly().size66();
        }
        map.row38(P66, 0xf6, update(Bmi.class, "adcx"), Gy, Ey).readsFlags().changesFlags();
        map.row38(PF3, 0xf6, update(Bmi.class, "adox"), Gy, Ey).readsFlags().changesFlags();

        vex(map, NP, 0xf2, "andn", Gy, By, Ey).setsFlags();
        String[] lowest = {"blsr", "blsmsk", "blsi"};
        for (int n = 0; n < 3; n++) {
            map.vexGroup(M0F38, NP, 0xf3, 1 + n, WIG | L0, true, true, compute(Bmi.class, lowest[n]), By, Ey)
                    .setsFlags()
                    .faultsOutside64();
        }
        vex(map, NP, 0xf5, "bzhi", Gy, Ey, By).setsFlags();
        vex(map, PF2, 0xf5, "pdep", Gy, By, Ey);
        vex(map, PF3, 0xf5, "pext", Gy, By, Ey);
        map.vex(M0F38, PF2, 0xf6, WIG | L0, whole(Bmi.class, "mulx"), Gy, By, Ey).noFlags().faultsOutside64();
        vex(map, NP, 0xf7, "bextr", Gy, Ey, By).setsFlags();
        vex(map, P66, 0xf7, "shlx", Gy, Ey, By);
        vex(map, PF3, 0xf7, "sarx", Gy, Ey, By);
        vex(map, PF2, 0xf7, "shrx", Gy, Ey, By);
        map.vex(M0F3A, PF2, 0xf0, WIG | L0, compute(Bmi.class, "rorx"), Gy, Ey, Ib).faultsOutside64();
    }

    private static Row vex(OpcodeMap map, int prefix, int opcode, String name, Operand... operands) {
        return map.vex(M0F38, prefix, opcode, WIG | L0, compute(Bmi.class, name), operands).faultsOutside64();
    }
}
