package io.kahvem.config;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// What `--accel` says: an engine, and after commas how it is to run.
///
/// @param translation of the Java engine; empty leaves it to the engine
public record AccelOption(Accel accel, Optional<Translation> translation) {
    public AccelOption {
        if (translation.isPresent() && accel != Accel.JVM) {
            throw ConfigException.of("accel", accel.id(), "takes no translate=, which is the Java engine's; give jvm,translate=...");
        }
    }

    public AccelOption(Accel accel) {
        this(accel, Optional.empty());
    }

    /// Reads `ENGINE` or `jvm,translate=off|early|normal`.
    public static AccelOption parse(String text) {
        String[] words = text.split(",", -1);
        Accel accel = Accel.parse(words[0]);
        @Nullable Translation translation = null;
        for (int n = 1; n < words.length; n++) {
            if (!words[n].startsWith("translate=")) {
                String accepted = "has \"%s\", which is no option; there is translate=off|early|normal";
                throw ConfigException.of("accel", text, accepted.formatted(words[n]));
            }
            if (translation != null) throw ConfigException.of("accel", text, "says translate= twice; give it once");
            translation = Translation.parse(text, words[n].substring("translate=".length()));
        }
        return new AccelOption(accel, Optional.ofNullable(translation));
    }
}
