package io.kahvem.qmp.schema;

/// The keys of keyboards, by the names QEMU's ui.json has for them.
public enum QKeyCode {
    UNMAPPED, SHIFT, @Name("shift_r") SHIFT_R, ALT, @Name("alt_r") ALT_R, CTRL, @Name("ctrl_r") CTRL_R, MENU, ESC, @Name("1") DIGIT_1,
    @Name("2") DIGIT_2, @Name("3") DIGIT_3, @Name("4") DIGIT_4, @Name("5") DIGIT_5, @Name("6") DIGIT_6, @Name("7") DIGIT_7,
    @Name("8") DIGIT_8, @Name("9") DIGIT_9, @Name("0") DIGIT_0, MINUS, EQUAL, BACKSPACE, TAB, Q, W, E, R, T, Y, U, I, O, P,
    @Name("bracket_left") BRACKET_LEFT, @Name("bracket_right") BRACKET_RIGHT, RET, A, S, D, F, G, H, J, K, L, SEMICOLON, APOSTROPHE,
    @Name("grave_accent") GRAVE_ACCENT, BACKSLASH, Z, X, C, V, B, N, M, COMMA, DOT, SLASH, ASTERISK, SPC, @Name("caps_lock") CAPS_LOCK,
    F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, @Name("num_lock") NUM_LOCK, @Name("scroll_lock") SCROLL_LOCK, @Name("kp_divide") KP_DIVIDE,
    @Name("kp_multiply") KP_MULTIPLY, @Name("kp_subtract") KP_SUBTRACT, @Name("kp_add") KP_ADD, @Name("kp_enter") KP_ENTER,
    @Name("kp_decimal") KP_DECIMAL, SYSRQ, @Name("kp_0") KP_0, @Name("kp_1") KP_1, @Name("kp_2") KP_2, @Name("kp_3") KP_3,
    @Name("kp_4") KP_4, @Name("kp_5") KP_5, @Name("kp_6") KP_6, @Name("kp_7") KP_7, @Name("kp_8") KP_8, @Name("kp_9") KP_9, LESS, F11,
    F12, PRINT, HOME, PGUP, PGDN, END, LEFT, UP, DOWN, RIGHT, INSERT, DELETE, STOP, AGAIN, PROPS, UNDO, FRONT, COPY, OPEN, PASTE, FIND,
    CUT, LF, HELP, @Name("meta_l") META_L, @Name("meta_r") META_R, COMPOSE, PAUSE, RO, HIRAGANA, HENKAN, YEN, MUHENKAN, KATAKANAHIRAGANA,
    @Name("kp_comma") KP_COMMA, @Name("kp_equals") KP_EQUALS, POWER, SLEEP, WAKE, AUDIONEXT, AUDIOPREV, AUDIOSTOP, AUDIOPLAY, AUDIOMUTE,
    VOLUMEUP, VOLUMEDOWN, MEDIASELECT, MAIL, CALCULATOR, COMPUTER, @Name("ac_home") AC_HOME, @Name("ac_back") AC_BACK,
    @Name("ac_forward") AC_FORWARD, @Name("ac_refresh") AC_REFRESH, @Name("ac_bookmarks") AC_BOOKMARKS, LANG1, LANG2
}
