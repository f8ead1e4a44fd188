package io.kahvem.qmp;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Random;

/// Input that is nearly QMP.
final class Nonsense {
    private static final List<String> PIECES = List.of(
            "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "\\u12", "\\ud800", "null", "true", "-", "1e999", "99999999999999999999", "0x1",
            "\"execute\"", "\"exec-oob\"", "\"arguments\"", "\"id\"", "\"query-status\"", "\"human-monitor-command\"",
            "\"qmp_capabilities\"",
            "\"command-line\"", "\"set-action\"", "{\"execute\":\"query-status\"}", "{\"execute\":\"query-commands\",\"id\":[[]]}",
            "{\"execute\":\"query-status\",\"arguments\":{\"x\":{}}}",
            "\u0000", "\u00ff", "\u00fe", "\u00c0\u0080", "\n", " ", "%", "/*", "[[[[[[[[[[");

    private Nonsense() {}

    static byte[] bytes(Random random) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        switch (random.nextInt(4)) {
            case 0 -> {
                byte[] noise = new byte[random.nextInt(4096)];
                random.nextBytes(noise);
                out.writeBytes(noise);
            }
            case 1 -> out.writeBytes("[".repeat(random.nextInt(3000)).getBytes(ISO_8859_1));
            default -> {
                int count = random.nextInt(300);
                for (int n = 0; n < count; n++) out.writeBytes(PIECES.get(random.nextInt(PIECES.size())).getBytes(ISO_8859_1));
            }
        }
        byte[] bytes = out.toByteArray();
        for (int flips = random.nextInt(3); flips > 0 && bytes.length > 0; flips--) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
        return bytes;
    }
}
