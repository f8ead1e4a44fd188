package io.kahvem.devices.chipset;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/// A key of a PC's keyboard and its scan codes (IBM PS/2 keyboard reference, "Scan Code Set 1" and "2").
///
/// @param name as QEMU's QKeyCode has it
/// @param extended whether the code 0xe0 precedes it
/// @param set1 what it makes in set 1; with bit 7 what it makes when released
/// @param set2 what it makes in set 2; when released, after 0xf0
public record Key(String name, boolean extended, int set1, int set2) {
    /// Name, code in set 1, code in set 2; those after "e0" are extended.
    private static final String ROWS = """
            esc 01 76, 1 02 16, 2 03 1e, 3 04 26, 4 05 25, 5 06 2e, 6 07 36, 7 08 3d, 8 09 3e, 9 0a 46, 0 0b 45, minus 0c 4e, equal 0d 55,
            backspace 0e 66, tab 0f 0d, q 10 15, w 11 1d, e 12 24, r 13 2d, t 14 2c, y 15 35, u 16 3c, i 17 43, o 18 44, p 19 4d,
            bracket_left 1a 54, bracket_right 1b 5b, ret 1c 5a, ctrl 1d 14, a 1e 1c, s 1f 1b, d 20 23, f 21 2b, g 22 34, h 23 33, j 24 3b,
            k 25 42, l 26 4b, semicolon 27 4c, apostrophe 28 52, grave_accent 29 0e, shift 2a 12, backslash 2b 5d, z 2c 1a, x 2d 22,
            c 2e 21, v 2f 2a, b 30 32, n 31 31, m 32 3a, comma 33 41, dot 34 49, slash 35 4a, shift_r 36 59, kp_multiply 37 7c,
            asterisk 37 7c, alt 38 11, spc 39 29, caps_lock 3a 58, f1 3b 05, f2 3c 06, f3 3d 04, f4 3e 0c, f5 3f 03, f6 40 0b, f7 41 83,
            f8 42 0a, f9 43 01, f10 44 09, num_lock 45 77, scroll_lock 46 7e, kp_7 47 6c, kp_8 48 75, kp_9 49 7d, kp_subtract 4a 7b,
            kp_4 4b 6b, kp_5 4c 73, kp_6 4d 74, kp_add 4e 79, kp_1 4f 69, kp_2 50 72, kp_3 51 7a, kp_0 52 70, kp_decimal 53 71,
            less 56 61, f11 57 78, f12 58 07, kp_equals 59 0f, hiragana 70 13, ro 73 51, henkan 79 64, muhenkan 7b 67, yen 7d 6a,
            kp_comma 7e 6d, sysrq 54 7f, katakanahiragana 70 13,
            e0,
            kp_enter 1c 5a, ctrl_r 1d 14, kp_divide 35 4a, print 37 7c, alt_r 38 11, home 47 6c, up 48 75, pgup 49 7d, left 4b 6b,
            right 4d 74, end 4f 69, down 50 72, pgdn 51 7a, insert 52 70, delete 53 71, meta_l 5b 1f, meta_r 5c 27, compose 5d 2f,
            menu 5d 2f, power 5e 37, sleep 5f 3f, wake 63 5e, audioprev 10 15, audionext 19 4d, audiomute 20 23, calculator 21 2b,
            audioplay 22 34, audiostop 24 3b, volumedown 2e 21, volumeup 30 32, ac_home 32 3a, find 65 10, ac_bookmarks 66 18,
            ac_refresh 67 20, ac_forward 69 30, ac_back 6a 38, computer 6b 40, mail 6c 48, mediaselect 6d 50""";

    private static final Map<String, Key> BY_NAME = parse();
    private static final int[] SET_2_TO_1 = new int[0x100];

    static {
        for (Key key : BY_NAME.values()) {
            int known = SET_2_TO_1[key.set2];
            if (known != 0 && known != key.set1) throw new AssertionError("two codes for " + key.name);
            SET_2_TO_1[key.set2] = key.set1;
        }
    }

    private static Map<String, Key> parse() {
        Map<String, Key> keys = new LinkedHashMap<>();
        boolean extended = false;
        for (String row : ROWS.split(",\\s+")) {
            String[] words = row.split(" ");
            if (words.length == 1) {
                extended = true;
                continue;
            }
            Key key = new Key(words[0], extended, Integer.parseInt(words[1], 16), Integer.parseInt(words[2], 16));
            if (keys.put(key.name, key) != null) throw new AssertionError("a second row for " + key.name);
        }
        return Collections.unmodifiableMap(keys);
    }

    /// The key of this name, if this keyboard has it.
    public static Optional<Key> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /// The key that makes this in set 1: its code, plus 0x80 where 0xe0 precedes it.
    public static Optional<Key> numbered(long number) {
        return BY_NAME.values().stream().filter(key -> number == (key.set1 | (key.extended ? 0x80 : 0))).findFirst();
    }

    /// The code in set 1 for one in set 2, or 0.
    static int toSet1(int set2) {
        return SET_2_TO_1[set2];
    }
}
