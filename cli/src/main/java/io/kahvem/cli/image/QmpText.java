package io.kahvem.cli.image;

import java.util.List;
import java.util.Map;

/// Values as QEMU prints them: JSON with four blanks a level, or lines for people.
final class QmpText {
    private QmpText() {}

    /// Maps, lists, strings, numbers and truth values as JSON.
    static String json(Object value) {
        StringBuilder out = new StringBuilder();
        json(out, value, "");
        return out.toString();
    }

    private static void json(StringBuilder out, Object value, String indent) {
        String inner = indent + "    ";
        switch (value) {
            case Map<?, ?> map -> {
                out.append('{');
                String separator = "\n";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.append(separator).append(inner);
                    quote(out, String.valueOf(entry.getKey()));
                    out.append(": ");
                    json(out, entry.getValue(), inner);
                    separator = ",\n";
                }
                out.append('\n').append(indent).append('}');
            }
            case List<?> list -> {
                out.append('[');
                String separator = "\n";
                for (Object element : list) {
                    out.append(separator).append(inner);
                    json(out, element, inner);
                    separator = ",\n";
                }
                out.append('\n').append(indent).append(']');
            }
            case String text -> quote(out, text);
            default -> out.append(value);
        }
    }

    static String quoted(String text) {
        StringBuilder out = new StringBuilder();
        quote(out, text);
        return out.toString();
    }

    private static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int n = 0; n < text.length(); n++) {
            char c = text.charAt(n);
            switch (c) {
                case '"' -> out.append("\\\"");
                case '\\' -> out.append("\\\\");
                case '\n' -> out.append("\\n");
                case '\t' -> out.append("\\t");
                default -> {
                    if (c < ' ') out.append("\\u%04x".formatted((int) c));
                    else out.append(c);
                }
            }
        }
        out.append('"');
    }

    /// `    key: value` lines, nested ones further in; dashes in keys become blanks.
    static void lines(StringBuilder out, Map<?, ?> map, String indent) {
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(indent).append(String.valueOf(entry.getKey()).replace('-', ' ')).append(':');
            lineValue(out, entry.getValue(), indent);
        }
    }

    private static void lineValue(StringBuilder out, Object value, String indent) {
        switch (value) {
            case Map<?, ?> map -> {
                out.append('\n');
                lines(out, map, indent + "    ");
            }
            case List<?> list -> {
                out.append('\n');
                for (int n = 0; n < list.size(); n++) {
                    out.append(indent).append("    [").append(n).append("]:");
                    lineValue(out, list.get(n), indent + "    ");
                }
            }
            default -> out.append(' ').append(value).append('\n');
        }
    }
}
