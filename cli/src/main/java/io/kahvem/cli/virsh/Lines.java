package io.kahvem.cli.virsh;

import io.kahvem.libvirt.protocol.TypedParameter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/// How virsh sets names, sizes and processors in lines.
final class Lines {
    private static final String UNITS = "KMGTPE";

    private Lines() {}

    static String pair(String name, Object value) {
        return "%-15s %s\n".formatted(name, value);
    }

    static String at(List<String> names, int index, String otherwise) {
        return index >= 0 && index < names.size() ? names.get(index) : otherwise;
    }

    /// A name of an answer for people as a name of JSON's.
    static String jsonName(String name) {
        return name.toLowerCase(Locale.ROOT).replace("(s)", "s").replace(' ', '-');
    }

    static Object value(TypedParameter parameter) {
        return switch (parameter.value()) {
            case TypedParameter.Bool v -> v.value();
            case TypedParameter.Text v -> v.value();
            case TypedParameter.Double v -> v.value();
            default -> parameter.asLong();
        };
    }

    /// A size as people read it: 256.00 MiB.
    static String size(long bytes) {
        double value = bytes;
        int unit = -1;
        while (value >= 1024 && unit < UNITS.length() - 1) {
            value /= 1024;
            unit++;
        }
        return unit < 0 ? "%.2f B".formatted(value) : "%.2f %siB".formatted(value, UNITS.charAt(unit));
    }

    /// Text in an array of chars that ends with zeros.
    static String text(byte[] chars) {
        int length = 0;
        while (length < chars.length && chars[length] != 0) length++;
        return new String(chars, 0, length, StandardCharsets.UTF_8);
    }

    // ---- maps of processors

    static boolean isSet(byte[] map, int cpu) {
        return cpu >> 3 < map.length && (map[cpu >> 3] >> (cpu & 7) & 1) != 0;
    }

    /// One letter a processor.
    static String letters(byte[] map, int cpus) {
        StringBuilder text = new StringBuilder();
        for (int n = 0; n < cpus; n++) text.append(isSet(map, n) ? 'y' : '-');
        return text.toString();
    }

    /// As 0-3,5.
    static String ranges(byte[] map, int cpus) {
        StringBuilder text = new StringBuilder();
        for (int n = 0; n < cpus; n++) {
            if (!isSet(map, n)) continue;
            int last = n;
            while (last + 1 < cpus && isSet(map, last + 1)) last++;
            if (!text.isEmpty()) text.append(',');
            text.append(n);
            if (last > n) text.append('-').append(last);
            n = last;
        }
        return text.toString();
    }

    /// The map of a text such as 0-3,^2 or `r` for all.
    static byte[] map(String text, int cpus) {
        byte[] map = new byte[(cpus + 7) / 8];
        for (String part : text.equals("r") ? new String[] {"0-" + (cpus - 1)} : text.split(",", -1)) {
            boolean out = part.startsWith("^");
            String[] ends = (out ? part.substring(1) : part).split("-", 2);
            try {
                int first = Integer.parseInt(ends[0]);
                int last = Integer.parseInt(ends[ends.length - 1]);
                if (first > last) throw new NumberFormatException();
                for (int n = first; n <= last && n < cpus; n++) {
                    if (out) {
                        map[n >> 3] &= (byte) ~(1 << (n & 7));
                    } else {
                        map[n >> 3] |= (byte) (1 << (n & 7));
                    }
                }
            } catch (NumberFormatException e) {
                throw new Failure("cpulist: Invalid format.");
            }
        }
        return map;
    }
}
