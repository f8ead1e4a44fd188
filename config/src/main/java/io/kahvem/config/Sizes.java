package io.kahvem.config;

/// Sizes of memory in the form people give them to QEMU: `512M`, `2G`, `1.5G`, and a bare number is MiB.
public final class Sizes {
    private static final String UNITS = "BKMGT";

    private Sizes() {}

    /// Bytes of `text`; `what` names the option for the message of the [ConfigException].
    public static long parse(String what, String text) {
        String number = text.strip();
        int shift = 20;
        if (!number.isEmpty()) {
            int unit = UNITS.indexOf(Character.toUpperCase(number.charAt(number.length() - 1)));
            if (unit >= 0) {
                shift = 10 * unit;
                number = number.substring(0, number.length() - 1);
            }
        }
        if (!number.matches("[0-9]{1,15}(\\.[0-9]{1,6})?")) throw notASize(what, text);
        double bytes = Double.parseDouble(number) * (1L << shift);
        if (bytes != Math.rint(bytes)) throw ConfigException.of(what, text, "is no whole number of bytes");
        if (bytes > 1L << 52) {
            throw ConfigException.of(what, text, "is more than any machine has; units are K, M, G and T, and a bare number is MiB");
        }
        return (long) bytes;
    }

    /// The shortest exact form: `512 MiB`, `1 GiB`, `4097 bytes`.
    public static String show(long bytes) {
        String[] names = {"bytes", "KiB", "MiB", "GiB", "TiB"};
        int unit = 0;
        while (unit < names.length - 1 && bytes >= 1024 && bytes % 1024 == 0) {
            bytes /= 1024;
            unit++;
        }
        return bytes + " " + names[unit];
    }

    private static ConfigException notASize(String what, String text) {
        return ConfigException.of(what, text,
                "is no size; give a number and a unit of K, M, G or T, as in 512M or 2G (a bare number is MiB)");
    }
}
