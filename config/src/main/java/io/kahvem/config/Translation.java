package io.kahvem.config;

import java.util.Locale;

/// When the Java engine translates guest code to bytecode.
public enum Translation {
    /// Never: everything is interpreted.
    OFF,

    /// After some executions, waiting for it: what a test uses to have nearly everything translated.
    EARLY,

    /// What has become hot, in the background.
    NORMAL;

    static Translation parse(String option, String text) {
        for (Translation translation : values()) {
            if (translation.name().toLowerCase(Locale.ROOT).equals(text)) return translation;
        }
        throw ConfigException.of("accel", option, "says translate=%s; give translate=off, early or normal".formatted(text));
    }
}
