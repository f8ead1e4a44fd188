package io.kahvem.daemon.domain;

import java.util.Locale;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/// Sizes with libvirt's units (formatdomain, "Memory Allocation").
public final class Units {
    private Units() {}

    /// The bytes of a number and its unit; a missing unit is `unitBytes`. Empty for what is no size or does not fit.
    public static OptionalLong bytes(String number, @Nullable String unit, long unitBytes) {
        long factor = unit == null ? unitBytes : factor(unit);
        try {
            long value = Long.parseLong(number.strip());
            if (value < 0 || factor == 0) return OptionalLong.empty();
            return OptionalLong.of(Math.multiplyExact(value, factor));
        } catch (ArithmeticException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private static long factor(String unit) {
        return switch (unit.toLowerCase(Locale.ROOT)) {
            case "b", "byte", "bytes" -> 1;
            case "kb" -> 1000;
            case "k", "kib" -> 1L << 10;
            case "mb" -> 1_000_000;
            case "m", "mib" -> 1L << 20;
            case "gb" -> 1_000_000_000;
            case "g", "gib" -> 1L << 30;
            case "tb" -> 1_000_000_000_000L;
            case "t", "tib" -> 1L << 40;
            case "pb" -> 1_000_000_000_000_000L;
            case "p", "pib" -> 1L << 50;
            case "e", "eib" -> 1L << 60;
            default -> 0;
        };
    }
}
