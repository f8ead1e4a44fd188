package io.kahvem.guest.engine;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Machine code by hand: bytes, words and labels. A label's address is that of the code's origin and what comes before it.
final class Code {
    private record Reference(int at, int bytes, boolean relative, String label) {}

    private final long origin;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Map<String, Integer> labels = new HashMap<>();
    private final List<Reference> references = new ArrayList<>();

    Code(long origin) {
        this.origin = origin;
    }

    Code bytes(int... bytes) {
        for (int b : bytes) out.write(b);
        return this;
    }

    Code word16(long value) {
        return number(value, 2);
    }

    Code word32(long value) {
        return number(value, 4);
    }

    Code word64(long value) {
        return number(value, 8);
    }

    private Code number(long value, int bytes) {
        for (int n = 0; n < bytes; n++) out.write((int) (value >> 8 * n));
        return this;
    }

    Code label(String name) {
        labels.put(name, out.size());
        return this;
    }

    /// The distance to `label` from the byte after this one.
    Code to8(String label) {
        return reference(1, true, label);
    }

    Code to32(String label) {
        return reference(4, true, label);
    }

    Code address16(String label) {
        return reference(2, false, label);
    }

    Code address32(String label) {
        return reference(4, false, label);
    }

    private Code reference(int bytes, boolean relative, String label) {
        references.add(new Reference(out.size(), bytes, relative, label));
        return number(0, bytes);
    }

    // What most payloads end with; AL, AX or EAX goes to the port.

    /// OUT to a port below 100H.
    Code out8(int port) {
        return bytes(0xe6, port);
    }

    /// OUT to [Board#END], and no further.
    Code end() {
        return bytes(0xe6, Board.END, 0xeb, 0xfe);
    }

    int assembledSize() {
        return out.size();
    }

    long addressOf(String label) {
        Integer at = labels.get(label);
        if (at == null) throw new IllegalArgumentException("no label " + label);
        return origin + at;
    }

    byte[] assembled() {
        byte[] code = out.toByteArray();
        for (Reference r : references) {
            long value = addressOf(r.label) - (r.relative ? origin + r.at + r.bytes : 0);
            if (r.relative && r.bytes == 1 && value != (byte) value) throw new IllegalArgumentException(r.label + " is too far");
            for (int n = 0; n < r.bytes; n++) code[r.at + n] = (byte) (value >> 8 * n);
        }
        return code;
    }

    long origin() {
        return origin;
    }
}
