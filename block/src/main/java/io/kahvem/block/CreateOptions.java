package io.kahvem.block;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Values for a format's [CreateOption]s, checked by name when they are made and by value when they are asked for.
public final class CreateOptions {
    private final ImageFormat format;
    private final Map<String, String> values = new LinkedHashMap<>();

    public CreateOptions(ImageFormat format) {
        this.format = format;
    }

    /// Throws [BlockException] in qemu-img's words for a name the format does not know.
    public CreateOptions set(String name, String value) {
        if (format.createOptions().stream().noneMatch(option -> option.name().equals(name))) {
            throw BlockException.invalid("Invalid parameter '%s'".formatted(name));
        }
        values.put(name, value);
        return this;
    }

    public Map<String, String> given() {
        return values;
    }

    public boolean has(String name) {
        return values.containsKey(name);
    }

    public @Nullable String text(String name) {
        String value = values.get(name);
        if (value != null) return value;
        for (CreateOption option : format.createOptions()) {
            if (option.name().equals(name)) return option.initial().isEmpty() ? null : option.initial();
        }
        return null;
    }

    public String text(String name, String otherwise) {
        String value = text(name);
        return value == null ? otherwise : value;
    }

    public boolean flag(String name) {
        String value = text(name, "off");
        return switch (value) {
            case "on", "yes", "true", "y" -> true;
            case "off", "no", "false", "n" -> false;
            default -> throw BlockException.invalid("Parameter '%s' expects 'on' or 'off'".formatted(name));
        };
    }

    public long size(String name) {
        return ByteSize.parse(name, text(name, "0"));
    }

    public long number(String name) {
        try {
            return Long.parseLong(text(name, "0"));
        } catch (NumberFormatException e) {
            throw BlockException.invalid("Parameter '%s' expects a number".formatted(name));
        }
    }
}
