package io.kahvem.jvm.semantics.x87;

/// (placeholder until the x87 unit lands)
public final class X87 {}
