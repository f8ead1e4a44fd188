package io.kahvem.block;

/// What a check of an image's structure repairs.
public enum Repair {
    NONE,
    LEAKS,
    ALL
}
