package io.kahvem.config;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Spans of time as `--timeout` takes them: `60s`, `500ms`, `2m`, `1h`, and a bare number is seconds.
public final class Durations {
    private static final Pattern FORM = Pattern.compile("([0-9]{1,9})(ms|s|m|h|)");

    private Durations() {}

    public static Duration parse(String what, String text) {
        Matcher form = FORM.matcher(text.strip());
        if (!form.matches()) {
            throw ConfigException.of(what, text,
                    "is no span of time; give a number and ms, s, m or h, as in 60s (a bare number is seconds)");
        }
        long count = Long.parseLong(form.group(1));
        return switch (form.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "m" -> Duration.ofMinutes(count);
            case "h" -> Duration.ofHours(count);
            default -> Duration.ofSeconds(count);
        };
    }
}
