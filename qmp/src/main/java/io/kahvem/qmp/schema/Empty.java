package io.kahvem.qmp.schema;

/// What a command returns that returns nothing: `{}`.
public record Empty() {}
