package io.kahvem.qmp.schema;

/// A command: its record's components are its arguments, `R` is what it returns ([Empty] for nothing).
public interface Command<R> {}
