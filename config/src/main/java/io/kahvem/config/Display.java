package io.kahvem.config;

import java.util.Locale;

/// Where the machine's screen is shown.
public enum Display {
    /// Nowhere.
    NONE,

    /// Its text, on the process' output.
    TEXT;

    public static Display parse(String text) {
        for (Display display : values()) {
            if (display.name().toLowerCase(Locale.ROOT).equals(text)) return display;
        }
        throw ConfigException.of("display", text, "is no display; give none or text");
    }
}
