package io.kahvem.libvirt.protocol;

import io.kahvem.libvirt.xdr.Arm;

/// A named value of statistics and tunables (virTypedParameter).
public record TypedParameter(String field, Value value) {
    public sealed interface Value {}

    @Arm(1)
    public record Int(int value) implements Value {}

    @Arm(2)
    public record UInt(int value) implements Value {}

    @Arm(3)
    public record Long(long value) implements Value {}

    @Arm(4)
    public record ULong(long value) implements Value {}

    @Arm(5)
    public record Double(double value) implements Value {}

    @Arm(6)
    public record Bool(boolean value) implements Value {}

    @Arm(7)
    public record Text(String value) implements Value {}

    public static TypedParameter ofInt(String field, int value) {
        return new TypedParameter(field, new Int(value));
    }

    public static TypedParameter ofUInt(String field, int value) {
        return new TypedParameter(field, new UInt(value));
    }

    public static TypedParameter ofLong(String field, long value) {
        return new TypedParameter(field, new Long(value));
    }

    public static TypedParameter ofULong(String field, long value) {
        return new TypedParameter(field, new ULong(value));
    }

    public static TypedParameter ofBool(String field, boolean value) {
        return new TypedParameter(field, new Bool(value));
    }

    public static TypedParameter ofText(String field, String value) {
        return new TypedParameter(field, new Text(value));
    }

    /// The number it holds, whatever its width; 0 for a text.
    public long asLong() {
        return switch (value) {
            case Int v -> v.value();
            case UInt v -> Integer.toUnsignedLong(v.value());
            case Long v -> v.value();
            case ULong v -> v.value();
            case Double v -> (long) v.value();
            case Bool v -> v.value() ? 1 : 0;
            case Text ignored -> 0;
        };
    }

    /// As text, for people.
    public String asText() {
        return switch (value) {
            case Int v -> java.lang.String.valueOf(v.value());
            case UInt v -> Integer.toUnsignedString(v.value());
            case Long v -> java.lang.String.valueOf(v.value());
            case ULong v -> java.lang.Long.toUnsignedString(v.value());
            case Double v -> java.lang.String.valueOf(v.value());
            case Bool v -> v.value() ? "yes" : "no";
            case Text v -> v.value();
        };
    }
}
