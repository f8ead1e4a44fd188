package io.kahvem.qmp.json;

import io.kahvem.qmp.schema.Event;
import io.kahvem.qmp.schema.Name;
import java.lang.reflect.RecordComponent;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The names of the schema's records, members and constants, as [Name] says.
public final class Names {
    private Names() {}

    public static String of(Class<?> record) {
        Name given = record.getAnnotation(Name.class);
        if (given != null) return given.value();
        String words = kebab(record.getSimpleName());
        return Event.class.isAssignableFrom(record) ? words.replace('-', '_').toUpperCase(Locale.ROOT) : words;
    }

    static String of(RecordComponent member) {
        Name given = member.getAnnotation(Name.class);
        return given != null ? given.value() : kebab(member.getName());
    }

    static String of(Enum<?> constant) {
        @Nullable Name given;
        try {
            given = constant.getDeclaringClass().getField(constant.name()).getAnnotation(Name.class);
        } catch (NoSuchFieldException e) {
            throw new AssertionError("a constant is a field", e);
        }
        return given != null ? given.value() : constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static String kebab(String camel) {
        StringBuilder words = new StringBuilder();
        for (int n = 0; n < camel.length(); n++) {
            char c = camel.charAt(n);
            if (Character.isUpperCase(c) && n > 0) words.append('-');
            words.append(Character.toLowerCase(c));
        }
        return words.toString();
    }
}
