package io.kahvem.daemon.domain;

import io.kahvem.libvirt.ErrorCode;
import io.kahvem.libvirt.ErrorDomain;
import io.kahvem.libvirt.LibvirtException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The codes that `virsh send-key` knows keys by, as QEMU's numbers: what a key makes in scan code set 1, plus 0x80 where 0xe0 precedes it.
public final class KeyCodes {
    /// virKeycodeSet.
    private static final List<String> SETS =
            List.of("linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum");

    /// Linux's codes (input-event-codes.h) up to this one are those of scan code set 1.
    private static final int LAST_ALIKE = 83;

    /// The others: Linux's, then QEMU's in hexadecimal.
    private static final String LINUX = """
            85 76, 86 56, 87 57, 88 58, 89 73, 90 78, 91 77, 92 79, 93 70, 94 7b, 95 5c, 96 9c, 97 9d, 98 b5, 99 54, 100 b8, 101 5b, 102 c7,
            103 c8, 104 c9, 105 cb, 106 cd, 107 cf, 108 d0, 109 d1, 110 d2, 111 d3, 113 a0, 114 ae, 115 b0, 116 de, 117 59, 119 c6, 121 7e,
            124 7d, 125 db, 126 dc, 127 dd, 128 e8, 142 df, 143 e3""";

    private static final Map<Integer, Integer> LINUX_CODES = parse();

    private KeyCodes() {}

    private static Map<Integer, Integer> parse() {
        Map<Integer, Integer> codes = new HashMap<>();
        for (int code = 1; code <= LAST_ALIKE; code++) codes.put(code, code);
        for (String row : LINUX.split(",\\s+")) {
            String[] words = row.split(" ");
            boolean twice = codes.put(Integer.valueOf(words[0]), Integer.valueOf(words[1], 16)) != null;
            if (twice) throw new AssertionError("a second row " + row);
        }
        return Map.copyOf(codes);
    }

    /// QEMU's number for a key's code in a set. Throws where the set is none that is known here, or has no such key.
    public static int number(int set, int code) {
        if (set < 0 || set >= SETS.size()) {
            throw LibvirtException.of(ErrorCode.INVALID_ARG, ErrorDomain.DOMAIN, "Unsupported codeset '%d'".formatted(set));
        }
        int number = switch (SETS.get(set)) {
            case "linux" -> LINUX_CODES.getOrDefault(code, 0);
            case "xt", "atset1", "xt_kbd" -> ofSet1(code);
            case "qnum" -> code;
            default -> 0;
        };
        if (number > 0) return number;
        throw Errors.internal("cannot translate keycode %s of %s codeset to qnum codeset", Integer.toUnsignedString(code), SETS.get(set));
    }

    private static int ofSet1(int code) {
        if (code > 0 && code < 0x80) return code;
        return (code & 0xff80) == 0xe000 ? code & 0x7f | 0x80 : 0;
    }
}
