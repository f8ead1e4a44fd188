package io.kahvem.cli.virsh;

import java.math.BigInteger;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/// A verb under way: what it was given, and where it runs.
record Call(Session session, Verb verb, Map<String, List<String>> values) {
    /// virDomainModificationImpact.
    static final int LIVE = 1;
    static final int CONFIG = 2;

    private static final String SCALES = "kmgtpe";

    boolean has(String option) {
        return values.containsKey(option);
    }

    Optional<String> text(String option) {
        return all(option).stream().findFirst();
    }

    /// The value of an option that the table says must be there.
    String given(String option) {
        return text(option).orElseThrow(() -> new AssertionError("the parser saw to <%s>".formatted(option)));
    }

    List<String> all(String option) {
        return values.getOrDefault(option, List.of());
    }

    Optional<Integer> integer(String option) {
        return text(option).map(text -> {
            try {
                return Integer.decode(text);
            } catch (NumberFormatException e) {
                throw malformed("Numeric", text, option);
            }
        });
    }

    Optional<Long> number(String option) {
        return text(option).map(text -> {
            try {
                return Long.decode(text);
            } catch (NumberFormatException e) {
                throw malformed("Numeric", text, option);
            }
        });
    }

    /// A size in bytes: a number and its unit, as `10`, `10k`, `10KiB` (1024) or `10KB` (1000).
    ///
    /// @param scale bytes that a bare number counts
    Optional<Long> bytes(String option, long scale) {
        return text(option).map(text -> {
            int digits = 0;
            while (digits < text.length() && Character.isDigit(text.charAt(digits))) digits++;
            if (digits == 0) throw malformed("Scaled numeric", text, option);
            String suffix = text.substring(digits);
            BigInteger unit = unit(suffix.toLowerCase(Locale.ROOT), scale).orElseThrow(() -> new Failure(
                    String.valueOf(malformed("Scaled numeric", text, option).getMessage()),
                    new Failure("invalid argument: unknown suffix '%s'".formatted(suffix))));
            BigInteger bytes = new BigInteger(text.substring(0, digits)).multiply(unit);
            if (bytes.bitLength() > Long.SIZE - 1) throw malformed("Scaled numeric", text, option);
            return bytes.longValue();
        });
    }

    private static Optional<BigInteger> unit(String suffix, long scale) {
        if (suffix.isEmpty()) return Optional.of(BigInteger.valueOf(scale));
        if (suffix.equals("b") || suffix.equals("byte") || suffix.equals("bytes")) return Optional.of(BigInteger.ONE);
        int power = SCALES.indexOf(suffix.charAt(0)) + 1;
        return switch (power == 0 ? "none" : suffix.substring(1)) {
            case "", "ib" -> Optional.of(BigInteger.valueOf(1024).pow(power));
            case "b" -> Optional.of(BigInteger.valueOf(1000).pow(power));
            default -> Optional.empty();
        };
    }

    private static Failure malformed(String kind, String text, String option) {
        return new Failure("%s value '%s' for <%s> option is malformed or out of range".formatted(kind, text, option));
    }

    /// Refuses two options that exclude each other.
    void exclusive(String one, String other) {
        if (has(one) && has(other)) throw new Failure("Options --%s and --%s are mutually exclusive".formatted(one, other));
    }

    /// One that goes only with another.
    void requires(String one, String other) {
        if (has(one) && !has(other)) throw new Failure("Option --%s is required by option --%s".formatted(other, one));
    }

    /// The sum of the flags whose options are there.
    int flags(Map<String, Integer> byOption) {
        int flags = 0;
        for (Map.Entry<String, Integer> each : byOption.entrySet()) {
            if (has(each.getKey())) flags |= each.getValue();
        }
        return flags;
    }

    /// What `--config`, `--live` and `--current` select.
    int affect() {
        exclusive("current", "live");
        exclusive("current", "config");
        return flags(Map.of("live", LIVE, "config", CONFIG));
    }

    /// The file an option names, or "Failed to open file" as virsh says it.
    String file(String option) {
        return Files.read(given(option));
    }
}
