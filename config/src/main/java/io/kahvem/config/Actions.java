package io.kahvem.config;

import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What a machine does when its guest resets it, switches it off, or panics; `--action`, and QMP's set-action.
///
/// @param noReboot a reset ends the machine instead of starting it again
public record Actions(boolean noReboot, ShutdownAction shutdown, PanicAction panic) {
    public static final Actions DEFAULT = new Actions(false, ShutdownAction.POWEROFF, PanicAction.NONE);

    public Actions withNoReboot(boolean on) {
        return new Actions(on, shutdown, panic);
    }

    public Actions with(ShutdownAction action) {
        return new Actions(noReboot, action, panic);
    }

    public Actions with(PanicAction action) {
        return new Actions(noReboot, shutdown, action);
    }

    /// Reads `reboot=reset|shutdown,shutdown=poweroff|pause,panic=none|pause|shutdown|exit-failure`, any of them.
    public static Actions parse(String text) {
        Actions actions = DEFAULT;
        for (String word : text.split(",", -1)) {
            int equals = word.indexOf('=');
            String event = equals < 0 ? word : word.substring(0, equals);
            String action = equals < 0 ? "" : word.substring(equals + 1);
            actions = switch (event) {
                case "reboot" -> actions.withNoReboot(switch (action) {
                    case "reset" -> false;
                    case "shutdown" -> true;
                    default -> throw unknown(text, action, "reset or shutdown");
                });
                case "shutdown" -> actions.with(constant(ShutdownAction.values(), text, action));
                case "panic" -> actions.with(constant(PanicAction.values(), text, action));
                default -> throw ConfigException.of("action", text, "has \"%s\"; give reboot=, shutdown= or panic=".formatted(word));
            };
        }
        return actions;
    }

    /// As [#parse] reads it.
    public String text() {
        return "reboot=%s,shutdown=%s,panic=%s".formatted(noReboot ? "shutdown" : "reset", id(shutdown), id(panic));
    }

    private static <E extends Enum<E>> E constant(E[] constants, String text, String action) {
        for (E constant : constants) {
            if (id(constant).equals(action)) return constant;
        }
        throw unknown(text, action, String.join(", ", Arrays.stream(constants).map(Actions::id).toList()));
    }

    private static ConfigException unknown(String text, @Nullable String action, String accepted) {
        return ConfigException.of("action", text, "has no action \"%s\"; give %s".formatted(action, accepted));
    }

    private static String id(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
