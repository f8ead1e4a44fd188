package io.kahvem.block;

import java.math.BigDecimal;
import java.util.Locale;

/// Sizes as qemu-img reads and writes them.
public final class ByteSize {
    private static final String UNITS = "BKMGTPE";
    private static final String[] NAMES = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

    private ByteSize() {}

    /// Bytes: `1G`, `1.5k`, `0x200`, and a bare number is bytes. Throws [BlockException]; `what` names the parameter.
    public static long parse(String what, String text) {
        long bytes = tryParse(text);
        if (bytes < 0) {
            throw BlockException.invalid("Parameter '%s' expects a non-negative number below 2^64\n".formatted(what)
                    + "Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.");
        }
        return bytes;
    }

    /// Bytes, or -1 for what is no size below 2^63.
    public static long tryParse(String text) {
        String number = text.strip();
        if (number.isEmpty()) return -1;
        int unit = UNITS.indexOf(Character.toUpperCase(number.charAt(number.length() - 1)));
        boolean hex = number.regionMatches(true, 0, "0x", 0, 2);
        if (unit >= 0 && !hex) number = number.substring(0, number.length() - 1);
        else unit = 0;
        long whole = wholeNumber(number);
        if (whole >= 0 && whole <= Long.MAX_VALUE >> 10 * unit) return whole << 10 * unit;
        try {
            if (hex) return Long.parseUnsignedLong(number.substring(2), 16);
            if (!number.matches("[0-9]{1,20}(\\.[0-9]{0,20})?")) return -1;
            BigDecimal bytes = new BigDecimal(number).multiply(BigDecimal.valueOf(1L << (10 * unit)));
            return bytes.compareTo(BigDecimal.valueOf(Long.MAX_VALUE)) > 0 ? -1 : bytes.longValue();
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /// Up to nine digits, which most sizes are: what decimal fractions need takes a start of ours 30 ms. -1 for anything else.
    private static long wholeNumber(String number) {
        if (number.isEmpty() || number.length() > 9) return -1;
        long value = 0;
        for (int n = 0; n < number.length(); n++) {
            char digit = number.charAt(n);
            if (digit < '0' || digit > '9') return -1;
            value = 10 * value + digit - '0';
        }
        return value;
    }

    /// Three significant digits and a unit: `1.5 GiB`, `196 KiB`, `64 MiB`.
    public static String show(long bytes) {
        int unit = 0;
        double value = bytes;
        // QEMU goes to the next unit from 1,000 on, so that three digits are always enough.
        while (value >= 1000 && unit < NAMES.length - 1) {
            value /= 1024;
            unit++;
        }
        return significant(value) + " " + NAMES[unit];
    }

    /// C's `%0.3g` for values below 1,000.
    private static String significant(double value) {
        int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : value >= 0.1 ? 3 : 4;
        String text = String.format(Locale.ROOT, "%." + decimals + "f", value);
        if (text.indexOf('.') < 0) return text;
        return text.replaceAll("0+$", "").replaceAll("\\.$", "");
    }
}
