package io.kahvem.block;

import java.util.Locale;

/// How much of a new or grown image is allocated beforehand: qemu-img's `preallocation`.
public enum Preallocation {
    OFF,
    /// The format's tables, not the data.
    METADATA,
    /// Data too, by the file system and unwritten.
    FALLOC,
    /// Data too, by writing zeros.
    FULL;

    /// By the name qemu-img gives it; throws [BlockException].
    public static Preallocation of(String name) {
        for (Preallocation mode : values()) if (mode.toString().equals(name)) return mode;
        throw BlockException.invalid("Invalid parameter '" + name + "'");
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
