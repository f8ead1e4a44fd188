package io.kahvem.jvm.decode;

/// The whole opcode map: every group of rows there is.
public final class Opcodes {
    private Opcodes() {}

    public static OpcodeMap map() {
        OpcodeMap map = new OpcodeMap();
        IntegerRows.define(map);
        SystemRows.define(map);
        X87Rows.define(map);
        SseRows.define(map);
        SseFloatRows.define(map);
        BmiRows.define(map);
        AvxRows.define(map);
        return map;
    }
}
