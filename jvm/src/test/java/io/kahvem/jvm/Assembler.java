package io.kahvem.jvm;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/// Machine code by hand, for tests: bytes in hexadecimal, words, and distances to labels.
public final class Assembler {
    private record Reference(int at, int bytes, boolean relative, String label) {}

    private final long origin;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<String, Integer> labels = new HashMap<>();
    private final List<Reference> references = new ArrayList<>();

    public Assembler(long origin) {
        this.origin = origin;
    }

    /// Bytes; spaces are for the reader.
    public Assembler hex(String bytes) {
        out.writeBytes(HexFormat.of().parseHex(bytes.replace(" ", "")));
        return this;
    }

    public Assembler bytes(byte... bytes) {
        out.writeBytes(bytes);
        return this;
    }

    public Assembler word(int bytes, long value) {
        for (int n = 0; n < bytes; n++) out.write((int) (value >> 8 * n));
        return this;
    }

    public Assembler align(int bytes) {
        while (out.size() % bytes != 0) out.write(0x90);
        return this;
    }

    public Assembler label(String name) {
        if (labels.put(name, out.size()) != null) throw new IllegalArgumentException("two labels " + name);
        return this;
    }

    /// The distance to `label` from the byte after this one.
    public Assembler to8(String label) {
        return reference(1, true, label);
    }

    public Assembler to32(String label) {
        return reference(4, true, label);
    }

    /// The address of `label`, in 4 bytes.
    public Assembler address(String label) {
        return reference(4, false, label);
    }

    private Assembler reference(int bytes, boolean relative, String label) {
        references.add(new Reference(out.size(), bytes, relative, label));
        return word(bytes, 0);
    }

    public int size() {
        return out.size();
    }

    public long here() {
        return origin + out.size();
    }

    public long at(String label) {
        Integer at = labels.get(label);
        if (at == null) throw new IllegalArgumentException("no label " + label);
        return origin + at;
    }

    public byte[] assembled() {
        byte[] code = out.toByteArray();
        for (Reference r : references) {
            long value = at(r.label) - (r.relative ? origin + r.at + r.bytes : 0);
            if (r.relative && r.bytes == 1 && value != (byte) value) throw new IllegalArgumentException(r.label + " is too far");
            for (int n = 0; n < r.bytes; n++) code[r.at + n] = (byte) (value >> 8 * n);
        }
        return code;
    }
}
