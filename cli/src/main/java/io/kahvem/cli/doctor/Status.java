package io.kahvem.cli.doctor;

/// How a [Check] came out.
enum Status {
    /// There, and works.
    PASS,
    /// Kahvem runs without it: slower, or without what it is for.
    WARN,
    /// Should work on this host and does not, or nothing runs without it.
    FAIL
}
